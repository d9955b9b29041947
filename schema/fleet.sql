-- Captured machines: a migration beside those of observations and drivers.
--
-- The tables stay when the matrix is generated anew.  Physical addresses are
-- hexadecimal text: SQLite's integers are signed.

CREATE TABLE host (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,     -- of the capture, as it was given
  sha256 TEXT,                   -- of its bytes; NULL for a folder
  release TEXT NOT NULL,
  kernel TEXT NOT NULL,
  platforms TEXT NOT NULL,       -- joined by |
  platform TEXT NOT NULL,
  command_line TEXT NOT NULL,
  swiotlb TEXT NOT NULL,
  ram TEXT NOT NULL,
  ram_bytes INTEGER NOT NULL,
  cpus INTEGER NOT NULL,
  pool TEXT,                     -- NULL for none
  pool_force INTEGER NOT NULL CHECK (pool_force IN (0, 1)),
  pool_slots INTEGER,
  pool_used INTEGER,
  pool_high_water INTEGER,
  notes TEXT NOT NULL,
  imported TEXT NOT NULL,        -- UTC
  tool_version TEXT NOT NULL,
  model_digest TEXT NOT NULL
) STRICT;

CREATE TABLE host_device (
  host INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  address TEXT NOT NULL,
  vendor INTEGER,
  device INTEGER,
  class INTEGER,
  class_words TEXT NOT NULL,
  driver TEXT,
  domain TEXT NOT NULL,
  iommu TEXT NOT NULL,
  mask INTEGER CHECK (mask BETWEEN 0 AND 64),
  coherent_bits INTEGER CHECK (coherent_bits BETWEEN 0 AND 64),
  coherent_mask TEXT,
  bus_limit TEXT NOT NULL,
  coherent TEXT NOT NULL,
  external TEXT NOT NULL,
  one_mask INTEGER NOT NULL CHECK (one_mask IN (0, 1)),
  max_mapping INTEGER,           -- NULL for no limit
  PRIMARY KEY (host, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE host_answer (
  host INTEGER NOT NULL,
  position INTEGER NOT NULL,
  request TEXT NOT NULL CHECK (request IN ('map low', 'map high', 'alloc')),
  result TEXT NOT NULL,
  verdict TEXT NOT NULL,
  exposure TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  PRIMARY KEY (host, position, request),
  FOREIGN KEY (host, position) REFERENCES host_device (host, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE fleet_kernel (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE host_kernel (
  host INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  kernel TEXT NOT NULL REFERENCES fleet_kernel (name),
  worse INTEGER NOT NULL CHECK (worse IN (0, 1)),
  notes TEXT NOT NULL,
  PRIMARY KEY (host, kernel)
) STRICT, WITHOUT ROWID;

CREATE TABLE host_change (
  host INTEGER NOT NULL,
  kernel TEXT NOT NULL,
  position INTEGER NOT NULL,
  request TEXT NOT NULL,
  effect TEXT NOT NULL CHECK (effect IN ('breaks', 'may break', 'exposes', 'slower', 'better', 'other')),
  before TEXT NOT NULL,
  after TEXT NOT NULL,
  decided_by TEXT NOT NULL,
  PRIMARY KEY (host, kernel, position, request),
  FOREIGN KEY (host, kernel) REFERENCES host_kernel (host, kernel) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE host_traffic (
  host INTEGER NOT NULL REFERENCES host (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  device TEXT NOT NULL,
  driver TEXT,
  mappings INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  bounced INTEGER NOT NULL,
  bounced_bytes INTEGER NOT NULL,
  bounced_forced INTEGER NOT NULL,
  bounced_reach INTEGER NOT NULL,
  bounced_kmalloc INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  largest INTEGER NOT NULL,
  allocations INTEGER NOT NULL,
  allocated_bytes INTEGER NOT NULL,
  failed_allocations INTEGER NOT NULL,
  PRIMARY KEY (host, position)
) STRICT, WITHOUT ROWID;

CREATE VIEW fleet AS
SELECT h.name AS host, h.release, h.kernel, h.platform, h.swiotlb, h.ram_bytes,
  d.address, d.vendor, d.device, d.class_words, d.driver, d.domain, d.iommu, d.mask,
  d.coherent_bits, d.coherent_mask, d.bus_limit, d.coherent, d.external, d.one_mask,
  d.max_mapping
FROM host AS h
JOIN host_device AS d ON d.host = h.id;

INSERT OR REPLACE INTO description (object, "column", text) VALUES
  ('host', '', 'captured machines'),
  ('host', 'id', 'number'),
  ('host', 'name', 'path of the capture, as it was given'),
  ('host', 'sha256', 'of the capture''s bytes, decompressed; NULL for a folder'),
  ('host', 'release', 'uname -r'),
  ('host', 'kernel', 'the modelled kernel that answers'),
  ('host', 'platforms', 'platforms that fit the boot log, joined by |'),
  ('host', 'platform', 'the one of them that answers'),
  ('host', 'command_line', 'parameters that concern DMA'),
  ('host', 'swiotlb', 'swiotlb mode'),
  ('host', 'ram', 'RAM ranges, end exclusive'),
  ('host', 'ram_bytes', 'bytes of RAM'),
  ('host', 'cpus', 'possible CPUs'),
  ('host', 'pool', 'physical range of the default pool by the boot log or the model, NULL for none'),
  ('host', 'pool_force', '1: the pool bounces every mapping of dma-direct'),
  ('host', 'pool_slots', 'io_tlb_nslabs, slots of 2 KiB; NULL where debugfs was not readable'),
  ('host', 'pool_used', 'io_tlb_used'),
  ('host', 'pool_high_water', 'io_tlb_used_hiwater'),
  ('host', 'notes', 'what is missing or was assumed, a line each'),
  ('host', 'imported', 'when, UTC'),
  ('host', 'tool_version', 'the dmamatrix that stored it'),
  ('host', 'model_digest', 'the model of that dmamatrix'),
  ('host_device', '', 'PCI devices of captured machines'),
  ('host_device', 'host', 'machine'),
  ('host_device', 'position', 'order by address'),
  ('host_device', 'address', 'PCI address'),
  ('host_device', 'vendor', 'vendor''s number, as in driver_id'),
  ('host_device', 'device', 'device''s number, as in driver_id'),
  ('host_device', 'class', 'class code, 24 bits'),
  ('host_device', 'class_words', 'class in words'),
  ('host_device', 'driver', 'driver, NULL for none'),
  ('host_device', 'domain', 'type of the IOMMU group''s domain, none without a group'),
  ('host_device', 'iommu', 'the matrix'' IOMMU mode: none, off, passthrough, translated'),
  ('host_device', 'mask', 'bits of the streaming mask, NULL where it is not in the capture'),
  ('host_device', 'coherent_bits', 'bits of the coherent mask, likewise'),
  ('host_device', 'coherent_mask', 'the coherent mask as its axis names it: same, 32, 64, ...'),
  ('host_device', 'bus_limit', 'dev->bus_dma_limit as its axis names it, where a trace shows one'),
  ('host_device', 'coherent', '0: a trace shows that the device is not coherent'),
  ('host_device', 'external', '1: untrusted; not to be seen in a capture, 0'),
  ('host_device', 'one_mask', '1: the driver set one mask and left the other at 32 bits'),
  ('host_device', 'max_mapping', 'dma_max_mapping_size(), NULL for no limit'),
  ('host_answer', '', 'what a device gets from the machine''s kernel'),
  ('host_answer', 'host', 'machine'),
  ('host_answer', 'position', 'device'),
  ('host_answer', 'request', 'map low, map high: a page of low or high RAM, mapped; alloc: a page, allocated'),
  ('host_answer', 'result', 'what the kernel does; maybe: no page that surely fits is known'),
  ('host_answer', 'verdict', 'what then happens on the bus, or maybe'),
  ('host_answer', 'exposure', 'what a success costs'),
  ('host_answer', 'decided_by', 'the rule that decides'),
  ('fleet_kernel', '', 'kernels that machines were compared with'),
  ('fleet_kernel', 'id', 'number'),
  ('fleet_kernel', 'name', 'kernel'),
  ('host_kernel', '', 'which machines were compared with which kernels'),
  ('host_kernel', 'host', 'machine'),
  ('host_kernel', 'kernel', 'kernel'),
  ('host_kernel', 'worse', '1: some device breaks, may break, exposes or gets slower, or the pool is smaller than what was in use'),
  ('host_kernel', 'notes', 'what had to be assumed, a line each'),
  ('host_change', '', 'what another kernel changes for a device'),
  ('host_change', 'host', 'machine'),
  ('host_change', 'kernel', 'that kernel'),
  ('host_change', 'position', 'device'),
  ('host_change', 'request', 'map low, map high, alloc, max mapping'),
  ('host_change', 'effect', 'breaks, may break (an allocation for which no page that surely fits is known), exposes, slower, better, other'),
  ('host_change', 'before', 'what it gets from its own kernel'),
  ('host_change', 'after', 'what it gets then'),
  ('host_change', 'decided_by', 'the rule that decides then'),
  ('host_traffic', '', 'traced traffic of captured machines by device'),
  ('host_traffic', 'host', 'machine'),
  ('host_traffic', 'position', 'order in the trace'),
  ('host_traffic', 'device', 'name of the device; of a PCI device its address'),
  ('host_traffic', 'driver', 'driver, NULL where sysfs does not list the device'),
  ('host_traffic', 'mappings', 'mapped buffers'),
  ('host_traffic', 'bytes', 'their bytes'),
  ('host_traffic', 'bounced', 'of them bounced'),
  ('host_traffic', 'bounced_bytes', 'their bytes'),
  ('host_traffic', 'bounced_forced', 'bounced because the pool bounces everything'),
  ('host_traffic', 'bounced_reach', 'bounced because mask or bus limit do not reach the buffer'),
  ('host_traffic', 'bounced_kmalloc', 'bounced as small buffers of a device that is not coherent'),
  ('host_traffic', 'failed', 'mappings that failed'),
  ('host_traffic', 'largest', 'bytes of the largest mapping'),
  ('host_traffic', 'allocations', 'allocations'),
  ('host_traffic', 'allocated_bytes', 'their bytes'),
  ('host_traffic', 'failed_allocations', 'of them failed'),
  ('fleet', '', 'devices with their machine'),
  ('fleet', 'host', 'name of the machine'),
  ('fleet', 'release', 'uname -r'),
  ('fleet', 'kernel', 'the modelled kernel that answers'),
  ('fleet', 'platform', 'platform'),
  ('fleet', 'swiotlb', 'swiotlb mode'),
  ('fleet', 'ram_bytes', 'bytes of RAM'),
  ('fleet', 'address', 'PCI address'),
  ('fleet', 'vendor', 'vendor''s number'),
  ('fleet', 'device', 'device''s number'),
  ('fleet', 'class_words', 'class in words'),
  ('fleet', 'driver', 'driver, NULL for none'),
  ('fleet', 'domain', 'type of the IOMMU group''s domain'),
  ('fleet', 'iommu', 'the matrix'' IOMMU mode'),
  ('fleet', 'mask', 'bits of the streaming mask'),
  ('fleet', 'coherent_bits', 'bits of the coherent mask'),
  ('fleet', 'coherent_mask', 'the coherent mask as its axis names it'),
  ('fleet', 'bus_limit', 'dev->bus_dma_limit as its axis names it'),
  ('fleet', 'coherent', '0: not coherent'),
  ('fleet', 'external', '1: untrusted'),
  ('fleet', 'one_mask', '1: the driver set one mask alone'),
  ('fleet', 'max_mapping', 'dma_max_mapping_size(), NULL for no limit');
