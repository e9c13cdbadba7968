-- Why: access that its requester approved is looked back at by somebody else, where the
-- flow says so. That is a flag beside the state of the request, and few have one, so it
-- has a table of its own: open when the access has ended, closed once, never taken back.
-- The index is for what is still open.

-- +goose Up
CREATE TABLE reviews (
    request text COLLATE "C" NOT NULL PRIMARY KEY CHECK (request <> ''),
    state   text COLLATE "C" NOT NULL CONSTRAINT reviews_state CHECK (state IN ('open', 'closed')),
    due_at  bigint NOT NULL CHECK (due_at > 0)
);
CREATE INDEX reviews_open ON reviews (due_at, request) WHERE state = 'open';

-- +goose StatementBegin
CREATE FUNCTION check_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'reviews: a review is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NOT EXISTS (
            SELECT 1 FROM requests WHERE id = NEW.request AND state IN ('ended', 'failed', 'cancelled')) THEN
            RAISE EXCEPTION 'reviews: a review begins open, when the access has ended' USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NEW.request <> OLD.request OR NEW.due_at <> OLD.due_at OR OLD.state <> 'open' OR NEW.state <> 'closed' THEN
        RAISE EXCEPTION 'reviews: a review is closed once, and nothing else happens to it' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER reviews_check BEFORE INSERT OR UPDATE OR DELETE ON reviews
    FOR EACH ROW EXECUTE FUNCTION check_review();
