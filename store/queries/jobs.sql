-- name: UpsertJob :one
-- What is there keeps its lease; what is new is leased as given.
INSERT INTO jobs (kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease)
VALUES (@kind, @key, @subject, @lane, @run_at, @args, 0, '', 1, @leased_to, @lease_until, @lease)
ON CONFLICT (key) DO UPDATE SET
    run_at = excluded.run_at, args = excluded.args, attempts = 0, last_err = '', rev = jobs.rev + 1
RETURNING id, kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease;

-- name: LeasedInLane :one
SELECT count(*) FROM jobs WHERE lane = @lane AND lane <> '' AND leased_to <> '';

-- name: DeleteDoneJob :execrows
DELETE FROM jobs WHERE id = @id AND lease = @lease AND leased_to = @leased_to AND rev = @rev;

-- name: FreeDoneJob :execrows
-- A job that was written again while it was worked on runs again.
UPDATE jobs SET leased_to = '', lease_until = 0
WHERE id = @id AND lease = @lease AND leased_to = @leased_to;

-- name: CancelJob :many
DELETE FROM jobs WHERE key = @key RETURNING kind, subject;

-- name: RetryJob :execrows
-- A job that was written again meanwhile keeps its new time: the failure was of the old one.
UPDATE jobs SET
    run_at = CASE WHEN rev = @rev THEN cast(@run_at AS bigint) ELSE run_at END,
    attempts = CASE WHEN rev = @rev THEN attempts + 1 ELSE attempts END,
    last_err = @last_err, leased_to = '', lease_until = 0
WHERE id = @id AND lease = @lease AND leased_to = @leased_to;

-- name: ExtendJob :execrows
UPDATE jobs SET lease_until = @lease_until
WHERE id = @id AND lease = @lease AND leased_to = @leased_to;

-- name: NextDue :one
-- The earliest job that could be claimed: free, in a lane without a leased job.
SELECT j.run_at FROM jobs j
WHERE j.leased_to = ''
    AND (j.lane = '' OR NOT EXISTS (
        SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.lane <> '' AND o.leased_to <> ''))
ORDER BY j.run_at, j.id LIMIT 1;

-- name: FreeAllLeases :execrows
UPDATE jobs SET leased_to = '', lease_until = 0 WHERE leased_to <> '';

-- name: CountJobs :many
SELECT kind, count(*) AS jobs,
    cast(sum(CASE WHEN leased_to <> '' THEN 1 ELSE 0 END) AS bigint) AS leased,
    cast(sum(CASE WHEN leased_to = '' AND run_at <= @now THEN 1 ELSE 0 END) AS bigint) AS due,
    cast(sum(CASE WHEN attempts > 0 THEN 1 ELSE 0 END) AS bigint) AS failing
FROM jobs GROUP BY kind ORDER BY kind;
