-- title: Which drivers of a fleet bounce most bytes
-- group: A fleet
-- description: Traced traffic of captured machines ("host --store") by driver, with why
--   it bounced, in mappings: the pool bounces everything, mask or bus limit do not reach
--   the buffer, small buffers of devices that are not coherent.
SELECT coalesce(driver, '-') AS driver, count(DISTINCT host) AS hosts, sum(mappings) AS mappings,
  CAST(total(bytes) AS INTEGER) AS bytes, CAST(total(bounced_bytes) AS INTEGER) AS bounced_bytes,
  CASE WHEN total(bytes) > 0
    THEN CAST(round(100.0 * total(bounced_bytes) / total(bytes)) AS INTEGER) END AS percent,
  sum(bounced_forced) AS forced, sum(bounced_reach) AS beyond_mask,
  sum(bounced_kmalloc) AS kmalloc, sum(failed) AS failed
FROM host_traffic
GROUP BY driver
HAVING sum(mappings) > 0
ORDER BY bounced_bytes DESC, bytes DESC, driver
