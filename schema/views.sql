-- The views that people read.
--
-- CROSS JOIN fixes the order of the loops (SQLite: "manual control of query
-- plans using CROSS JOIN"): constants on axes become look-ups in boot, device
-- and request, then one look-up of the line, and masks are expanded last.  The
-- conditions stand in WHERE, because DuckDB, which reads these views too, takes
-- no ON there.

CREATE VIEW behavior_span AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  s.mask_first, s.mask_last, s.mask_last - s.mask_first + 1 AS combinations,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map, o."where",
  o.verdict, o.exposure
FROM boot AS b
CROSS JOIN device AS d
CROSS JOIN request AS r
CROSS JOIN behavior_line AS l
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
WHERE l.boot_id = b.id AND l.device_id = d.id AND l.request_id = r.id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id;

CREATE VIEW behavior AS
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  m.bits AS mask,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map, o."where",
  o.verdict, o.exposure,
  b.platform || '/' || b.iommu || '/' || b.swiotlb || '/' || b.mem || '/' ||
    m.bits || '/' || d.coherent_mask || '/' || d.bus_limit || '/' ||
    d.coherent || '/' || d.external || '/' || r.op || '/' || r.attrs || '/' ||
    r.buf AS scenario
FROM boot AS b
CROSS JOIN device AS d
CROSS JOIN request AS r
CROSS JOIN behavior_line AS l
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN mask AS m
WHERE l.boot_id = b.id AND l.device_id = d.id AND l.request_id = r.id
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
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o."where",
  o.verdict, o.exposure,
  f.pool_kind, f.transient_from, f.unmap_copy, f.slots_after, f.state_after,
  f.owner_after, f.warn_after, f.atomic_call, f.exposure_after
FROM boot AS b
CROSS JOIN circumstance AS c
CROSS JOIN device AS d
CROSS JOIN request AS r
CROSS JOIN behavior_line AS l
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN life AS f
WHERE c.id = 0
  AND l.boot_id = b.id AND l.device_id = d.id AND l.request_id = r.id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id AND f.id = o.life_id
UNION ALL
SELECT
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem,
  c.mask_change, c.dynamic, c.fill, c.decrypt_fails,
  s.mask_first, s.mask_last, s.mask_last - s.mask_first + 1,
  d.coherent_mask, d.bus_limit, d.coherent, d.external,
  r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o."where",
  o.verdict, o.exposure,
  f.pool_kind, f.transient_from, f.unmap_copy, f.slots_after, f.state_after,
  f.owner_after, f.warn_after, f.atomic_call, f.exposure_after
FROM boot AS b
CROSS JOIN circumstance AS c
CROSS JOIN device AS d
CROSS JOIN request AS r
CROSS JOIN circumstance_line AS l
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN life AS f
WHERE c.id > 0
  AND l.circumstance_id = c.id
  AND l.boot_id = b.id AND l.device_id = d.id AND l.request_id = r.id
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
