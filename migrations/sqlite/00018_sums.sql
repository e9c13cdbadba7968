-- Why: a chart of a year read a row for each day, flow and total, most of them parts by
-- target that it draws few of: 360,000 rows where there are ten million entries. Now the
-- totals of a flow on a day stand in one row, and parts in a table of their own, where a
-- part's began and over stand in one row, once for the day and once for the month: which
-- targets are drawn is answered by months, and only theirs are read by day. A decision
-- writes no more rows than before. day and since (of a span its first day) count from
-- 1970-01-01, UTC. The names of the totals are in flows/totals.go.

-- +goose Up
CREATE TABLE sums (
    day           INTEGER NOT NULL,
    flow          TEXT    NOT NULL,
    shard         INTEGER NOT NULL,
    asked         INTEGER NOT NULL DEFAULT 0,
    approved      INTEGER NOT NULL DEFAULT 0,
    self_approved INTEGER NOT NULL DEFAULT 0,
    waited_1m     INTEGER NOT NULL DEFAULT 0,
    waited_5m     INTEGER NOT NULL DEFAULT 0,
    waited_15m    INTEGER NOT NULL DEFAULT 0,
    waited_1h     INTEGER NOT NULL DEFAULT 0,
    waited_4h     INTEGER NOT NULL DEFAULT 0,
    waited_longer INTEGER NOT NULL DEFAULT 0,
    began         INTEGER NOT NULL DEFAULT 0,
    over          INTEGER NOT NULL DEFAULT 0,
    denied        INTEGER NOT NULL DEFAULT 0,
    lapsed        INTEGER NOT NULL DEFAULT 0,
    cancelled     INTEGER NOT NULL DEFAULT 0,
    ended         INTEGER NOT NULL DEFAULT 0,
    failed        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, flow, shard)
) WITHOUT ROWID;

-- n is how often access to the target began, or how often people of the team approved
-- their own requests; over is how often access to the target was over.
CREATE TABLE part_sums (
    span  TEXT NOT NULL CHECK (span IN ('day', 'month')),
    since INTEGER NOT NULL,
    kind  TEXT NOT NULL CHECK (kind IN ('target', 'team')),
    part  TEXT NOT NULL,
    flow  TEXT NOT NULL,
    shard INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    over  INTEGER NOT NULL,
    PRIMARY KEY (span, since, kind, part, flow, shard)
) WITHOUT ROWID;
