// Package bottest is the test language of the whole program: a company in
// simulators, with Breakglass real in its midst, and words to say what people do and
// what they must see. A message that no test expected fails it. It may import what
// app offers, the store to begin with, and testing.
//
// Read story_test.go first: it is what the language is for.
package bottest

import (
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// patience is how long a test waits for something that must come.
const patience = time.Minute

// Story is one company in one test.
type Story struct {
	*company.Company
	T     testing.TB
	Clock *flows.HandClock
	Log   *Log

	options  company.Options
	expected map[string]bool // channel/ts of messages that a test has looked at

	mu        sync.Mutex // for described
	described *described
}

// Log keeps what the program logged, to be shown when a test fails.
type Log struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start is the moment at which stories begin: a Sunday, 3 am.
var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// Open opens a company for a test; edit changes how it is set up.
func Open(t testing.TB, edit ...func(*company.Options)) *Story {
	t.Helper()
	s := &Story{T: t, Clock: flows.NewHandClock(start), Log: &Log{}, expected: map[string]bool{}}
	o := company.Options{
		Clock: s.Clock, IDs: &seeded{r: rand.New(rand.NewPCG(1, 2))}, Dir: t.TempDir(), Config: ownConfig(t),
		Log: slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, e := range edit {
		e(&o)
	}
	if o.DSN == "" {
		newDatabase(t, o.Dir)
	}
	c, err := company.Open(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatalf("open the company: %v\n%s", err, s.Log)
	}
	s.Company, s.options = c, o
	t.Cleanup(s.close)
	return s
}

// close ends the story: no message may be left that nobody expected, and the app may
// not have broken any of Slack's or PagerDuty's rules.
func (s *Story) close() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !s.T.Failed() {
		s.Quiet()
		s.unexpected()
		s.plainWords()
		for _, v := range s.Slack.Violations() {
			s.T.Errorf("Slack's rules: %s", v)
		}
		for _, v := range s.PagerDuty.Violations() {
			s.T.Errorf("PagerDuty's rules: %+v", v)
		}
	}
	if err := s.Close(ctx); err != nil {
		s.T.Errorf("close the company: %v", err)
	}
	if s.T.Failed() {
		s.T.Logf("log:\n%s", s.Log)
	}
}

// seeded makes ids from a seed. Safe for concurrent use.
type seeded struct {
	mu sync.Mutex
	r  *rand.Rand
}

// RequestID implements flows.IDs.
func (s *seeded) RequestID(now time.Time) flows.RequestID { return app.RandomIDs{}.RequestID(now) }

// Random implements flows.IDs.
func (s *seeded) Random(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b {
		b[i] = byte(s.r.Uint32())
	}
}

// within bounds a wait.
func (s *Story) within(do func(ctx context.Context) error) {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := do(ctx); err != nil {
		s.T.Fatal(err)
	}
}

// Until waits until cond holds; what names it in the failure.
func (s *Story) Until(what string, cond func() bool) {
	s.T.Helper()
	s.within(func(ctx context.Context) error { return s.Company.Until(ctx, what, cond) })
}

// Quiet waits until nothing is left to do now.
func (s *Story) Quiet() {
	s.T.Helper()
	s.within(s.Company.Quiet)
}

// FastForward pushes everybody's clock, from one thing that is due to the next, and
// waits each time until it is done.
func (s *Story) FastForward(d time.Duration) {
	s.T.Helper()
	for until := s.Clock.Now().Add(d); ; {
		s.Quiet()
		now := s.Clock.Now()
		if !now.Before(until) {
			return
		}
		next, some, err := s.App.Store().NextDue(context.Background())
		if err != nil {
			s.T.Fatal(err)
		}
		if !some || next.After(until) {
			next = until
		}
		s.Clock.Push(max(next.Sub(now), time.Millisecond))
	}
}

// Jump pushes the clock at once, as when a machine slept; whatever is due then is due
// at the same time.
func (s *Story) Jump(d time.Duration) {
	s.T.Helper()
	s.Quiet()
	s.Clock.Push(d)
	s.Quiet()
}

// Stop stops Breakglass; the rest of the company goes on.
func (s *Story) Stop() {
	s.T.Helper()
	s.within(s.App.Stop)
}

// Start starts Breakglass again on what it left, with its configuration changed.
func (s *Story) Start(edit ...func(*company.Options)) {
	s.T.Helper()
	for _, e := range edit {
		e(&s.options)
	}
	s.within(s.StartApp)
}

// Restart stops and starts it.
func (s *Story) Restart(edit ...func(*company.Options)) {
	s.T.Helper()
	s.Stop()
	s.Start(edit...)
}

// Reload has Breakglass load its configuration again while it runs, changed.
func (s *Story) Reload(edit ...func(*company.Options)) error {
	for _, e := range edit {
		e(&s.options)
	}
	return s.App.Reload(context.Background())
}

// DatabaseFile is the file of the SQLite store.
func (s *Story) DatabaseFile() string { return filepath.Join(s.options.Dir, "breakglass.db") }

// Directory is where the test's own configuration lies.
func (s *Story) Directory() string { return s.options.Config }

// Only is the one request there is.
func (s *Story) Only() flows.Request {
	s.T.Helper()
	all := s.Requests()
	if len(all) != 1 {
		s.T.Fatalf("%d requests, want one", len(all))
	}
	return all[0]
}

// Requests lists all requests, newest first.
func (s *Story) Requests() []flows.Request {
	s.T.Helper()
	all, err := s.App.Store().Requests(context.Background(), flows.RequestFilter{})
	if err != nil {
		s.T.Fatal(err)
	}
	return all
}

// Expect fails the test if the audit entries of the only request are not these verbs.
func (s *Story) Expect(verbs ...string) {
	s.T.Helper()
	s.Quiet()
	if diff := cmp.Diff(verbs, s.Entries(s.Only().ID)); diff != "" {
		s.T.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// Facts are the facts of the last entry with a verb, as they stand in its bytes.
func (s *Story) Facts(id flows.RequestID, verb string) map[string]any {
	s.T.Helper()
	all, err := s.App.Store().Entries(context.Background(), string(id))
	if err != nil {
		s.T.Fatal(err)
	}
	for _, a := range slices.Backward(all) {
		if a.Verb != verb {
			continue
		}
		var body struct {
			Code  string         `json:"code"`
			Facts map[string]any `json:"facts"`
		}
		if err := json.Unmarshal(a.Bytes, &body); err != nil {
			s.T.Fatal(err)
		}
		body.Facts["code"] = body.Code
		return body.Facts
	}
	s.T.Fatalf("%s has no entry %s: %v", id, verb, s.Entries(id))
	return nil
}

// Cancels has an admin cancel the only request by another door than Slack.
func (s *Story) Cancels(admin string) {
	s.T.Helper()
	res, err := s.App.Engine().Do(context.Background(), flows.Command{
		Verb: flows.VerbCancel, ID: s.Only().ID, Actor: flows.Actor{Person: company.Person(admin), Door: flows.DoorCLI},
	}, flows.Finish{})
	if err == nil && res.Refusal != nil {
		err = res.Refusal
	}
	if err != nil {
		s.T.Fatalf("%s cancels: %v", admin, err)
	}
}

// NoButtons fails the test if a message still has a button that does something.
func (s *Story) NoButtons() {
	s.T.Helper()
	s.Quiet()
	for _, ch := range s.Slack.Channels() {
		for _, m := range s.Slack.Messages(ch.ID) {
			for _, e := range m.Elements() {
				if e.Type == "button" && e.ActionID != "bg:more" && e.ActionID != "bg:extend" { // these ask
					s.T.Errorf("the button %s is still there, in %s: %s", e.ActionID, ch.ID, m.Shown())
				}
			}
		}
	}
}

// Has fails the test unless exactly these people have access to the database.
func (s *Story) Has(people ...string) {
	s.T.Helper()
	s.Quiet()
	s.HasNow(people...)
}

// HasNow is Has while there is something left to do.
func (s *Story) HasNow(people ...string) {
	s.T.Helper()
	var have []string
	for _, h := range s.Database.Holders() {
		have = append(have, h.Slack)
	}
	slices.Sort(have)
	slices.Sort(people)
	if !slices.Equal(have, people) {
		s.T.Errorf("the database gives access to %v, not to %v", have, people)
	}
}

// Entries are the verbs of a request's audit entries, in order.
func (s *Story) Entries(id flows.RequestID) []string {
	s.T.Helper()
	all, err := s.App.Store().Entries(context.Background(), string(id))
	if err != nil {
		s.T.Fatal(err)
	}
	var out []string
	for _, e := range all {
		out = append(out, e.Verb)
	}
	return out
}

// noise is what no person should have to read: it is for logs.
var noise = regexp.MustCompile(`127\.0\.0\.1|dial tcp|context deadline|connection re|EOF|panic|goroutine|nil pointer|HTTP status|status code|json:|%!|\bsql\b|SQLITE|x509`)

// plainWords fails the test for messages that people cannot read: raw errors, anywhere
// but in the operators' channel. A link to a page of the console is none.
func (s *Story) plainWords() {
	for _, ch := range s.Slack.Channels() {
		for _, m := range s.Slack.Messages(ch.ID) {
			if found := noise.FindString(strings.ReplaceAll(m.Shown()+m.Text, s.URL("/requests/"), "")); found != "" && ch.ID != "C0ERRS" {
				s.T.Errorf("%q is no word for people, in %s: %s", found, ch.ID, m.Shown())
			}
		}
	}
	for _, u := range s.Slack.Users() {
		for _, m := range s.Slack.User(u.ID).Ephemerals() {
			if found := noise.FindString(strings.NewReplacer(s.URL("/requests/"), "", s.URL("/audit"), "").Replace(m.Shown())); found != "" {
				s.T.Errorf("%q is no word for people: %s", found, m.Shown())
			}
		}
	}
}

// unexpected fails the test for each message that nobody looked at. The log in the thread
// of a card goes with the card.
func (s *Story) unexpected() {
	for _, u := range s.Slack.Users() {
		for _, m := range s.Slack.User(u.ID).Ephemerals() {
			if !s.expected[u.ID+"/"+m.Channel+"/"+m.TS] {
				s.T.Errorf("nobody expected that only %s sees: %s", u.ID, m.Shown())
			}
		}
	}
	for _, ch := range s.Slack.Channels() {
		for _, m := range s.Slack.Messages(ch.ID) {
			told := m.ThreadTS != "" && s.expected[ch.ID+"/"+m.ThreadTS] && strings.HasPrefix(m.Shown(), "› ")
			if !s.expected[ch.ID+"/"+m.TS] && !told && !checkpoint(m) {
				s.T.Errorf("nobody expected in %s%s: %s", ch.ID, ch.Name, m.Shown())
			}
		}
	}
}

// Overlook looks at every message so far: the story is about something else.
func (s *Story) Overlook() {
	s.T.Helper()
	s.Quiet()
	for _, ch := range s.Slack.Channels() {
		for _, m := range s.Slack.Messages(ch.ID) {
			s.expect(m)
		}
	}
	for _, u := range s.Slack.Users() {
		for _, m := range s.Slack.User(u.ID).Ephemerals() {
			s.expected[u.ID+"/"+m.Channel+"/"+m.TS] = true
		}
	}
}

// Alarms are the messages in the operators' channel, without the checkpoints.
func (s *Story) Alarms() []slackfake.Message {
	return slices.DeleteFunc(s.Slack.Messages("C0ERRS"), checkpoint)
}

// checkpoint reports whether a message is one that comes by itself, about the log.
func checkpoint(m slackfake.Message) bool {
	return m.Channel == "C0ERRS" && strings.HasPrefix(m.Text, ":lock: Audit checkpoint ")
}

func (s *Story) expect(m slackfake.Message) { s.expected[m.Channel+"/"+m.TS] = true }
