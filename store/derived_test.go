package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/store"
)

// forLists is a store in which every list has something: requests of all kinds, one that
// was reviewed and one that is to be, and calls by some.
func forLists(t *testing.T, p place) *lists {
	t.Helper()
	s := simulated(t, p.Options)
	looks := 0
	for i := range 130 { // two pages
		life := madeUp(t, i)
		if over := &life[len(life)-1]; over.Change.Request.State == flows.StateEnded && looks < 2 {
			reviewed(t, over)
			looks++
		}
		for _, step := range life {
			if _, err := s.Apply(t.Context(), step.Change); err != nil {
				t.Fatal(err)
			}
		}
		if i%10 == 0 {
			called(t, s, string(flows.CallsChain(life[0].Change.Request.ID)), flows.ChainHead{}, 3+i/10)
		}
	}
	called(t, s, flows.CallsChain("T/UDANA"), flows.ChainHead{}, 5) // without a grant
	return &lists{t, p, s}
}

// lists is a store whose lists somebody alters.
type lists struct {
	*testing.T
	place
	s *store.Store
}

// reviewed has a review open with the last step of a request.
func reviewed(t *testing.T, over *store.Step) {
	t.Helper()
	r, c := over.Change.Request, &over.Change
	r.Review = &flows.Review{State: flows.ReviewOpen, DueAt: over.At.Add(time.Hour)}
	opened := flows.Entry{Verb: "review_opened", From: r.State, To: r.State, At: over.At, Actor: flows.ByEngine()}
	sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{opened}, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	r.Chain, c.Entries = head, append(c.Entries, sealed...)
}

// called writes calls by two rules, and how they ended.
func called(t *testing.T, s *store.Store, chain string, head flows.ChainHead, n int) flows.ChainHead {
	t.Helper()
	var entries []flows.Entry
	for i := range n {
		rule := []string{"GET /incidents", "PUT /incidents/{id}"}[i%2]
		entries = append(entries, flows.Entry{Verb: flows.VerbCallSent, At: noon.Add(time.Duration(i) * time.Second), Actor: flows.ByEngine(), Facts: map[string]any{"rule": rule}})
	}
	entries = append(entries, flows.Entry{Verb: flows.VerbCallsDone, At: noon, Actor: flows.ByEngine(), Facts: map[string]any{}})
	sealed, head, err := flows.Seal(chain, head, entries, func([]byte) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), flows.Change{Chain: chain, Entries: sealed}); err != nil {
		t.Fatal(err)
	}
	return head
}

// heldAll is what is found in a store: by request, and the same along the tree: before any
// entry has its place, after all have, and where too many requests are open at once.
func heldAll(t *testing.T, s *store.Store) (found []string) {
	t.Helper()
	if err := s.HoldAll(t.Context(), func(what string) { found = append(found, what) }); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(found))
	for _, far := range []int64{math.MaxInt64, math.MaxInt64, 100} {
		if diff := cmp.Diff(want, heldAlong(t, s, far)); diff != "" {
			t.Errorf("along the tree other things are found than by request: (-by request +along)\n%s", diff)
		}
		if _, err := s.Sequence(t.Context(), 10_000); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// heldAlong is what is found along the tree, sorted. So far it goes, and then there are too
// many requests open.
func heldAlong(t *testing.T, s *store.Store, far int64) (found []string) {
	t.Helper()
	tell := func(what string) { found = append(found, what) }
	h, err := s.BeginHolding(t.Context(), tell)
	if err != nil {
		t.Fatal(err)
	}
	h.AtMost(7, 1000)
	var page flows.LeafPage
	for from := int64(0); from == 0 || len(page.Rows) > 0; from += 100 {
		if err := s.ReadLeaves(t.Context(), from, from+100, &page); err != nil {
			t.Fatal(err)
		}
		if from >= far {
			h.AtMost(7, 0)
		}
		for i := range page.Rows {
			h.Take(&page.Rows[i])
		}
	}
	if err := errors.Join(h.End(), s.HoldBeside(t.Context(), tell)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

// listed are the tables that questions about the past go by.
var listed = []string{"request_people", "request_words", "request_incidents", "reviews", "calls"}

// unlisted are what somebody might do to them, and what is then said, of which request.
var unlisted = map[string]alteration{
	"a person taken out":          {"DELETE FROM request_people WHERE request = 'req_00000007' AND person = (SELECT min(person) FROM request_people WHERE request = 'req_00000007')", "req_00000007: lists by person leave it out"},
	"a person put in":             {"INSERT INTO request_people SELECT 'req_00000007', 'T/UEVE', 4, submitted_at FROM requests WHERE id = 'req_00000007'", "req_00000007: lists by person show it for somebody who had no part"},
	"another person":              {"UPDATE request_people SET person = 'T/UEVE' WHERE request = 'req_00000007' AND roles & 1 = 1", "req_00000007: lists by person leave it out"},
	"another part":                {"UPDATE request_people SET roles = 16 WHERE request = 'req_00000007' AND roles & 1 = 1", "req_00000007: lists by person show it as something else"},
	"a person at another time":    {"UPDATE request_people SET submitted_at = 0 WHERE request = 'req_00000007'", "req_00000007: lists by person show it as something else"},
	"a person of no request":      {"INSERT INTO request_people VALUES ('req_00000007x', 'T/UEVE', 4, 0)", "req_00000007x: lists by person show it, and there is no such request"},
	"one before all requests":     {"INSERT INTO request_people VALUES ('!', 'T/UEVE', 4, 0)", "request !: lists by person show it, and there is no such request"},
	"one after all requests":      {"INSERT INTO request_people VALUES ('z', 'T/UEVE', 4, 0)", "request z: lists by person show it, and there is no such request"},
	"nobody had a part":           {"DELETE FROM request_people", "req_00000000: lists by person leave it out"},
	"a reason taken out":          {"DELETE FROM request_words WHERE request = 'req_00000007' AND kind = 'asked'", "req_00000007: searches for words do not find it by why it was asked"},
	"another reason":              {"UPDATE request_words SET text = 'something harmless' WHERE request = 'req_00000007' AND kind = 'asked'", "req_00000007: searches for words find it by other words than why it was asked"},
	"a reason of somebody else":   {"UPDATE request_words SET person = 'T/UEVE' WHERE request = 'req_00000007' AND kind = 'asked'", "req_00000007: searches for words find it by other words"},
	"a reason at another time":    {"UPDATE request_words SET submitted_at = 0 WHERE request = 'req_00000007'", "req_00000007: searches for words find it by other words"},
	"a reason as if erased":       {"UPDATE request_words SET text = 'erased/01' WHERE request = 'req_00000007'", "req_00000007: searches for words find it by other words"},
	"a reason put in":             {"INSERT INTO request_words SELECT request, 'denied', person, 'no', submitted_at FROM request_words WHERE kind = 'asked' AND NOT EXISTS (SELECT 1 FROM request_words d WHERE d.request = request_words.request AND d.kind = 'denied')", "find it by words that nobody gave"},
	"a reason of no request":      {"INSERT INTO request_words VALUES ('req_x', 'asked', '', 'no', 0)", "req_x: searches for words show it, and there is no such request"},
	"no reasons":                  {"DELETE FROM request_words", "req_00000000: searches for words do not find it"},
	"an incident taken out":       {"DELETE FROM request_incidents WHERE request = (SELECT min(id) FROM requests WHERE incident = 'QMOVED')", "lists by incident leave it out"},
	"another incident":            {"UPDATE request_incidents SET incident = 'QOTHER' WHERE incident <> 'QMOVED' AND request = (SELECT min(request) FROM request_incidents WHERE incident <> 'QMOVED')", "lists by incident leave it out"},
	"an incident put in":          {"INSERT INTO request_incidents SELECT 'QOTHER', submitted_at, id, 5 FROM requests WHERE id = 'req_00000007'", "req_00000007: lists by incident show it for an incident that it was never for"},
	"an incident twice":           {"INSERT INTO request_incidents SELECT incident, 0, request, number FROM request_incidents WHERE request = (SELECT min(request) FROM request_incidents)", "lists by incident show it as something else"},
	"another number":              {"UPDATE request_incidents SET number = number + 1 WHERE request = (SELECT min(request) FROM request_incidents WHERE number > 0)", "lists by incident show it as something else"},
	"an incident of no request":   {"INSERT INTO request_incidents VALUES ('QOTHER', 0, 'req_x', 1)", "req_x: lists by incident show it, and there is no such request"},
	"no incidents":                {"DELETE FROM request_incidents", "lists by incident leave it out"},
	"a review taken out":          {"DELETE FROM reviews WHERE request = (SELECT min(request) FROM reviews)", "lists of reviews do not show it as open"},
	"a review closed":             {"UPDATE reviews SET state = 'closed' WHERE request = (SELECT min(request) FROM reviews)", "lists of reviews do not show it as open"},
	"a review put off":            {"UPDATE reviews SET due_at = due_at + 1 WHERE request = (SELECT min(request) FROM reviews)", "lists of reviews show it as something else"},
	"a review put in":             {"INSERT INTO reviews SELECT id, 'open', 1, submitted_at FROM requests WHERE id = (SELECT min(id) FROM requests WHERE state = 'denied')", "lists of reviews show it as open, which it is not"},
	"no reviews":                  {"DELETE FROM reviews", "lists of reviews do not show it"},
	"calls by a rule taken out":   {"DELETE FROM calls WHERE request = 'req_00000010' AND rule = 'GET /incidents'", "req_00000010: calls by it that its entries tell of are not counted"},
	"calls by the last request":   {"DELETE FROM calls WHERE request = 'req_00000120'", "req_00000120: calls by it that its entries tell of are not counted"},
	"fewer calls":                 {"UPDATE calls SET n = n - 1 WHERE request = 'req_00000010' AND n > 1", "req_00000010: calls by it are counted otherwise"},
	"calls at another time":       {"UPDATE calls SET first_at = first_at - 1 WHERE request = 'req_00000010'", "req_00000010: calls by it are counted otherwise"},
	"calls that nobody made":      {"INSERT INTO calls VALUES ('req_00000010', 'DELETE /x', 1, 0, 0)", "req_00000010: calls are counted that no entry tells of"},
	"calls by nobody":             {"INSERT INTO calls VALUES ('req_x', 'DELETE /x', 1, 0, 0)", "req_x: calls are counted that no entry tells of"},
	"calls before all requests":   {"INSERT INTO calls VALUES ('!', 'DELETE /x', 1, 0, 0)", "request !: calls are counted that no entry tells of"},
	"calls that need no grant":    {"INSERT INTO calls VALUES ('T/UDANA', 'GET /incidents', 3, 0, 0)", "T/UDANA: calls are counted that no entry tells of"},
	"no calls":                    {"DELETE FROM calls", "req_00000000: calls by it that its entries tell of are not counted"},
	"all of them, one by another": {"DELETE FROM request_people; DELETE FROM request_words; DELETE FROM request_incidents; DELETE FROM reviews; DELETE FROM calls", "lists by person leave it out"},
}

// TestListsAreHeld: whatever somebody does to the rows that requests are found by is found,
// the request is named, and nothing is found where nothing was done.
func TestListsAreHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) { forLists(t, p).altered(listed, unlisted) })
}

// miscounted are what somebody might do to the totals that charts are drawn of.
var miscounted = map[string]alteration{
	"a total taken out":         {"UPDATE sums SET approved = 0 WHERE flow = 'f1' AND day = (SELECT min(day) FROM sums WHERE approved > 0 AND flow = 'f1')", `in flow f1 (table sums): "approved" is 0, and requests come to`},
	"one more":                  {"UPDATE sums SET denied = denied + 1 WHERE flow = 'f0' AND day = (SELECT max(day) FROM sums WHERE denied > 0 AND flow = 'f0')", `in flow f0 (table sums): "denied" is`},
	"one of a target":           {"UPDATE part_sums SET n = n - 1 WHERE span = 'day' AND part = 't3'", `(table part_sums): "began@t3" is 0, and requests come to`},
	"one of a target's months":  {"UPDATE part_sums SET over = over + 1 WHERE span = 'month' AND part = 't3' AND flow = 'f1'", `2026-03-01 in flow f1 (table part_sums): its days have -1 of "over@t3" more`},
	"another month":             {"UPDATE part_sums SET since = since + 1 WHERE span = 'month' AND part = 't3' AND flow = 'f1'", `month that begins on 2026-03-02`},
	"a day earlier":             {"UPDATE sums SET day = day - 1000 WHERE self_approved > 0 AND flow = 'f0'", `"self_approved" is`},
	"a day later":               {"UPDATE sums SET day = day + 1000 WHERE lapsed > 0 AND flow = 'f0'", `"lapsed" is 0`},
	"in another flow":           {"UPDATE sums SET flow = 'f7' WHERE flow = 'f2'", `in flow f7 (table sums): "asked" is`},
	"a total of nothing":        {"INSERT INTO sums (day, flow, shard, denied) VALUES (20000, 'f9', 0, 1)", `in flow f9 (table sums): "denied" is 1, and requests come to 0`},
	"nothing has ever happened": {"DELETE FROM sums", `"asked" is 0, and requests come to`},
}

// TestTotalsAreHeld: the same of the totals, and the day and the flow are named.
func TestTotalsAreHeld(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) { forLists(t, p).altered([]string{"sums", "part_sums"}, miscounted) })
}

// alteration is what somebody does in the database, and what is then said.
type alteration struct{ do, want string }

// altered has each alteration found.
func (l *lists) altered(tables []string, alterations map[string]alteration) {
	l.Helper()
	if found := heldAll(l.T, l.s); len(found) > 0 {
		l.Fatalf("as it was written: %v", found)
	}
	db, err := sql.Open(l.driver, l.raw)
	if err != nil {
		l.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // what is set holds for what follows
	do := func(statements ...string) {
		l.Helper()
		for _, one := range statements {
			if _, err := db.ExecContext(l.Context(), one); err != nil {
				l.Fatalf("%s: %v", one, err)
			}
		}
	}
	do(map[string]string{"sqlite": "DROP TRIGGER reviews_begin; DROP TRIGGER reviews_step; DROP TRIGGER reviews_stay", "pgx": "SET session_replication_role = replica"}[l.driver])
	for _, table := range tables {
		do("CREATE TABLE was_" + table + " AS SELECT * FROM " + table) //nolint:unqueryvet // whatever its columns are
	}
	for i, name := range slices.Sorted(maps.Keys(alterations)) {
		if raceDetector && i%5 > 0 { // it is slow, and looks for something else
			continue
		}
		alter := alterations[name]
		do(alter.do)
		found := heldAll(l.T, l.s)
		if !slices.ContainsFunc(found, func(what string) bool {
			return strings.Contains(what, alter.want) && strings.Contains(what, "put the rows of the table back")
		}) {
			l.Errorf("%s: found %v, not that %q", name, found[:min(len(found), 5)], alter.want)
		}
		if strings.Contains(fmt.Sprint(found), "T/UEVE") || len(found) > 32 && !strings.Contains(alter.do, "DELETE FROM") && !strings.Contains(name, "put in") {
			l.Errorf("%s: found %v", name, found)
		}
		for _, table := range tables {
			do("DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM was_"+table) //nolint:unqueryvet // whatever its columns are
		}
	}
	if found := heldAll(l.T, l.s); len(found) > 0 {
		l.Errorf("put back: %v", found)
	}
}

// TestCallsInParts: however few entries are read at a time, the calls of each request are
// compared once all of its own are counted.
func TestCallsInParts(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := forLists(t, p).s
		for _, most := range []int64{1, 2, 3, 7, 10, 1000} {
			found, err := s.HeldCalls(t.Context(), most)
			if err != nil || len(found) > 0 {
				t.Errorf("%d at a time: %v, %v", most, found, err)
			}
		}
		run(t, p.driver, p.raw, "UPDATE calls SET n = n + 1")
		for _, most := range []int64{1, 2, 3, 7, 10, 1000} {
			found, err := s.HeldCalls(t.Context(), most)
			if err != nil || len(found) != 13 {
				t.Errorf("%d at a time, all altered: %v, %v", most, found, err)
			}
		}
	})
}

// TestCallsAreHeldWhileTheyAreMade: who counts calls is not led astray by those that are
// made meanwhile, by requests that it has passed, has come to, or is still to come to.
func TestCallsAreHeldWhileTheyAreMade(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := simulated(t, p.Options)
		ctx, enough := context.WithCancel(t.Context())
		wrote := make(chan int)
		for w := range 3 {
			go func() {
				heads, n, most := map[string]flows.ChainHead{}, 0, 200
				if raceDetector {
					most = 30
				}
				for ; ctx.Err() == nil && n < most; n++ {
					chain := flows.CallsChain(flows.RequestID(fmt.Sprintf("req_%02d%d", (n*37)%50, w)))
					heads[chain] = called(t, s, chain, heads[chain], 1+n%5)
				}
				wrote <- n
			}()
		}
		n, rounds, over := 0, 0, 0
		for over < 3 {
			select {
			case some := <-wrote:
				n, over = n+some, over+1
			default:
				if found, err := s.HeldCalls(t.Context(), 20); err != nil || len(found) > 0 {
					t.Errorf("round %d: %v, %v", rounds, found, err)
				}
				rounds++
			}
		}
		enough()
		if found := heldAll(t, s); len(found) > 0 {
			t.Errorf("%d rounds beside %d writes, and then %v", rounds, n, found)
		}
	})
}

// TestTotalsNearMidnight: what was made within minutes before midnight may be counted on the
// day after, as versions before did that wrote it then; nothing else may.
func TestTotalsNearMidnight(t *testing.T) {
	onBoth(t, func(t *testing.T, p place) {
		s := simulated(t, p.Options)
		midnight := noon.Add(12 * time.Hour)
		for i, at := range []time.Time{noon, midnight.Add(-time.Second), midnight.Add(time.Second)} {
			r := flows.Request{ID: flows.RequestID(fmt.Sprintf("req_%d", i)), SubmittedAt: at, Content: flows.Content{
				Flow: "prod", Target: "db", Scope: flows.Scope(fmt.Sprint(i)), Requester: "T/UDANA", Beneficiary: "T/UDANA",
			}}
			r.Hash = r.Content.Hash(r.ID)
			sealed, head, err := flows.Seal(string(r.ID), r.Chain, []flows.Entry{{
				Verb: string(flows.VerbSubmit), To: flows.StateSubmitted, At: at, Actor: flows.ByEngine(), Facts: map[string]any{"request": r.Hash},
			}}, func([]byte) {})
			if err != nil {
				t.Fatal(err)
			}
			r.State, r.Chain, r.Version = flows.StateSubmitted, head, 1
			if _, err := s.Apply(t.Context(), flows.Change{Request: &r, Entries: sealed}); err != nil {
				t.Fatal(err)
			}
		}
		today := dayNumber(noon)
		for _, c := range []struct {
			first, second, third int
			fits                 bool
		}{{2, 1, 0, true}, {1, 2, 0, true}, {3, 0, 0, true}, {0, 3, 0, false}, {1, 1, 1, false}, {2, 0, 1, false}, {2, 2, 0, false}, {2, 0, 0, false}} {
			statements := []string{"DELETE FROM sums"}
			for i, n := range []int{c.first, c.second, c.third} {
				statements = append(statements, fmt.Sprintf("INSERT INTO sums (day, flow, shard, asked) VALUES (%d, 'prod', 0, %d)", today+int64(i), n))
			}
			run(t, p.driver, p.raw, statements...)
			if found := heldAll(t, s); (len(found) == 0) != c.fits {
				t.Errorf("%+v: %v", c, found)
			}
		}
	})
}

func dayNumber(at time.Time) int64 { return at.Unix() / (24 * 60 * 60) }
