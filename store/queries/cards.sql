-- name: UpsertCard :exec
INSERT INTO cards (id, request, kind, person, channel, ts, token, next, version, posted_at)
VALUES (@id, @request, @kind, @person, @channel, @ts, @token, @next, @version, @posted_at)
ON CONFLICT (id) DO UPDATE SET
    request = excluded.request, kind = excluded.kind, person = excluded.person,
    channel = excluded.channel, ts = excluded.ts, token = excluded.token,
    next = excluded.next, version = excluded.version, posted_at = excluded.posted_at;

-- name: RequestCards :many
SELECT id, request, kind, person, channel, ts, token, next, version, posted_at
FROM cards WHERE request = @request ORDER BY id;

-- name: CardByID :one
SELECT id, request, kind, person, channel, ts, token, next, version, posted_at
FROM cards WHERE id = @id;

-- name: CardByToken :one
SELECT id, request, kind, person, channel, ts, token, next, version, posted_at
FROM cards WHERE token = @hash AND token <> '';

-- name: CardByNext :one
SELECT id, request, kind, person, channel, ts, token, next, version, posted_at
FROM cards WHERE next = @hash AND next <> '';
