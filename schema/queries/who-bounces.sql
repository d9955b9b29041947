-- title: Which drivers' maps bounce on a platform
-- group: Drivers of a kernel tree
-- description: Drivers that can be there, with a pair of masks that bounces: a map of
--   the buffer without attributes, trusted coherent devices without a bus limit.
--   Certain: every pair that the driver may have does; those come first.
--   Pairs whose coherent mask the database has not are not asked: driver-others
--   has them.
-- param: tree = newest | driver_tree | tree whose drivers were stored
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86-sme47 | platform | platform
-- param: iommu = passthrough | iommu | IOMMU mode
-- param: swiotlb = default | swiotlb | swiotlb mode
-- param: mem = 64G | mem | machine
-- param: buf = high | buf | buffer
WITH span AS MATERIALIZED (
  SELECT coherent_mask, mask_first, mask_last, decided_by FROM behavior_span
  WHERE kernel = :kernel AND platform = :platform AND iommu = :iommu
    AND swiotlb = :swiotlb AND mem = :mem AND bus_limit = 'none' AND coherent = '1'
    AND external = '0' AND op = 'map' AND attrs = 'none' AND buf = :buf
    AND verdict = 'bounced'
), family AS (
  SELECT CASE
  WHEN :platform LIKE 'arm64%' THEN 'arm64' WHEN :platform LIKE 's390%' THEN 's390'
  WHEN :platform LIKE 'ppc64%' THEN 'powerpc' ELSE 'x86' END AS name
), bouncing AS (
  SELECT d.id, d.file, d.module, d.decided, p.position, p.streaming, p.coherent, s.decided_by,
    count(*) OVER (PARTITION BY d.id) AS bounced
  FROM driver_tree AS t
  JOIN driver AS d ON d.tree_id = t.id
  JOIN family AS f ON instr(',' || d.architectures || ',', ',' || f.name || ',') > 0
    AND NOT (f.name = 'x86' AND d.device_tree)
  JOIN driver_pair AS p ON p.driver = d.id
  JOIN span AS s ON s.coherent_mask = p.coherent_mask
    AND p.streaming BETWEEN s.mask_first AND s.mask_last
  WHERE t.name = :tree AND d.counted
)
SELECT file, streaming, coherent,
  decided AND bounced = (SELECT count(*) FROM driver_pair AS q WHERE q.driver = id) AS certain,
  module, decided_by, :tree AS tree
FROM bouncing
ORDER BY certain DESC, bounced, file, position
