package past

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"breakglass/flows"
	"breakglass/flows/worker"
)

// life is a request while it is made: what people do about it, and at the times between,
// the jobs that follow from that.
type life struct {
	t       *Teller
	r       *rand.Rand
	at      time.Time // asked at
	id      flows.RequestID
	content flows.Content
	self    bool   // the requester is on call
	desk    int    // of the managers who are asked
	ts      string // of the card
	engine  *flows.Engine
	jobs    map[flows.JobKind]worker.Handler
	book    *book
	outside *outside
	acts    []act // what is still to come, in the order in which it does
}

// act is something that somebody does at a time.
type act struct {
	at time.Time
	do func(context.Context) error
}

func newLife(t *Teller, r *rand.Rand, i int) *life {
	l := &life{t: t, r: r, at: t.clock.Now()}
	cat := t.p.company.configs.at(l.at)
	l.id = l.RequestID(l.at)
	l.book = newBook(t.clock, int64(few(r, 60)))
	l.outside = &outside{clock: t.clock, r: r}
	l.ask(cat, i)
	l.engine = flows.NewEngine(flows.Options{
		Ledger: l.book, Chains: l.book, Counts: l.book, Reducer: t.reducer, OnCall: t.rota, Incidents: l.outside, Directory: t.p.company, Clock: t.clock,
		IDs: l, Catalog: func() *flows.Catalog { return cat }, Owner: l.replica(), Version: fmt.Sprintf("1.%d.%d", int(l.at.Sub(t.p.from)/(30*24*time.Hour)), l.at.Day()/8),
	})
	effects := worker.Effects{Engine: l.engine, Targets: l.outside, Directory: t.p.company, Incidents: l.outside}
	l.jobs = effects.Handlers()
	return l
}

// replica is the name of the process that was running, as serve names itself.
func (l *life) replica() string {
	const each = 100 * time.Hour
	n := int64(l.at.Sub(l.t.p.from) / each)
	return fmt.Sprintf("bg-%d/1/%d", l.r.IntN(2), l.t.p.from.UnixNano()+n*(int64(each)+7_654_321))
}

// ask makes up what is asked for: by whom, for what, why, for which incident.
func (l *life) ask(cat *flows.Catalog, i int) {
	r, c := l.r, &l.content
	f := cat.Flows[cat.FlowOrder[few(r, len(cat.FlowOrder))]]
	l.desk = slices.Index(areas[:], string(f.ID)) % desks
	c.Flow, c.Target = f.ID, f.Targets[few(r, len(f.Targets))]
	if l.self = r.IntN(10) < 3; l.self {
		p := &l.t.p.company.policies[few(r, len(teams))]
		who, _ := p.shifts[few(r, 2)].at(l.at)
		c.Requester = l.t.p.company.people[who]
	} else {
		who := few(r, staff-managers)
		for l.t.rota.onCall(who) {
			who = r.IntN(staff - managers)
		}
		c.Requester = l.t.p.company.people[who]
	}
	c.Beneficiary, c.Duration = c.Requester, time.Duration(1+r.IntN(8))*30*time.Minute
	about, region := pick(r, teams[:])+" "+pick(r, things[:]), pick(r, regions[:])
	ticket := ""
	if r.IntN(5) < 2 {
		ticket = fmt.Sprintf("CHG-%06d", r.IntN(1_000_000))
	}
	c.Fields = []flows.FieldValue{{Name: "ticket", Value: flows.NewText(ticket)}}
	if r.IntN(10) < 7 {
		n := i/12 + r.IntN(3)
		l.outside.incident = l.t.p.company.incident(n)
		c.Incident, about = l.outside.incident.Ref(), l.outside.incident.Service
		if r.IntN(3) == 0 {
			l.outside.incident.Status = flows.IncidentTriggered
		}
	}
	c.Reason = flows.NewText(fmt.Sprintf(pick(r, symptoms[:])+" (OPS-%d)", about, region, r.IntN(50_000)))
}

// plan says what people will do.
func (l *life) plan() {
	r := l.r
	took := func(most time.Duration) time.Duration {
		x := r.Float64()
		return time.Duration(float64(most) * x * x * x * x).Truncate(time.Millisecond)
	}
	if l.outside.incident.Status == flows.IncidentTriggered {
		l.plans(2*time.Minute+took(time.Hour), l.follow(flows.IncidentAcknowledged))
	}
	decided := 8*time.Second + took(25*time.Minute)
	if l.self {
		decided = 5*time.Second + took(5*time.Minute)
	}
	switch x := r.IntN(20); {
	case !l.self && x < 6:
		l.plans(decided, l.denies)
	case !l.self && x < 8: // nobody answers
	default:
		l.plans(decided, l.approves)
		over := decided + time.Duration((0.2+r.Float64()*0.7)*float64(l.content.Duration))
		switch y := r.IntN(20); {
		case y < 3:
			l.plans(over, l.done)
		case y == 3:
			l.plans(over, l.revokes)
		case y < 7:
			l.plans(over, l.follow(flows.IncidentResolved))
		}
	}
	slices.SortStableFunc(l.acts, func(a, b act) int { return a.at.Compare(b.at) })
}

func (l *life) plans(after time.Duration, do func(context.Context) error) {
	l.acts = append(l.acts, act{l.at.Add(after), do})
}

// run takes the request through its life.
func (l *life) run(ctx context.Context) error {
	if err := l.submits(ctx); err != nil {
		return err
	}
	l.plan()
	for {
		job, due := l.book.next(l.jobs)
		switch {
		case len(l.acts) > 0 && (!due || l.acts[0].at.Before(job.RunAt)):
			next := l.acts[0]
			l.acts = l.acts[1:]
			l.reach(next.at)
			if err := next.do(ctx); err != nil {
				return err
			}
		case due:
			l.reach(job.RunAt)
			l.t.clock.Push(time.Duration(2+l.r.IntN(60)) * time.Millisecond)
			if err := l.jobs[job.Kind](ctx, job); err != nil {
				return fmt.Errorf("job %s: %w", job.Key, err)
			}
		case !l.book.request.State.Final():
			return fmt.Errorf("it is %s, and nothing follows", l.book.request.State)
		default:
			return nil
		}
	}
}

// reach brings the clock to a time, unless it is later already.
func (l *life) reach(at time.Time) {
	if wait := at.Sub(l.t.clock.Now()); wait > 0 {
		l.t.clock.Push(wait)
	}
}

func (l *life) submits(ctx context.Context) error {
	view := "V0" + code(l.r, 9)
	by := l.actor(l.content.Requester, "view="+view)
	res, err := l.engine.Do(ctx, flows.Command{Verb: flows.VerbSubmit, ID: l.id, Content: l.content, View: view, Actor: by}, flows.Finish{})
	if err == nil && res.Refusal != nil {
		err = res.Refusal
	}
	l.ts = fmt.Sprintf("%d.%06d", l.at.Unix()+1, l.r.IntN(1_000_000))
	return err
}

// does carries out what somebody says with a button of the card, or in the form that it
// opens. It may be refused, as real ones are: other people may be on call by then.
func (l *life) does(ctx context.Context, cmd flows.Command, p flows.PersonID) error {
	trace := "view=V0" + code(l.r, 9)
	if cmd.Reason.Empty() {
		clicked := l.t.clock.Now().Add(-time.Duration(l.r.IntN(400_000)) * time.Microsecond)
		trace = fmt.Sprintf("action_ts=%d.%06d,message_ts=%s", clicked.Unix(), clicked.Nanosecond()/1000, l.ts)
	}
	cmd.ID, cmd.Hash, cmd.Actor = l.id, l.book.request.Hash, l.actor(p, trace)
	cmd.Actor.Permalink = "https://gen.slack.com/archives/D0" + p.User()[2:] + "/p" + l.ts[:10] + l.ts[11:]
	_, err := l.engine.Do(ctx, cmd, flows.Finish{})
	return err
}

func (l *life) approves(ctx context.Context) error {
	who := l.content.Requester
	if !l.self {
		who = l.t.rota.decider(l.r, l.desk)
	}
	return l.does(ctx, flows.Command{Verb: flows.VerbApprove}, who)
}

func (l *life) denies(ctx context.Context) error {
	why := flows.NewText(say(l.r, denials[:]))
	return l.does(ctx, flows.Command{Verb: flows.VerbDeny, Reason: why}, l.t.rota.decider(l.r, l.desk))
}

func (l *life) done(ctx context.Context) error {
	if l.book.request.State != flows.StateActive {
		return nil
	}
	return l.does(ctx, flows.Command{Verb: flows.VerbDone}, l.content.Requester)
}

func (l *life) revokes(ctx context.Context) error {
	if l.book.request.State != flows.StateActive {
		return nil
	}
	return l.does(ctx, flows.Command{Verb: flows.VerbRevoke, Reason: flows.NewText(say(l.r, goodbyes[:]))}, l.book.request.DecidedBy)
}

// follow is that the incident is read again, and is another by now.
func (l *life) follow(status flows.IncidentStatus) func(context.Context) error {
	return func(ctx context.Context) error {
		if l.content.Incident.ID == "" || l.outside.incident.Status == flows.IncidentResolved {
			return nil
		}
		l.outside.incident.Status = status
		inc, err := l.outside.Incident(ctx, "")
		if err == nil {
			_, err = l.engine.FollowIncident(ctx, l.id, inc, flows.Finish{})
		}
		return err
	}
}

// actor is somebody in Slack, whose payload has just come in.
func (l *life) actor(p flows.PersonID, trace string) flows.Actor {
	now := l.t.clock.Now()
	return flows.Actor{
		Person: p, Door: flows.DoorSlack, Trace: fmt.Sprintf("%s,received=%d", trace, now.UnixMilli()),
		Visit: flows.Visit{Signed: now.Truncate(time.Second)},
	}
}

// RequestID implements flows.IDs, in the form of real ones.
func (l *life) RequestID(now time.Time) flows.RequestID {
	var b [10]byte
	for i, ms := 9, now.UnixMilli(); i >= 0; i, ms = i-1, ms>>5 {
		b[i] = alphabet[ms&31]
	}
	return flows.RequestID("req_" + string(b[:]) + code(l.r, 16))
}

// Random implements flows.IDs.
func (l *life) Random(b []byte) {
	for i := 0; i < len(b); i += 8 {
		x := l.r.Uint64()
		for k := i; k < min(i+8, len(b)); k++ {
			b[k] = byte(x)
			x >>= 8
		}
	}
}
