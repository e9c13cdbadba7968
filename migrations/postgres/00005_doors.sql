-- Why: the doors besides Slack. A pass is what lets somebody in: a browser's session, a
-- machine's login, a token. Only hashes of their secrets are kept. A sign-in ties a
-- subject of an OpenID provider to one person, from the first use on.

-- +goose Up
CREATE TABLE passes (
    id         text   COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    version    bigint NOT NULL CHECK (version >= 1),
    kind       text   COLLATE "C" NOT NULL CONSTRAINT passes_kind CHECK (kind IN ('session', 'device', 'login', 'personal', 'service')),
    hash       text   COLLATE "C" NOT NULL UNIQUE CHECK (length(hash) = 64),
    code       text   COLLATE "C" NOT NULL,
    holder     text   COLLATE "C" NOT NULL CHECK (holder <> '' OR kind = 'device'),
    created_at bigint NOT NULL CHECK (created_at > 0),
    used_at    bigint NOT NULL,
    expires_at bigint NOT NULL CHECK (expires_at > created_at),
    ended_at   bigint NOT NULL,
    doc        text   NOT NULL
);
CREATE INDEX passes_holder ON passes (holder, id) WHERE holder <> '';
CREATE INDEX passes_devices ON passes (expires_at) WHERE kind = 'device';
CREATE INDEX passes_live ON passes (expires_at) WHERE kind <> 'device' AND ended_at = 0;
CREATE UNIQUE INDEX passes_code ON passes (code) WHERE code <> '';

CREATE TABLE sign_ins (
    issuer  text   COLLATE "C" NOT NULL CHECK (issuer <> ''),
    subject text   COLLATE "C" NOT NULL CHECK (subject <> ''),
    person  text   COLLATE "C" NOT NULL CHECK (person <> ''),
    at      bigint NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (issuer, person)
);

-- +goose StatementBegin
CREATE FUNCTION check_pass() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.version <> 1 OR NEW.ended_at <> 0 THEN
            RAISE EXCEPTION 'passes: a pass begins at version 1, and not ended' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.created_at <> OLD.created_at OR OLD.ended_at <> 0
        OR (OLD.holder <> '' AND NEW.holder <> OLD.holder)
        OR (NEW.kind <> OLD.kind AND NOT (OLD.kind = 'device' AND NEW.kind = 'login'))
        OR (NEW.expires_at > OLD.expires_at AND OLD.kind <> 'device')
        OR NEW.used_at < OLD.used_at THEN
        RAISE EXCEPTION 'passes: a pass keeps its secret and its holder, never lives longer than it was given, and stays ended'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.version <> OLD.version + 1
        AND (NEW.version, NEW.kind, NEW.holder, NEW.code, NEW.expires_at, NEW.ended_at, NEW.doc)
            IS DISTINCT FROM (OLD.version, OLD.kind, OLD.holder, OLD.code, OLD.expires_at, OLD.ended_at, OLD.doc) THEN
        RAISE EXCEPTION 'passes: the version rises by exactly one' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER passes_check BEFORE INSERT OR UPDATE ON passes
    FOR EACH ROW EXECUTE FUNCTION check_pass();
CREATE TRIGGER passes_stay BEFORE DELETE ON passes
    FOR EACH ROW WHEN (OLD.kind <> 'device') EXECUTE FUNCTION refuse('what let somebody in is never deleted');
CREATE TRIGGER passes_stay_all BEFORE TRUNCATE ON passes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse('what let somebody in is never deleted');
CREATE TRIGGER sign_ins_keep BEFORE UPDATE ON sign_ins
    FOR EACH ROW EXECUTE FUNCTION refuse('a subject stays with its person');
