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
DELETE FROM inbox WHERE handled_at > 0 AND handled_at < @before;

-- name: CountUnhandled :one
SELECT count(*) FROM inbox WHERE handled_at = 0;
