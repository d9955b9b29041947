-- title: Where data are silently corrupted or memory cannot be reached
-- group: Memory encryption
-- description: Verdicts garbled, blocked and unreachable by version: the device
--   does not reach the right bytes and the driver sees no error.
-- param: platform = x86-sme47 | platform | platform
SELECT kernel, verdict, iommu, swiotlb, op, attrs,
  min(mask_first) AS mask_first, max(mask_last) AS mask_last,
  sum(combinations) AS combinations, decided_by
FROM behavior_span
WHERE platform = :platform AND verdict IN ('garbled', 'blocked', 'unreachable')
GROUP BY kernel, verdict, iommu, swiotlb, op, attrs, decided_by
ORDER BY (SELECT id FROM kernel AS k WHERE k.name = behavior_span.kernel),
  combinations DESC, iommu, swiotlb, op, attrs
