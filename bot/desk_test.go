package bot_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/slack"
	"breakglass/integrations/slackfake"
	"breakglass/store"
)

const (
	team    = "T0ACME"
	app     = "A0GLASS"
	signing = "0123456789abcdef0123456789abcdef"
)

func person(id string) flows.PersonID { return flows.Person(team, id) }

// desk is the front door with everything real behind it but PagerDuty and the
// handler language: Slack simulated over HTTP, the real client, SQLite, the engine.
type desk struct {
	*slackfake.Workspace
	t      *testing.T
	bot    *bot.Bot
	url    string
	clock  *flows.HandClock
	store  *store.Store
	engine *flows.Engine
	ann    *bot.Announcer
	pd     *pager
	cat    *flows.Catalog
	log    *lines
	secret *rotating
}

// setup opens a desk. edit changes the options of the bot.
func setup(t *testing.T, edit ...func(*bot.Options)) *desk {
	t.Helper()
	d := &desk{
		t: t, clock: flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)),
		pd: newPager(), cat: catalog(), log: &lines{}, secret: &rotating{current: signing},
	}
	d.openSlack()
	client := d.client()
	d.openStore()
	ids := newIDs(7)
	d.engine = flows.NewEngine(flows.Options{
		Ledger: d.store, Chains: d.store, Counts: d.store, Reducer: asks("U0MARA"), OnCall: d.pd, Incidents: d.pd,
		Directory: client, Clock: d.clock, IDs: ids, Catalog: func() *flows.Catalog { return d.cat },
	})
	d.ann = &bot.Announcer{
		Engine: d.engine, Cards: d.store, Slack: poster{client}, Views: client,
		Catalog: func() *flows.Catalog { return d.cat }, Clock: d.clock, IDs: ids,
	}
	o := bot.Options{
		Team: team, AppID: app, Signing: flows.NewSecret("signing", d.secret), Catalog: func() *flows.Catalog { return d.cat },
		Inbox: d.store, Engine: d.engine, Emergency: emergency{d.engine}, Foresight: d.engine, Cards: d.store, Requests: d.store, History: d.store, Recorder: d.engine, Directory: client, Incidents: d.pd,
		Views: client, Slack: poster{client}, Clock: d.clock, IDs: ids, Log: slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	for _, e := range edit {
		e(&o)
	}
	var err error
	d.bot, err = bot.New(t.Context(), o)
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		must(t, d.bot.Stop(ctx))
	})
	d.serve()
	return d
}

// emergency is the kill switch of an engine that has nothing to end.
type emergency struct{ *flows.Engine }

func (e emergency) EndMany(context.Context, flows.EndScope, flows.Actor, flows.Text, flows.Finish) (*flows.Refusal, error) {
	return nil, errors.New("nothing is ended at this desk")
}

func (d *desk) openSlack() {
	var err error
	d.Workspace, err = slackfake.New(slackfake.Options{
		Now: d.clock.Now, TeamID: team, AppID: app, SigningSecret: signing, Commands: []string{"/access"},
	})
	must(d.t, err)
	must(d.t, d.Start("127.0.0.1:0"))
	d.t.Cleanup(func() { must(d.t, d.Close()) })
	for _, id := range []string{"U0DANA", "U0SAM", "U0MARA", "U0EVE"} {
		d.AddUser(slackfake.User{ID: id, Name: strings.ToLower(id[2:])})
	}
	d.AddUser(slackfake.User{ID: "U0GONE", Deleted: true})
	d.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: []string{"U0DANA", "U0SAM", "U0MARA"}})
	d.AddChannel(slackfake.Channel{ID: "C0PROD", Name: "prod-access", Members: []string{"U0DANA", "U0SAM", "U0MARA", "U0EVE", d.Bot()}})
}

func (d *desk) client() *slack.Client { return d.clientAt(d.URL() + "/api/") }

func (d *desk) clientAt(apiURL string) *slack.Client {
	c, err := slack.New(slack.Options{
		APIURL: apiURL, BotToken: flows.NewSecret("bot", &rotating{current: d.Config().BotToken}),
		Team: team, Clock: d.clock, NoPacing: true,
	})
	must(d.t, err)
	d.t.Cleanup(c.Close)
	return c
}

func (d *desk) openStore() {
	var err error
	d.store, err = store.Open(d.t.Context(), store.Options{DSN: filepath.Join(d.t.TempDir(), "desk.db"), Now: d.clock.Now})
	must(d.t, err)
	d.t.Cleanup(func() { must(d.t, d.store.Close()) })
	must(d.t, d.store.ClaimWorld(d.t.Context(), flows.WorldSimulated))
}

func (d *desk) serve() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /slack/commands", d.bot.Commands)
	mux.HandleFunc("POST /slack/interactions", d.bot.Interactions)
	mux.HandleFunc("POST /slack/options", d.bot.Options)
	mux.HandleFunc("POST /slack/events", d.bot.Events)
	srv := httptest.NewServer(mux)
	d.t.Cleanup(srv.Close)
	d.url = srv.URL
	d.SetEndpoints(slackfake.Endpoints{
		Commands: srv.URL + "/slack/commands", Interactions: srv.URL + "/slack/interactions",
		Options: srv.URL + "/slack/options", Events: srv.URL + "/slack/events",
	})
}

// work does every job that is due, until nothing is.
func (d *desk) work() {
	d.t.Helper()
	for range 100 {
		jobs, err := d.store.Claim(d.t.Context(), "test", d.clock.Now(), time.Minute, 50)
		must(d.t, err)
		if len(jobs) == 0 {
			return
		}
		for _, j := range jobs {
			must(d.t, d.do(j))
		}
	}
	d.t.Fatal("the jobs do not come to an end")
}

func (d *desk) do(j flows.Job) error {
	switch j.Kind {
	case flows.JobInbox:
		return d.bot.HandleInbox(d.t.Context(), j)
	case flows.JobCard:
		return d.ann.Card(d.t.Context(), j)
	case flows.JobNotice:
		return d.ann.Notice(d.t.Context(), j)
	case flows.JobRoute:
		return d.step(j, flows.VerbRoute)
	case flows.JobGrant:
		if err := d.step(j, flows.VerbActivate); err != nil {
			return err
		}
		_, err := d.engine.Do(d.t.Context(), flows.Command{Verb: flows.VerbGranted, Actor: flows.ByEngine(), ID: flows.RequestID(j.Subject)}, flows.Finish{})
		return err
	case flows.JobRevoke:
		return d.step(j, flows.VerbRevoked)
	}
	return d.engine.Finish(d.t.Context(), flows.Finish{Job: &j})
}

func (d *desk) step(j flows.Job, v flows.Verb) error {
	_, err := d.engine.Do(d.t.Context(), flows.Command{Verb: v, Actor: flows.ByEngine(), ID: flows.RequestID(j.Subject)}, flows.Finish{Job: &j})
	return err
}

// wait waits until the workspace is as cond wants it.
func (d *desk) wait(what string, cond func() bool) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	if err := d.Wait(ctx, cond); err != nil {
		d.t.Fatalf("waited in vain for %s: %v\nlog:\n%s", what, err, d.log)
	}
}

// openForm types /access and waits until the form is filled in.
func (d *desk) openForm(user, text string) slackfake.View {
	d.t.Helper()
	for _, v := range d.User(user).OpenViews() {
		_, err := d.User(user).CloseAll(v)
		must(d.t, err)
	}
	out, err := d.User(user).Slash("/access", text)
	must(d.t, err)
	if out.Exchange.ResponseBody != "" {
		d.t.Fatalf("/access %s answered %s", text, out.Exchange.ResponseBody)
	}
	return d.form(user, 1)
}

// form waits for the form in front, redrawn at least n times.
func (d *desk) form(user string, n int) slackfake.View {
	d.t.Helper()
	var v slackfake.View
	d.wait("the form", func() bool {
		var ok bool
		v, ok = d.User(user).Front()
		return ok && v.Updates >= n
	})
	return v
}

// requests lists what is in the store.
func (d *desk) requests() []flows.Request {
	d.t.Helper()
	reqs, err := d.store.Requests(d.t.Context(), flows.RequestFilter{})
	must(d.t, err)
	return reqs
}

// only is the one request there is.
func (d *desk) only() flows.Request {
	d.t.Helper()
	reqs := d.requests()
	if len(reqs) != 1 {
		d.t.Fatalf("there are %d requests, not one\nlog:\n%s", len(reqs), d.log)
	}
	return reqs[0]
}

// noViolations holds the bot to Slack's rules.
func (d *desk) noViolations() {
	d.t.Helper()
	for _, v := range d.Violations() {
		d.t.Errorf("violation: %s", v)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// poster gives the real client the shape of bot.Poster.
type poster struct{ *slack.Client }

func (p poster) Post(ctx context.Context, channel string, m bot.Message) (string, string, error) {
	return p.Client.Post(ctx, channel, slack.Message{Text: m.Text, Blocks: m.Blocks, ThreadTS: m.ThreadTS})
}

func (p poster) Update(ctx context.Context, channel, ts string, m bot.Message) error {
	return p.Client.Update(ctx, channel, ts, slack.Message{Text: m.Text, Blocks: m.Blocks, ThreadTS: m.ThreadTS})
}

func (p poster) Ephemeral(ctx context.Context, channel, user string, m bot.Message) error {
	return p.Client.Ephemeral(ctx, channel, user, slack.Message{Text: m.Text, Blocks: m.Blocks, ThreadTS: m.ThreadTS})
}

// rotating is a secret that can rotate.
type rotating struct {
	mu                       sync.Mutex
	current, fresh, previous string
	reads                    int // of fresh values
}

func (r *rotating) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch which {
	case flows.SecretFresh:
		r.reads++
		if r.fresh != "" {
			r.current = r.fresh
		}
	case flows.SecretPrevious:
		if r.previous == "" {
			return "", flows.ErrNoSuchVersion
		}
		return r.previous, nil
	}
	return r.current, nil
}

// pager is PagerDuty for these tests: incidents that can be down.
type pager struct {
	mu   sync.Mutex
	down bool
	list []flows.Incident
}

func newPager() *pager {
	return &pager{list: []flows.Incident{
		{ID: "Q2AKJF9MPY7T1A", Number: 4709, Title: flows.NewText("Mail is <slow>"), Status: flows.IncidentTriggered, Service: "Mail"},
		{ID: "Q2AKJF9MPY7T1B", Number: 4710, Title: flows.NewText("Checkout errors"), Status: flows.IncidentTriggered, Service: "Shop", Assignees: []flows.PagerDutyUser{"PDANA01"}},
		{ID: "Q2AKJF9MPY7T1C", Number: 4711, Title: flows.NewText("Database down"), Status: flows.IncidentAcknowledged, Service: "Database", Assignees: []flows.PagerDutyUser{"PDANA01"}},
	}}
}

var errDown = &flows.Temporary{Err: errors.New("PagerDuty is down")}

func (p *pager) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *pager) Incident(_ context.Context, ref string) (flows.Incident, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return flows.Incident{}, errDown
	}
	for _, i := range p.list {
		if string(i.ID) == ref || fmt.Sprint(i.Number) == ref {
			return i, nil
		}
	}
	return flows.Incident{}, flows.ErrNotFound
}

func (p *pager) OpenIncidents(_ context.Context, q flows.IncidentQuery) ([]flows.Incident, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errDown
	}
	var out []flows.Incident
	for _, i := range p.list {
		if q.Assignee == "" || len(i.Assignees) > 0 && i.Assignees[0] == q.Assignee {
			out = append(out, i)
		}
	}
	return out, nil
}

func (p *pager) IncidentsByID(context.Context, []flows.IncidentID) (map[flows.IncidentID]flows.Incident, error) {
	return nil, errDown
}

func (p *pager) OnCall(context.Context, flows.OnCallQuery) flows.OnCallAnswer {
	return flows.OnCallAnswer{Known: true}
}

// asks is a reducer that asks one person.
type asks string

func (a asks) Reduce(context.Context, flows.ReduceInput) flows.Evaluation {
	return flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{
		{People: []flows.PersonID{person(string(a))}, Why: "on call for mgr_on_call, level 1"},
	}}}
}

// seededIDs makes the same ids each time.
type seededIDs struct {
	mu  sync.Mutex
	rnd *rand.Rand
}

func newIDs(seed uint64) *seededIDs { return &seededIDs{rnd: rand.New(rand.NewPCG(seed, 1))} }

func (s *seededIDs) RequestID(now time.Time) flows.RequestID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return flows.RequestID(fmt.Sprintf("req_%013d%013d", now.UnixMilli(), s.rnd.Uint64()%1e13))
}

func (s *seededIDs) Random(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) > 0 {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], s.rnd.Uint64())
		b = b[copy(b, word[:]):]
	}
}

// lines is a log that tests read.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// count is how many lines hold s.
func (l *lines) count(s string) int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.Contains(line, s) {
			n++
		}
	}
	return n
}

// catalog is two flows: prod for engineers, with every kind of question, and vault
// for Mara only.
func catalog() *flows.Catalog {
	prod := &flows.Flow{
		ID: "prod", Label: "Production access", Targets: []flows.TargetID{"production_console", "orders_db"}, Channel: "C0PROD",
		Requesters: []flows.Principal{"@engineering"}, Durations: []time.Duration{30 * time.Minute, time.Hour, 4 * time.Hour},
		MaxDuration: 4 * time.Hour, MaxTotal: 8 * time.Hour, Incident: flows.IncidentRequired, EndWith: []flows.EndCause{flows.EndIncident},
		SelfApproval: flows.SelfOnCall, Quorum: 1, StageTimeout: 30 * time.Minute, Hash: "h-prod",
		Fallback: flows.Fallback{Approvers: []flows.Principal{"U0MARA"}},
		Fields:   []flows.PromptField{{Name: "ticket", Label: "Change ticket", Type: flows.FieldString}},
	}
	all := &flows.Flow{
		ID: "all", Label: "Everything asked", Targets: []flows.TargetID{"lab"}, Requesters: []flows.Principal{"U0DANA", "U0SAM"},
		MaxDuration: 2 * time.Hour, MaxTotal: 2 * time.Hour, Incident: flows.IncidentOptional, SelfApproval: flows.SelfNever, Quorum: 1,
		StageTimeout: 30 * time.Minute, Hash: "h-all", Fallback: flows.Fallback{Approvers: []flows.Principal{"U0MARA"}},
		Fields: []flows.PromptField{
			{Name: "text", Label: "Text", Type: flows.FieldString, Required: true, Hint: "Anything."},
			{Name: "count", Label: "Count", Type: flows.FieldInt, Required: true},
			{Name: "sure", Label: "Sure", Type: flows.FieldBool, Required: true},
			{Name: "wait", Label: "Wait", Type: flows.FieldDuration},
			{Name: "where", Label: "Where", Type: flows.FieldString, Choices: []string{"eu", strings.Repeat("far away, ", 12) + "there"}, Required: true},
			{Name: "buddy", Label: "Buddy", Type: flows.FieldUser},
			{Name: "crew", Label: "Crew", Type: flows.FieldUsers},
		},
	}
	vault := &flows.Flow{
		ID: "vault", Label: "Vault", Targets: []flows.TargetID{"vault"}, Requesters: []flows.Principal{"U0MARA"},
		MaxDuration: time.Hour, MaxTotal: time.Hour, Incident: flows.IncidentOptional, SelfApproval: flows.SelfNever, Quorum: 1,
		StageTimeout: 30 * time.Minute, Hash: "h-vault", Fallback: flows.Fallback{Approvers: []flows.Principal{"U0SAM"}},
	}
	return &flows.Catalog{
		Hash: "cfg", Team: team, World: flows.WorldSimulated,
		Flows: map[flows.FlowID]*flows.Flow{"prod": prod, "all": all, "vault": vault}, FlowOrder: []flows.FlowID{"prod", "all", "vault"},
		Targets: map[flows.TargetID]*flows.TargetSpec{
			"production_console": {ID: "production_console", Kind: "approval_only", Label: "Production console", Hash: "t1"},
			"orders_db":          {ID: "orders_db", Kind: "approval_only", Label: "Orders database", Hash: "t2", MaxDuration: time.Hour},
			"lab":                {ID: "lab", Kind: "approval_only", Label: "Lab", Hash: "t3"},
			"vault":              {ID: "vault", Kind: "approval_only", Label: "Vault", Hash: "t4"},
		},
		Links: flows.NewLinks([]flows.Link{{Name: "dana", Person: person("U0DANA"), PagerDuty: "PDANA01"}}),
	}
}
