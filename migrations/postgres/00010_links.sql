-- Why: who is who. A link ties one Slack user to one PagerDuty user and, where an admin
-- says so, to one subject of the company's sign-in. Those of the configuration stand
-- there; of them only what was seen of the account is here ("watched"). A link is
-- proposed, then said by the person (claimed), then confirmed by an admin, and never goes
-- back, but for a no (declined), by the person or an admin; held says why it is not used for now. The row "links" of meta rises with every
-- change, so that replicas know when to read again.

-- +goose Up
CREATE TABLE links (
    person    text   COLLATE "C" NOT NULL PRIMARY KEY CHECK (person LIKE '_%/_%'),
    version   bigint NOT NULL CHECK (version >= 1),
    state     text   COLLATE "C" NOT NULL CONSTRAINT links_state CHECK (state IN ('proposed', 'claimed', 'confirmed', 'declined', 'watched')),
    pagerduty text   COLLATE "C" NOT NULL CHECK ((pagerduty = '') = (state IN ('declined', 'watched'))),
    subject   text   COLLATE "C" NOT NULL,
    held      text   NOT NULL,
    doc       text   NOT NULL
);
CREATE UNIQUE INDEX links_one_pagerduty ON links (pagerduty) WHERE pagerduty <> '';
CREATE UNIQUE INDEX links_one_subject ON links (subject) WHERE subject <> '';
INSERT INTO meta (name, value) VALUES ('links', '0');

-- +goose StatementBegin
CREATE FUNCTION check_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 THEN
            RAISE EXCEPTION 'links: a link begins at version 1' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.version <> OLD.version + 1 OR NEW.person <> OLD.person
        OR (NEW.pagerduty <> OLD.pagerduty AND OLD.pagerduty <> '' AND NEW.state <> 'declined')
        OR (NEW.state <> OLD.state AND (OLD.state || '>' || NEW.state) NOT IN
            ('proposed>claimed', 'proposed>confirmed', 'claimed>confirmed', 'proposed>declined', 'claimed>declined', 'confirmed>declined', 'declined>confirmed', 'watched>confirmed')) THEN
        RAISE EXCEPTION 'links: a link keeps who it ties, its version rises by exactly one, and it never goes back'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER links_check BEFORE INSERT OR UPDATE ON links
    FOR EACH ROW EXECUTE FUNCTION check_link();
