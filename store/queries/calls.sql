-- name: AddCalls :exec
INSERT INTO calls (request, rule, n, first_at, last_at) VALUES (@request, @rule, @n, @first_at, @last_at)
ON CONFLICT (request, rule) DO UPDATE SET n = calls.n + excluded.n,
    first_at = CASE WHEN excluded.first_at < calls.first_at THEN excluded.first_at ELSE calls.first_at END,
    last_at = CASE WHEN excluded.last_at > calls.last_at THEN excluded.last_at ELSE calls.last_at END;

-- name: CallsOf :many
SELECT request, rule, n, first_at, last_at FROM calls WHERE request = @request ORDER BY n DESC, rule;

-- name: CallsFor :many
SELECT c.request, c.rule, c.n, c.first_at, c.last_at FROM request_incidents i
JOIN calls c ON c.request = i.request
WHERE i.incident = @incident ORDER BY c.request, c.n DESC, c.rule;
