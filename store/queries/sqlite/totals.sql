-- name: AddSums :exec
INSERT INTO sums (day, flow, shard, asked, approved, self_approved, waited_1m, waited_5m, waited_15m, waited_1h, waited_4h, waited_longer, began, over, denied, lapsed, cancelled, ended, failed)
VALUES (@day, @flow, @shard,
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
VALUES ('day', @day, @kind, @part, @flow, @shard, @n, @over), ('month', @month, @kind, @part, @flow, @shard, @n, @over)
ON CONFLICT (span, since, kind, part, flow, shard) DO UPDATE SET n = part_sums.n + excluded.n, over = part_sums.over + excluded.over;

-- name: PartDays :many
-- Each day of each part is looked up; both are lists in JSON.
SELECT s.part, s.since, s.flow, s.n, s.over
FROM json_each(cast(@days AS text)) AS d
CROSS JOIN part_sums s ON s.span = 'day' AND s.since = d.value AND s.kind = 'target'
    AND s.part IN (SELECT value FROM json_each(cast(@parts AS text)));
