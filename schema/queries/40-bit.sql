-- title: Which drivers set masks of 33 to 63 bits, as 40
-- group: Drivers of a kernel tree
-- description: Devices that reach more than 4 GiB but not everything: those of
--   which a C-bit or a bus decides whether they reach encrypted memory.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT m.bits, d.file, m.line, m.callee, m.expression, d.module, t.name AS tree
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_mask AS m ON m.driver = d.id
WHERE t.name = :tree AND m.bits BETWEEN 33 AND 63 AND d.counted
  AND m.callee NOT LIKE '%=%'
ORDER BY m.bits, d.file, m.line, m.alternative
