-- Why: questions about the past name reviews, too: those that are open, those that were
-- closed, newest first by when the access was asked for, as all answers come. So each
-- review has the time of its request, and an index in that order.

-- +goose Up
DROP TRIGGER reviews_step;
ALTER TABLE reviews ADD COLUMN submitted_at INTEGER NOT NULL DEFAULT 0;
UPDATE reviews SET submitted_at = coalesce((SELECT r.submitted_at FROM requests r WHERE r.id = reviews.request), 0);
CREATE INDEX reviews_at ON reviews (state, submitted_at, request);

-- +goose StatementBegin
CREATE TRIGGER reviews_step BEFORE UPDATE ON reviews
WHEN NEW.request <> OLD.request OR NEW.due_at <> OLD.due_at OR NEW.submitted_at <> OLD.submitted_at
    OR OLD.state <> 'open' OR NEW.state <> 'closed'
BEGIN
    SELECT RAISE(ABORT, 'reviews: a review is closed once, and nothing else happens to it');
END;
-- +goose StatementEnd
