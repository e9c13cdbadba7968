package flows

import (
	"strings"
	"time"
)

// FollowFor is how long after a request is over its incident is still followed, until it
// is resolved: what an auditor asks of access is how the incident ended that it was for.
// Most are over within hours; those that stay open for weeks are worked on for other
// reasons, and each of their changes would be an entry of every request they ever had.
const FollowFor = 7 * 24 * time.Hour

// ChangesTold is how many changes of its incident a request has recorded one by one; the
// last of them says so. A program that renames an incident all week, or flaps between two
// states of it, says nothing about the access, and each change would be an entry of every
// request that the incident ever had. What an auditor asks after them is how it ended: that
// it is resolved is recorded once more, whenever it is, and so is what it is merged into.
const ChangesTold = 100

// tellsChange reports whether a change of the incident is recorded.
func (r *Request) tellsChange(was, is IncidentState) bool {
	return r.IncidentChanges < ChangesTold || was.Status != is.Status && is.Status == IncidentResolved
}

// Over is when nothing followed of the request any more; zero while something may.
func (r *Request) Over() time.Time {
	switch {
	case !r.State.Final():
		return time.Time{}
	case r.EndedAt.IsZero():
		return r.DecidedAt // denied
	}
	return r.EndedAt
}

// FollowUntil is until when a request that is over has the changes of its incident
// recorded; zero where there is nothing to follow.
func (r *Request) FollowUntil() time.Time {
	if !r.State.Final() || !r.Incident().plausible() || r.IncidentSeen.Status == IncidentResolved {
		return time.Time{}
	}
	return r.Over().Add(FollowFor)
}

// Followed is an incident of requests that are over, whose changes are still recorded.
type Followed struct {
	Incident IncidentID
	Until    time.Time // zero: not any more
	Read     time.Time // when it was read last
	Seen     string    // how it was then, as Incident.Mark says; empty: not all of its requests have been told
}

// Mark tells apart what an incident is like whenever a change of it would be recorded.
func (i *Incident) Mark() string {
	s := i.State()
	return strings.Join([]string{string(s.Status), s.Urgency, s.Service, s.Title, s.Assignees, s.Priority, string(i.MergedInto)}, "/")
}

// afterwards records what became of the incident of a request that is over. Nothing else
// follows: nobody is told, no note is written, no access comes or goes.
func afterwards(req Request, f Facts, now time.Time) Outcome {
	inc := f.Incident
	switch {
	case now.After(req.Over().Add(FollowFor)):
		return Outcome{Request: req}
	case inc.MergedInto != "" && inc.MergedInto != req.Incident():
		return merged(req, f, now)
	}
	return changed(req, f, now)
}
