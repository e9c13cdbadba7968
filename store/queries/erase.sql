-- Erasing a person: first everything is looked through, a part at a time, then what was
-- found is written over in one transaction. What came meanwhile is found there once more;
-- how differs, since PostgreSQL commits in another order than it gives ids.

-- name: LastEntry :one
SELECT cast(coalesce(max(e.id), 0) AS bigint) AS newest FROM entries e;

-- name: OpeningsNaming :many
-- Openings about a person, or whose value has their id in it.
SELECT o.entry, o.path, o.person, o.value, e.chain, e.seq, e.at FROM openings o
JOIN entries e ON e.id = o.entry
WHERE o.entry > @after AND o.entry <= @upto AND (o.person = @person OR o.value LIKE cast(@pattern AS text))
ORDER BY o.entry, o.path;

-- name: PackedOpeningsBetween :many
SELECT p.entry, p.doc, e.chain, e.seq, e.at FROM packed_openings p
JOIN entries e ON e.id = p.entry
WHERE p.entry > @after AND p.entry <= @upto ORDER BY p.entry;

-- name: PackedOpeningsAt :one
SELECT p.entry, p.doc FROM packed_openings p
WHERE p.entry = (SELECT e.id FROM entries e WHERE e.chain = @chain AND e.seq = @seq);

-- name: KeepOpenings :execrows
-- What is left of them is shorter.
UPDATE packed_openings SET doc = @rest WHERE entry = @entry AND doc = @doc;

-- name: DropOpenings :execrows
DELETE FROM packed_openings WHERE entry = @entry AND doc = @doc;

-- name: EraseOpening :execrows
DELETE FROM openings WHERE path = @path AND entry = (SELECT e.id FROM entries e WHERE e.chain = @chain AND e.seq = @seq);

-- name: RequestsEnd :one
-- The id at which so many requests after one end.
SELECT cast(coalesce(max(p.id), '') AS text) AS upto
FROM (SELECT r.id FROM requests r WHERE r.id > @after ORDER BY r.id LIMIT cast(@lim AS bigint)) AS p;

-- name: RequestsNaming :many
SELECT id, version, state, requester, beneficiary, doc,
    (SELECT count(*) FROM reviews v WHERE v.request = requests.id AND v.state = 'open') AS reviewed FROM requests
WHERE id > @after AND id <= @upto AND (requester = @person OR beneficiary = @person OR doc LIKE cast(@pattern AS text))
ORDER BY id;

-- name: OpenRequestsNaming :many
-- What is not over may have changed without an entry.
SELECT id, version, state, requester, beneficiary, doc, cast(0 AS bigint) AS reviewed FROM requests
WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
    AND (requester = @person OR beneficiary = @person OR doc LIKE cast(@pattern AS text))
ORDER BY id;

-- name: RequestToErase :one
SELECT version, requester, beneficiary, doc FROM requests WHERE id = @id;

-- name: EraseInRequest :execrows
UPDATE requests SET version = version + 1, requester = @requester, beneficiary = @beneficiary, incident = @incident, doc = @doc
WHERE id = @id AND version = @version;

-- name: JobsNaming :many
SELECT id, key FROM jobs
WHERE id > @after AND (subject LIKE cast(@pattern AS text) OR lane LIKE cast(@pattern AS text) OR args LIKE cast(@pattern AS text)
    OR key LIKE cast(@pattern AS text) OR last_err LIKE cast(@pattern AS text))
ORDER BY id;

-- name: LastJob :one
SELECT cast(coalesce(max(j.id), 0) AS bigint) AS newest FROM jobs j;

-- name: JobByKey :one
SELECT id, kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease
FROM jobs WHERE key = @key;

-- name: InboxEnd :one
SELECT cast(coalesce(max(p.key), '') AS text) AS upto
FROM (SELECT i.key FROM inbox i WHERE i.key > @after ORDER BY i.key LIMIT cast(@lim AS bigint)) AS p;

-- name: EraseInHoldings :execrows
UPDATE holdings SET person = @pseudonym, version = version + 1 WHERE person = @person;

-- name: EraseInCards :execrows
UPDATE cards SET id = replace(id, cast(@person AS text), cast(@pseudonym AS text)), person = @pseudonym, channel = '', ts = '', token = '', next = ''
WHERE person = @person AND person <> '';

-- name: EraseInPeople :execrows
UPDATE request_people SET person = @pseudonym WHERE person = @person;

-- name: WordsNaming :many
SELECT request, kind, text FROM request_words
WHERE request > @after AND request <= @upto AND text LIKE cast(@pattern AS text)
ORDER BY request, kind;

-- name: WordsOf :one
SELECT text FROM request_words WHERE request = @request AND kind = @kind;

-- name: EraseInWords :execrows
UPDATE request_words SET text = @text WHERE request = @request AND kind = @kind;

-- name: EraseWordsOf :execrows
DELETE FROM request_words WHERE request = @request;

-- name: EraseIncident :execrows
DELETE FROM request_incidents WHERE incident = @incident AND submitted_at = @submitted_at AND request = @request;

-- name: EraseInPasses :execrows
UPDATE passes SET holder = @pseudonym, version = version + 1, code = '', doc = '{}',
    ended_at = CASE WHEN ended_at = 0 THEN cast(@ended_at AS bigint) ELSE ended_at END
WHERE holder = @person AND holder <> '';

-- name: EraseSignIns :execrows
DELETE FROM sign_ins WHERE person = @person;
