package history

import (
	"time"

	"breakglass/flows"
)

// Row is a request as JSON and exports show it: what was asked, decided and done.
type Row struct {
	ID          flows.RequestID  `json:"id"`
	State       flows.State      `json:"state"`
	Flow        flows.FlowID     `json:"flow"`
	Target      flows.TargetID   `json:"target"`
	Scope       flows.Scope      `json:"scope,omitempty"`
	Requester   flows.PersonID   `json:"requester"`
	Beneficiary flows.PersonID   `json:"beneficiary"`
	Seconds     int64            `json:"seconds"`
	Reason      string           `json:"reason"`
	Fields      []Field          `json:"fields,omitempty"`
	Incident    flows.IncidentID `json:"incident,omitempty"` // it belongs to now; "none": to none
	Number      int              `json:"incident_number,omitempty"`
	Title       string           `json:"incident_title,omitempty"`
	URL         string           `json:"incident_url,omitempty"`
	Door        flows.Door       `json:"door,omitempty"`
	Submitted   time.Time        `json:"submitted_at"`
	Why         string           `json:"route,omitempty"`
	Votes       []Vote           `json:"approvals,omitempty"`
	Self        bool             `json:"self_approved"`
	OnCall      *OnCall          `json:"on_call,omitempty"` // what a self-approval rested on
	DecidedBy   flows.PersonID   `json:"decided_by,omitempty"`
	Decided     time.Time        `json:"decided_at,omitzero"`
	DenyWhy     string           `json:"denied_because,omitempty"`
	Granted     time.Time        `json:"granted_at,omitzero"`
	Ends        time.Time        `json:"ends_at,omitzero"`
	Ended       time.Time        `json:"ended_at,omitzero"`
	Cause       flows.EndCause   `json:"end_cause,omitempty"`
	EndedBy     flows.PersonID   `json:"ended_by,omitempty"`
	EndWhy      string           `json:"ended_because,omitempty"`
	Overdue     bool             `json:"overdue,omitempty"`
	Review      *Review          `json:"review,omitempty"` // of what was self-approved, where the flow asks for one
	Fault       string           `json:"fault,omitempty"`
	Receipt     string           `json:"receipt,omitempty"`
	Hash        string           `json:"content_hash"`
	Entries     int64            `json:"entries"`
	EndOfChain  string           `json:"end_of_chain"`
}

// Review is how a review stands, and what it came to.
type Review struct {
	State   flows.ReviewState `json:"state"`
	Due     time.Time         `json:"due_at"`
	Overdue bool              `json:"overdue,omitempty"`
	Verdict flows.Verdict     `json:"verdict,omitempty"`
	By      flows.PersonID    `json:"by,omitempty"`
	At      time.Time         `json:"at,omitzero"`
	Note    string            `json:"note,omitempty"`
}

// Field is an answer to a prompt field.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Vote is one approval.
type Vote struct {
	By   flows.PersonID `json:"by"`
	At   time.Time      `json:"at"`
	Door flows.Door     `json:"door,omitempty"`
}

// OnCall is the entry of the rota that a self-approval rested on.
type OnCall struct {
	Policy     string    `json:"policy"`
	PolicyName string    `json:"policy_name,omitempty"`
	Schedule   string    `json:"schedule,omitempty"`
	Level      int       `json:"level"`
	Start      time.Time `json:"shift_start,omitzero"`
	End        time.Time `json:"shift_end,omitzero"`
	Override   string    `json:"override"`
	ReadAt     time.Time `json:"read_at"`
}

// RowOf is the request as a row.
func RowOf(r *flows.Request) Row {
	c, ref := &r.Content, r.IncidentNow()
	if ref.ID == "" {
		ref.ID = flows.NoIncident
	}
	row := Row{
		ID: r.ID, State: r.State, Flow: c.Flow, Target: c.Target, Scope: c.Scope, Requester: c.Requester, Beneficiary: c.Beneficiary,
		Seconds: int64(c.Duration / time.Second), Reason: c.Reason.Raw(), Incident: ref.ID, Number: ref.Number, Title: ref.Title.Raw(),
		URL: ref.URL, Door: r.Door, Submitted: r.SubmittedAt.UTC(), Self: r.SelfMade, DecidedBy: r.DecidedBy, Decided: r.DecidedAt.UTC(),
		DenyWhy: r.DenyWhy.Raw(), Granted: r.GrantedAt.UTC(), Ends: r.EndsAt.UTC(), Ended: r.EndedAt.UTC(), Cause: r.EndCause,
		EndedBy: r.EndedBy, EndWhy: r.EndWhy.Raw(), Overdue: r.Overdue, Fault: r.Fault, Receipt: r.Receipt, Hash: r.Hash,
		Entries: r.Chain.Len, EndOfChain: r.Chain.Hash,
	}
	for _, f := range c.Fields {
		row.Fields = append(row.Fields, Field{f.Name, f.Value.Raw()})
	}
	if r.Route != nil {
		row.Why = r.Route.Why
	}
	for _, v := range r.Votes {
		row.Votes = append(row.Votes, Vote{v.By, v.At.UTC(), v.Door})
	}
	row.OnCall, row.Review = onCallRow(r.Proof), reviewRow(r.Review)
	return row
}

// Page is a page of rows as JSON shows it.
type Page struct {
	Query    string `json:"query"` // as understood
	Narrowed bool   `json:"narrowed,omitempty"`
	Requests []Row  `json:"requests"`
	Next     string `json:"next,omitempty"` // where the next page begins
	Recorded bool   `json:"recorded"`       // whether this look is an audit entry
}
