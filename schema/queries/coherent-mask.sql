-- title: What differs between streaming mask 64 with coherent mask 32 and with 64
-- group: Masks and bounces
-- description: A driver that sets the streaming mask alone keeps PCI's coherent
--   mask of 32 bits. Mappings do not look at it; these allocations do.
-- param: kernel = 7.3 | kernel | kernel
-- param: mem = 64G | mem | machine
SELECT b.platform, b.iommu, b.swiotlb, r.op, r.attrs,
  o1.result AS result_32, o1.dma AS dma_32, o1.verdict AS verdict_32,
  o2.result AS result_64, o2.dma AS dma_64, o2.verdict AS verdict_64
FROM boot AS b
CROSS JOIN device AS d1
CROSS JOIN device AS d2
CROSS JOIN request AS r
CROSS JOIN behavior_line AS l1
CROSS JOIN behavior_line AS l2
CROSS JOIN profile_span AS s1
CROSS JOIN profile_span AS s2
CROSS JOIN outcome AS o1
CROSS JOIN outcome AS o2
WHERE d1.coherent_mask = '32' AND d1.bus_limit = 'none'
  AND d1.coherent = '1' AND d1.external = '0' AND d2.coherent_mask = '64'
  AND d2.bus_limit = 'none' AND d2.coherent = '1' AND d2.external = '0'
  AND l1.boot_id = b.id AND l1.device_id = d1.id AND l1.request_id = r.id
  AND l2.boot_id = b.id AND l2.device_id = d2.id AND l2.request_id = r.id
  AND s1.profile_id = l1.profile_id
  AND 64 BETWEEN s1.mask_first AND s1.mask_last
  AND s2.profile_id = l2.profile_id
  AND 64 BETWEEN s2.mask_first AND s2.mask_last AND o1.id = s1.outcome_id
  AND o2.id = s2.outcome_id
  AND b.kernel = :kernel AND b.mem = :mem AND o1.id <> o2.id
ORDER BY b.platform, b.iommu, b.swiotlb, r.op, r.attrs
