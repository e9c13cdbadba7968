-- Why: the totals that were kept before 00018_sums.sql move to where they are kept since.
-- A million rows (ten million entries) take four seconds, once, at the start.

-- +goose Up
INSERT INTO sums (day, flow, shard, asked, approved, self_approved, waited_1m, waited_5m, waited_15m, waited_1h, waited_4h, waited_longer, began, over, denied, lapsed, cancelled, ended, failed)
SELECT day, flow, 0,
    coalesce(sum(n) FILTER (WHERE name = 'asked'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'approved'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'self_approved'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_1m'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_5m'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_15m'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_1h'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_4h'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'waited_longer'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'began'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'over'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'denied'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'lapsed'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'cancelled'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'ended'), 0),
    coalesce(sum(n) FILTER (WHERE name = 'failed'), 0)
FROM totals WHERE instr(name, '@') = 0 GROUP BY day, flow;

INSERT INTO part_sums (span, since, kind, part, flow, shard, n, over)
SELECT 'day', day, CASE whole WHEN 'self_approved' THEN 'team' ELSE 'target' END, part, flow, 0,
    sum(CASE whole WHEN 'over' THEN 0 ELSE n END), sum(CASE whole WHEN 'over' THEN n ELSE 0 END)
FROM (SELECT day, flow, n, substr(name, 1, instr(name, '@') - 1) AS whole, substr(name, instr(name, '@') + 1) AS part
    FROM totals WHERE instr(name, '@') > 0) AS t
GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5;

INSERT INTO part_sums (span, since, kind, part, flow, shard, n, over)
SELECT 'month', cast(strftime('%s', since * 86400, 'unixepoch', 'start of month') AS INTEGER) / 86400, kind, part, flow, 0, sum(n), sum(over)
FROM part_sums WHERE span = 'day' GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5;

DROP TABLE totals;
