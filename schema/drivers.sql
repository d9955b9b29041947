-- What the drivers of kernel trees set: a migration beside that of observations.
--
-- The tables stay when the matrix is generated anew.  Masks that are no
-- DMA_BIT_MASK(n) are hexadecimal text: SQLite's integers are signed.

CREATE TABLE driver_tree (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  release TEXT NOT NULL,
  files INTEGER NOT NULL,
  tool_version TEXT NOT NULL
) STRICT;

CREATE TABLE driver (
  id INTEGER PRIMARY KEY,
  tree_id INTEGER NOT NULL REFERENCES driver_tree (id) ON DELETE CASCADE,
  file TEXT NOT NULL,
  module TEXT,
  kconfig TEXT,
  depends_on TEXT NOT NULL,
  architectures TEXT NOT NULL,   -- joined by ,
  compile_test TEXT NOT NULL,
  buses TEXT NOT NULL,
  sets TEXT NOT NULL CHECK (sets IN ('both', 'streaming', 'coherent', 'none')),
  decided INTEGER NOT NULL CHECK (decided IN (0, 1)),
  counted INTEGER NOT NULL CHECK (counted IN (0, 1)),
  device_tree INTEGER NOT NULL CHECK (device_tree IN (0, 1)),
  UNIQUE (tree_id, file)
) STRICT;

CREATE TABLE driver_mask (
  driver INTEGER NOT NULL REFERENCES driver (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  alternative INTEGER NOT NULL,
  line INTEGER NOT NULL,
  function TEXT NOT NULL,
  callee TEXT NOT NULL,
  expression TEXT NOT NULL,
  bits INTEGER CHECK (bits BETWEEN 0 AND 64),
  value TEXT,
  streaming INTEGER NOT NULL CHECK (streaming IN (0, 1)),
  coherent INTEGER NOT NULL CHECK (coherent IN (0, 1)),
  decided INTEGER NOT NULL CHECK (decided IN (0, 1)),
  fallback_of INTEGER,
  PRIMARY KEY (driver, position, alternative)
) STRICT, WITHOUT ROWID;

CREATE TABLE driver_pair (
  driver INTEGER NOT NULL REFERENCES driver (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  streaming INTEGER,
  coherent INTEGER,
  coherent_mask TEXT,
  streaming_value TEXT NOT NULL,
  coherent_value TEXT NOT NULL,
  PRIMARY KEY (driver, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE driver_use (
  driver INTEGER NOT NULL REFERENCES driver (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  line INTEGER NOT NULL,
  function TEXT NOT NULL,
  name TEXT NOT NULL,
  expression TEXT NOT NULL,
  value TEXT,
  PRIMARY KEY (driver, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE driver_id (
  driver INTEGER NOT NULL REFERENCES driver (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  bus TEXT NOT NULL,
  vendor INTEGER,
  device INTEGER,
  text TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  PRIMARY KEY (driver, position)
) STRICT, WITHOUT ROWID;

INSERT OR REPLACE INTO description (object, "column", text) VALUES
  ('driver_tree', '', 'kernel trees whose drivers were read'),
  ('driver_tree', 'id', 'number'),
  ('driver_tree', 'name', 'name of the tree, its major and minor version unless another was given'),
  ('driver_tree', 'release', 'version of its Makefile'),
  ('driver_tree', 'files', 'C files and headers that were read'),
  ('driver_tree', 'tool_version', 'the dmamatrix that read it'),
  ('driver', '', 'source files that set DMA masks, limits or attributes'),
  ('driver', 'id', 'number'),
  ('driver', 'tree_id', 'tree'),
  ('driver', 'file', 'path below the tree'),
  ('driver', 'module', 'module that it is built into, NULL where no Makefile says it'),
  ('driver', 'kconfig', 'symbol of the module, without CONFIG_'),
  ('driver', 'depends_on', 'what the symbol depends on, as Kconfig has it'),
  ('driver', 'architectures', 'of x86, arm64, s390 and powerpc those on which the symbol can be on, joined by commas'),
  ('driver', 'compile_test', 'those on which only COMPILE_TEST lets it be on'),
  ('driver', 'buses', 'kinds of driver in the file and of device tables in the module'),
  ('driver', 'sets', 'which masks it sets: both, streaming, coherent, none'),
  ('driver', 'decided', '1: by what its file does, its devices can have no other pairs of masks than those of driver_pair; another module, or a device that is not its own, is not seen'),
  ('driver', 'counted', '1: below drivers, sound or net, with a call that sets a mask: what is counted as a driver'),
  ('driver', 'device_tree', '1: a device tree alone can describe its devices, and x86 has none'),
  ('driver_mask', '', 'places that set a mask, one row for each value that it may have'),
  ('driver_mask', 'driver', 'driver'),
  ('driver_mask', 'position', 'order in the file'),
  ('driver_mask', 'alternative', 'order of the values of one place'),
  ('driver_mask', 'line', 'line'),
  ('driver_mask', 'function', 'function or macro around it'),
  ('driver_mask', 'callee', 'function that is called, or what is stored'),
  ('driver_mask', 'expression', 'the mask as it is written'),
  ('driver_mask', 'bits', 'n of DMA_BIT_MASK(n), NULL where it is another value or not decided'),
  ('driver_mask', 'value', 'the mask in hexadecimal, NULL where it is not decided'),
  ('driver_mask', 'streaming', '1: sets *dev->dma_mask'),
  ('driver_mask', 'coherent', '1: sets dev->coherent_dma_mask'),
  ('driver_mask', 'decided', '1: the mask can have no other values'),
  ('driver_mask', 'fallback_of', 'position of the place whose failure leads here'),
  ('driver_pair', '', 'streaming and coherent masks that a device of a driver may have together when it is driven'),
  ('driver_pair', 'driver', 'driver'),
  ('driver_pair', 'position', 'order, most preferred first'),
  ('driver_pair', 'streaming', 'bits, NULL where the mask is no DMA_BIT_MASK(n)'),
  ('driver_pair', 'coherent', 'bits, likewise; 32 where only the bus sets it'),
  ('driver_pair', 'coherent_mask', 'the coherent mask as its axis names it: same, 32, 64, ...'),
  ('driver_pair', 'streaming_value', 'the mask in hexadecimal'),
  ('driver_pair', 'coherent_value', 'likewise'),
  ('driver_use', '', 'other uses of the DMA API that requests depend on'),
  ('driver_use', 'driver', 'driver'),
  ('driver_use', 'position', 'order in the file'),
  ('driver_use', 'line', 'line'),
  ('driver_use', 'function', 'function around it'),
  ('driver_use', 'name', 'dma_set_seg_boundary, dma_set_min_align_mask, dma_set_max_seg_size, DMA_ATTR_*, or a store to dma_mask that is no mask of a device'),
  ('driver_use', 'expression', 'value as it is written'),
  ('driver_use', 'value', 'in hexadecimal, NULL where it is not decided'),
  ('driver_id', '', 'devices that a drivers module names in MODULE_DEVICE_TABLE'),
  ('driver_id', 'driver', 'driver'),
  ('driver_id', 'position', 'order'),
  ('driver_id', 'bus', 'pci, usb, of, acpi'),
  ('driver_id', 'vendor', 'PCI or USB vendor, NULL for any'),
  ('driver_id', 'device', 'PCI or USB device, NULL for any'),
  ('driver_id', 'text', 'compatible or ACPI name; the entry as it is written where a number is not decided'),
  ('driver_id', 'file', 'file of the table'),
  ('driver_id', 'line', 'line of the entry');
