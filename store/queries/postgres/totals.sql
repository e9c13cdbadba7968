-- A total is the sum over its shards. A decision adds to the first that nobody else is
-- adding to, and to its own where all are taken: it never waits where it can do without.

-- name: AddSums :exec
INSERT INTO sums (day, flow, shard, asked, approved, self_approved, waited_1m, waited_5m, waited_15m, waited_1h, waited_4h, waited_longer, began, over, denied, lapsed, cancelled, ended, failed)
VALUES (@day, @flow, coalesce((SELECT f.shard FROM sums f
        WHERE f.day = @day AND f.flow = @flow ORDER BY f.shard LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED), cast(@shard AS bigint)),
    @asked, @approved, @self_approved, @waited_1m, @waited_5m, @waited_15m, @waited_1h, @waited_4h, @waited_longer, @began, @over, @denied, @lapsed, @cancelled, @ended, @failed)
ON CONFLICT (day, flow, shard) DO UPDATE SET
    asked = sums.asked + excluded.asked,
    approved = sums.approved + excluded.approved,
    self_approved = sums.self_approved + excluded.self_approved,
    waited_1m = sums.waited_1m + excluded.waited_1m,
    waited_5m = sums.waited_5m + excluded.waited_5m,
    waited_15m = sums.waited_15m + excluded.waited_15m,
    waited_1h = sums.waited_1h + excluded.waited_1h,
    waited_4h = sums.waited_4h + excluded.waited_4h,
    waited_longer = sums.waited_longer + excluded.waited_longer,
    began = sums.began + excluded.began,
    over = sums.over + excluded.over,
    denied = sums.denied + excluded.denied,
    lapsed = sums.lapsed + excluded.lapsed,
    cancelled = sums.cancelled + excluded.cancelled,
    ended = sums.ended + excluded.ended,
    failed = sums.failed + excluded.failed;

-- name: AddPart :exec
INSERT INTO part_sums (span, since, kind, part, flow, shard, n, over)
VALUES ('day', @day, @kind, @part, @flow, coalesce((SELECT f.shard FROM part_sums f
        WHERE f.span = 'day' AND f.since = @day AND f.kind = @kind AND f.part = @part AND f.flow = @flow
        ORDER BY f.shard LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED), cast(@shard AS bigint)), @n, @over),
    ('month', @month, @kind, @part, @flow, coalesce((SELECT f.shard FROM part_sums f
        WHERE f.span = 'month' AND f.since = @month AND f.kind = @kind AND f.part = @part AND f.flow = @flow
        ORDER BY f.shard LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED), cast(@shard AS bigint)), @n, @over)
ON CONFLICT (span, since, kind, part, flow, shard) DO UPDATE SET n = part_sums.n + excluded.n, over = part_sums.over + excluded.over;

-- name: PartDays :many
-- Each day of each part is looked up; both are lists in JSON. OFFSET 0 has it done so.
SELECT t.part, t.since, t.flow, t.n, t.over
FROM jsonb_array_elements_text(cast(cast(@days AS text) AS jsonb)) AS d(day)
CROSS JOIN LATERAL (SELECT s.part, s.since, s.flow, s.n, s.over FROM part_sums s
    WHERE s.span = 'day' AND s.since = cast(d.day AS bigint) AND s.kind = 'target'
        AND s.part = ANY (ARRAY(SELECT jsonb_array_elements_text(cast(cast(@parts AS text) AS jsonb)))) OFFSET 0) AS t;
