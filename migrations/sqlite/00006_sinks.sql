-- Why: where audit entries stream to. A row is how far a sink is: next is the place in
-- the tree of the entry that it goes on with, so that nothing is left out however often
-- the program dies. holder sends until held_until; replicas take turns, so that entries
-- are not sent by each of them. Rows are made by the program, one a name.

-- +goose Up
CREATE TABLE sinks (
    name       TEXT    NOT NULL PRIMARY KEY CHECK (name <> ''),
    next       INTEGER NOT NULL CHECK (next >= 0),
    holder     TEXT    NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;

-- What was taken stays taken: to send everything again, give the sink another name.
-- +goose StatementBegin
CREATE TRIGGER sinks_forward BEFORE UPDATE ON sinks
WHEN NEW.next < OLD.next OR NEW.name <> OLD.name
BEGIN
    SELECT RAISE(ABORT, 'sinks: a cursor only moves forward');
END;
-- +goose StatementEnd
