-- title: Which drivers' maps bounce on a platform
-- description: Drivers that can be built for it, with a pair of masks that bounces
--   there: a map of the buffer without attributes, trusted coherent devices without a
--   bus limit.
-- param: tree = 7.3 | driver_tree | tree whose drivers were stored
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = default | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
-- param: buf = high | buf | buffer
WITH span AS MATERIALIZED (
  SELECT coherent_mask, mask_first, mask_last, "where" FROM behavior_span
  WHERE kernel = :kernel AND platform = :platform AND iommu = :iommu
    AND swiotlb = :swiotlb AND mem = :mem AND bus_limit = 'none' AND coherent = '1'
    AND external = '0' AND op = 'map' AND attrs = 'none' AND buf = :buf
    AND verdict = 'bounced'
)
SELECT d.file, p.streaming, p.coherent, d.module, s."where"
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_pair AS p ON p.driver = d.id
JOIN span AS s ON s.coherent_mask = p.coherent_mask
  AND p.streaming BETWEEN s.mask_first AND s.mask_last
WHERE t.name = :tree AND d.file NOT LIKE 'arch/%'
  AND instr(',' || d.architectures || ',', ',' || CASE
  WHEN :platform LIKE 'arm64%' THEN 'arm64' WHEN :platform LIKE 's390%' THEN 's390'
  WHEN :platform LIKE 'ppc64%' THEN 'powerpc' ELSE 'x86' END || ',') > 0
ORDER BY p.streaming, p.coherent, d.file
