-- Incidents of requests that are over, whose changes are still recorded.

-- name: Follow :exec
INSERT INTO followed (incident, until_at, read_at, seen)
VALUES (@incident, @until_at, @read_at, '')
ON CONFLICT (incident) DO UPDATE SET seen = '',
    until_at = CASE WHEN excluded.until_at > followed.until_at THEN excluded.until_at ELSE followed.until_at END;

-- name: FollowStill :exec
INSERT INTO followed (incident, until_at, read_at, seen)
VALUES (@incident, @until_at, @read_at, '')
ON CONFLICT (incident) DO NOTHING;

-- name: FollowedTurn :many
SELECT incident, until_at, read_at, seen FROM followed
WHERE read_at <= @before ORDER BY read_at, incident LIMIT cast(@lim AS bigint);

-- name: FollowedRead :execrows
UPDATE followed SET read_at = @read_at, seen = @seen
WHERE incident = @incident AND until_at = @until_at AND seen = @was;

-- name: Unfollow :execrows
DELETE FROM followed WHERE incident = @incident AND until_at = @until_at AND seen = @was;

-- name: OverWithIncident :many
SELECT id FROM requests
WHERE incident = @incident AND incident <> '' AND id > @after AND submitted_at >= @since
    AND state IN ('denied', 'cancelled', 'lapsed', 'ended', 'failed')
ORDER BY id LIMIT cast(@lim AS bigint);
