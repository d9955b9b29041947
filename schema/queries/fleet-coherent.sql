-- title: Which devices of a fleet have no coherent mask of their own
-- group: A fleet
-- description: Devices of captured machines ("host --store") whose coherent mask is 0 or
--   the bus's 32 bits while the driver has set another streaming mask; by driver and
--   masks, with the number of machines and one of them.
SELECT driver, vendor, device, class_words, mask, coherent_bits,
  count(DISTINCT host) AS hosts, count(*) AS devices, min(host) AS host
FROM fleet
WHERE driver IS NOT NULL AND (coherent_bits = 0 OR coherent_bits = 32 AND mask <> 32)
GROUP BY driver, vendor, device, class_words, mask, coherent_bits
ORDER BY hosts DESC, devices DESC, driver, vendor, device, mask
