-- title: Why the masks of which drivers are not decided
-- group: Drivers of a kernel tree
-- description: One row for each reason; line is 0 where it is about the whole file.
--   Trees that were stored by a version without reasons have none.
-- param: tree = newest | driver_tree | tree whose drivers were stored
SELECT d.file, x.line, x.reason, d.module, t.name AS tree
FROM driver_tree AS t
JOIN driver AS d ON d.tree_id = t.id
JOIN driver_doubt AS x ON x.driver = d.id
WHERE t.name = :tree AND d.counted
ORDER BY d.file, x.position
