-- title: Which drivers have masks between 33 and 63 bits
-- description: Devices that reach more than 4 GiB but not everything: those of
--   which a C-bit or a bus decides whether they reach encrypted memory.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT m.bits, d.file, m.line, m.callee, m.expression, d.module
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_mask AS m ON m.driver = d.id
WHERE t.name = :tree AND m.bits BETWEEN 33 AND 63 AND d.counted
  AND m.callee NOT LIKE '%=%'
ORDER BY m.bits, d.file, m.line, m.alternative
