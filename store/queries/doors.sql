-- name: InsertPass :exec
INSERT INTO passes (id, version, kind, hash, code, holder, created_at, used_at, expires_at, ended_at, doc)
VALUES (@id, @version, @kind, @hash, @code, @holder, @created_at, @created_at, @expires_at, @ended_at, @doc);

-- name: SwapPass :execrows
UPDATE passes SET version = @version, kind = @kind, code = @code, holder = @holder,
    expires_at = @expires_at, ended_at = @ended_at, doc = @doc
WHERE id = @id AND version = @old_version AND ended_at = 0;

-- name: TouchPass :exec
UPDATE passes SET used_at = @used_at WHERE id = @id AND used_at < @used_at AND ended_at = 0;

-- name: PassByID :one
SELECT doc, version, used_at FROM passes WHERE id = @id;

-- name: PassByHash :one
SELECT doc, version, used_at FROM passes WHERE hash = @hash;

-- name: PassByCode :one
SELECT doc, version, used_at FROM passes WHERE code = @code AND code <> '';

-- name: PassesOf :many
SELECT doc, version, used_at FROM passes
WHERE holder = @holder AND holder <> '' AND ended_at = 0 AND expires_at > @now ORDER BY id DESC LIMIT cast(@lim AS bigint);

-- name: LivePasses :many
SELECT doc, version, used_at FROM passes
WHERE kind <> 'device' AND ended_at = 0 AND expires_at > @now ORDER BY expires_at DESC, id DESC LIMIT cast(@lim AS bigint);

-- name: CountDevices :one
SELECT count(*) FROM passes WHERE kind = 'device' AND expires_at > @now;

-- name: PurgeDevices :execrows
DELETE FROM passes WHERE kind = 'device' AND expires_at < @before;

-- name: InsertSignIn :exec
INSERT INTO sign_ins (issuer, subject, person, at) VALUES (@issuer, @subject, @person, @at);

-- name: SignInOf :one
SELECT issuer, subject, person, at FROM sign_ins WHERE issuer = @issuer AND subject = @subject;

-- name: SignInFor :one
SELECT issuer, subject, person, at FROM sign_ins WHERE issuer = @issuer AND person = @person;
