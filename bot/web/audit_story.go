package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// storyPage is a request's whole story.
type storyPage struct {
	Line      line
	Request   *flows.Request
	AskedBy   who
	For       who
	Reason    said
	Fields    []field
	Identity  said   // the pinned link of who asked
	Why       string // of the route
	Stages    []stage
	Decisions []step
	Readings  []reading
	Calls     *callsPart // nil: none
	Messages  []message
	Steps     []step
	Proof     proofs
	Seen      seenBy
	Erased    bool // somebody in it was
	Own       bool // the request's own page is the asker's to open
}

// field is an answer to a prompt field.
type field struct {
	Name  string
	Value said
}

// stage is one group of people that was to be asked.
type stage struct {
	People   []who
	Quorum   int64
	Timeout  time.Duration
	Why      string
	Channel  string
	Fallback bool
	Asked    bool
}

// message is a card or notice that was sent.
type message struct {
	Kind    flows.CardKind
	To      who
	Channel string
	TS      string
	At      time.Time
}

// proofs sums the proofs of a story's entries up.
type proofs struct {
	Entries, Proven, Waiting, Broken int
	Size                             int64 // of the newest checkpoint among them
	At                               time.Time
}

// StoryPage is GET /audit/requests/{id}: what was asked, how it was decided and why, on
// which evidence, what became of it, and the proof that none of it was changed.
func (w *Web) StoryPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d := w.desk(c)
	page, err := d.story(r, flows.RequestID(chi.URLParam(r, "id")))
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Own = maySee(c, page.Request)
	page.Seen = d.look(r.Context(), history.Look{What: history.LookRequest, Request: page.Request.ID})
	w.show(rw, r, c, http.StatusOK, page.Line.Label+", "+page.Request.ID.Short(), shown((*view).auditStory, page))
}

func (d *desk) story(r *http.Request, id flows.RequestID) (*storyPage, error) {
	rec, entries, err := d.request(r.Context(), id)
	if err != nil {
		return nil, err
	}
	found, err := audit.Include(r.Context(), d.o.Archive, entries)
	if err != nil {
		return nil, err
	}
	steps, events, err := d.steps(entries, found)
	if err != nil {
		return nil, err
	}
	req := &rec.Request
	page := &storyPage{
		Line: d.line(req), Request: req, AskedBy: d.who(req.Content.Requester), For: d.who(req.Content.Beneficiary), Reason: reasonOf(req),
		Steps: steps, Proof: sum(steps), Messages: d.messages(rec.Cards),
	}
	if req.Route != nil {
		page.Why = req.Route.Why
	}
	for i := range events {
		page.read(d, req, &events[i], steps[i])
	}
	page.Calls, err = d.calls(r.Context(), req)
	return page, err
}

// read takes from an entry what the page tells above the record. What was said is shown
// by its opening, so that what was erased is not shown from elsewhere.
func (p *storyPage) read(d *desk, req *flows.Request, e *history.Event, s step) {
	f := factsOf(e.Facts)
	switch flows.Verb(e.Verb) {
	case flows.VerbSubmit:
		p.asked(d, req, f)
	case flows.VerbRoute, flows.VerbReroute:
		p.Stages = d.stages(req, f.list("stages"))
	case flows.VerbApprove, flows.VerbDeny:
		p.Decisions = append(p.Decisions, s)
	default:
		if e.Verb == "refused" {
			p.Decisions = append(p.Decisions, s)
		}
	}
	if f.sub("evidence") != nil || f.sub("on_call") != nil {
		p.Readings = append(p.Readings, readingOf(s, f))
	}
}

func (p *storyPage) asked(d *desk, req *flows.Request, f facts) {
	if id := f.text("requester"); id != "" && !gone(req.Content.Requester) {
		p.AskedBy = d.who(flows.PersonID(id))
	}
	if id := f.text("beneficiary"); id != "" && !gone(req.Content.Beneficiary) {
		p.For = d.who(flows.PersonID(id))
		p.Line.Who = p.For
	}
	if _, is := f["reason"]; is {
		p.Reason = saidOf(f.text("reason"))
	}
	p.Erased = p.AskedBy.Erased || p.For.Erased || p.AskedBy.Gone || p.For.Gone
	p.Identity = saidOf(f.text("link"))
	for _, x := range f.list("fields") {
		if a := factsOf(x); a.text("value") != "" {
			p.Fields = append(p.Fields, field{a.text("name"), saidOf(a.text("value"))})
		}
	}
}

// stages are those of a route as its entry has them; why, the request knows.
func (d *desk) stages(req *flows.Request, all []any) []stage {
	var out []stage
	for i, x := range all {
		f := factsOf(x)
		s := stage{
			Quorum: f.number("quorum"), Timeout: time.Duration(f.number("seconds")) * time.Second, Channel: f.text("channel"), Fallback: f.yes("fallback"),
			Asked: i <= req.Stage,
		}
		for _, p := range f.list("approvers") {
			id, _ := p.(string)
			s.People = append(s.People, d.who(flows.PersonID(id)))
		}
		if req.Route != nil && i < len(req.Route.Stages) {
			s.Why = req.Route.Stages[i].Why
		}
		out = append(out, s)
	}
	return out
}

func (d *desk) messages(cards []flows.Card) []message {
	out := make([]message, 0, len(cards))
	for _, c := range cards {
		out = append(out, message{Kind: c.Kind, To: d.who(c.To), Channel: c.Channel, TS: c.TS, At: c.PostedAt})
	}
	return out
}

func sum(steps []step) proofs {
	p := proofs{Entries: len(steps)}
	for i := range steps {
		switch x := &steps[i].Proof; x.State {
		case "proven":
			p.Proven++
			if x.Size > p.Size {
				p.Size, p.At = x.Size, x.At
			}
		case "broken":
			p.Broken++
		default:
			p.Waiting++
		}
	}
	return p
}

// reading is what an evaluation rested on: what the handler asked and was answered.
type reading struct {
	Step    step
	Calls   []call
	OnCall  *rota
	Tainted bool
	Fault   said
	Handler string
	// Incident says how the incident stood.
	Incident string
}

// call is one question of a handler.
type call struct {
	Name, Args, Answer, Known string
	ReadAt                    time.Time
	Age                       time.Duration // when it was used
	Error                     said
	Shifts                    []string // of the rota, that the answer rested on; instead of it where it is a list of them
}

// shift is an entry of the rota in a line.
func shift(f facts) string {
	parts := []string{f.text("policy")}
	if n := f.number("level"); n > 0 {
		parts[0] += fmt.Sprintf(", level %d", n)
	}
	if who := f.text("user"); who != "" {
		parts[0] = who + ": " + parts[0]
	}
	on := f.text("schedule")
	if on == "" {
		on = "no shift, but a place in the policy itself"
	}
	if at := f.moment("shift_start"); !at.IsZero() {
		on += ", since " + exact(at)
	}
	if at := f.moment("shift_end"); !at.IsZero() {
		on += " until " + exact(at)
	}
	parts = append(parts, on)
	if by := f.text("override"); by != "" {
		parts = append(parts, "override: "+by)
	}
	return strings.Join(parts, " · ")
}

// shifts are the entries of the rota that an answer names, or rested on.
func shifts(c facts) (out []string) {
	if e := c.sub("entry"); e != nil {
		out = append(out, shift(e))
	}
	for _, x := range c.list("answer") {
		if f := factsOf(x); f["level"] != nil {
			out = append(out, shift(f))
		}
	}
	return out
}

// rota is an entry of the rota as it was read.
type rota struct {
	Policy, Schedule, Override string
	Level                      int64
	Start, End, ReadAt         time.Time
	InShift                    time.Duration // since when the shift ran
	Age                        time.Duration
}

func readingOf(s step, f facts) reading {
	ev := f.sub("evidence")
	out := reading{Step: s, Tainted: ev.yes("tainted"), Fault: saidOf(ev.text("fault")), Handler: ev.text("handler")}
	switch status := f.text("incident_status"); {
	case status != "":
		out.Incident = "The incident was " + status + "."
	case f.text("incident") != "" && f.text("incident_read") == flows.Unknown.String():
		out.Incident = "The incident was not read."
	}
	for _, x := range ev.list("calls") {
		c := factsOf(x)
		k := call{Name: c.text("call"), Answer: plain(c["answer"]), Known: c.text("known"), ReadAt: c.moment("read_at"), Error: saidOf(c.text("error")), Shifts: shifts(c)}
		k.Age = age(s.At, k.ReadAt)
		for i, y := range c.list("args") {
			if a := factsOf(y); i == 0 {
				k.Args = a.text("name") + "=" + plain(a["value"])
			} else {
				k.Args += ", " + a.text("name") + "=" + plain(a["value"])
			}
		}
		out.Calls = append(out.Calls, k)
	}
	if on := f.sub("on_call"); on != nil {
		r := &rota{
			Policy: on.text("policy_name"), Schedule: on.text("schedule"), Override: on.text("override"), Level: on.number("level"),
			Start: on.moment("shift_start"), End: on.moment("shift_end"), ReadAt: on.moment("read_at"),
		}
		if r.Policy == "" {
			r.Policy = on.text("policy")
		}
		r.InShift, r.Age = age(s.At, r.Start), age(s.At, r.ReadAt)
		out.OnCall = r
	}
	return out
}

func age(now, t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(now.Sub(t), 0)
}
