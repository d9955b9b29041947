-- title: Which rule decides most
-- group: Boots and scenarios
-- description: Combinations by the kernel function and condition that returned
--   the answer.
-- param: kernel = 7.3 | kernel | kernel
SELECT decided_by, result, sum(combinations) AS combinations,
  round(100.0 * sum(combinations) / sum(sum(combinations)) OVER (), 1) AS percent
FROM behavior_span
WHERE kernel = :kernel
GROUP BY decided_by, result
ORDER BY combinations DESC
