-- Why: an admin can freeze everything at once, and the database holds it: while the
-- row says since when, no request becomes approved and no access begins, whichever
-- replica decides and however late. What ends access is not held up. The index is for
-- going through all that is undecided or live, among the many that are over.

-- +goose Up
INSERT INTO meta (name, value) VALUES ('frozen', '');

-- +goose StatementBegin
CREATE TRIGGER requests_frozen BEFORE UPDATE ON requests
WHEN NEW.state IN ('approved', 'granting') AND NEW.state <> OLD.state
    AND (SELECT value FROM meta WHERE name = 'frozen') <> ''
BEGIN
    SELECT RAISE(ABORT, 'requests: frozen by an admin');
END;
-- +goose StatementEnd

CREATE INDEX requests_open ON requests (id)
    WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending');
