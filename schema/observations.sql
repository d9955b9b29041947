-- What booted kernels did: the first migration of the tables of observations.
--
-- They stay when the matrix is generated anew.  Physical and DMA addresses are
-- hexadecimal text: SQLite's integers are signed.

CREATE TABLE observation_source (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,            -- of the file, without its directory
  sha256 TEXT NOT NULL UNIQUE,   -- of its bytes as they were read
  kind TEXT NOT NULL CHECK (kind IN ('log', 'csv')),
  intact_only INTEGER NOT NULL CHECK (intact_only IN (0, 1)),
  imported TEXT NOT NULL,        -- UTC
  tool_version TEXT NOT NULL,
  model_digest TEXT NOT NULL
) STRICT;

CREATE TABLE observed_boot (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES observation_source (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  kernel TEXT NOT NULL,
  release TEXT NOT NULL,
  label TEXT NOT NULL,
  command_line TEXT NOT NULL,
  platforms TEXT NOT NULL,       -- joined by |
  iommu TEXT NOT NULL,
  domain TEXT NOT NULL CHECK (domain IN ('none', 'identity', 'dma', 'dma-fq')),
  external INTEGER NOT NULL CHECK (external IN (0, 1)),
  swiotlb TEXT NOT NULL,
  mem TEXT NOT NULL,
  ram TEXT NOT NULL,
  cpus INTEGER NOT NULL,
  wants_pool INTEGER NOT NULL CHECK (wants_pool IN (0, 1)),
  bus_limit INTEGER NOT NULL,    -- bits, 0 for none
  pool TEXT,                     -- NULL for none
  pool_force INTEGER NOT NULL CHECK (pool_force IN (0, 1)),
  UNIQUE (source_id, position)
) STRICT;

CREATE TABLE observation (
  boot_id INTEGER NOT NULL REFERENCES observed_boot (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  line INTEGER NOT NULL,
  mask_bits INTEGER NOT NULL CHECK (mask_bits BETWEEN 0 AND 64),
  set_mask INTEGER NOT NULL,
  set_coherent_mask INTEGER NOT NULL,
  dma_mask TEXT NOT NULL,
  op TEXT NOT NULL,
  region TEXT NOT NULL,
  dir TEXT,
  attrs TEXT NOT NULL,
  len INTEGER,
  phys TEXT,
  phys2 TEXT,
  dma TEXT,
  result TEXT NOT NULL,
  need_sync INTEGER,
  slots INTEGER,
  copied_in INTEGER,
  copied_out INTEGER,
  max_mapping TEXT,
  opt_mapping TEXT,
  required_mask TEXT,
  addressing_limited INTEGER,
  scenario TEXT,                 -- NULL where the matrix does not ask it
  PRIMARY KEY (boot_id, position)
) STRICT, WITHOUT ROWID;

CREATE VIEW observed AS
SELECT b.kernel, b.release, b.platforms AS platform, b.iommu, b.domain, b.external,
  b.swiotlb, b.mem, b.bus_limit, b.pool, o.mask_bits AS mask, o.op, o.region, o.attrs,
  o.dir, o.len, o.phys, o.dma, o.result, o.need_sync, o.slots, o.copied_in,
  o.copied_out, o.scenario, s.name AS source, o.line
FROM observation_source AS s
JOIN observed_boot AS b ON b.source_id = s.id
JOIN observation AS o ON o.boot_id = b.id;

INSERT OR REPLACE INTO description (object, "column", text) VALUES
  ('grdb_migrations', '', 'which migrations of the observation tables were made'),
  ('grdb_migrations', 'identifier', 'migration'),
  ('observation_source', '', 'files of observations: where each row comes from'),
  ('observation_source', 'id', 'number'),
  ('observation_source', 'name', 'name of the file, without its directory'),
  ('observation_source', 'sha256', 'of its bytes; a file is held once'),
  ('observation_source', 'kind', 'log: a kernel log with lines of dmaprobe; csv'),
  ('observation_source', 'intact_only', '1: only intact lines of a damaged log were taken'),
  ('observation_source', 'imported', 'when, UTC'),
  ('observation_source', 'tool_version', 'the dmamatrix that imported it'),
  ('observation_source', 'model_digest', 'the model of that dmamatrix'),
  ('observed_boot', '', 'machines as they were booted for observations'),
  ('observed_boot', 'id', 'number'),
  ('observed_boot', 'source_id', 'file'),
  ('observed_boot', 'position', 'order in the file'),
  ('observed_boot', 'kernel', 'the modelled kernel that answers'),
  ('observed_boot', 'release', 'uname -r'),
  ('observed_boot', 'label', 'what was booted, in the words of the file'),
  ('observed_boot', 'command_line', 'the kernel''s command line'),
  ('observed_boot', 'platforms', 'platforms that fit the boot log, joined by |'),
  ('observed_boot', 'iommu', 'IOMMU mode'),
  ('observed_boot', 'domain', 'the device''s domain: none, identity, dma, dma-fq'),
  ('observed_boot', 'external', '1: untrusted, external-facing PCI device'),
  ('observed_boot', 'swiotlb', 'swiotlb mode'),
  ('observed_boot', 'mem', 'name of the machine'),
  ('observed_boot', 'ram', 'RAM ranges, end exclusive'),
  ('observed_boot', 'cpus', 'possible CPUs'),
  ('observed_boot', 'wants_pool', '1: iommu=soft asks for a pool'),
  ('observed_boot', 'bus_limit', 'dev->bus_dma_limit in bits, 0 for none'),
  ('observed_boot', 'pool', 'physical range of the device''s pool, NULL for none'),
  ('observed_boot', 'pool_force', '1: that pool bounces every mapping through dma-direct'),
  ('observation', '', 'what a booted kernel did with a request'),
  ('observation', 'boot_id', 'boot'),
  ('observation', 'position', 'order in which they were asked'),
  ('observation', 'line', 'line of the file'),
  ('observation', 'mask_bits', 'bits of the mask that was set, 0 where none was'),
  ('observation', 'set_mask', 'what dma_set_mask() returned'),
  ('observation', 'set_coherent_mask', 'what dma_set_coherent_mask() returned'),
  ('observation', 'dma_mask', '*dev->dma_mask'),
  ('observation', 'op', 'what was asked: set_mask, map_page, map_sg, alloc_coherent, ...'),
  ('observation', 'region', 'where the buffer lay, or what the allocator was asked'),
  ('observation', 'dir', 'bidi, to or from'),
  ('observation', 'attrs', 'DMA_ATTR_* without that, joined by +'),
  ('observation', 'len', 'bytes; of a scatter list the sum'),
  ('observation', 'phys', 'physical address'),
  ('observation', 'phys2', 'that of a scatter list''s second entry'),
  ('observation', 'dma', 'DMA address'),
  ('observation', 'result', 'direct, bounce, iova, iova_bounce, error, absent, ok'),
  ('observation', 'need_sync', 'dma_need_sync()'),
  ('observation', 'slots', 'slots of the pool that were taken'),
  ('observation', 'copied_in', '1: the map copied the buffer into the pool'),
  ('observation', 'copied_out', '1: the unmap copied it back'),
  ('observation', 'max_mapping', 'dma_max_mapping_size()'),
  ('observation', 'opt_mapping', 'dma_opt_mapping_size()'),
  ('observation', 'required_mask', 'dma_get_required_mask()'),
  ('observation', 'addressing_limited', 'dma_addressing_limited()'),
  ('observation', 'scenario', 'key of the scenario that asks the same of that machine'),
  ('observed', '', 'observations with their boot and file'),
  ('observed', 'kernel', 'the modelled kernel that answers'),
  ('observed', 'release', 'uname -r'),
  ('observed', 'platform', 'platforms that fit the boot log, joined by |'),
  ('observed', 'iommu', 'IOMMU mode'),
  ('observed', 'domain', 'the device''s domain: none, identity, dma, dma-fq'),
  ('observed', 'external', '1: untrusted, external-facing PCI device'),
  ('observed', 'swiotlb', 'swiotlb mode'),
  ('observed', 'mem', 'name of the machine'),
  ('observed', 'bus_limit', 'dev->bus_dma_limit in bits, 0 for none'),
  ('observed', 'pool', 'physical range of the device''s pool, NULL for none'),
  ('observed', 'mask', 'bits of the mask that was set, 0 where none was'),
  ('observed', 'op', 'what was asked'),
  ('observed', 'region', 'where the buffer lay, or what the allocator was asked'),
  ('observed', 'attrs', 'DMA_ATTR_* without that, joined by +'),
  ('observed', 'dir', 'bidi, to or from'),
  ('observed', 'len', 'bytes; of a scatter list the sum'),
  ('observed', 'phys', 'physical address'),
  ('observed', 'dma', 'DMA address'),
  ('observed', 'result', 'direct, bounce, iova, iova_bounce, error, absent, ok'),
  ('observed', 'need_sync', 'dma_need_sync()'),
  ('observed', 'slots', 'slots of the pool that were taken'),
  ('observed', 'copied_in', '1: the map copied the buffer into the pool'),
  ('observed', 'copied_out', '1: the unmap copied it back'),
  ('observed', 'scenario', 'key of the scenario that asks the same of that machine'),
  ('observed', 'source', 'file'),
  ('observed', 'line', 'its line');
