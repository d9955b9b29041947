-- title: What iommu=off changes
-- group: Boots and scenarios
-- description: Against a machine without IOMMU and without the parameter: each
--   group of requests whose answer differs, and why there is no pool.
-- param: kernel = 7.3 | kernel | kernel
-- param: platform = x86 | platform | platform
SELECT off.swiotlb, off.mem, r.op, r.attrs, r.buf,
  before.pool AS pool_without, off.pool AS pool_with_off,
  o1.result AS result_without, o2.result AS result_with_off,
  min(max(s1.mask_first, s2.mask_first)) AS mask_first,
  max(min(s1.mask_last, s2.mask_last)) AS mask_last,
  sum(min(s1.mask_last, s2.mask_last) - max(s1.mask_first, s2.mask_first) + 1)
    AS combinations,
  o2.decided_by AS where_with_off
FROM boot AS off
CROSS JOIN boot AS before
CROSS JOIN behavior_line AS l2
CROSS JOIN behavior_line AS l1
CROSS JOIN profile_span AS s1
CROSS JOIN profile_span AS s2
CROSS JOIN outcome AS o1
CROSS JOIN outcome AS o2
CROSS JOIN request AS r
WHERE before.kernel = off.kernel AND before.platform = off.platform
  AND before.swiotlb = off.swiotlb AND before.mem = off.mem
  AND before.iommu = 'none' AND l2.boot_id = off.id
  AND l1.boot_id = before.id AND l1.device_id = l2.device_id
  AND l1.request_id = l2.request_id AND l1.profile_id <> l2.profile_id
  AND s1.profile_id = l1.profile_id AND s2.profile_id = l2.profile_id
  AND s2.mask_first <= s1.mask_last AND s2.mask_last >= s1.mask_first
  AND s2.outcome_id <> s1.outcome_id AND o1.id = s1.outcome_id
  AND o2.id = s2.outcome_id AND r.id = l2.request_id
  AND off.iommu = 'off' AND off.kernel = :kernel AND off.platform = :platform
GROUP BY off.swiotlb, off.mem, r.op, r.attrs, r.buf, o1.result, o2.result, o2.decided_by
ORDER BY combinations DESC, off.swiotlb, off.mem, r.op, r.attrs, r.buf
