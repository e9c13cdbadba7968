-- Why: where audit entries stream to. A row is how far a sink is: next is the place in
-- the tree of the entry that it goes on with, so that nothing is left out however often
-- the program dies. holder sends until held_until; replicas take turns, so that entries
-- are not sent by each of them. Rows are made by the program, one a name.

-- +goose Up
CREATE TABLE sinks (
    name       text COLLATE "C" NOT NULL PRIMARY KEY CHECK (name <> ''),
    next       bigint NOT NULL CHECK (next >= 0),
    holder     text COLLATE "C" NOT NULL,
    held_until bigint NOT NULL
);

-- What was taken stays taken: to send everything again, give the sink another name.
-- +goose StatementBegin
CREATE FUNCTION check_sink() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.next < OLD.next OR NEW.name <> OLD.name THEN
        RAISE EXCEPTION 'sinks: a cursor only moves forward' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER sinks_forward BEFORE UPDATE ON sinks FOR EACH ROW EXECUTE FUNCTION check_sink();
