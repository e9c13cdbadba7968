-- Running totals (00018_sums.sql): those of flows by day, and those of parts of them by day
-- and by month. What is read is added up in totals.go: that is quicker than here.

-- name: SumsBetween :many
SELECT day, flow, asked, approved, self_approved, waited_1m, waited_5m, waited_15m, waited_1h, waited_4h, waited_longer, began, over, denied, lapsed, cancelled, ended, failed
FROM sums WHERE day >= @from_day AND day <= @to_day;

-- name: PartsBetween :many
SELECT kind, part, since, flow, n, over FROM part_sums
WHERE span = @span AND since >= @since_first AND since <= @since_last;
