-- SQLite has one writer, so nothing needs locking.

-- name: FreeExpiredJobs :execrows
UPDATE jobs SET leased_to = '', lease_until = 0
WHERE leased_to <> '' AND lease_until <= @now;

-- name: ClaimJobs :many
UPDATE jobs SET leased_to = @leased_to, lease_until = @lease_until, lease = lease + 1
WHERE id IN (
    SELECT j.id FROM jobs j
    WHERE j.leased_to = '' AND j.run_at <= @now
        AND (j.lane = '' OR (
            NOT EXISTS (SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.lane <> '' AND o.leased_to <> '')
            AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.lane <> '' AND o.leased_to = ''
                AND (o.run_at, o.id) < (j.run_at, j.id))))
    ORDER BY j.run_at, j.id LIMIT cast(@lim AS bigint))
RETURNING id, kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease;
