-- title: What every kernel answers to one scenario
-- group: Boots and scenarios
-- description: The parts of the key are compared with the columns, which is a
--   look-up in plain sqlite3 too (there: .parameter set :key "'KEY'"), where
--   WHERE scenario = 'KEY' builds and compares every row's key.
-- param: key = x86-sme47/passthrough/force/64G/48/same/none/1/0/map/none/low | scenario | key, as reports print it
WITH asked(part) AS (
  SELECT json('["' || replace(replace(:key, '"', ''), '/', '","') || '"]'))
SELECT b.kernel, b.result, b.dma, b.enc, b.mem_state, b.verdict, b.exposure,
  b.decided_by
FROM asked AS a
CROSS JOIN behavior AS b
WHERE b.platform = a.part ->> 0 AND b.iommu = a.part ->> 1
  AND b.swiotlb = a.part ->> 2 AND b.mem = a.part ->> 3
  AND b.mask = CAST(a.part ->> 4 AS INTEGER)
  AND b.coherent_mask = a.part ->> 5 AND b.bus_limit = a.part ->> 6
  AND b.coherent = CAST(a.part ->> 7 AS INTEGER)
  AND b.external = CAST(a.part ->> 8 AS INTEGER)
  AND b.op = a.part ->> 9 AND b.attrs = a.part ->> 10
  AND b.buf = a.part ->> 11
  AND json_array_length(a.part) = 12
ORDER BY b.kernel
