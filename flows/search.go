package flows

import "time"

// Part is what somebody did in a request; the parts of one person add up.
type Part int

// The parts.
const (
	PartRequester Part = 1 << iota
	PartHolder
	PartApprover
	PartDenier
	PartEnder // ended the access, or withdrew the request
	AnyPart   = PartRequester | PartHolder | PartApprover | PartDenier | PartEnder
)

// MaxSearchPeople and MaxSearchWords bound what one search names.
const (
	MaxSearchPeople = 2
	MaxSearchWords  = 3
)

// Search asks about the past: which requests. All that is set must hold; zero fields
// ask for all. package query reads it from what a person typed.
type Search struct {
	Incident IncidentID // that the request belongs to, or ever belonged to
	Number   int        // PagerDuty's number of it, where the id is not known
	Bare     bool       // that belongs to no incident, as was said when it was asked for
	People   []Involved // at most MaxSearchPeople
	Target   TargetID
	Flow     FlowID
	States   []State     // any of them
	Review   ReviewState // where its review stands; ReviewNone: wherever
	Since    time.Time   // submitted at or after
	Until    time.Time   // submitted before
	Words    []string    // in what was given as a reason; at most MaxSearchWords

	Viewer PersonID // only what this person had a part in; empty: all
	After  Place    // keyset: only what comes after it, going back in time
	Limit  int      // 0: 50
}

// Involved is a person who had any of these parts.
type Involved struct {
	Person PersonID
	Part   Part
}

// Place is a request's place in listings: newest first, by when it was submitted.
type Place struct {
	At time.Time
	ID RequestID
}

// Found is a page of requests, newest first. Next is where the next page begins; zero
// on the last one.
type Found struct {
	Requests []Request
	Next     Place
}

// Parts lists who had which part in the request so far.
func (r *Request) Parts() []Involved { return r.AppendParts(nil) }

// AppendParts is Parts into memory that is used again: out is empty.
func (r *Request) AppendParts(out []Involved) []Involved {
	add := func(p PersonID, part Part) {
		if p == "" {
			return
		}
		for i := range out {
			if out[i].Person == p {
				out[i].Part |= part
				return
			}
		}
		out = append(out, Involved{p, part})
	}
	add(r.Content.Requester, PartRequester)
	add(r.Content.Beneficiary, PartHolder)
	for _, v := range r.Votes {
		add(v.By, PartApprover)
	}
	decided := PartApprover
	if r.State == StateDenied {
		decided = PartDenier
	}
	add(r.DecidedBy, decided)
	add(r.EndedBy, PartEnder)
	return out
}

// Incidents lists the incidents the request belongs to, or ever belonged to: those it
// knows of itself. The number is 0 where it is not known.
func (r *Request) Incidents() []IncidentRef { return r.AppendIncidents(nil) }

// AppendIncidents is Incidents into memory that is used again: out is empty.
func (r *Request) AppendIncidents(out []IncidentRef) []IncidentRef {
	for _, ref := range [...]IncidentRef{r.Content.Incident, r.Opened, {ID: r.MovedTo}} {
		if ref.ID != "" && (len(out) == 0 || out[len(out)-1].ID != ref.ID) {
			out = append(out, ref)
		}
	}
	return out
}

// Mark is an entry's place in the time-line of an incident.
type Mark struct {
	At    time.Time
	Entry int64
}

// Timeline is a page of everything recorded about the requests of an incident, oldest
// first. Next is where the next page begins; zero on the last one.
type Timeline struct {
	Entries []Sealed
	Next    Mark
}
