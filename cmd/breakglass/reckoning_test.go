package main_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"breakglass/bot"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
	"breakglass/store"
)

// harvest keeps of Slack's ledger, which forgets, what the reckoning needs.
type harvest struct {
	seq      int64
	acked    []ack
	posts    map[string][]post // by message
	troubles []trouble
}

// trouble is a time in which the program was cut off from its database, and may have
// posted a message without being able to note that.
type trouble struct{ from, until time.Time }

// ack is a payload that was answered 200: what came of it must be in the inbox.
type ack struct{ User, Action, ActionTS, View, ViewHash string }

// seen takes in what is new and says how far the ledger goes.
func (h *harvest) seen(c *company.Company) int64 {
	for _, e := range c.Slack.LedgerSince(h.seq) {
		h.seq = e.Seq
		switch {
		case e.Direction == slackfake.ToApp && e.Status == 200:
			h.keepAck(e)
		case e.Kind == "chat.postMessage":
			h.keepPost(e)
		}
	}
	return h.seq
}

// keepAck keeps what changes something; what only opens or shows does not.
func (h *harvest) keepAck(e slackfake.Exchange) {
	var p struct {
		User    struct{ ID string }
		Actions []struct {
			ActionID string `json:"action_id"`
			TS       string `json:"action_ts"`
		}
		View struct{ ID, Hash string }
	}
	if json.Unmarshal([]byte(e.Form().Get("payload")), &p) != nil {
		return
	}
	switch e.Kind {
	case "block_actions":
		for _, a := range p.Actions {
			if slices.Contains([]string{bot.ActionApprove, bot.ActionCancel, bot.ActionDone, bot.ActionForward}, a.ActionID) {
				h.acked = append(h.acked, ack{User: p.User.ID, Action: a.ActionID, ActionTS: a.TS})
			}
		}
	case "view_submission":
		if !strings.Contains(e.ResponseBody, `"errors"`) {
			h.acked = append(h.acked, ack{User: p.User.ID, View: p.View.ID, ViewHash: p.View.Hash})
		}
	}
}

// shortID is how messages name their request.
var shortID = regexp.MustCompile("`([0-9A-HJKMNP-TV-Z]{6})`")

// keepPost keeps when a message was posted: cards, and notices that name their request.
func (h *harvest) keepPost(e slackfake.Exchange) {
	form := e.Form()
	id, blocks := shortID.FindStringSubmatch(form.Get("blocks")), form.Get("blocks")
	what := ""
	switch {
	case id == nil:
		return
	case strings.Contains(blocks, " asks for ") || strings.Contains(blocks, "You asked for "):
		what = "card"
	case strings.Contains(blocks, "You have access to "):
		what = "notice"
	default:
		return // the request it names may be another one
	}
	if h.posts == nil {
		h.posts = map[string][]post{}
	}
	key := id[1] + " to " + form.Get("channel") + ", " + what
	h.posts[key] = append(h.posts[key], post{life: lifeOf(e), at: e.At, answered: e.Status != 0})
}

// settle has everything end: the crowd is gone, the faults are over, time passes.
func (s *siege) settle() {
	s.t.Helper()
	s.start()
	began := time.Now()
	s.quiet()
	took, most := time.Since(began), 10*time.Second
	if s.db != nil {
		most = 25 * time.Second // the dead keep what they had in hand until its lease is over
	}
	s.t.Logf("everything due was done %s after the last start", took.Round(time.Millisecond))
	if took > most {
		s.t.Errorf("what was due took %s, want at most %s", took, most)
	}
	for range 8 {
		s.pushClock(time.Minute)
		s.quiet()
	}
	s.wire.seen(s.Company)
	if err := s.alive.stop(); err != nil {
		s.t.Errorf("%v\n%s", err, s.alive.lastWords())
	}
	s.alive = nil
}

// quiet waits until nothing is due, nothing is in hand and no payload waits.
func (s *siege) quiet() {
	s.t.Helper()
	st := s.open(true)
	defer st.Close()
	late := time.Now().Add(time.Minute)
	for {
		stats, err := st.Stats(s.t.Context())
		busy := stats.Unhandled
		for _, j := range stats.Jobs {
			busy += j.Due + j.Leased
		}
		if err == nil && busy == 0 {
			return
		}
		if time.Now().After(late) {
			s.t.Fatalf("not quiet after 30 s: %v %+v\n%s", err, stats, s.alive.lastWords())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *siege) open(readOnly bool) *store.Store {
	s.t.Helper()
	st, err := store.Open(s.t.Context(), store.Options{DSN: s.dsn, Now: s.clock.Now, ReadOnly: readOnly})
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// reckon compares what Slack, the target and PagerDuty saw with what is stored.
func (s *siege) reckon() {
	s.t.Helper()
	st := s.open(true)
	defer st.Close()
	if err := st.VerifyTail(s.t.Context(), 0); err != nil {
		s.t.Error(err)
	}
	requests := s.requests(st)
	s.nothingLost()
	s.nothingTwice(st, requests)
	s.nothingLeft(st, requests)
	s.messages(st, requests)
	s.notes()
	s.confessions()
	for _, v := range s.Slack.Violations() {
		switch {
		case v.Code == "exchanged_trigger_id", v.Code == "expired_trigger_id": // delivered twice; the clock jumped
		case s.db != nil && strings.Contains(v.Detail, "status 503"): // the connection was cut while the commit was under way
		default:
			s.t.Errorf("Slack's rules: %s", v)
		}
	}
	states := map[string]int{}
	for _, r := range requests {
		states[string(r.State)]++
	}
	s.t.Logf("%d payloads acknowledged, %d met nobody; %d requests: %s; %d things at the target", len(s.wire.acked), s.stranded.Load(),
		len(requests), said(states), len(s.Database.Ledger()))
	if states["ended"] == 0 {
		s.t.Error("too little happened for this to say anything")
	}
}

// requests reads every request.
func (s *siege) requests(st *store.Store) []flows.Request {
	s.t.Helper()
	var all []flows.Request
	filter := flows.RequestFilter{Limit: 500}
	for {
		page, err := st.Requests(s.t.Context(), filter)
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < filter.Limit {
			return all
		}
		filter.Before = page[len(page)-1].ID
	}
}

// nothingLost: every payload that was acknowledged has its row, and each row was
// handled.
func (s *siege) nothingLost() {
	s.t.Helper()
	db := s.db
	if db == nil {
		var err error
		if db, err = sql.Open("sqlite", s.file); err != nil {
			s.t.Fatal(err)
		}
		defer db.Close()
	}
	rows, err := db.QueryContext(s.t.Context(), "SELECT kind, body, handled_at FROM inbox")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	kept := map[ack]bool{}
	for rows.Next() {
		var kind string
		var body []byte
		var handled int64
		if err := rows.Scan(&kind, &body, &handled); err != nil {
			s.t.Fatal(err)
		}
		var r struct {
			User, Action, View string
			ActionTS           string `json:"action_ts"`
			ViewHash           string `json:"view_hash"`
		}
		if err := json.Unmarshal(body, &r); err != nil {
			s.t.Fatal(err)
		}
		kept[ack{User: r.User, Action: r.Action, ActionTS: r.ActionTS, View: r.View, ViewHash: r.ViewHash}] = true
		if handled == 0 {
			s.t.Errorf("a %s of %s was acknowledged and never handled: %s", kind, r.User, body)
		}
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	for _, a := range s.wire.acked {
		if !kept[a] {
			s.t.Errorf("acknowledged and lost: %+v", a)
		}
	}
}

// fact is an audit entry as its bytes say it.
type fact struct {
	Verb, From, To string
	Actor          struct{ Trace string }
}

// nothingTwice: each request went along the life cycle once, and each thing a person
// did is behind at most one step.
func (s *siege) nothingTwice(st *store.Store, requests []flows.Request) {
	s.t.Helper()
	behind := map[string]int{}
	for _, r := range requests {
		entries, err := st.Entries(s.t.Context(), string(r.ID))
		if err != nil {
			s.t.Fatal(err)
		}
		state, once := "", map[string]int{}
		for _, e := range entries {
			var f fact
			if err := json.Unmarshal(e.Bytes, &f); err != nil {
				s.t.Fatal(err)
			}
			if f.From != state {
				s.t.Errorf("%s: %s begins at %q where %q was", r.ID, f.Verb, f.From, state)
			}
			if f.To != f.From && !flows.CanStep(flows.Verb(f.Verb), flows.State(f.From), flows.State(f.To)) {
				s.t.Errorf("%s: %s from %q to %q is no step", r.ID, f.Verb, f.From, f.To)
			}
			if state = f.To; f.To != f.From {
				once[f.To]++
			}
			if f.Verb != "refused" && f.Actor.Trace != "" {
				behind[f.Actor.Trace]++
			}
		}
		for to, n := range once {
			if n > 1 {
				s.t.Errorf("%s became %s %d times", r.ID, to, n)
			}
		}
		if state != string(r.State) || !r.State.Final() {
			s.t.Errorf("%s is %s at the end, its entries say %s", r.ID, r.State, state)
		}
	}
	for trace, n := range behind {
		if n > 1 {
			s.t.Errorf("%s is behind %d steps", trace, n)
		}
	}
}

// nothingLeft: the target gave what was approved, once each, and took all of it back
// in time.
func (s *siege) nothingLeft(st *store.Store, requests []flows.Request) {
	s.t.Helper()
	given := map[flows.RequestID]int{}
	ends := map[flows.RequestID]time.Time{} // when access was over, by the request's own end
	for _, r := range requests {
		ends[r.ID] = r.EndsAt
	}
	holds := map[receiver.Holder]time.Time{} // the latest end of what was given since it was last taken
	var latest time.Duration
	for _, e := range s.Database.Ledger() {
		id := flows.RequestID(e.Request)
		switch e.Outcome {
		case receiver.Granted:
			given[id]++
			if _, known := ends[id]; !known {
				s.t.Errorf("access was given for %s, which nobody asked for", id)
			}
			if ends[id].After(holds[e.Holder]) {
				holds[e.Holder] = ends[id]
			}
		case receiver.Revoked:
			if end, had := holds[e.Holder]; had {
				latest = max(latest, e.At.Sub(end))
			}
			delete(holds, e.Holder)
		case receiver.Reused:
			s.t.Errorf("a key was used for two orders: %+v", e)
		}
	}
	if left := s.Database.Holders(); len(left) > 0 {
		s.t.Errorf("still granted at the end: %v", left)
	}
	for _, r := range requests {
		switch {
		case given[r.ID] > 1:
			s.t.Errorf("%s was given %d times", r.ID, given[r.ID])
		case given[r.ID] == 0 && !r.GrantedAt.IsZero() && r.Content.Target == "prod_database":
			s.t.Errorf("%s is said to have been given, and the target knows nothing", r.ID)
		case given[r.ID] > 0 && r.DecidedAt.IsZero():
			s.t.Errorf("%s was given and never approved", r.ID)
		}
	}
	s.t.Logf("access outlived its end by at most %s, the clock's jump of %s included", latest.Round(time.Millisecond), s.jump)
	if latest > s.jump+20*time.Second {
		s.t.Errorf("access outlived its end by %s", latest)
	}
	stats, err := st.Stats(context.WithoutCancel(s.t.Context()))
	if err != nil || stats.Live > 0 || stats.Unhandled > 0 {
		s.t.Errorf("left in the store: %+v, %v", stats, err)
	}
}

// messages: a message was posted again only where nobody could know that it had been
// posted, and every card shows how it ended.
func (s *siege) messages(st *store.Store, requests []flows.Request) {
	s.t.Helper()
	again := 0
	for what, posts := range s.wire.posts {
		again += len(posts) - 1
		for _, p := range needless(posts, s.wire.troubles) {
			s.t.Errorf("%s was posted by life %d, which did not need to: %+v", what, p.life, posts)
		}
	}
	s.t.Logf("%d messages, %d of them posted again after a death", len(s.wire.posts), again)
	for _, r := range requests {
		rec, err := st.Load(s.t.Context(), r.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, card := range rec.Cards {
			m, there := s.Slack.Message(card.Channel, card.TS)
			if !there {
				s.t.Errorf("card %s is nowhere (%s %s)", card.ID, card.Channel, card.TS)
			}
			for _, e := range m.Elements() {
				if e.ActionID != bot.ActionMore && e.ActionID != bot.ActionExtend {
					s.t.Errorf("card %s of a request that is %s still has %s:\n%s", card.ID, r.State, e.ActionID, m.Shown())
				}
			}
		}
	}
}

// confessions: nothing of what the victims logged says that they broke by themselves.
func (s *siege) confessions() {
	s.t.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, logName))
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		for _, word := range []string{"panic", "DATA RACE", "does not verify", "given up"} {
			if strings.Contains(line, word) {
				s.t.Errorf("a victim said: %s", line)
			}
		}
	}
}

// notes: each thing is written to the incident once.
func (s *siege) notes() {
	s.t.Helper()
	seen := map[string]int{}
	for _, i := range s.PagerDuty.Incidents() {
		for _, n := range i.Notes {
			seen[n.Content]++
		}
	}
	for content, n := range seen {
		if n > 1 {
			s.t.Errorf("noted %d times: %s", n, content)
		}
	}
	s.t.Logf("%d notes", len(seen))
}
