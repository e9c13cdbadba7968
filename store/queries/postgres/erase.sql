-- Ids are given before the commit, and commits come in any order: an entry may turn up
-- under an id that was passed already. The tree's order is one of commits: what had its
-- place was there, and all else either waits for one or has a later one.

-- name: LookMark :one
SELECT cast(coalesce((SELECT max(l.idx) FROM leaves l), -1) + 1 AS bigint) AS mark;

-- name: OpeningsSince :many
SELECT o.entry, o.path, o.person, o.value, e.chain, e.seq, e.at
FROM (SELECT l.entry FROM leaves l WHERE l.idx >= @mark UNION SELECT u.entry FROM unsequenced u) AS s
JOIN entries e ON e.id = s.entry
JOIN openings o ON o.entry = s.entry
WHERE o.person = @person OR o.value LIKE cast(@pattern AS text)
ORDER BY o.entry, o.path;

-- name: PackedOpeningsSince :many
SELECT p.entry, p.doc, e.chain, e.seq, e.at
FROM (SELECT l.entry FROM leaves l WHERE l.idx >= @mark UNION SELECT u.entry FROM unsequenced u) AS s
JOIN entries e ON e.id = s.entry
JOIN packed_openings p ON p.entry = s.entry
ORDER BY p.entry;

-- name: RequestsSince :many
SELECT r.id, r.version, r.state, r.requester, r.beneficiary, r.doc,
    (SELECT count(*) FROM reviews v WHERE v.request = r.id AND v.state = 'open') AS reviewed
FROM (SELECT DISTINCT e.chain FROM entries e
    JOIN (SELECT l.entry FROM leaves l WHERE l.idx >= @mark UNION ALL SELECT u.entry FROM unsequenced u) AS s ON s.entry = e.id) AS c
JOIN requests r ON r.id = c.chain
WHERE r.requester = @person OR r.beneficiary = @person OR r.doc LIKE cast(@pattern AS text)
ORDER BY r.id;

-- name: WordsSince :many
SELECT w.request, w.kind, w.text
FROM (SELECT DISTINCT e.chain FROM entries e
    JOIN (SELECT l.entry FROM leaves l WHERE l.idx >= @mark UNION ALL SELECT u.entry FROM unsequenced u) AS s ON s.entry = e.id) AS c
JOIN request_words w ON w.request = c.chain
WHERE w.text LIKE cast(@pattern AS text)
ORDER BY w.request, w.kind;

-- name: InboxNaming :many
SELECT key FROM inbox WHERE key > @after AND key <= @upto AND handled_at > 0 AND position(convert_to(cast(@needle AS text), 'UTF8') in body) > 0;

-- name: InboxNamingSince :many
SELECT key FROM inbox WHERE handled_at > 0 AND handled_at >= @since AND position(convert_to(cast(@needle AS text), 'UTF8') in body) > 0;

-- name: InboxWaitingNaming :one
SELECT count(*) FROM inbox WHERE handled_at = 0 AND position(convert_to(cast(@needle AS text), 'UTF8') in body) > 0;

-- name: EraseInInbox :execrows
UPDATE inbox SET body = '' WHERE key = @key AND handled_at > 0;
