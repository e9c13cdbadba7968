// Package bottest is the test language of the whole program: a company in
// simulators, with Breakglass real in its midst, and words to say what people do and
// what they must see. A message that no test expected fails it. It may import what
// app offers, and testing.
//
// Read story_test.go first: it is what the language is for.
package bottest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// Story is one company in one test.
type Story struct {
	*company.Company
	T     testing.TB
	Clock *flows.HandClock
	Log   *Log

	expected map[string]bool // channel/ts of messages that a test has looked at
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
		Clock: s.Clock, IDs: &seeded{r: rand.New(rand.NewPCG(1, 2))}, Dir: t.TempDir(),
		Log: slog.New(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, e := range edit {
		e(&o)
	}
	c, err := company.Open(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatalf("open the company: %v\n%s", err, s.Log)
	}
	s.Company = c
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

// FastForward pushes everybody's clock and waits until what is due then is done.
func (s *Story) FastForward(d time.Duration) {
	s.T.Helper()
	s.Quiet()
	s.Clock.Push(d)
	s.Quiet()
}

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

func (s *Story) unexpected() {
	for _, ch := range s.Slack.Channels() {
		for _, m := range s.Slack.Messages(ch.ID) {
			if !s.expected[ch.ID+"/"+m.TS] {
				s.T.Errorf("nobody expected in %s%s: %s", ch.ID, ch.Name, m.Shown())
			}
		}
	}
}

func (s *Story) expect(m slackfake.Message) { s.expected[m.Channel+"/"+m.TS] = true }
