package flows

import "time"

// TotalName is what a running total counts, by day (UTC) and flow. Final states count
// under their own name.
type TotalName string

// The totals. Access that is active is all that began less all that is over.
const (
	TotalAsked    TotalName = "asked"
	TotalApproved TotalName = "approved"
	TotalSelf     TotalName = "self_approved" // of the approved ones
	TotalBegan    TotalName = "began"
	TotalOver     TotalName = "over"
)

// waits are the buckets of the time from asking to the approval.
var waits = [...]struct {
	within time.Duration
	name   TotalName
}{
	{time.Minute, "waited_1m"}, {5 * time.Minute, "waited_5m"}, {15 * time.Minute, "waited_15m"},
	{time.Hour, "waited_1h"}, {4 * time.Hour, "waited_4h"},
}

// WaitBucket is the total that an approval after so long adds to.
func WaitBucket(d time.Duration) TotalName {
	for _, w := range waits {
		if d <= w.within {
			return w.name
		}
	}
	return "waited_longer"
}

// WaitBuckets lists the buckets, shortest first.
func WaitBuckets() []TotalName {
	out := make([]TotalName, 0, len(waits)+1)
	for _, w := range waits {
		out = append(out, w.name)
	}
	return append(out, "waited_longer")
}

// Total is how often something happened in a flow on a day.
type Total struct {
	Day  time.Time // its beginning, UTC
	Flow FlowID
	Name TotalName
	N    int64
}
