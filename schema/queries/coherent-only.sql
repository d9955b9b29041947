-- title: Which drivers set the coherent mask alone
-- group: Drivers of a kernel tree
-- description: Of their devices the bus left the streaming mask at 32 bits.  One row for
--   each pair of masks; decided is 0 where others are possible.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT d.file, p.streaming, p.coherent, d.decided, d.module, d.buses, t.name AS tree
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
LEFT JOIN driver_pair AS p ON p.driver = d.id
WHERE t.name = :tree AND d.sets = 'coherent' AND d.counted
ORDER BY p.coherent IS NULL, p.coherent, d.file, p.position
