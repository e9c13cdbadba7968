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
-- The entries of one request, each decision, end and review with who made it, and why.
SELECT e.id, e.at, e.verb, e.bytes, e.packed, cast(coalesce(CASE WHEN e.verb IN ('approve', 'deny', 'cancel', 'done', 'revoke', 'end', 'review') THEN (
        SELECT o.value FROM openings o WHERE o.entry = e.id AND o.path = 'actor.person') END, '') AS text) AS by_person,
    cast(coalesce(CASE WHEN e.verb IN ('deny', 'cancel', 'done', 'revoke', 'end', 'review') THEN (
        SELECT o.value FROM openings o WHERE o.entry = e.id AND o.path = CASE e.verb WHEN 'review' THEN 'facts.note' ELSE 'facts.reason' END) END, '') AS text) AS said
FROM entries e WHERE e.chain = @chain ORDER BY e.seq;

-- name: RevokeJobAt :one
-- When the job that ends the access of a request runs.
SELECT run_at FROM jobs WHERE key = @key AND kind = 'revoke' AND subject = @subject AND lane = @lane;

-- name: LaneLeasedUntil :one
-- Until when a lane is kept from everybody else.
SELECT cast(coalesce(max(lease_until), 0) AS bigint) AS until FROM jobs WHERE lane = @lane AND lane <> '' AND leased_to <> '';

-- name: CountOpeningsOfChain :one
SELECT count(*) FROM openings o JOIN entries e ON e.id = o.entry WHERE e.chain = @chain;
