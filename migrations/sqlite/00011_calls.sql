-- Why: the calls by a grant, counted by the rule that let them through, so that a page
-- says what was done by it without reading each of a hundred thousand entries. The row is
-- written with the entries; they stay what proves it.

-- +goose Up
CREATE TABLE calls (
    request  TEXT    NOT NULL CHECK (request <> ''),
    rule     TEXT    NOT NULL,
    n        INTEGER NOT NULL CHECK (n >= 1),
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (request, rule)
) STRICT;
INSERT INTO calls (request, rule, n, first_at, last_at)
SELECT substr(chain, 7), coalesce(json_extract(bytes, '$.facts.rule'), ''), count(*), min(at), max(at) FROM entries
WHERE chain >= 'calls/req_' AND chain < 'calls/req`' AND verb = 'call_sent' GROUP BY 1, 2;
