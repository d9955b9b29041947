-- States of a tree's history: a migration beside those of observations.
--
-- A state's answers are those of a kernel of the matrix; states that answer alike
-- share one.  The tables are emptied when the matrix is generated anew, as trees are.

CREATE TABLE history (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  repository TEXT NOT NULL,
  imported TEXT NOT NULL, -- ISO 8601
  tool_version TEXT NOT NULL
) STRICT;

CREATE TABLE history_state (
  history_id INTEGER NOT NULL REFERENCES history (id) ON DELETE CASCADE,
  position INTEGER NOT NULL CHECK (position >= 0), -- the oldest 0
  commit_id TEXT NOT NULL,
  author_date TEXT NOT NULL, -- ISO 8601, UTC
  subject TEXT NOT NULL,
  kernel TEXT REFERENCES kernel (name), -- NULL: cannot be asked
  PRIMARY KEY (history_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE history_finding (
  history_id INTEGER NOT NULL REFERENCES history (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  lint TEXT NOT NULL,
  finding TEXT NOT NULL,
  scenarios INTEGER NOT NULL CHECK (scenarios > 0),
  witness TEXT NOT NULL,
  PRIMARY KEY (history_id, position, lint, finding),
  FOREIGN KEY (history_id, position) REFERENCES history_state (history_id, position) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Every answer of every state; name the axes of a scenario, and the history.

CREATE VIEW history_behavior AS
SELECT
  h.name AS history, t.position, t.commit_id, t.author_date, t.subject,
  b.kernel, b.platform, b.iommu, b.swiotlb, b.mem, s.mask_first, s.mask_last,
  d.coherent_mask, d.bus_limit, d.coherent, d.external, r.op, r.attrs, r.buf,
  o.result, o.dma, o.enc, o.mem_state, o.pte, o.warn, o.max_map,
  o.verdict, o.exposure,
  f.pool_kind, f.unmap_copy, f.slots_after, f.state_after, f.owner_after,
  f.warn_after, f.atomic_call
FROM history AS h
CROSS JOIN history_state AS t
CROSS JOIN boot AS b
CROSS JOIN answer_block AS a
CROSS JOIN request AS r
CROSS JOIN block_line AS l
CROSS JOIN device AS d
CROSS JOIN profile_span AS s
CROSS JOIN outcome AS o
CROSS JOIN life AS f
WHERE t.history_id = h.id AND b.kernel = t.kernel
  AND a.set_id = b.set_id AND a.circumstance_id = 0 AND r.id = a.request_id
  AND l.block_id = a.block_id AND d.id = l.device_id
  AND s.profile_id = l.profile_id AND o.id = s.outcome_id AND f.id = o.life_id;

-- Each finding, from the state in which it is first seen to the one before it is gone.

CREATE VIEW history_standing AS
WITH asked AS (
  SELECT history_id, position, commit_id, author_date, subject,
    row_number() OVER (PARTITION BY history_id ORDER BY position) AS number
  FROM history_state
  WHERE kernel IS NOT NULL
), seen AS (
  SELECT f.history_id, f.lint, f.finding, f.position, f.scenarios, f.witness, a.number,
    a.number - row_number() OVER (
      PARTITION BY f.history_id, f.lint, f.finding ORDER BY f.position) AS island
  FROM history_finding AS f
  JOIN asked AS a ON a.history_id = f.history_id AND a.position = f.position
), standing AS (
  SELECT history_id, lint, finding, min(number) AS first, max(number) AS last,
    max(scenarios) AS scenarios, min(witness) AS witness
  FROM seen
  GROUP BY history_id, lint, finding, island
)
SELECT
  h.name AS history, s.lint, s.finding, s.scenarios, s.witness,
  CASE WHEN s.first > 1 THEN b.commit_id END AS since_commit,
  CASE WHEN s.first > 1 THEN b.subject END AS since_subject,
  n.commit_id AS until_commit, n.subject AS until_subject
FROM standing AS s
JOIN history AS h ON h.id = s.history_id
JOIN asked AS b ON b.history_id = s.history_id AND b.number = s.first
LEFT JOIN asked AS n ON n.history_id = s.history_id AND n.number = s.last + 1;

INSERT OR REPLACE INTO description (object, "column", text) VALUES
  ('history', '', 'ranges of commits that verify --git stored'),
  ('history', 'id', 'number'),
  ('history', 'name', 'A..B, or what --name says'),
  ('history', 'repository', 'the repository as it was named'),
  ('history', 'imported', 'when it was stored, ISO 8601'),
  ('history', 'tool_version', 'dmamatrix that stored it'),
  ('history_state', '', 'the commits of a history along first parents'),
  ('history_state', 'history_id', 'history'),
  ('history_state', 'position', 'order, the oldest 0: the state before the range'),
  ('history_state', 'commit_id', 'the commit'),
  ('history_state', 'author_date', 'when it was written, ISO 8601, UTC'),
  ('history_state', 'subject', 'the first line of its message'),
  ('history_state', 'kernel', 'the kernel that has its answers; NULL where it cannot be asked'),
  ('history_finding', '', 'the lints that each state violates'),
  ('history_finding', 'history_id', 'history'),
  ('history_finding', 'position', 'state'),
  ('history_finding', 'lint', 'lint of check'),
  ('history_finding', 'finding', 'what happens'),
  ('history_finding', 'scenarios', 'how many scenarios'),
  ('history_finding', 'witness', 'the key of one'),
  ('history_behavior', '', 'every answer and end of every state of a history'),
  ('history_behavior', 'history', 'its name'),
  ('history_behavior', 'position', 'order of the states'),
  ('history_behavior', 'commit_id', 'the commit'),
  ('history_behavior', 'author_date', 'when it was written'),
  ('history_behavior', 'subject', 'its subject'),
  ('history_behavior', 'kernel', 'the kernel that has the answers'),
  ('history_behavior', 'platform', 'platform'),
  ('history_behavior', 'iommu', 'IOMMU mode'),
  ('history_behavior', 'swiotlb', 'swiotlb mode'),
  ('history_behavior', 'mem', 'machine'),
  ('history_behavior', 'mask_first', 'first DMA mask of the span'),
  ('history_behavior', 'mask_last', 'last DMA mask of the span'),
  ('history_behavior', 'coherent_mask', 'coherent mask'),
  ('history_behavior', 'bus_limit', 'bus limit'),
  ('history_behavior', 'coherent', '0: not coherent'),
  ('history_behavior', 'external', '1: untrusted'),
  ('history_behavior', 'op', 'operation'),
  ('history_behavior', 'attrs', 'attributes'),
  ('history_behavior', 'buf', 'buffer'),
  ('history_behavior', 'result', 'what the kernel did'),
  ('history_behavior', 'dma', 'DMA address, or -'),
  ('history_behavior', 'enc', 'encoding of the address'),
  ('history_behavior', 'mem_state', 'state of the memory'),
  ('history_behavior', 'pte', 'alias that the page table selects'),
  ('history_behavior', 'warn', 'messages'),
  ('history_behavior', 'max_map', 'dma_max_mapping_size()'),
  ('history_behavior', 'verdict', 'what then happens on the bus'),
  ('history_behavior', 'exposure', 'who can read it'),
  ('history_behavior', 'pool_kind', 'which pool a bounce lies in'),
  ('history_behavior', 'unmap_copy', 'whether unmapping copies back'),
  ('history_behavior', 'slots_after', 'whether slots are free again'),
  ('history_behavior', 'state_after', 'state in which memory goes back'),
  ('history_behavior', 'owner_after', 'who owns the memory afterwards'),
  ('history_behavior', 'warn_after', 'messages of the end'),
  ('history_behavior', 'atomic_call', 'what a request that must not sleep called'),
  ('history_standing', '', 'since which commit and until which each finding stands'),
  ('history_standing', 'history', 'its name'),
  ('history_standing', 'lint', 'lint of check'),
  ('history_standing', 'finding', 'what happens'),
  ('history_standing', 'scenarios', 'how many scenarios, at most'),
  ('history_standing', 'witness', 'the key of one'),
  ('history_standing', 'since_commit', 'the commit that brought it; NULL: there at the start'),
  ('history_standing', 'since_subject', 'its subject'),
  ('history_standing', 'until_commit', 'the commit that ended it; NULL: it still stands'),
  ('history_standing', 'until_subject', 'its subject');
