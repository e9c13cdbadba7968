-- Why: what becomes of an incident is recorded with the requests it had, also when these
-- are over: for some days, until it is resolved. Here are the incidents that are read for
-- that, one row each however many requests they had, in the order in which it is their
-- turn. The row is written with the end of a request, and goes when its time is over.

-- +goose Up
CREATE TABLE followed (
    incident text COLLATE "C" NOT NULL PRIMARY KEY CHECK (incident <> ''),
    until_at bigint NOT NULL,
    read_at  bigint NOT NULL,
    seen     text COLLATE "C" NOT NULL
);
CREATE INDEX followed_turn ON followed (read_at, incident);
