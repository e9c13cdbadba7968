-- name: SequenceEntries :execrows
-- Gives the entries that wait their places after the last one that has one.
INSERT INTO leaves (idx, entry)
SELECT coalesce((SELECT max(l.idx) FROM leaves l), -1) + row_number() OVER (ORDER BY w.entry), w.entry
FROM (SELECT u.entry FROM unsequenced u ORDER BY u.entry LIMIT cast(@lim AS bigint)) AS w
ORDER BY w.entry;

-- name: DropSequenced :execrows
DELETE FROM unsequenced WHERE entry IN (SELECT l.entry FROM leaves l WHERE l.idx >= @since);

-- name: TreeSize :one
SELECT cast(coalesce((SELECT max(l.idx) FROM leaves l), -1) + 1 AS bigint) AS size;

-- name: FirstWaiting :one
SELECT e.at FROM entries e WHERE e.id = (SELECT u.entry FROM unsequenced u ORDER BY u.entry LIMIT 1);

-- name: CountWaiting :one
SELECT count(*) FROM unsequenced;

-- name: LeafHashes :many
SELECT l.idx, e.hash FROM leaves l JOIN entries e ON e.id = l.entry
WHERE l.idx >= @since AND l.idx < @before ORDER BY l.idx;

-- name: LeafOfEntry :one
SELECT l.idx FROM leaves l JOIN entries e ON e.id = l.entry
WHERE e.chain = @chain AND e.seq = @seq;

-- name: InsertNode :exec
INSERT INTO tree (level, n, hash) VALUES (@level, @n, @hash) ON CONFLICT (level, n) DO NOTHING;

-- name: TreeNode :one
SELECT hash FROM tree WHERE level = @level AND n = @n;

-- name: CountNodes :one
-- How many complete subtrees of 256 leaves are hashed.
SELECT cast(coalesce((SELECT max(t.n) FROM tree t WHERE t.level = 8), -1) + 1 AS bigint) AS nodes;

-- name: InsertCheckpoint :exec
INSERT INTO checkpoints (size, root, at, note) VALUES (@size, @root, @at, @note);

-- name: LastCheckpoint :one
SELECT size, root, at, note FROM checkpoints ORDER BY size DESC LIMIT 1;

-- name: CheckpointsAfter :many
SELECT size, root, at, note FROM checkpoints WHERE size > @after ORDER BY size LIMIT cast(@lim AS bigint);

-- name: InsertWitness :exec
INSERT INTO witnesses (kind, size, place, at) VALUES (@kind, @size, @place, @at) ON CONFLICT (kind, size, place) DO NOTHING;

-- name: LastWitness :one
SELECT kind, size, place, at FROM witnesses WHERE kind = @kind ORDER BY size DESC LIMIT 1;

-- name: CountUnplaced :one
-- How many entries more there are than have a place, of which none is missing, or wait for one.
SELECT CAST((SELECT count(*) FROM entries) - (SELECT coalesce(max(t.idx), -1) + 1 FROM leaves t) - (
    SELECT count(*) FROM unsequenced u JOIN entries w ON w.id = u.entry
    WHERE NOT EXISTS (SELECT 1 FROM leaves l WHERE l.entry = u.entry)) AS bigint);

-- name: UnplacedEntries :many
-- Entries that have no place and do not wait for one.
SELECT e.chain, e.seq FROM entries e
WHERE NOT EXISTS (SELECT 1 FROM leaves l WHERE l.entry = e.id)
    AND NOT EXISTS (SELECT 1 FROM unsequenced u WHERE u.entry = e.id)
ORDER BY e.chain, e.seq LIMIT 1;
