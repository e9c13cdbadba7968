-- Why: who is who. A link ties one Slack user to one PagerDuty user and, where an admin
-- says so, to one subject of the company's sign-in. Those of the configuration stand
-- there; of them only what was seen of the account is here ("watched"). A link is
-- proposed, then said by the person (claimed), then confirmed by an admin, and never goes
-- back, but for a no (declined), by the person or an admin; held says why it is not used for now. The row "links" of meta rises with every
-- change, so that replicas know when to read again.

-- +goose Up
CREATE TABLE links (
    person    TEXT    NOT NULL PRIMARY KEY CHECK (person LIKE '_%/_%'),
    version   INTEGER NOT NULL CHECK (version >= 1),
    state     TEXT    NOT NULL CONSTRAINT links_state CHECK (state IN ('proposed', 'claimed', 'confirmed', 'declined', 'watched')),
    pagerduty TEXT    NOT NULL CHECK ((pagerduty = '') = (state IN ('declined', 'watched'))),
    subject   TEXT    NOT NULL,
    held      TEXT    NOT NULL,
    doc       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX links_one_pagerduty ON links (pagerduty) WHERE pagerduty <> '';
CREATE UNIQUE INDEX links_one_subject ON links (subject) WHERE subject <> '';
INSERT INTO meta (name, value) VALUES ('links', '0');

-- +goose StatementBegin
CREATE TRIGGER links_begin BEFORE INSERT ON links
WHEN NEW.version <> 1
BEGIN
    SELECT RAISE(ABORT, 'links: a link begins at version 1');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER links_keep BEFORE UPDATE ON links
WHEN NEW.version <> OLD.version + 1 OR NEW.person <> OLD.person
    OR (NEW.pagerduty <> OLD.pagerduty AND OLD.pagerduty <> '' AND NEW.state <> 'declined')
    OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
        ('proposed>claimed', 'proposed>confirmed', 'claimed>confirmed', 'proposed>declined', 'claimed>declined', 'confirmed>declined', 'declined>confirmed', 'watched>confirmed'))
BEGIN
    SELECT RAISE(ABORT, 'links: a link keeps who it ties, its version rises by exactly one, and it never goes back');
END;
-- +goose StatementEnd
