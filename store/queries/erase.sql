-- name: OpeningsNaming :many
-- Openings about a person, or whose value has their id in it.
SELECT o.entry, o.path, o.person, o.value, e.chain, e.seq, e.at FROM openings o
JOIN entries e ON e.id = o.entry
WHERE o.person = @person OR o.value LIKE @pattern
ORDER BY o.entry, o.path;

-- name: EraseOpening :execrows
DELETE FROM openings WHERE entry = @entry AND path = @path;

-- name: CountOpeningsOf :one
SELECT count(*) FROM openings WHERE person = @person;

-- name: RequestsNaming :many
SELECT id, version, state, requester, beneficiary, doc,
    (SELECT count(*) FROM reviews v WHERE v.request = requests.id AND v.state = 'open') AS reviewed FROM requests
WHERE requester = @person OR beneficiary = @person OR doc LIKE @pattern
ORDER BY id;

-- name: EraseInRequest :execrows
UPDATE requests SET version = version + 1, requester = @requester, beneficiary = @beneficiary, doc = @doc
WHERE id = @id AND version = @version;

-- name: JobsNaming :many
SELECT id, key FROM jobs
WHERE subject LIKE @pattern OR lane LIKE @pattern OR args LIKE @pattern OR key LIKE @pattern OR last_err LIKE @pattern
ORDER BY id;

-- name: JobByKey :one
SELECT id, kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease
FROM jobs WHERE key = @key;

-- name: EraseInHoldings :execrows
UPDATE holdings SET person = @pseudonym, version = version + 1 WHERE person = @person;

-- name: EraseInCards :execrows
UPDATE cards SET id = replace(id, cast(@person AS text), cast(@pseudonym AS text)), person = @pseudonym, channel = '', ts = '', token = '', next = '' WHERE person = @person;

-- name: EraseInPeople :execrows
UPDATE request_people SET person = @pseudonym WHERE person = @person;

-- name: WordsNaming :many
SELECT request, kind, text FROM request_words WHERE text LIKE @pattern;

-- name: EraseInWords :execrows
UPDATE request_words SET text = @text WHERE request = @request AND kind = @kind;

-- name: EraseInPasses :execrows
UPDATE passes SET holder = @pseudonym, version = version + 1, code = '', doc = '{}',
    ended_at = CASE WHEN ended_at = 0 THEN cast(@ended_at AS bigint) ELSE ended_at END
WHERE holder = @person AND holder <> '';

-- name: EraseSignIns :execrows
DELETE FROM sign_ins WHERE person = @person;
