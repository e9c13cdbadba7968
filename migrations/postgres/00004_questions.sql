-- Why: questions about the past. Each of them (what was done for an incident, by a
-- person, at a target, in a flow, with an outcome, in a time) has an index to walk,
-- newest first, so that its first page costs the same however much is stored. The
-- tables are written in the transaction of the step they follow from: who had a part in
-- a request and which, the incidents it ever belonged to, the words of its reasons
-- (which go when the person is erased), and running totals for charts.

-- +goose Up
CREATE INDEX requests_at ON requests (submitted_at, id);
CREATE INDEX requests_target_at ON requests (target, submitted_at, id);
CREATE INDEX requests_flow_at ON requests (flow, submitted_at, id);
CREATE INDEX requests_state_at ON requests (state, submitted_at, id);

-- roles are bits: 1 requester, 2 holder, 4 approver, 8 denier, 16 who ended it.
CREATE TABLE request_people (
    request      text COLLATE "C" NOT NULL,
    person       text COLLATE "C" NOT NULL CHECK (person <> ''),
    roles        bigint  NOT NULL CHECK (roles BETWEEN 1 AND 31),
    submitted_at bigint  NOT NULL,
    PRIMARY KEY (request, person)
);
CREATE INDEX request_people_at ON request_people (person, submitted_at, request, roles);

-- number is 0 where it is not known (the incident that another was merged into).
CREATE TABLE request_incidents (
    incident     text COLLATE "C" NOT NULL CHECK (incident <> ''),
    submitted_at bigint  NOT NULL,
    request      text COLLATE "C" NOT NULL,
    number       bigint  NOT NULL CHECK (number >= 0),
    PRIMARY KEY (incident, submitted_at, request)
);
CREATE INDEX request_incidents_number ON request_incidents (number, incident) WHERE number > 0;

-- text is in lower case, without what LIKE reads as signs.
CREATE TABLE request_words (
    request text COLLATE "C" NOT NULL,
    kind    text COLLATE "C" NOT NULL CHECK (kind IN ('asked', 'denied', 'ended')),
    person  text COLLATE "C" NOT NULL,
    text    text COLLATE "C" NOT NULL,
    PRIMARY KEY (request, kind)
);
CREATE INDEX request_words_person ON request_words (person);

-- A sum is the sum over its shards: on PostgreSQL, decisions that happen at once then
-- rarely wait for the same row. day counts from 1970-01-01, UTC.
CREATE TABLE totals (
    day   bigint  NOT NULL,
    flow  text COLLATE "C" NOT NULL,
    name  text COLLATE "C" NOT NULL,
    shard bigint  NOT NULL,
    n     bigint  NOT NULL,
    PRIMARY KEY (day, flow, name, shard)
);
