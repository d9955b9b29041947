-- The views that people read.
--
-- CROSS JOIN fixes the order of the loops (SQLite: "manual control of query
-- plans using CROSS JOIN"): constants on axes become a look-up in boot, what the
-- boot answers is read in one piece, and masks are expanded last.  The
-- conditions stand in WHERE, because DuckDB, which reads these views too, takes
-- no ON there.  "where" is the former name of decided_by, for one more release.

CREATE VIEW behavior_line AS
SELECT b.id AS boot_id, l.device_id, a.request_id, l.profile_id
FROM boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN block_line AS l
WHERE a.set_id = b.set_id AND a.circumstance_id = 0
  AND l.block_id = a.block_id;

CREATE VIEW circumstance_line AS
SELECT a.circumstance_id, b.id AS boot_id, l.device_id, a.request_id,
  l.profile_id
FROM boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN block_line AS l
WHERE a.set_id = b.set_id AND a.circumstance_id > 0
  AND l.block_id = a.block_id;

-- Without masks and devices: how many combinations have each outcome.

CREATE VIEW behavior_count AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map, o.decided_by,
  o.decided_by AS "where",
  o.verdict, o.exposure, n.combinations
FROM boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_count AS n
CROSS JOIN outcome AS o
WHERE a.set_id = b.set_id AND a.circumstance_id = 0 AND r.id = a.request_id
  AND n.block_id = a.block_id AND o.id = n.outcome_id;

CREATE VIEW behavior_span AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  s.mask_first, s.mask_last, s.mask_last - s.mask_first + 1 AS combinations,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map, o.decided_by,
  o.decided_by AS "where",
  o.verdict, o.exposure
FROM boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_line AS l
CROSS JOIN device AS d
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
WHERE a.set_id = b.set_id AND a.circumstance_id = 0 AND r.id = a.request_id
  AND l.block_id = a.block_id AND d.id = l.device_id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id;

CREATE VIEW behavior AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  m.bits AS mask,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map, o.decided_by,
  o.decided_by AS "where",
  o.verdict, o.exposure,
  b.platform || '/' || b.iommu || '/' || b.swiotlb || '/' || b.mem || '/' ||
    m.bits || '/' || d.coherent_mask || '/' || d.bus_limit || '/' ||
    d.coherent || '/' || d.external || '/' || r.op || '/' || r.attrs || '/' ||
    r.buf AS scenario
FROM boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_line AS l
CROSS JOIN device AS d
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN mask AS m
WHERE a.set_id = b.set_id AND a.circumstance_id = 0 AND r.id = a.request_id
  AND l.block_id = a.block_id AND d.id = l.device_id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id
  AND m.bits BETWEEN s.mask_first AND s.mask_last;

-- The same requests to their end, in every circumstance that alters them.

CREATE VIEW life_cycle AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  c.mask_change, c.dynamic, c.fill, c.decrypt_fails,
  s.mask_first, s.mask_last, s.mask_last - s.mask_first + 1 AS combinations,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.decided_by,
  o.decided_by AS "where",
  o.verdict, o.exposure,
  f.pool_kind, f.transient_from, f.unmap_copy, f.slots_after, f.state_after,
  f.owner_after, f.warn_after, f.atomic_call, f.exposure_after
FROM boot AS b
CROSS JOIN circumstance AS c
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_line AS l
CROSS JOIN device AS d
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN life AS f
WHERE c.id = 0
  AND a.set_id = b.set_id AND a.circumstance_id = 0 AND r.id = a.request_id
  AND l.block_id = a.block_id AND d.id = l.device_id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id AND f.id = o.life_id
UNION ALL
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  c.mask_change, c.dynamic, c.fill, c.decrypt_fails,
  s.mask_first, s.mask_last, s.mask_last - s.mask_first + 1,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.decided_by,
  o.decided_by AS "where",
  o.verdict, o.exposure,
  f.pool_kind, f.transient_from, f.unmap_copy, f.slots_after, f.state_after,
  f.owner_after, f.warn_after, f.atomic_call, f.exposure_after
FROM boot AS b
CROSS JOIN circumstance AS c
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_line AS l
CROSS JOIN device AS d
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN life AS f
WHERE c.id > 0
  AND a.set_id = b.set_id AND a.circumstance_id = c.id AND r.id = a.request_id
  AND l.block_id = a.block_id AND d.id = l.device_id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id AND f.id = o.life_id;

CREATE VIEW excluded AS
SELECT e.kernel, e.platform, e.rule, e.combinations, x.description AS reason
FROM exclusion AS e
JOIN exclusion_rule AS x ON x.name = e.rule;

-- What each version changed, in the words of its change log.

CREATE VIEW change_log AS
SELECT k.name AS kernel, k.base, c.position, n.name AS knob, n.description AS decides,
  c.value, n.file, n."function", c.source, k.link
FROM kernel_change AS c
JOIN kernel AS k ON k.id = c.kernel_id
JOIN knob AS n ON n.id = c.knob_id;
