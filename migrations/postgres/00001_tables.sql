-- Why: the tables of Breakglass. A request is kept whole as JSON in doc; the columns
-- beside it are what is searched and what the rules of 00002 hold. Times are Unix
-- milliseconds, 0 where there is none. Nothing is NULL. Every text compares byte by
-- byte (COLLATE "C"), whatever the locale of the database is: two identifiers are
-- the same only if their bytes are.

-- +goose Up
CREATE TABLE meta (
    name  text COLLATE "C" NOT NULL PRIMARY KEY,
    value text COLLATE "C" NOT NULL
);

CREATE TABLE transitions (
    from_state text COLLATE "C" NOT NULL,
    to_state   text COLLATE "C" NOT NULL,
    PRIMARY KEY (from_state, to_state)
);

CREATE TABLE requests (
    id           text COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    version      bigint  NOT NULL CHECK (version >= 1),
    state        text COLLATE "C" NOT NULL CONSTRAINT requests_state CHECK (state IN (
        'submitted', 'pending', 'approved', 'denied', 'cancelled', 'lapsed',
        'granting', 'active', 'ending', 'ended', 'failed')),
    flow         text COLLATE "C" NOT NULL CHECK (flow <> ''),
    target       text COLLATE "C" NOT NULL CHECK (target <> ''),
    scope        text COLLATE "C" NOT NULL,
    requester    text COLLATE "C" NOT NULL CHECK (requester <> ''),
    beneficiary  text COLLATE "C" NOT NULL CHECK (beneficiary <> ''),
    incident     text COLLATE "C" NOT NULL,
    hash         text COLLATE "C" NOT NULL,
    submitted_at bigint  NOT NULL,
    decided_at   bigint  NOT NULL,
    due_at       bigint  NOT NULL,
    overdue      bigint  NOT NULL CHECK (overdue IN (0, 1)),
    doc          text COLLATE "C" NOT NULL
);

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
    person  text COLLATE "C" NOT NULL,
    target  text COLLATE "C" NOT NULL,
    scope   text COLLATE "C" NOT NULL,
    version bigint  NOT NULL CHECK (version >= 1),
    doc     text COLLATE "C" NOT NULL,
    PRIMARY KEY (person, target, scope)
);

CREATE TABLE chains (
    chain text COLLATE "C" NOT NULL PRIMARY KEY,
    len   bigint  NOT NULL CHECK (len >= 1),
    hash  text COLLATE "C" NOT NULL CHECK (hash <> '')
);

-- id is the order of insertion, for the tree that takes entries in later.
CREATE TABLE entries (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain text COLLATE "C" NOT NULL CHECK (chain <> ''),
    seq   bigint  NOT NULL CHECK (seq >= 1),
    at    bigint  NOT NULL,
    verb  text COLLATE "C" NOT NULL,
    prev  text COLLATE "C" NOT NULL,
    hash  text COLLATE "C" NOT NULL UNIQUE,
    bytes text COLLATE "C" NOT NULL CHECK (bytes <> ''),
    UNIQUE (chain, seq)
);

CREATE TABLE openings (
    entry  bigint  NOT NULL REFERENCES entries (id),
    path   text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    salt   bytea   NOT NULL,
    value  text COLLATE "C" NOT NULL,
    PRIMARY KEY (entry, path)
);
CREATE INDEX openings_person ON openings (person);

CREATE TABLE cards (
    id        text COLLATE "C" NOT NULL PRIMARY KEY CHECK (id <> ''),
    request   text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    person    text COLLATE "C" NOT NULL,
    channel   text COLLATE "C" NOT NULL,
    ts        text COLLATE "C" NOT NULL,
    token     text COLLATE "C" NOT NULL,
    next      text COLLATE "C" NOT NULL,
    version   bigint  NOT NULL,
    posted_at bigint  NOT NULL
);
CREATE INDEX cards_request ON cards (request);
CREATE UNIQUE INDEX cards_token ON cards (token) WHERE token <> '';
CREATE UNIQUE INDEX cards_next ON cards (next) WHERE next <> '';

CREATE TABLE jobs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text COLLATE "C" NOT NULL CHECK (kind <> ''),
    key         text COLLATE "C" NOT NULL UNIQUE CHECK (key <> ''),
    subject     text COLLATE "C" NOT NULL,
    lane        text COLLATE "C" NOT NULL,
    run_at      bigint  NOT NULL,
    args        text COLLATE "C" NOT NULL,
    attempts    bigint  NOT NULL CHECK (attempts >= 0),
    last_err    text COLLATE "C" NOT NULL,
    rev         bigint  NOT NULL CHECK (rev >= 1),
    leased_to   text COLLATE "C" NOT NULL,
    lease_until bigint  NOT NULL,
    lease       bigint  NOT NULL CHECK (lease >= 0)
);
-- Jobs of one lane never run side by side.
CREATE UNIQUE INDEX jobs_one_leased_a_lane ON jobs (lane) WHERE lane <> '' AND leased_to <> '';
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE leased_to = '';
CREATE INDEX jobs_lane ON jobs (lane, run_at, id) WHERE lane <> '' AND leased_to = '';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE leased_to <> '';
-- What ends a request or its access when nobody does.
CREATE INDEX jobs_ends ON jobs (subject, kind) WHERE kind IN ('lapse', 'give_up', 'revoke');

CREATE TABLE inbox (
    key        text COLLATE "C" NOT NULL PRIMARY KEY CHECK (key <> ''),
    kind       text COLLATE "C" NOT NULL,
    body       bytea   NOT NULL,
    at         bigint  NOT NULL,
    handled_at bigint  NOT NULL,
    attempts   bigint  NOT NULL
);
CREATE INDEX inbox_handled ON inbox (handled_at);
