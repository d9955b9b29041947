-- title: How many drivers set which mask
-- group: Drivers of a kernel tree
-- description: Files below drivers, sound and net that call a function which sets a
--   mask, with one of that width among those that they may set so; and how many may set it for streaming mappings, for
--   coherent allocations.  Masks that are not decided are in no row.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT m.bits, count(DISTINCT d.id) AS drivers,
  count(DISTINCT CASE WHEN m.streaming THEN d.id END) AS streaming,
  count(DISTINCT CASE WHEN m.coherent THEN d.id END) AS coherent,
  t.name AS tree
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_mask AS m ON m.driver = d.id
WHERE t.name = :tree AND m.bits IS NOT NULL AND d.counted
  AND m.callee NOT LIKE '%=%'
GROUP BY m.bits
ORDER BY m.bits
