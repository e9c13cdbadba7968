package flows

import (
	"context"
	"time"
)

// Tri is an answer with three values; the zero value is Unknown.
type Tri int

// The three values. A time-out, an error, a missing page, a malformed or partial
// answer and a redirect are all Unknown.
const (
	Unknown Tri = iota
	No
	Yes
)

// String is the word for pages and evidence.
func (t Tri) String() string {
	if t < Unknown || t > Yes {
		t = Unknown // a stored one that nobody here wrote
	}
	return [...]string{"unknown", "no", "yes"}[t]
}

// OnCallQuery asks who is on call right now.
type OnCallQuery struct {
	Policy   string        // escalation policy, id or exact name; empty: any
	Schedule string        // schedule, id or exact name; empty: any
	MaxAge   time.Duration // how old a cached answer may be; zero: read now
	Click    bool          // a person is waiting on a button: may use the reserve of the request budget
}

// OnCallAnswer is what PagerDuty said, with what an auditor needs to believe it.
// Known false means unknown: Entries is then empty and Why says what happened.
type OnCallAnswer struct {
	Known   bool
	Why     string // for the operator; no secrets
	Entries []OnCallEntry
	ReadAt  time.Time // when PagerDuty answered
	Pages   int
	Digest  string // SHA-256 over the answer's bytes, hex
}

// OnCallEntry is one person's place in the rota at ReadAt, as PagerDuty computed it.
type OnCallEntry struct {
	User       PagerDutyUser
	PolicyID   string
	PolicyName string
	Level      int    // escalation level, 1 is first; 0 where the entry comes from a bare schedule
	ScheduleID string // empty: a permanent entry, the person stands in the policy itself
	Schedule   string
	Start      time.Time // zero: always was
	End        time.Time // zero: never ends
	Override   Tri       // whether the shift comes from an override; Unknown where not read
}

// Permanent reports whether the entry has no shift: the policy names the person.
func (e OnCallEntry) Permanent() bool { return e.ScheduleID == "" }

// OnCall answers who is on call; integrations/pagerduty implements it. It never
// returns an error: what went wrong makes the answer unknown.
type OnCall interface {
	OnCall(ctx context.Context, q OnCallQuery) OnCallAnswer
}

// Meets says whether an entry is within the limits at now, and if not, why.
func (l OnCallLimits) Meets(e OnCallEntry, now time.Time) (bool, string) {
	switch {
	case !e.Start.IsZero() && e.Start.After(now), !e.End.IsZero() && !now.Before(e.End):
		return false, "the shift is not now"
	case len(l.Policies) > 0 && !l.names(e):
		return false, "the flow does not count escalation policy " + e.PolicyName
	case l.MaxLevel > 0 && (e.Level == 0 || e.Level > l.MaxLevel):
		return false, "the escalation level is above what the flow counts"
	case l.ScheduleOnly && e.Permanent():
		return false, "the place in the escalation policy is permanent, not a shift"
	case l.MinShiftAge > 0 && !e.Start.IsZero() && now.Sub(e.Start) < l.MinShiftAge:
		return false, "the shift began too short a time ago"
	case l.Overrides == OverridesDeny && e.Override != No && !e.Permanent():
		return false, "the shift comes from an override, or may do"
	}
	return true, ""
}

func (l OnCallLimits) names(e OnCallEntry) bool {
	for _, p := range l.Policies {
		if p == e.PolicyID || p == e.PolicyName {
			return true
		}
	}
	return false
}
