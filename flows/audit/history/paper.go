package history

import (
	"bytes"
	"encoding/json"
	"fmt"

	"breakglass/flows"
)

// paper reads the JSON that requests are kept as into records, without taking apart what
// is written as it stands. What it does not expect it leaves to encoding/json; of what an
// export does not show, it looks at the form only.
type paper struct {
	scan
	rec           record
	chosen, later incident // when it was asked, and opened for it
	moved         []byte
}

type incident struct {
	id, title, url []byte
	number         int64
}

// read reads a request. The record is good until the next one is read, or doc changes.
func (p *paper) read(doc []byte) (*record, error) {
	if p.quick(doc) {
		return &p.rec, nil
	}
	var r flows.Request
	if err := json.Unmarshal(doc, &r); err != nil {
		return nil, fmt.Errorf("decode a stored request: %w", err)
	}
	row := RowOf(&r)
	return row.record(), nil
}

// quick reads a request as the store writes it. A field that is added to a request has to
// be taught to it.
func (p *paper) quick(doc []byte) bool {
	*p = paper{scan: scan{b: doc, ok: true, room: p.room[:0]}, rec: record{votes: p.rec.votes[:0], fields: p.rec.fields[:0]}}
	p.object(p.member)
	inc, r := &p.chosen, &p.rec
	if len(inc.id) == 0 {
		inc = &p.later
	}
	r.incident, r.number, r.title, r.url = inc.id, inc.number, inc.title, inc.url
	if len(p.moved) > 0 && !bytes.Equal(p.moved, inc.id) { // no more is known of it
		r.incident, r.number, r.title, r.url = p.moved, 0, nil, nil
	}
	if len(r.incident) == 0 {
		r.incident = []byte(flows.NoIncident)
	}
	return p.ok && p.i == len(doc)
}

func (p *paper) member(key []byte) {
	r := &p.rec
	switch string(key) {
	case "ID":
		r.id = p.text()
	case "Content":
		p.object(p.content)
	case "Hash":
		r.hash = p.text()
	case "State":
		r.state = p.text()
	case "SubmittedAt":
		r.submitted = p.moment()
	case "Door":
		r.door = p.text()
	case "Route":
		p.once(len(r.why) == 0)
		if !p.word("null") {
			p.object(p.route)
		}
	case "Votes":
		p.votes()
	case "SelfMade":
		r.self = p.bool()
	case "Proof":
		p.once(r.onCall == nil)
		if !p.word("null") {
			r.onCall = &recordOnCall{override: flows.Unknown.String()}
			p.object(p.proof)
		}
	case "Chain":
		p.object(p.chain)
	default:
		p.outcome(key)
	}
}

// outcome is how it was decided and ended.
func (p *paper) outcome(key []byte) {
	r := &p.rec
	switch string(key) {
	case "DecidedAt":
		r.decided = p.moment()
	case "DecidedBy":
		r.decidedBy = p.text()
	case "DenyWhy":
		r.denyWhy = p.typed()
	case "GrantedAt":
		r.granted = p.moment()
	case "EndsAt":
		r.ends = p.moment()
	case "EndedAt":
		r.ended = p.moment()
	case "EndCause":
		r.cause = p.text()
	case "EndedBy":
		r.endedBy = p.text()
	case "EndWhy":
		r.endWhy = p.typed()
	case "Overdue":
		r.overdue = p.bool()
	case "Fault":
		r.fault = p.text()
	case "Receipt":
		r.receipt = p.text()
	case "Opened":
		p.object(p.later.member(&p.scan))
	case "MovedTo":
		p.moved = p.text()
	case "Review":
		var review *flows.Review
		p.once(r.review == nil)
		p.rest(&review)
		r.review = reviewRow(review)
	default:
		p.unshown(key)
	}
}

// unshown is what an export does not show.
func (p *paper) unshown(key []byte) {
	switch string(key) {
	case "Version", "Stage", "Denials", "IncidentChanges":
		p.number()
	case "EndsAs", "View", "Means", "StillThrough":
		p.text()
	case "StageSince", "LapsesAt", "GrantBy", "LatestEnd", "IncidentDark", "IncidentGone":
		p.moment()
	case "FallbackOpen", "Reminded":
		p.bool()
	case "IncidentSeen":
		p.skip(0)
	default:
		p.ok = false
	}
}

func (p *paper) content(key []byte) {
	r := &p.rec
	switch string(key) {
	case "Flow":
		r.flow = p.text()
	case "Target":
		r.target = p.text()
	case "Scope":
		r.scope = p.text()
	case "Requester":
		r.requester = p.text()
	case "Beneficiary":
		r.beneficiary = p.text()
	case "Duration":
		r.seconds = p.number() / 1e9
	case "Reason":
		r.reason = p.typed()
	case "Incident":
		p.object(p.chosen.member(&p.scan))
	case "Fields":
		p.once(len(r.fields) == 0)
		if !p.word("null") {
			p.array(p.field)
		}
	case "Extends":
		p.text()
	default:
		p.ok = false
	}
}

func (p *paper) field() {
	var f recordField
	p.object(func(key []byte) {
		switch string(key) {
		case "Name":
			f.name = p.text()
		case "Value":
			f.value = p.typed()
		default:
			p.ok = false
		}
	})
	p.rec.fields = append(p.rec.fields, f)
}

// proof reads a member of what a self-approval rested on.
func (p *paper) proof(key []byte) {
	switch string(key) {
	case "Entry":
		p.object(p.shift)
	case "ReadAt":
		p.rec.onCall.readAt = p.moment()
	case "Digest":
		p.text()
	default:
		p.ok = false
	}
}

func (p *paper) shift(key []byte) {
	c := p.rec.onCall
	switch string(key) {
	case "PolicyID":
		c.policy = p.text()
	case "PolicyName":
		c.policyName = p.text()
	case "ScheduleID":
		c.schedule = p.text()
	case "Level":
		c.level = p.number()
	case "Start":
		c.start = p.moment()
	case "End":
		c.end = p.moment()
	case "Override":
		c.override = flows.Tri(p.number()).String()
	case "User", "Schedule":
		p.text()
	default:
		p.ok = false
	}
}

// member reads a member of an incident.
func (c *incident) member(s *scan) func(key []byte) {
	return func(key []byte) {
		switch string(key) {
		case "ID":
			c.id = s.text()
		case "Number":
			c.number = s.number()
		case "Title":
			c.title = s.typed()
		case "URL":
			c.url = s.text()
		default:
			s.ok = false
		}
	}
}

func (p *paper) route(key []byte) {
	switch string(key) {
	case "Why":
		p.rec.why = p.text()
	case "Stages", "Origin", "Tainted", "Flow", "Fallback":
		p.skip(0)
	default:
		p.ok = false
	}
}

func (p *paper) votes() {
	p.once(len(p.rec.votes) == 0)
	if p.word("null") {
		return
	}
	p.array(func() {
		var v recordVote
		p.object(func(key []byte) {
			switch string(key) {
			case "By":
				v.by = p.text()
			case "At":
				v.at = p.moment()
			case "Door":
				v.door = p.text()
			case "Hash", "Note":
				p.text()
			case "SteppedUp":
				p.moment()
			default:
				p.ok = false
			}
		})
		p.rec.votes = append(p.rec.votes, v)
	})
}

// once: what stands there twice encoding/json has ways of its own with.
func (p *paper) once(first bool) { p.ok = p.ok && first }

func (p *paper) chain(key []byte) {
	switch string(key) {
	case "Len":
		p.rec.entries = p.number()
	case "Hash":
		p.rec.endOfChain = p.text()
	default:
		p.ok = false
	}
}

// typed reads what a person typed, cleaned as flows.Text is.
func (s *scan) typed() []byte {
	t := s.text()
	if n := len(t); n == 0 || n <= flows.MaxText && t[0] != ' ' && t[n-1] != ' ' && ordinary(t) == n {
		return t
	}
	return []byte(flows.NewText(string(t)).Raw())
}
