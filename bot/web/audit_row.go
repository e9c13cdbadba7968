package web

import (
	"time"

	"breakglass/flows"
)

// line is a request as a line of a listing.
type line struct {
	ID        flows.RequestID
	State     flows.State
	Overdue   bool
	Label     string // of the target
	For       time.Duration
	Who       who // gets it
	AskedBy   who // where that is somebody else
	Reason    said
	Incident  incidentLink
	Submitted time.Time
	Outcome   string
	Review    string
}

// incidentLink is an incident as pages name it.
type incidentLink struct {
	ID     flows.IncidentID
	Number int
	Title  string
}

// incidentOf is the incident a request belongs to now.
func incidentOf(r *flows.Request) incidentLink {
	ref := r.IncidentRef()
	link := incidentLink{ID: r.Incident(), Title: ref.Title.Raw()}
	if link.ID == ref.ID {
		link.Number = ref.Number
	}
	return link
}

func (w *Web) line(r *flows.Request) line {
	c := &r.Content
	l := line{
		ID: r.ID, State: r.State, Overdue: r.Overdue, Label: w.target(c.Target), For: c.Duration, Who: w.who(c.Beneficiary),
		Reason: reasonOf(r), Incident: incidentOf(r), Submitted: r.SubmittedAt, Outcome: w.outcome(r), Review: r.ReviewWord(),
	}
	if c.Requester != c.Beneficiary {
		l.AskedBy = w.who(c.Requester)
	}
	return l
}

// reasonOf is why it was asked for: erased with who asked.
func reasonOf(r *flows.Request) said {
	c := &r.Content
	return said{Text: c.Reason.Raw(), Erased: c.Reason.Empty() && (gone(c.Requester) || gone(c.Beneficiary))}
}

func (w *Web) lines(all []flows.Request) []line {
	out := make([]line, 0, len(all))
	for i := range all {
		out = append(out, w.line(&all[i]))
	}
	return out
}

// outcome says what became of a request, and by whom.
func (w *Web) outcome(r *flows.Request) string {
	approved := "Approved"
	switch {
	case r.SelfMade:
		approved += " by themselves"
	case len(r.Approvers()) > 0:
		approved += " by " + w.names(r.Approvers())
	}
	switch r.State {
	case flows.StateSubmitted, flows.StatePending:
		return "Waits for a decision"
	case flows.StateDenied:
		if r.DecidedBy == "" {
			return "Denied"
		}
		return "Denied by " + w.name(r.DecidedBy)
	case flows.StateLapsed:
		if !r.DecidedAt.IsZero() {
			return approved + ", but not begun in time"
		}
		return "Nobody decided in time"
	case flows.StateCancelled:
		if r.EndedBy != "" {
			return "Withdrawn by " + w.name(r.EndedBy)
		}
		return "Withdrawn"
	case flows.StateFailed:
		return approved + ", but it could not be given"
	case flows.StateEnded:
		return approved + ", ended " + r.EndedAt.UTC().Format("2 Jan 15:04") + " " + endWords[r.EndCause]
	case flows.StateActive:
		return approved + ", until " + r.EndsAt.UTC().Format("2 Jan 15:04")
	case flows.StateEnding:
		return approved + ", is being ended"
	}
	return approved
}

// endWords say why access ended.
var endWords = map[flows.EndCause]string{
	flows.EndTime: "at its time", flows.EndDone: "when they were done", flows.EndRevoked: "by somebody’s click", flows.EndIncident: "with the incident",
	flows.EndShift: "with the shift", flows.EndPerson: "because the person left", flows.EndTarget: "because the target went", flows.EndCancel: "withdrawn",
	flows.EndFailed: "as it could not be given",
}
