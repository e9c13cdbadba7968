package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/pack"
)

func eraseCases() []contractCase {
	return []contractCase{
		{"Erase/Everywhere", eraseEverywhere},
		{"Erase/NotWhatIsNotNamed", eraseNotNamed},
		{"Erase/NotWhatIsLive", eraseLive},
		{"Erase/WrittenMeanwhile", eraseMeanwhile},
		{"Erase/RulesStay", eraseRules},
	}
}

const (
	leaver    = flows.PersonID("T/ULEAVER")
	pseudonym = flows.PersonID("erased/7F00")
)

// eraser is the store as erasures see it; the test is skipped where it is none.
func (f *fixture) eraser() flows.Eraser {
	f.Helper()
	e, ok := f.s.(flows.Eraser)
	if !ok {
		f.Skip("this store erases nobody")
	}
	return e
}

// past is a store in which somebody who left had a part in everything.
func (f *fixture) past() {
	f.Helper()
	f.eraser()
	own := asks("req_1", leaver, "db")
	own.Content.Incident = flows.IncidentRef{ID: "my own outage"}
	never := f.step(f.walk(own, flows.StateSubmitted, flows.StatePending), flows.StateDenied)
	never.Request.DecidedBy, never.Request.DenyWhy = "T/UMARA", flows.NewText("never again")
	f.apply(never)
	named := asks("req_2", "T/UDANA", "db")
	named.Content.Reason = flows.NewText("instead of <@ULEAVER>,\nULEAVER, not of ULEAVERS")
	no := f.step(f.walk(named, flows.StateSubmitted, flows.StatePending), flows.StateDenied)
	no.Request.DecidedBy, no.Request.DenyWhy = leaver, flows.NewText("no, says the leaver")
	f.apply(no)
	f.apply(flows.Change{Holding: &flows.Holding{Key: flows.HoldingKey{Person: leaver, Target: "db"}, Version: 1, Before: flows.No}})
	f.apply(flows.Change{Cards: []flows.Card{{ID: "req_1/requester/" + string(leaver), Request: "req_1", To: leaver, Channel: "D0LEAVER", TS: "1.5", Token: "aa"}}})
	f.apply(flows.Change{
		Passes: []flows.Pass{{ID: "ses_1", Version: 1, Kind: flows.PassSession, Hash: strings.Repeat("a", 64), Holder: leaver, From: "192.0.2.7", CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}},
		Pins:   []flows.Pin{{Issuer: "https://login.example", Subject: "leaver-1", Person: leaver, At: noon}},
		Links:  []flows.StoredLink{{Person: leaver, Version: 1, State: flows.LinkConfirmed, PagerDuty: "PLEAVER", Subject: "leaver-1"}},
	})
	if _, _, err := f.s.Accept(f.ctx, flows.InboxRow{Key: "slack:1", Kind: "x", Body: []byte(`{"user":"ULEAVER"}`), At: noon}, job(flows.JobInbox, "slack:1", noon)); err != nil {
		f.Fatal(err)
	}
}

// handled finishes the payload of the past.
func (f *fixture) handled() {
	f.Helper()
	for _, j := range f.claim("worker", noon, 10) {
		if j.Subject == "slack:1" {
			f.apply(flows.Change{Done: &j, Inbox: "slack:1"})
		}
	}
}

// erasure is the erasure of all that the footprint names.
func (f *fixture) erasure(foot flows.Footprint) flows.Erasure {
	f.Helper()
	head, err := f.s.ChainHead(f.ctx, "system")
	if err != nil {
		f.Fatal(err)
	}
	sealed, _, err := flows.Seal("system", head, []flows.Entry{{Verb: flows.VerbErased, At: noon}}, f.random)
	if err != nil {
		f.Fatal(err)
	}
	return flows.Erasure{Person: leaver, Pseudonym: pseudonym, Footprint: foot, Change: flows.Change{Chain: "system", Entries: sealed}}
}

func (f *fixture) footprint() flows.Footprint {
	f.Helper()
	foot, err := f.eraser().Footprint(f.ctx, leaver, "")
	if err != nil {
		f.Fatal(err)
	}
	return foot
}

// sameFootprint holds the footprint to another, but for how far was looked.
func (f *fixture) sameFootprint(want flows.Footprint) {
	f.Helper()
	got := f.footprint()
	want.Sight, got.Sight = flows.Sight{}, flows.Sight{}
	f.same(want, got)
}

func eraseEverywhere(f *fixture) {
	f.past()
	if foot := f.footprint(); foot.Pending != 1 {
		f.Errorf("%d wait, want the payload's job", foot.Pending)
	}
	f.handled()
	foot := f.footprint()
	f.same([]flows.RequestID{"req_1", "req_2"}, foot.Requests)
	if len(foot.Openings) < 4 || len(foot.Live)+foot.Pending != 0 || !foot.Newest.Equal(noon) {
		f.Errorf("the footprint is %+v", foot)
	}
	if _, err := f.eraser().Erase(f.ctx, f.erasure(foot)); err != nil {
		f.Fatal(err)
	}
	f.sameNowhere("ULEAVER\"", "ULEAVER,", "ULEAVER>", "T/ULEAVER", "uleaver>", "says the leaver", "my own outage", "never again", "leaver-1", "192.0.2.7", "D0LEAVER")
	one, two := f.load("req_1").Request, f.load("req_2").Request
	if one.Content.Requester != pseudonym || !one.Content.Reason.Empty() || one.State != flows.StateDenied || one.Content.Target != "db" {
		f.Errorf("%+v", one)
	}
	if got := two.Content.Reason.Raw(); two.Content.Requester != "T/UDANA" || got != "instead of <@erased/7F00>,\nerased/7F00, not of ULEAVERS" || !two.DenyWhy.Empty() {
		f.Errorf("%q in %+v", got, two)
	}
	if v, ok := f.s.(interface {
		VerifyTail(ctx context.Context, n int) error
	}); ok {
		f.is(v.VerifyTail(f.ctx, 0), nil)
	}
	f.sameFootprint(flows.Footprint{})
}

// sameNowhere holds that no row of any table has one of the texts.
func (f *fixture) sameNowhere(texts ...string) {
	f.Helper()
	db := f.raw()
	for _, table := range []string{
		"requests", "holdings", "entries", "openings", "packed_openings", "cards", "jobs", "inbox", "request_people", "request_words", "request_incidents", "passes", "sign_ins", "links", "meta",
	} {
		f.nowhereIn(db, table, texts)
	}
}

func (f *fixture) nowhereIn(db *sql.DB, table string, texts []string) {
	f.Helper()
	rows, err := db.QueryContext(f.ctx, "SELECT * FROM "+table) //nolint:unqueryvet // every column, also those to come
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		f.Fatal(err)
	}
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			f.Fatal(err)
		}
		for i, v := range row {
			said, isBytes := (*v.(*any)).([]byte)
			if !isBytes {
				said = fmt.Append(nil, *v.(*any))
			}
			if table == "packed_openings" && columns[i] == "doc" {
				said = f.unpacked(said)
			}
			for _, text := range texts {
				if bytes.Contains(said, []byte(text)) {
					f.Errorf("%s.%s has %s: %s", table, columns[i], text, said)
				}
			}
		}
	}
	f.is(rows.Err(), nil)
}

// unpacked is what openings say that are packed together.
func (f *fixture) unpacked(doc []byte) []byte {
	f.Helper()
	all, err := new(pack.Unpacker).Openings(doc)
	f.is(err, nil)
	return fmt.Append(nil, all)
}

// eraseNotNamed: what the entries do not name is not destroyed, and nothing is.
func eraseNotNamed(f *fixture) {
	f.past()
	f.handled()
	foot := f.footprint()
	x := f.erasure(foot)
	x.Openings = x.Openings[1:]
	_, err := f.eraser().Erase(f.ctx, x)
	f.is(err, flows.ErrConflict)
	x = f.erasure(foot)
	x.Openings = append(x.Openings, flows.OpeningRef{Chain: "req_1", Seq: 9, Path: "facts.x"})
	_, err = f.eraser().Erase(f.ctx, x)
	f.is(err, flows.ErrConflict)
	f.sameFootprint(foot)
	head, err := f.s.ChainHead(f.ctx, "system")
	f.is(err, nil)
	f.same(flows.ChainHead{}, head)
}

func eraseLive(f *fixture) {
	f.past()
	f.handled()
	f.walk(asks("req_3", leaver, "other"), flows.StateSubmitted)
	foot := f.footprint()
	f.same([]flows.RequestID{"req_3"}, foot.Live)
	_, err := f.eraser().Erase(f.ctx, f.erasure(foot))
	f.is(err, flows.ErrConflict)
	f.sameFootprint(foot)
}

// eraseMeanwhile: what is written after the look is found by the erasure, which then does
// nothing; what another look has found goes.
func eraseMeanwhile(f *fixture) {
	f.past()
	f.handled()
	note := func(chain string, v flows.Personal) {
		sealed, _, err := flows.Seal(chain, flows.ChainHead{}, []flows.Entry{{Verb: "x", At: noon, Facts: map[string]any{"note": v}}}, f.random)
		if err != nil {
			f.Fatal(err)
		}
		f.apply(flows.Change{Chain: chain, Entries: sealed})
	}
	named := asks("req_3", "T/UDANA", "other")
	named.Content.Reason = flows.NewText("for ULEAVER again")
	for i, meanwhile := range []struct {
		why string
		do  func()
	}{
		{"opening", func() { note("calls/req_1", flows.Personal{About: leaver, Value: "192.0.2.8"}) }},
		{"opening", func() { note("calls/req_2", flows.Personal{About: "T/UDANA", Value: "with ULEAVER"}) }},
		{"", func() { f.walk(named, flows.StateSubmitted, flows.StateDenied) }},
		{"", func() { f.apply(f.step(f.load("req_2").Request, flows.StateDenied)) }},
		{"messages or jobs", func() { f.write(job(flows.JobNotice, "to/ULEAVER", noon)) }},
		{"messages or jobs", func() { f.accept("slack:2", []byte(`{"user":"ULEAVER"}`)) }},
	} {
		foot := f.footprint()
		meanwhile.do()
		before := f.everything()
		_, err := f.eraser().Erase(f.ctx, f.erasure(foot))
		f.is(err, flows.ErrConflict)
		if err != nil && !strings.Contains(err.Error(), meanwhile.why) {
			f.Errorf("%d: %v", i, err)
		}
		f.same(before, f.everything())
	}
	var last flows.Job
	for _, j := range f.claim("worker", noon.Add(time.Hour), 10) {
		if last = j; j.Subject != "slack:2" {
			f.apply(flows.Change{Done: &j})
		}
	}
	f.apply(flows.Change{Done: &last, Inbox: "slack:2"})
	foot := f.footprint()
	f.accept("slack:3", []byte(`{"by":"ULEAVER"}`))
	late := f.claimOne("worker", noon.Add(time.Hour))
	f.apply(flows.Change{Done: &late, Inbox: "slack:3"}) // no entry tells of it
	if _, err := f.eraser().Erase(f.ctx, f.erasure(foot)); err != nil {
		f.Fatal(err)
	}
	f.sameNowhere("ULEAVER\"", "ULEAVER,", "ULEAVER>", "T/ULEAVER", "with ULEAVER", "for ULEAVER", "192.0.2.8")
}

// eraseRules: what erasing may, nothing else may.
func eraseRules(f *fixture) {
	f.past()
	f.walk(asks("req_3", "T/UDANA", "other"), flows.StateSubmitted)
	f.keepPass(lasting("tok_9", "9", long, long.AddDate(200, 0, 0).Sub(long))) // still good
	db := f.raw()
	for _, statement := range []string{
		"UPDATE requests SET requester = 'T/UMARA', version = version + 1 WHERE id = 'req_1'",
		"UPDATE requests SET requester = 'erased/1', version = version + 1 WHERE id = 'req_3'",
		"UPDATE requests SET requester = 'erased/1', target = 'x', version = version + 1 WHERE id = 'req_1'",
		"UPDATE holdings SET person = 'T/UMARA', version = version + 1",
		"UPDATE passes SET holder = 'T/UMARA', version = version + 1, ended_at = 1",
		"UPDATE passes SET holder = 'erased/1', version = version + 1",
		"DELETE FROM passes",
	} {
		if _, err := db.ExecContext(f.ctx, statement); err == nil {
			f.Errorf("it was taken: %s", statement)
		}
	}
}
