-- Why: the tables of Breakglass. A request is kept whole as JSON in doc; the columns
-- beside it are what is searched and what the rules of 00002 hold. Times are Unix
-- milliseconds, 0 where there is none. Nothing is NULL.

-- +goose Up
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE transitions (
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    PRIMARY KEY (from_state, to_state)
) STRICT;

CREATE TABLE requests (
    id           TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    version      INTEGER NOT NULL CHECK (version >= 1),
    state        TEXT    NOT NULL CONSTRAINT requests_state CHECK (state IN (
        'submitted', 'pending', 'approved', 'denied', 'cancelled', 'lapsed',
        'granting', 'active', 'ending', 'ended', 'failed')),
    flow         TEXT    NOT NULL CHECK (flow <> ''),
    target       TEXT    NOT NULL CHECK (target <> ''),
    scope        TEXT    NOT NULL,
    requester    TEXT    NOT NULL CHECK (requester <> ''),
    beneficiary  TEXT    NOT NULL CHECK (beneficiary <> ''),
    incident     TEXT    NOT NULL,
    hash         TEXT    NOT NULL,
    submitted_at INTEGER NOT NULL,
    decided_at   INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    overdue      INTEGER NOT NULL CHECK (overdue IN (0, 1)),
    doc          TEXT    NOT NULL
) STRICT;

-- One undecided request a person, target and scope. Granted ones may overlap.
CREATE UNIQUE INDEX requests_one_open ON requests (beneficiary, target, scope)
    WHERE state IN ('submitted', 'pending');
CREATE INDEX requests_due ON requests (due_at) WHERE due_at > 0;
CREATE INDEX requests_requester ON requests (requester, id);
CREATE INDEX requests_beneficiary ON requests (beneficiary, target, scope, id);
CREATE INDEX requests_target ON requests (target, id);
CREATE INDEX requests_incident ON requests (incident, id) WHERE incident <> '';
CREATE INDEX requests_live ON requests (state, id)
    WHERE state IN ('submitted', 'pending', 'approved', 'granting', 'active', 'ending');

CREATE TABLE holdings (
    person  TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    scope   TEXT    NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    doc     TEXT    NOT NULL,
    PRIMARY KEY (person, target, scope)
) STRICT;

CREATE TABLE chains (
    chain TEXT    NOT NULL PRIMARY KEY,
    len   INTEGER NOT NULL CHECK (len >= 1),
    hash  TEXT    NOT NULL CHECK (hash <> '')
) STRICT;

-- id is the order of insertion, for the tree that takes entries in later.
CREATE TABLE entries (
    id    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    chain TEXT    NOT NULL CHECK (chain <> ''),
    seq   INTEGER NOT NULL CHECK (seq >= 1),
    at    INTEGER NOT NULL,
    verb  TEXT    NOT NULL,
    prev  TEXT    NOT NULL,
    hash  TEXT    NOT NULL UNIQUE,
    bytes TEXT    NOT NULL CHECK (bytes <> ''),
    UNIQUE (chain, seq)
) STRICT;

CREATE TABLE openings (
    entry  INTEGER NOT NULL REFERENCES entries (id),
    path   TEXT    NOT NULL,
    person TEXT    NOT NULL,
    salt   BLOB    NOT NULL,
    value  TEXT    NOT NULL,
    PRIMARY KEY (entry, path)
) STRICT;
CREATE INDEX openings_person ON openings (person);

CREATE TABLE cards (
    id        TEXT    NOT NULL PRIMARY KEY CHECK (id <> ''),
    request   TEXT    NOT NULL,
    kind      TEXT    NOT NULL,
    person    TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    ts        TEXT    NOT NULL,
    token     TEXT    NOT NULL,
    next      TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    posted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cards_request ON cards (request);
CREATE UNIQUE INDEX cards_token ON cards (token) WHERE token <> '';
CREATE UNIQUE INDEX cards_next ON cards (next) WHERE next <> '';

CREATE TABLE jobs (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL CHECK (kind <> ''),
    key         TEXT    NOT NULL UNIQUE CHECK (key <> ''),
    subject     TEXT    NOT NULL,
    lane        TEXT    NOT NULL,
    run_at      INTEGER NOT NULL,
    args        TEXT    NOT NULL,
    attempts    INTEGER NOT NULL CHECK (attempts >= 0),
    last_err    TEXT    NOT NULL,
    rev         INTEGER NOT NULL CHECK (rev >= 1),
    leased_to   TEXT    NOT NULL,
    lease_until INTEGER NOT NULL,
    lease       INTEGER NOT NULL CHECK (lease >= 0)
) STRICT;
-- Jobs of one lane never run side by side.
CREATE UNIQUE INDEX jobs_one_leased_a_lane ON jobs (lane) WHERE lane <> '' AND leased_to <> '';
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE leased_to = '';
CREATE INDEX jobs_lane ON jobs (lane, run_at, id) WHERE lane <> '' AND leased_to = '';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE leased_to <> '';
-- What ends a request or its access when nobody does.
CREATE INDEX jobs_ends ON jobs (subject, kind) WHERE kind IN ('lapse', 'give_up', 'revoke');

CREATE TABLE inbox (
    key        TEXT    NOT NULL PRIMARY KEY CHECK (key <> ''),
    kind       TEXT    NOT NULL,
    body       BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    handled_at INTEGER NOT NULL,
    attempts   INTEGER NOT NULL
) STRICT;
CREATE INDEX inbox_handled ON inbox (handled_at);
