package history

import (
	"math"
	"slices"
	"time"

	"breakglass/flows"
)

// LinePager reads a page of an incident's time-line, from a place on.
type LinePager func(after flows.Mark, limit int) (flows.Timeline, error)

// OwnLine is a page of a time-line of the entries of those requests that sees lets
// through. It is filled up from later pages, and where it ends is where the next entry
// stands that may be seen: neither its length nor its end says anything of the others.
func OwnLine(page LinePager, sees func(flows.RequestID) (bool, error), after flows.Mark, limit int) (flows.Timeline, error) {
	var own []flows.Sealed
	for {
		line, err := page(after, limit)
		if err != nil {
			return flows.Timeline{}, err
		}
		for _, e := range line.Entries {
			yes, err := sees(flows.RequestID(e.Chain))
			if err != nil {
				return flows.Timeline{}, err
			}
			if yes {
				own = append(own, e)
			}
		}
		if len(own) > limit {
			if first, cut := cutBefore(own, limit); cut {
				return first, nil
			}
		}
		if after = line.Next; after.Entry == 0 {
			return flows.Timeline{Entries: own}, nil
		}
	}
}

// cutBefore cuts a page to at most limit entries, between two moments: what is of one
// moment stays together. It reports false where all of it is of one.
func cutBefore(own []flows.Sealed, limit int) (flows.Timeline, bool) {
	at := own[limit].At
	n := slices.IndexFunc(own, func(e flows.Sealed) bool { return !e.At.Before(at) })
	if n <= 0 {
		return flows.Timeline{}, false
	}
	return flows.Timeline{Entries: own[:n], Next: flows.Mark{At: at.Add(-time.Millisecond), Entry: math.MaxInt64}}, true
}
