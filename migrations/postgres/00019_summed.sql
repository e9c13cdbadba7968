-- Why: the totals that were kept before 00018_sums.sql move to where they are kept since.
-- Nothing is added to them any more, and they become a shard of their own, which nobody
-- else adds to meanwhile: no decision waits. Two and a half million rows (ten million
-- entries) take six seconds.

-- +goose Up
SET LOCAL work_mem = '64MB';

INSERT INTO sums (day, flow, shard, asked, approved, self_approved, waited_1m, waited_5m, waited_15m, waited_1h, waited_4h, waited_longer, began, over, denied, lapsed, cancelled, ended, failed)
SELECT day, flow, 8,
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
FROM totals WHERE strpos(name, '@') = 0 GROUP BY day, flow;

INSERT INTO part_sums (span, since, kind, part, flow, shard, n, over)
SELECT 'day', day, CASE whole WHEN 'self_approved' THEN 'team' ELSE 'target' END, part, flow, 8,
    sum(CASE whole WHEN 'over' THEN 0 ELSE n END), sum(CASE whole WHEN 'over' THEN n ELSE 0 END)
FROM (SELECT day, flow, n, split_part(name, '@', 1) AS whole, substr(name, strpos(name, '@') + 1) AS part
    FROM totals WHERE strpos(name, '@') > 0) AS t
GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5;

INSERT INTO part_sums (span, since, kind, part, flow, shard, n, over)
SELECT 'month', date_trunc('month', date '1970-01-01' + since::int)::date - date '1970-01-01', kind, part, flow, 8, sum(n), sum(over)
FROM part_sums WHERE span = 'day' AND shard = 8 GROUP BY 2, 3, 4, 5 ORDER BY 2, 3, 4, 5;

TRUNCATE totals;
ANALYZE sums;
ANALYZE part_sums;
