-- name: SinkAt :one
SELECT name, next, holder, held_until FROM sinks WHERE name = @name;

-- name: NewSink :exec
INSERT INTO sinks (name, next, holder, held_until) VALUES (@name, @next, '', 0) ON CONFLICT (name) DO NOTHING;

-- name: ClaimSink :execrows
UPDATE sinks SET holder = @owner, held_until = @until
WHERE name = @name AND (holder IN ('', @owner) OR held_until <= @now);

-- name: AdvanceSink :execrows
UPDATE sinks SET next = @next, held_until = @until WHERE name = @name AND holder = @owner;

-- name: ReleaseAllSinks :exec
UPDATE sinks SET holder = '', held_until = 0 WHERE holder <> '';

-- name: SinkCursors :many
SELECT name, next, holder, held_until FROM sinks ORDER BY name;

-- name: LeafAt :one
-- When the entry at a place was written.
SELECT e.at FROM leaves l JOIN entries e ON e.id = l.entry WHERE l.idx = @idx;
