-- title: Does a confidential guest with swiotlb=noforce leak or fail, by version
-- group: Memory encryption
-- description: Streaming mappings of ordinary buffers in secure guests without
--   bouncing. refused is a clean failure, blocked an address of private memory
--   that the device cannot use, exposure host_visible data that the host sees.
-- param: op = map | op | operation
-- param: attrs = none | attrs | attributes
SELECT kernel, platform, verdict, exposure, sum(combinations) AS combinations
FROM behavior_span
WHERE platform IN ('sev', 'snp-vtom', 'tdx', 'arm64-cca',
    'arm64-pkvm', 's390-pv', 'ppc64-svm')
  AND swiotlb = 'noforce' AND op = :op AND attrs = :attrs
GROUP BY kernel, platform, verdict, exposure
ORDER BY platform, (SELECT id FROM kernel AS k WHERE k.name = behavior_span.kernel),
  verdict
