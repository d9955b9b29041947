-- title: Which pools two versions make, and where they differ
-- group: Boots and scenarios
-- description: Size and place of the pool are an outcome of the boot: every answer may
--   stay the same while less fits into it. Pools that differ come first.
-- param: from = 7.2 | kernel | kernel
-- param: to = 7.3 | kernel | kernel
SELECT (a.pool, a.pool_slots) <> (b.pool, b.pool_slots) AS differs,
  a.platform, a.mem, a.iommu, a.swiotlb,
  a.pool AS pool_from, a.pool_slots * 2048 AS bytes_from, a.pool_rule AS rule_from,
  b.pool AS pool_to, b.pool_slots * 2048 AS bytes_to, b.pool_rule AS rule_to
FROM boot AS a
JOIN boot AS b ON b.platform = a.platform AND b.iommu = a.iommu
  AND b.swiotlb = a.swiotlb AND b.mem = a.mem
WHERE a.kernel = :from AND b.kernel = :to
ORDER BY differs DESC, a.platform, a.mem, a.iommu, a.swiotlb
