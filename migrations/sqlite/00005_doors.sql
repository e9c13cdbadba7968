-- Why: the doors besides Slack. A pass is what lets somebody in: a browser's session, a
-- machine's login, a token. Only hashes of their secrets are kept. A sign-in ties a
-- subject of an OpenID provider to one person, from the first use on.

-- +goose Up
CREATE TABLE passes (
    id         TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    version    INTEGER NOT NULL CHECK (version >= 1),
    kind       TEXT    NOT NULL CONSTRAINT passes_kind CHECK (kind IN ('session', 'device', 'login', 'personal', 'service')),
    hash       TEXT    NOT NULL UNIQUE CHECK (length(hash) = 64),
    code       TEXT    NOT NULL,
    holder     TEXT    NOT NULL CHECK (holder <> '' OR kind = 'device'),
    created_at INTEGER NOT NULL CHECK (created_at > 0),
    used_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    ended_at   INTEGER NOT NULL,
    doc        TEXT    NOT NULL
) STRICT;
CREATE INDEX passes_holder ON passes (holder, id) WHERE holder <> '';
CREATE INDEX passes_devices ON passes (expires_at) WHERE kind = 'device';
CREATE INDEX passes_live ON passes (expires_at) WHERE kind <> 'device' AND ended_at = 0;
CREATE UNIQUE INDEX passes_code ON passes (code) WHERE code <> '';

CREATE TABLE sign_ins (
    issuer  TEXT    NOT NULL CHECK (issuer <> ''),
    subject TEXT    NOT NULL CHECK (subject <> ''),
    person  TEXT    NOT NULL CHECK (person <> ''),
    at      INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject),
    UNIQUE (issuer, person)
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER passes_begin BEFORE INSERT ON passes
WHEN NEW.version <> 1 OR NEW.ended_at <> 0
BEGIN
    SELECT RAISE(ABORT, 'passes: a pass begins at version 1, and not ended');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER passes_keep BEFORE UPDATE ON passes
WHEN NEW.id <> OLD.id OR NEW.hash <> OLD.hash OR NEW.created_at <> OLD.created_at OR OLD.ended_at <> 0
    OR (OLD.holder <> '' AND NEW.holder <> OLD.holder)
    OR (NEW.kind <> OLD.kind AND NOT (OLD.kind = 'device' AND NEW.kind = 'login'))
    OR (NEW.expires_at > OLD.expires_at AND OLD.kind <> 'device')
    OR NEW.used_at < OLD.used_at
BEGIN
    SELECT RAISE(ABORT, 'passes: a pass keeps its secret and its holder, never lives longer than it was given, and stays ended');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER passes_version BEFORE UPDATE OF version, kind, holder, code, expires_at, ended_at, doc ON passes
WHEN NEW.version <> OLD.version + 1
BEGIN
    SELECT RAISE(ABORT, 'passes: the version rises by exactly one');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER passes_stay BEFORE DELETE ON passes
WHEN OLD.kind <> 'device'
BEGIN
    SELECT RAISE(ABORT, 'passes: what let somebody in is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER sign_ins_keep BEFORE UPDATE ON sign_ins
BEGIN
    SELECT RAISE(ABORT, 'sign_ins: a subject stays with its person');
END;
-- +goose StatementEnd
