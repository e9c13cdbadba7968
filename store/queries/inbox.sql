-- name: InsertInbox :execrows
INSERT INTO inbox (key, kind, body, at, handled_at, attempts)
VALUES (@key, @kind, @body, @at, 0, 0)
ON CONFLICT (key) DO NOTHING;

-- name: InboxRow :one
SELECT key, kind, body, at FROM inbox WHERE key = @key;

-- name: MarkHandled :execrows
UPDATE inbox SET handled_at = @handled_at, attempts = @attempts
WHERE key = @key AND handled_at = 0;

-- name: PurgeInbox :execrows
DELETE FROM inbox WHERE key IN (
    SELECT i.key FROM inbox i
    WHERE i.handled_at > 0 AND i.handled_at < @before
    ORDER BY i.handled_at LIMIT cast(@lim AS bigint));

-- name: CountUnhandled :one
SELECT count(*) FROM inbox WHERE handled_at = 0;
