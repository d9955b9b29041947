-- title: Which drivers have pairs of masks that the database has not
-- group: Drivers of a kernel tree
-- description: Their coherent mask is none of the axis coherent_mask, as 31 beside a
--   streaming mask of 64: who-bounces and who-breaks do not ask for these pairs;
--   "dmamatrix explain --mask --coherent-mask" answers for one.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT d.file, p.streaming, p.coherent, p.streaming_value, p.coherent_value, d.architectures,
  d.module, t.name AS tree
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_pair AS p ON p.driver = d.id
WHERE t.name = :tree AND d.counted AND d.architectures <> ''
  AND (p.coherent_mask NOT IN (SELECT name FROM coherent_mask) OR p.streaming IS NULL)
ORDER BY d.file, p.position
