-- There is one writer: entries are committed in the order of their ids.

-- name: LookMark :one
SELECT cast(coalesce(max(e.id), 0) AS bigint) AS mark FROM entries e;

-- name: OpeningsSince :many
SELECT o.entry, o.path, o.person, o.value, e.chain, e.seq, e.at FROM openings o
JOIN entries e ON e.id = o.entry
WHERE o.entry > @mark AND (o.person = @person OR o.value LIKE cast(@pattern AS text))
ORDER BY o.entry, o.path;

-- name: PackedOpeningsSince :many
SELECT p.entry, p.doc, e.chain, e.seq, e.at FROM packed_openings p
JOIN entries e ON e.id = p.entry
WHERE p.entry > @mark ORDER BY p.entry;

-- name: RequestsSince :many
SELECT id, version, state, requester, beneficiary, doc,
    (SELECT count(*) FROM reviews v WHERE v.request = requests.id AND v.state = 'open') AS reviewed FROM requests
WHERE id IN (SELECT e.chain FROM entries e WHERE e.id > @mark)
    AND (requester = @person OR beneficiary = @person OR doc LIKE cast(@pattern AS text))
ORDER BY id;

-- name: WordsSince :many
SELECT request, kind, text FROM request_words
WHERE request IN (SELECT e.chain FROM entries e WHERE e.id > @mark) AND text LIKE cast(@pattern AS text)
ORDER BY request, kind;

-- name: InboxNaming :many
SELECT key FROM inbox WHERE key > @after AND key <= @upto AND handled_at > 0 AND instr(body, @needle) > 0;

-- name: InboxNamingSince :many
SELECT key FROM inbox WHERE handled_at > 0 AND handled_at >= @since AND instr(body, @needle) > 0;

-- name: InboxWaitingNaming :one
SELECT count(*) FROM inbox WHERE handled_at = 0 AND instr(body, @needle) > 0;

-- name: EraseInInbox :execrows
UPDATE inbox SET body = x'' WHERE key = @key AND handled_at > 0;
