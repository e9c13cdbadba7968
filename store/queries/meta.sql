-- name: GetMeta :one
SELECT value FROM meta WHERE name = @name;

-- name: ClaimMeta :execrows
INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO NOTHING;

-- name: PutMeta :exec
INSERT INTO meta (name, value) VALUES (@name, @value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;
