-- title: Which configurations changed path but not verdict between two versions
-- group: Memory encryption
-- description: The same verdict, decided by another line of the kernel: changes
--   that a table of verdicts does not show.
-- param: from = v6 | kernel | the earlier kernel
-- param: to = v7 | kernel | the later kernel
SELECT b.platform, b.iommu, b.swiotlb, r.op, r.attrs, o2.verdict,
  o1.decided_by AS where_before, o2.decided_by AS where_after,
  sum(min(s1.mask_last, s2.mask_last) - max(s1.mask_first, s2.mask_first) + 1)
    AS combinations
FROM boot AS b
CROSS JOIN boot AS a
CROSS JOIN behavior_line AS l2
CROSS JOIN behavior_line AS l1
CROSS JOIN profile_span AS s1
CROSS JOIN profile_span AS s2
CROSS JOIN outcome AS o1
CROSS JOIN outcome AS o2
CROSS JOIN request AS r
WHERE a.kernel = :from AND a.platform = b.platform AND a.iommu = b.iommu
  AND a.swiotlb = b.swiotlb AND a.mem = b.mem AND l2.boot_id = b.id
  AND l1.boot_id = a.id AND l1.device_id = l2.device_id
  AND l1.request_id = l2.request_id AND l1.profile_id <> l2.profile_id
  AND s1.profile_id = l1.profile_id AND s2.profile_id = l2.profile_id
  AND s2.mask_first <= s1.mask_last AND s2.mask_last >= s1.mask_first
  AND s2.outcome_id <> s1.outcome_id AND o1.id = s1.outcome_id
  AND o2.id = s2.outcome_id AND r.id = l2.request_id
  AND b.kernel = :to AND o1.verdict = o2.verdict AND o1.decided_by <> o2.decided_by
GROUP BY b.platform, b.iommu, b.swiotlb, r.op, r.attrs, o2.verdict,
  o1.decided_by, o2.decided_by
ORDER BY combinations DESC, b.platform, b.iommu, b.swiotlb, r.op, r.attrs
