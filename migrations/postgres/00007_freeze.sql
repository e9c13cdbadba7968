-- Why: an admin can freeze everything at once, and the database holds it: while the
-- row says since when, no request becomes approved and no access begins, whichever
-- replica decides and however late. What ends access is not held up. Whoever freezes
-- waits for the decisions under way, and those that follow see it: both take one
-- lock, shared by those who decide. The index is for going through all that is
-- undecided or live, among the many that are over.

-- +goose Up
INSERT INTO meta (name, value) VALUES ('frozen', '');

-- +goose StatementBegin
CREATE FUNCTION check_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('breakglass frozen'), hashtext(current_schema()));
    IF (SELECT value FROM meta WHERE name = 'frozen') <> '' THEN
        RAISE EXCEPTION 'requests: frozen by an admin' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER requests_frozen BEFORE UPDATE ON requests FOR EACH ROW
    WHEN (NEW.state IN ('approved', 'granting') AND NEW.state <> OLD.state)
    EXECUTE FUNCTION check_frozen();

-- +goose StatementBegin
CREATE FUNCTION lock_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('breakglass frozen'), hashtext(current_schema()));
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER meta_frozen BEFORE UPDATE ON meta FOR EACH ROW
    WHEN (NEW.name = 'frozen')
    EXECUTE FUNCTION lock_frozen();

CREATE INDEX requests_open ON requests (id)
    WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending');
