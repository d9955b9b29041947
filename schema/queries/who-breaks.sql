-- title: Which drivers' requests one version serves and another does not
-- group: Drivers of a kernel tree
-- description: Drivers that can be on the platform, with the operations that pairs of
--   their masks lose: requests without attributes, trusted coherent devices without a
--   bus limit.  Certain: every pair that the driver may have does; those come first.
--   Pairs whose coherent mask the database has not are not asked: driver-others
--   has them.
-- param: tree = newest | driver_tree | tree whose drivers were stored
-- param: from = 7.2 | kernel | version that serves them
-- param: to = v6 | kernel | version that does not
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = force | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
WITH span AS MATERIALIZED (
  SELECT kernel, coherent_mask, op, buf, mask_first, mask_last, verdict, decided_by
  FROM behavior_span
  WHERE kernel IN (:from, :to) AND platform = :platform AND iommu = :iommu
    AND swiotlb = :swiotlb AND mem = :mem AND bus_limit = 'none' AND coherent = '1'
    AND external = '0' AND attrs = 'none'
), family AS (
  SELECT CASE
  WHEN :platform LIKE 'arm64%' THEN 'arm64' WHEN :platform LIKE 's390%' THEN 's390'
  WHEN :platform LIKE 'ppc64%' THEN 'powerpc' ELSE 'x86' END AS name
), broken AS (
  SELECT d.id, d.file, d.module, d.decided, p.position, p.streaming, p.coherent, b.op, b.buf,
    a.verdict AS before, b.verdict AS after, b.decided_by
  FROM driver_tree AS t
  JOIN driver AS d ON d.tree_id = t.id
  JOIN family AS f ON instr(',' || d.architectures || ',', ',' || f.name || ',') > 0
    AND NOT (f.name = 'x86' AND d.device_tree)
  JOIN driver_pair AS p ON p.driver = d.id
  JOIN span AS b ON b.kernel = :to AND b.coherent_mask = p.coherent_mask
    AND p.streaming BETWEEN b.mask_first AND b.mask_last
  JOIN span AS a ON a.kernel = :from AND a.coherent_mask = p.coherent_mask
    AND p.streaming BETWEEN a.mask_first AND a.mask_last AND a.op = b.op AND a.buf = b.buf
  WHERE t.name = :tree AND d.counted
    AND a.verdict IN ('ok', 'bounced') AND b.verdict NOT IN ('ok', 'bounced')
), pairs AS (
  SELECT id, count(DISTINCT position) AS number FROM broken GROUP BY id
)
SELECT file, streaming, coherent, op, buf, before, after,
  decided AND number = (SELECT count(*) FROM driver_pair AS q WHERE q.driver = b.id) AS certain,
  decided_by, module, :tree AS tree
FROM broken AS b
JOIN pairs USING (id)
ORDER BY certain DESC, number, file, position, op, buf
