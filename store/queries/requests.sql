-- name: InsertRequest :exec
INSERT INTO requests (
    id, version, state, flow, target, scope, requester, beneficiary, incident, hash,
    submitted_at, decided_at, due_at, overdue, doc
) VALUES (
    @id, @version, @state, @flow, @target, @scope, @requester, @beneficiary, @incident, @hash,
    @submitted_at, @decided_at, @due_at, @overdue, @doc
);

-- name: SwapRequest :execrows
UPDATE requests SET
    version = @version, state = @state, flow = @flow, target = @target, scope = @scope,
    requester = @requester, beneficiary = @beneficiary, incident = @incident, hash = @hash,
    submitted_at = @submitted_at, decided_at = @decided_at, due_at = @due_at,
    overdue = @overdue, doc = @doc
WHERE id = @id AND version = @old_version;

-- name: RequestStanding :one
SELECT version, state, incident FROM requests WHERE id = @id;

-- name: RequestDoc :one
SELECT doc FROM requests WHERE id = @id;

-- name: UnrevokedRequest :one
-- 1 if the request is live and nothing will revoke it. (The kinds are listed because
-- SQLite uses the partial index only if its condition stands in the query.)
SELECT count(*) FROM requests r
WHERE r.id = @id AND r.state IN ('granting', 'active', 'ending')
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = r.id
        AND j.kind = 'revoke' AND j.kind IN ('lapse', 'give_up', 'revoke'));

-- name: PastDueRequests :many
SELECT r.id FROM requests r
WHERE r.due_at > 0 AND r.due_at <= @now
    AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = r.id
        AND j.kind IN ('lapse', 'give_up', 'revoke'))
ORDER BY r.due_at, r.id LIMIT cast(@lim AS bigint);

-- name: OpenRequest :one
SELECT id FROM requests
WHERE beneficiary = @beneficiary AND target = @target AND scope = @scope
    AND state IN ('submitted', 'pending');

-- name: CountAsked :one
SELECT count(*) FROM requests WHERE requester = @person AND submitted_at >= @since;

-- name: CountOpen :one
SELECT count(*) FROM requests
WHERE requester = @person AND flow = @flow
    AND state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending');

-- name: Denials :many
SELECT doc FROM requests
WHERE beneficiary = @beneficiary AND target = @target AND scope = @scope
    AND state = 'denied' AND decided_at >= @since
ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: LiveIncidents :many
SELECT DISTINCT incident FROM requests
WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
    AND incident <> ''
ORDER BY incident;

-- name: LiveWithIncident :many
SELECT id FROM requests
WHERE incident = @incident AND incident <> ''
    AND state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
ORDER BY id;

-- name: CountStates :many
SELECT state, count(*) AS requests, cast(sum(overdue) AS bigint) AS overdue FROM requests
WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
GROUP BY state ORDER BY state;

-- The listings are one question with four ways in, so that each has an index to walk.

-- name: ListRequests :many
SELECT doc FROM requests
WHERE id < @before AND submitted_at >= @since
    AND (cast(@flow AS text) = '' OR flow = @flow)
    AND (cast(@target AS text) = '' OR target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || state || ',%')
ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: ListOpenRequests :many
-- Undecided and live ones only: few among many.
SELECT doc FROM requests
WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending')
    AND id < @before AND submitted_at >= @since
    AND (cast(@flow AS text) = '' OR flow = @flow)
    AND (cast(@target AS text) = '' OR target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || state || ',%')
ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: ListRequestsOfTarget :many
SELECT doc FROM requests
WHERE target = @target AND id < @before AND submitted_at >= @since
    AND (cast(@flow AS text) = '' OR flow = @flow)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || state || ',%')
ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: ListRequestsOfIncident :many
SELECT doc FROM requests
WHERE incident = @incident AND incident <> '' AND id < @before AND submitted_at >= @since
    AND (cast(@person AS text) = '' OR requester = @person OR beneficiary = @person)
    AND (cast(@flow AS text) = '' OR flow = @flow)
    AND (cast(@target AS text) = '' OR target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || state || ',%')
ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: ListRequestsOfPerson :many
SELECT r.doc FROM requests r
WHERE r.id IN (
        SELECT a.id FROM requests a WHERE a.requester = @person AND a.id < @before
        UNION
        SELECT b.id FROM requests b WHERE b.beneficiary = @person AND b.id < @before)
    AND r.submitted_at >= @since
    AND (cast(@flow AS text) = '' OR r.flow = @flow)
    AND (cast(@target AS text) = '' OR r.target = @target)
    AND (cast(@states AS text) = '' OR cast(@states AS text) LIKE '%,' || r.state || ',%')
ORDER BY r.id DESC LIMIT cast(@lim AS bigint);
