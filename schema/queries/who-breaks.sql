-- title: Which drivers' requests one version serves and another does not
-- description: Drivers that can be built for the platform, with the operations that
--   pairs of their masks lose: requests without attributes, trusted coherent devices
--   without a bus limit.
-- param: tree = 7.3 | driver_tree | tree whose drivers were stored
-- param: from = 7.2 | kernel | version that serves them
-- param: to = v6 | kernel | version that does not
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = force | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
WITH span AS MATERIALIZED (
  SELECT kernel, coherent_mask, op, buf, mask_first, mask_last, verdict, "where"
  FROM behavior_span
  WHERE kernel IN (:from, :to) AND platform = :platform AND iommu = :iommu
    AND swiotlb = :swiotlb AND mem = :mem AND bus_limit = 'none' AND coherent = '1'
    AND external = '0' AND attrs = 'none'
)
SELECT d.file, p.streaming, p.coherent, b.op, b.buf, a.verdict AS before,
  b.verdict AS after, b."where", d.module
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_pair AS p ON p.driver = d.id
JOIN span AS b ON b.kernel = :to AND b.coherent_mask = p.coherent_mask
  AND p.streaming BETWEEN b.mask_first AND b.mask_last
JOIN span AS a ON a.kernel = :from AND a.coherent_mask = p.coherent_mask
  AND p.streaming BETWEEN a.mask_first AND a.mask_last AND a.op = b.op AND a.buf = b.buf
WHERE t.name = :tree AND d.file NOT LIKE 'arch/%'
  AND a.verdict IN ('ok', 'bounced') AND b.verdict NOT IN ('ok', 'bounced')
  AND instr(',' || d.architectures || ',', ',' || CASE
  WHEN :platform LIKE 'arm64%' THEN 'arm64' WHEN :platform LIKE 's390%' THEN 's390'
  WHEN :platform LIKE 'ppc64%' THEN 'powerpc' ELSE 'x86' END || ',') > 0
ORDER BY p.streaming, p.coherent, d.file, b.op, b.buf
