-- name: GetHolding :one
SELECT version, doc FROM holdings
WHERE person = @person AND target = @target AND scope = @scope;

-- name: InsertHolding :exec
INSERT INTO holdings (person, target, scope, version, doc)
VALUES (@person, @target, @scope, @version, @doc);

-- name: SwapHolding :execrows
UPDATE holdings SET version = @version, doc = @doc
WHERE person = @person AND target = @target AND scope = @scope AND version = @old_version;
