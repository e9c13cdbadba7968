-- Why: a chart of a year read a row for each day, flow and total, most of them parts by
-- target that it draws few of: 360,000 rows where there are ten million entries. Now the
-- totals of a flow on a day stand in one row, and parts in a table of their own, where a
-- part's began and over stand in one row, once for the day and once for the month: which
-- targets are drawn is answered by months, and only theirs are read by day. A decision
-- writes no more rows than before. day and since (of a span its first day) count from
-- 1970-01-01, UTC. The names of the totals are in flows/totals.go.
--
-- A sum is still the sum over its shards, but now a decision adds to a row that is free,
-- the first of them, and to its own only where all are taken at that moment: there are as
-- many as ever wrote at once, mostly one.
--
-- A replica of the version before goes on adding to `totals`. From here on what it adds is
-- counted in the new tables instead, in its own transaction; nothing is lost, and it does
-- not wait. Its charts have nothing new until it is replaced.

-- +goose Up
CREATE TABLE sums (
    day           bigint  NOT NULL,
    flow          text COLLATE "C" NOT NULL,
    shard         bigint  NOT NULL,
    asked         bigint  NOT NULL DEFAULT 0,
    approved      bigint  NOT NULL DEFAULT 0,
    self_approved bigint  NOT NULL DEFAULT 0,
    waited_1m     bigint  NOT NULL DEFAULT 0,
    waited_5m     bigint  NOT NULL DEFAULT 0,
    waited_15m    bigint  NOT NULL DEFAULT 0,
    waited_1h     bigint  NOT NULL DEFAULT 0,
    waited_4h     bigint  NOT NULL DEFAULT 0,
    waited_longer bigint  NOT NULL DEFAULT 0,
    began         bigint  NOT NULL DEFAULT 0,
    over          bigint  NOT NULL DEFAULT 0,
    denied        bigint  NOT NULL DEFAULT 0,
    lapsed        bigint  NOT NULL DEFAULT 0,
    cancelled     bigint  NOT NULL DEFAULT 0,
    ended         bigint  NOT NULL DEFAULT 0,
    failed        bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (day, flow, shard)
);

-- n is how often access to the target began, or how often people of the team approved
-- their own requests; over is how often access to the target was over.
CREATE TABLE part_sums (
    span  text COLLATE "C" NOT NULL CHECK (span IN ('day', 'month')),
    since bigint NOT NULL,
    kind  text COLLATE "C" NOT NULL CHECK (kind IN ('target', 'team')),
    part  text COLLATE "C" NOT NULL,
    flow  text COLLATE "C" NOT NULL,
    shard bigint NOT NULL,
    n     bigint NOT NULL,
    over  bigint NOT NULL,
    PRIMARY KEY (span, since, kind, part, flow, shard)
);

-- +goose StatementBegin
CREATE FUNCTION divert_total() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whole    text := split_part(NEW.name, '@', 1);
    the_part text := substr(NEW.name, strpos(NEW.name, '@') + 1);
    the_kind text := CASE whole WHEN 'self_approved' THEN 'team' ELSE 'target' END;
    gone     bigint := CASE whole WHEN 'over' THEN NEW.n ELSE 0 END;
    month    bigint := date_trunc('month', date '1970-01-01' + NEW.day::int)::date - date '1970-01-01';
BEGIN
    IF whole = NEW.name THEN
        EXECUTE format('INSERT INTO sums AS s (day, flow, shard, %1$I) VALUES ($1, $2, $3, $4)
            ON CONFLICT (day, flow, shard) DO UPDATE SET %1$I = s.%1$I + excluded.%1$I', whole)
            USING NEW.day, NEW.flow, NEW.shard, NEW.n;
        RETURN NULL;
    END IF;
    INSERT INTO part_sums AS s (span, since, kind, part, flow, shard, n, over)
    VALUES ('day', NEW.day, the_kind, the_part, NEW.flow, NEW.shard, NEW.n - gone, gone),
        ('month', month, the_kind, the_part, NEW.flow, NEW.shard, NEW.n - gone, gone)
    ON CONFLICT (span, since, kind, part, flow, shard) DO UPDATE SET n = s.n + excluded.n, over = s.over + excluded.over;
    RETURN NULL;
END;
$$;
-- +goose StatementEnd
CREATE TRIGGER totals_divert BEFORE INSERT ON totals
    FOR EACH ROW EXECUTE FUNCTION divert_total();
