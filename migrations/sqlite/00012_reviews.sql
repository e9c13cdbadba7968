-- Why: access that its requester approved is looked back at by somebody else, where the
-- flow says so. That is a flag beside the state of the request, and few have one, so it
-- has a table of its own: open when the access has ended, closed once, never taken back.
-- The index is for what is still open.

-- +goose Up
CREATE TABLE reviews (
    request TEXT    NOT NULL PRIMARY KEY CHECK (request <> ''),
    state   TEXT    NOT NULL CONSTRAINT reviews_state CHECK (state IN ('open', 'closed')),
    due_at  INTEGER NOT NULL CHECK (due_at > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_open ON reviews (due_at, request) WHERE state = 'open';

-- +goose StatementBegin
CREATE TRIGGER reviews_begin BEFORE INSERT ON reviews
WHEN NEW.state <> 'open'
    OR NOT EXISTS (SELECT 1 FROM requests WHERE id = NEW.request AND state IN ('ended', 'failed', 'cancelled'))
BEGIN
    SELECT RAISE(ABORT, 'reviews: a review begins open, when the access has ended');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER reviews_step BEFORE UPDATE ON reviews
WHEN NEW.request <> OLD.request OR NEW.due_at <> OLD.due_at OR OLD.state <> 'open' OR NEW.state <> 'closed'
BEGIN
    SELECT RAISE(ABORT, 'reviews: a review is closed once, and nothing else happens to it');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER reviews_stay BEFORE DELETE ON reviews
BEGIN
    SELECT RAISE(ABORT, 'reviews: a review is never deleted');
END;
-- +goose StatementEnd
