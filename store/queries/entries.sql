-- name: ChainHead :one
SELECT len, hash FROM chains WHERE chain = @chain;

-- name: InsertEntry :one
INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes, packed)
VALUES (@chain, @seq, @at, @verb, @prev, @hash, @bytes, @packed)
RETURNING id;

-- name: InsertOpening :exec
INSERT INTO openings (entry, path, person, salt, value)
VALUES (@entry, @path, @person, @salt, @value);

-- name: PackOpenings :exec
INSERT INTO packed_openings (entry, doc) VALUES (@entry, @doc);

-- name: ChainEntries :many
SELECT id, chain, seq, at, verb, prev, hash, bytes, packed FROM entries
WHERE chain = @chain ORDER BY seq;

-- name: ChainOpenings :many
SELECT o.entry, o.path, o.person, o.salt, o.value FROM openings o
JOIN entries e ON e.id = o.entry
WHERE e.chain = @chain ORDER BY o.entry, o.path;

-- name: ChainPackedOpenings :many
SELECT p.entry, p.doc FROM packed_openings p
JOIN entries e ON e.id = p.entry
WHERE e.chain = @chain ORDER BY p.entry;

-- name: PackedOpeningsOf :many
SELECT entry, doc FROM packed_openings WHERE entry = @entry;

-- name: EraseOpenings :execrows
DELETE FROM openings WHERE person = @person;

-- name: TailEntries :many
SELECT id, chain, seq, at, verb, prev, hash, bytes, packed FROM entries
WHERE id < @before ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: EntryHash :one
SELECT hash FROM entries WHERE chain = @chain AND seq = @seq;

-- name: HeadlessRequests :many
-- Requests whose chain is not there, or does not end with the entry its head names.
SELECT r.id FROM requests r
WHERE NOT EXISTS (SELECT 1 FROM chains c
    JOIN entries e ON e.chain = c.chain AND e.seq = c.len AND e.hash = c.hash
    WHERE c.chain = r.id)
ORDER BY r.id LIMIT 1;

-- name: ChainlessRequests :many
-- Requests whose chain is not there.
SELECT r.id FROM requests r WHERE NOT EXISTS (SELECT 1 FROM chains c WHERE c.chain = r.id)
ORDER BY r.id LIMIT 1;

-- name: HeadlessOpenRequests :many
-- The same among those that are not final.
SELECT r.id FROM requests r
WHERE r.state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
    AND NOT EXISTS (SELECT 1 FROM chains c
        JOIN entries e ON e.chain = c.chain AND e.seq = c.len AND e.hash = c.hash
        WHERE c.chain = r.id)
ORDER BY r.id LIMIT 1;

-- name: HeadlessChains :many
-- Chains that do not end with the entry their head names.
SELECT c.chain FROM chains c
WHERE NOT EXISTS (SELECT 1 FROM entries e
    WHERE e.chain = c.chain AND e.seq = c.len AND e.hash = c.hash)
ORDER BY c.chain LIMIT 1;

-- name: EntriesBeyondHead :many
-- Chains with entries that their head does not know.
SELECT e.chain FROM (SELECT n.chain, max(n.seq) AS len FROM entries n GROUP BY n.chain) AS e
WHERE NOT EXISTS (SELECT 1 FROM chains c WHERE c.chain = e.chain AND c.len >= e.len)
ORDER BY e.chain LIMIT 1;
