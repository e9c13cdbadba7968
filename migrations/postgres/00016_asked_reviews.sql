-- Why: questions about the past name reviews, too: those that are open, those that were
-- closed, newest first by when the access was asked for, as all answers come. So each
-- review has the time of its request, and an index in that order.
-- (A replica of the version before writes none; the database fills it in.)

-- +goose Up
ALTER TABLE reviews ADD COLUMN submitted_at bigint NOT NULL DEFAULT 0;
ALTER TABLE reviews DISABLE TRIGGER reviews_check;
UPDATE reviews SET submitted_at = coalesce((SELECT r.submitted_at FROM requests r WHERE r.id = reviews.request), 0);
ALTER TABLE reviews ENABLE TRIGGER reviews_check;
CREATE INDEX reviews_at ON reviews (state, submitted_at, request);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'reviews: a review is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NOT EXISTS (
            SELECT 1 FROM requests WHERE id = NEW.request AND state IN ('ended', 'failed', 'cancelled')) THEN
            RAISE EXCEPTION 'reviews: a review begins open, when the access has ended' USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.submitted_at = 0 THEN
            NEW.submitted_at := (SELECT submitted_at FROM requests WHERE id = NEW.request);
        END IF;
    ELSIF (NEW.request, NEW.due_at, NEW.submitted_at) IS DISTINCT FROM (OLD.request, OLD.due_at, OLD.submitted_at)
        OR OLD.state <> 'open' OR NEW.state <> 'closed' THEN
        RAISE EXCEPTION 'reviews: a review is closed once, and nothing else happens to it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
