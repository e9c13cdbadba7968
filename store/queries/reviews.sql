-- name: OpenReview :execrows
INSERT INTO reviews (request, state, due_at, submitted_at) VALUES (@request, 'open', @due_at, @submitted_at);

-- name: CloseReview :execrows
UPDATE reviews SET state = 'closed' WHERE request = @request;

-- name: ReviewState :one
SELECT state FROM reviews WHERE request = @request;

-- name: OpenReviews :many
-- Those that are due first come first.
SELECT r.doc FROM reviews v JOIN requests r ON r.id = v.request
WHERE v.state = 'open' AND v.due_at > 0
ORDER BY v.due_at, v.request LIMIT cast(@lim AS bigint);
