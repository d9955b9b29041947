-- title: Which machines of a fleet get worse with another kernel
-- group: A fleet
-- description: Devices of captured machines ("host --store") for which a request
--   breaks, may break, exposes or gets slower, the worst first; one row for each driver and change,
--   with the number of machines and one of them.  The capture's own kernel is before.
-- param: kernel = 7.3 | fleet_kernel | kernel that they would run
SELECT c.effect, coalesce(d.driver, '-') AS driver, c.request, c.before, c.after,
  count(DISTINCT c.host) AS hosts, count(*) AS devices, min(h.name) AS host, c.decided_by
FROM host_change AS c
JOIN host AS h ON h.id = c.host
JOIN host_device AS d ON d.host = c.host AND d.position = c.position
WHERE c.kernel = :kernel AND c.effect IN ('breaks', 'may break', 'exposes', 'slower')
GROUP BY c.effect, d.driver, c.request, c.before, c.after, c.decided_by
ORDER BY CASE c.effect WHEN 'breaks' THEN 0 WHEN 'may break' THEN 1 WHEN 'exposes' THEN 2 ELSE 3 END,
  hosts DESC, devices DESC, driver, c.request, c.before, c.after
