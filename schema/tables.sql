-- The tables of a dmamatrix database.
--
-- What many have in common is stored once, by what it holds.  A boot has a set
-- of answers, which other boots may share: for each request (and circumstance
-- that alters it) a block, which says what profile of masks answers each
-- device; profile_span spells a profile out as spans of DMA masks, each with
-- one outcome.  Everything else is a dimension.  People read the views.

CREATE TABLE provenance (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE description (
  object TEXT NOT NULL,
  "column" TEXT NOT NULL, -- empty for the object itself
  text TEXT NOT NULL,
  PRIMARY KEY (object, "column")
) STRICT, WITHOUT ROWID;

-- Kernels: releases, and posted versions of a patch series.

CREATE TABLE kernel (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  base TEXT REFERENCES kernel (name), -- NULL for the oldest
  source_package TEXT,                -- NULL for a posted series
  message_id TEXT,                    -- NULL for a release
  link TEXT
) STRICT;

CREATE TABLE knob (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  file TEXT NOT NULL,
  "function" TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE kernel_knob (
  kernel_id INTEGER NOT NULL REFERENCES kernel (id),
  knob_id TEXT NOT NULL REFERENCES knob (id),
  value TEXT NOT NULL,
  PRIMARY KEY (kernel_id, knob_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kernel_change (
  kernel_id INTEGER NOT NULL REFERENCES kernel (id),
  position INTEGER NOT NULL,
  knob_id TEXT NOT NULL REFERENCES knob (id),
  value TEXT NOT NULL,
  source TEXT NOT NULL,
  PRIMARY KEY (kernel_id, position)
) STRICT, WITHOUT ROWID;

-- Axes and outcome columns: one small table each, the label second.

CREATE TABLE platform (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE iommu (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE swiotlb (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE coherent_mask (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE bus_limit (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE coherent (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE external (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE op (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE attrs (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE buf (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE result (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE enc (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE mem_state (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE verdict (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE exposure (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE mem (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  ram TEXT NOT NULL, -- ranges of physical addresses, end exclusive
  dma_ranges TEXT NOT NULL,   -- of its devices: CPU:BUS:SIZE, or none
  seg_boundary TEXT NOT NULL, -- a mask, or none
  min_align INTEGER NOT NULL CHECK (min_align >= 0),
  device_bits INTEGER NOT NULL CHECK (device_bits BETWEEN 1 AND 64)
) STRICT;

CREATE TABLE mask (
  bits INTEGER PRIMARY KEY CHECK (bits BETWEEN 0 AND 64),
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL,
  file TEXT NOT NULL,
  "function" TEXT NOT NULL,
  condition TEXT NOT NULL
) STRICT;

-- What a scenario is made of.

CREATE TABLE boot (
  id INTEGER PRIMARY KEY,
  kernel TEXT NOT NULL REFERENCES kernel (name),
  platform TEXT NOT NULL REFERENCES platform (name),
  iommu TEXT NOT NULL REFERENCES iommu (name),
  swiotlb TEXT NOT NULL REFERENCES swiotlb (name),
  mem TEXT NOT NULL REFERENCES mem (name),
  pool TEXT NOT NULL,      -- physical range of the device's pool, or -
  pool_state TEXT NOT NULL REFERENCES mem_state (name),
  force_bounce INTEGER NOT NULL CHECK (force_bounce IN (0, 1)),
  pool_first INTEGER,      -- NULL without a pool
  pool_last INTEGER,
  pool_slots INTEGER NOT NULL CHECK (pool_slots >= 0),
  pool_areas INTEGER,      -- NULL where a tree's own code does not say
  pool_rule TEXT NOT NULL, -- what made its size, or -
  set_id INTEGER NOT NULL REFERENCES answer_set (id),
  UNIQUE (kernel, platform, iommu, swiotlb, mem)
) STRICT;

CREATE TABLE device (
  id INTEGER PRIMARY KEY,
  coherent_mask TEXT NOT NULL REFERENCES coherent_mask (name),
  bus_limit TEXT NOT NULL REFERENCES bus_limit (name),
  coherent TEXT NOT NULL REFERENCES coherent (name),
  external TEXT NOT NULL REFERENCES external (name),
  UNIQUE (coherent_mask, bus_limit, coherent, external)
) STRICT;

CREATE TABLE request (
  id INTEGER PRIMARY KEY,
  op TEXT NOT NULL REFERENCES op (name),
  attrs TEXT NOT NULL REFERENCES attrs (name),
  buf TEXT NOT NULL REFERENCES buf (name),
  UNIQUE (op, attrs, buf)
) STRICT;

-- The end of a request, and what may happen before it.

CREATE TABLE life (
  id INTEGER PRIMARY KEY,
  pool_kind TEXT NOT NULL,
  transient_from TEXT NOT NULL,
  unmap_copy TEXT NOT NULL,
  slots_after TEXT NOT NULL,
  state_after TEXT NOT NULL,
  owner_after TEXT NOT NULL,
  warn_after TEXT NOT NULL,
  atomic_call TEXT NOT NULL,
  exposure_after TEXT NOT NULL REFERENCES exposure (name)
) STRICT;

CREATE TABLE circumstance (
  id INTEGER PRIMARY KEY,
  mask_change TEXT NOT NULL,
  dynamic TEXT NOT NULL,
  fill TEXT NOT NULL,
  decrypt_fails TEXT NOT NULL,
  description TEXT NOT NULL,
  UNIQUE (mask_change, dynamic, fill, decrypt_fails)
) STRICT;

CREATE TABLE outcome (
  id INTEGER PRIMARY KEY,
  result TEXT NOT NULL REFERENCES result (name),
  dma TEXT NOT NULL,
  enc TEXT NOT NULL REFERENCES enc (name),
  mem_state TEXT NOT NULL REFERENCES mem_state (name),
  pte TEXT NOT NULL REFERENCES mem_state (name),
  warn TEXT NOT NULL,
  max_map TEXT NOT NULL,
  decided_by TEXT NOT NULL REFERENCES decision (name),
  verdict TEXT NOT NULL REFERENCES verdict (name),
  exposure TEXT NOT NULL REFERENCES exposure (name),
  life_id INTEGER NOT NULL REFERENCES life (id)
) STRICT;

-- The facts.

CREATE TABLE profile (
  id INTEGER PRIMARY KEY,
  spans INTEGER NOT NULL CHECK (spans > 0),
  masks INTEGER NOT NULL CHECK (masks > 0)
) STRICT;

CREATE TABLE profile_span (
  profile_id INTEGER NOT NULL REFERENCES profile (id),
  mask_first INTEGER NOT NULL REFERENCES mask (bits),
  mask_last INTEGER NOT NULL REFERENCES mask (bits),
  outcome_id INTEGER NOT NULL REFERENCES outcome (id),
  PRIMARY KEY (profile_id, mask_first),
  CHECK (mask_first <= mask_last)
) STRICT, WITHOUT ROWID;

CREATE TABLE block (
  id INTEGER PRIMARY KEY,
  devices INTEGER NOT NULL CHECK (devices > 0)
) STRICT;

CREATE TABLE block_line (
  block_id INTEGER NOT NULL REFERENCES block (id),
  device_id INTEGER NOT NULL REFERENCES device (id),
  profile_id INTEGER NOT NULL REFERENCES profile (id),
  PRIMARY KEY (block_id, device_id)
) STRICT, WITHOUT ROWID;

-- How often each outcome is in a block, for those who count.

CREATE TABLE block_count (
  block_id INTEGER NOT NULL REFERENCES block (id),
  outcome_id INTEGER NOT NULL REFERENCES outcome (id),
  combinations INTEGER NOT NULL CHECK (combinations > 0),
  PRIMARY KEY (block_id, outcome_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer_set (
  id INTEGER PRIMARY KEY,
  combinations INTEGER NOT NULL CHECK (combinations >= 0) -- nothing else happens
) STRICT;

-- Circumstance 0 is the ordinary one and has every request; of the others only
-- those that they alter for some device.

CREATE TABLE answer_block (
  set_id INTEGER NOT NULL REFERENCES answer_set (id),
  circumstance_id INTEGER NOT NULL REFERENCES circumstance (id),
  request_id INTEGER NOT NULL REFERENCES request (id),
  block_id INTEGER NOT NULL REFERENCES block (id),
  PRIMARY KEY (set_id, circumstance_id, request_id)
) STRICT, WITHOUT ROWID;

-- Combinations that cannot exist, counted under the first rule that applies.

CREATE TABLE exclusion_rule (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL
) STRICT;

CREATE TABLE exclusion (
  kernel TEXT NOT NULL REFERENCES kernel (name),
  platform TEXT NOT NULL REFERENCES platform (name),
  rule TEXT NOT NULL REFERENCES exclusion_rule (name),
  combinations INTEGER NOT NULL CHECK (combinations > 0),
  PRIMARY KEY (kernel, platform, rule)
) STRICT, WITHOUT ROWID;
