-- name: InsertLink :exec
INSERT INTO links (person, version, state, pagerduty, subject, held, doc)
VALUES (@person, @version, @state, @pagerduty, @subject, @held, @doc);

-- name: SwapLink :execrows
UPDATE links SET version = @version, state = @state, pagerduty = @pagerduty, subject = @subject, held = @held, doc = @doc
WHERE person = @person AND version = @old_version;

-- name: DeleteLink :execrows
DELETE FROM links WHERE person = @person AND version = @version;

-- name: AllLinks :many
SELECT person, version, doc FROM links ORDER BY person;

-- name: BumpLinks :exec
UPDATE meta SET value = cast(cast(value AS bigint) + 1 AS text) WHERE name = 'links';

-- name: DeleteSignIn :execrows
DELETE FROM sign_ins WHERE issuer = @issuer AND subject = @subject AND person = @person;

-- name: AllSignIns :many
SELECT issuer, subject, person, at FROM sign_ins ORDER BY person, issuer;

-- name: EraseLinks :execrows
DELETE FROM links WHERE person = @person;
