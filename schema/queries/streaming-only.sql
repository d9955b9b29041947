-- title: Which drivers set the streaming mask alone
-- description: Of their devices the bus left the coherent mask at 32 bits.
-- param: tree = 7.3 | driver_tree | tree whose drivers were stored
SELECT d.file, m.line, m.bits, m.expression, d.module, d.buses
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_mask AS m ON m.driver = d.id
WHERE t.name = :tree AND d.sets = 'streaming' AND d.file NOT LIKE 'arch/%'
ORDER BY m.bits IS NULL, m.bits, d.file, m.line, m.alternative
