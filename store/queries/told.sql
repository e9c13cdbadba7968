-- Requests and what their entries tell of them, a page at a time.

-- name: RequestToHold :one
SELECT id, version, state, flow, target, scope, requester, beneficiary, incident, hash,
    submitted_at, decided_at, due_at, overdue, doc
FROM requests WHERE id = @id;

-- name: OpenRequestsToHold :many
SELECT id, version, state, flow, target, scope, requester, beneficiary, incident, hash,
    submitted_at, decided_at, due_at, overdue, doc
FROM requests
WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending') AND id > @after
ORDER BY id LIMIT cast(@lim AS bigint);

-- name: EntriesToHold :many
-- The entries of one request, each decision with who made it.
SELECT e.at, e.verb, e.bytes, cast(coalesce(CASE WHEN e.verb IN ('approve', 'deny') THEN (
        SELECT o.value FROM openings o WHERE o.entry = e.id AND o.path = 'actor.person') END, '') AS text) AS by_person
FROM entries e WHERE e.chain = @chain ORDER BY e.seq;

-- name: RevokeJobAt :one
-- When the job that ends the access of a request runs.
SELECT run_at FROM jobs WHERE key = @key AND kind = 'revoke' AND subject = @subject AND lane = @lane;

-- name: LaneLeasedUntil :one
-- Until when a lane is kept from everybody else.
SELECT cast(coalesce(max(lease_until), 0) AS bigint) AS until FROM jobs WHERE lane = @lane AND lane <> '' AND leased_to <> '';
