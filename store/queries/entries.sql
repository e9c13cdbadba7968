-- name: ChainHead :one
SELECT len, hash FROM chains WHERE chain = @chain;

-- name: InsertEntry :one
INSERT INTO entries (chain, seq, at, verb, prev, hash, bytes)
VALUES (@chain, @seq, @at, @verb, @prev, @hash, @bytes)
RETURNING id;

-- name: InsertOpening :exec
INSERT INTO openings (entry, path, person, salt, value)
VALUES (@entry, @path, @person, @salt, @value);

-- name: ChainEntries :many
SELECT id, chain, seq, at, verb, prev, hash, bytes FROM entries
WHERE chain = @chain ORDER BY seq;

-- name: ChainOpenings :many
SELECT o.entry, o.path, o.person, o.salt, o.value FROM openings o
JOIN entries e ON e.id = o.entry
WHERE e.chain = @chain ORDER BY o.entry, o.path;

-- name: EraseOpenings :execrows
DELETE FROM openings WHERE person = @person;

-- name: TailEntries :many
SELECT id, chain, seq, at, verb, prev, hash, bytes FROM entries
WHERE id < @before ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: EntryHash :one
SELECT hash FROM entries WHERE chain = @chain AND seq = @seq;
