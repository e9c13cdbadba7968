package main

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/slackfake"
)

// stage is where the demo plays: the company, and what was shown of it so far.
type stage struct {
	c     *company.Company
	clock *flows.HandClock
	out   io.Writer
	log   log
	token string

	dir       string
	signIn    *oidcfake.Provider
	slackSeen int64
	pagerSeen int
	seen      map[string]int64 // entries of each chain that were shown
}

// log keeps what the program logged, to be shown if a step fails.
type log struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements io.Writer.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is everything logged so far.
func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// begin forgets what went over the wire before the step.
func (s *stage) begin() {
	if s.seen == nil {
		s.seen = map[string]int64{}
	}
	for _, e := range s.c.Slack.LedgerSince(s.slackSeen) {
		s.slackSeen = e.Seq
	}
	for _, e := range s.c.PagerDuty.Ledger(s.pagerSeen) {
		s.pagerSeen = e.Seq
	}
}

// show prints what went over the wire since begin, and what was recorded.
func (s *stage) show(ctx context.Context) error {
	for i, line := range s.wire() {
		label := "wire"
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(s.out, "   %-7s %s\n", label, line)
	}
	r, err := s.newest(ctx)
	if err != nil {
		return err
	}
	entries, err := s.c.App.Store().Entries(ctx, string(r.ID))
	if err != nil {
		return err
	}
	var verbs []string
	for _, e := range entries {
		if e.Seq > s.seen[string(r.ID)] {
			verbs = append(verbs, e.Verb)
			s.seen[string(r.ID)] = e.Seq
		}
	}
	if len(verbs) == 0 {
		return nil
	}
	last := entries[len(entries)-1]
	fmt.Fprintf(s.out, "   record  %s: %s → %s  (%d entries, chain ends in %.12s…)\n", r.ID.Short(), strings.Join(verbs, ", "), r.State, len(entries), last.Hash)
	return nil
}

// wire sums up the HTTP traffic of a step, a line for each direction.
func (s *stage) wire() []string {
	in, slack, pager := &tally{}, &tally{}, &tally{}
	for _, e := range s.c.Slack.LedgerSince(s.slackSeen) {
		if e.Direction == slackfake.ToApp {
			in.add(e.Kind)
		} else {
			slack.add(e.Kind)
		}
	}
	for _, e := range s.c.PagerDuty.Ledger(s.pagerSeen) {
		pager.add(e.Method + " " + template(e.Path))
	}
	var out []string
	for _, t := range [...]struct {
		who string
		*tally
	}{{"Slack → Breakglass   ", in}, {"Breakglass → Slack   ", slack}, {"Breakglass → PagerDuty", pager}} {
		if len(t.order) > 0 {
			out = append(out, strings.TrimSpace(t.who)+"  "+t.String())
		}
	}
	return out
}

// template shortens the ids in a path.
func template(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if len(p) > 10 && strings.ToUpper(p) == p {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

// tally counts kinds of calls in the order in which they came.
type tally struct {
	order []string
	count map[string]int
}

func (t *tally) add(kind string) {
	if t.count == nil {
		t.count = map[string]int{}
	}
	if t.count[kind]++; t.count[kind] == 1 {
		t.order = append(t.order, kind)
	}
}

// String is "views.open · chat.update ×3".
func (t *tally) String() string {
	out := make([]string, len(t.order))
	for i, k := range t.order {
		if out[i] = k; t.count[k] > 1 {
			out[i] = fmt.Sprintf("%s ×%d", k, t.count[k])
		}
	}
	return strings.Join(out, " · ")
}

// newest is the request that was submitted last.
func (s *stage) newest(ctx context.Context) (flows.Request, error) {
	all, err := s.c.App.Store().Requests(ctx, flows.RequestFilter{})
	if err != nil || len(all) == 0 {
		return flows.Request{}, fmt.Errorf("no request was recorded: %w", err)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].ID > all[j].ID })
	return all[0], nil
}

// push moves everybody's clock and lets what is due then happen.
func (s *stage) push(ctx context.Context, d time.Duration) error {
	if err := s.c.Quiet(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "   clock   + %s\n", flows.Span(d))
	s.clock.Push(d)
	return s.c.Quiet(ctx)
}

// sees checks that somebody (or a channel) is shown all the texts, and prints the
// first line of what they see.
func (s *stage) sees(ctx context.Context, where string, texts ...string) (slackfake.Message, error) {
	m, err := s.c.See(ctx, where, texts...)
	if err == nil {
		fmt.Fprintf(s.out, "   %-7s %s\n", s.name(where), s.summary(m))
	}
	return m, err
}

func (s *stage) name(where string) string {
	for _, ch := range s.c.Slack.Channels() {
		if ch.ID == where && ch.Name != "" {
			return "#" + ch.Name + "\n           "
		}
	}
	for _, u := range s.c.Slack.Users() {
		if u.ID == where {
			return u.RealName
		}
	}
	return where
}

// summary is the head of a message, as people read it.
func (s *stage) summary(m slackfake.Message) string {
	var head []string
	for line := range strings.SplitSeq(s.words(m.Shown()), "\n") {
		if line == "*For*" || line == "*How to use it*" || strings.Contains(line, "*SIMULATED*") || len(head) == 2 {
			break
		}
		head = append(head, line)
	}
	text := strings.NewReplacer("*", "", "~", "").Replace(strings.Join(head, " — "))
	if strings.HasPrefix(text, ":") { // an emoji's name
		_, text, _ = strings.Cut(text, ": ")
	}
	if r := []rune(text); len(r) > 170 {
		text = string(r[:169]) + "…"
	}
	return "“" + text + "”"
}

// words turns Slack's markers into words, and people's ids into their names.
func (s *stage) words(text string) string {
	for _, u := range s.c.Slack.Users() {
		text = strings.ReplaceAll(text, "<@"+u.ID+">", u.RealName)
	}
	return plainWords(text)
}

// press has somebody click a button.
func (s *stage) press(user string, m slackfake.Message, action string) error {
	fmt.Fprintf(s.out, "   %-7s [%s]\n", s.name(user), strings.TrimPrefix(action, "bg:"))
	_, err := s.c.Slack.User(user).Click(m, action)
	return err
}

// recorded checks the verbs of the newest request's entries, in order.
func (s *stage) recorded(ctx context.Context, want ...string) error {
	if err := s.c.Quiet(ctx); err != nil {
		return err
	}
	r, err := s.newest(ctx)
	if err != nil {
		return err
	}
	entries, err := s.c.App.Store().Entries(ctx, string(r.ID))
	if err != nil {
		return err
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Verb)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		return fmt.Errorf("recorded was %v, not %v", got, want)
	}
	return nil
}
