package bottest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// writer is somebody who writes into the database past the program, and past its rules.
type writer struct {
	t    *testing.T
	conn *sql.Conn
}

func newWriter(t *testing.T, driver, dsn, norules string) writer {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	w := writer{t: t, conn: conn}
	if norules != "" {
		w.do(norules)
		return w
	}
	for _, name := range w.triggers() {
		w.do("DROP TRIGGER " + name)
	}
	return w
}

func (w writer) triggers() (names []string) {
	w.t.Helper()
	rows, err := w.conn.QueryContext(w.t.Context(), "SELECT name FROM sqlite_master WHERE type = 'trigger'")
	must(w.t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(w.t, rows.Scan(&name))
		names = append(names, name)
	}
	must(w.t, rows.Err())
	return names
}

func (w writer) do(statement string) {
	w.t.Helper()
	if _, err := w.conn.ExecContext(context.WithoutCancel(w.t.Context()), statement); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// request changes what is kept of a request, and the columns that also says so.
func (w writer) request(id flows.RequestID, columns string, change func(doc map[string]any)) {
	w.t.Helper()
	var text string
	must(w.t, w.conn.QueryRowContext(w.t.Context(), fmt.Sprintf("SELECT doc FROM requests WHERE id = '%s'", id)).Scan(&text))
	var doc map[string]any
	must(w.t, json.Unmarshal([]byte(text), &doc))
	change(doc)
	b, err := json.Marshal(doc)
	must(w.t, err)
	w.do(fmt.Sprintf("UPDATE requests SET %s doc = '%s' WHERE id = '%s'", columns, strings.ReplaceAll(string(b), "'", "''"), id))
}

// holding changes what is kept of who holds the access of a request.
func (w writer) holding(r flows.Request, change func(doc map[string]any)) {
	w.t.Helper()
	where := fmt.Sprintf("WHERE person = '%s' AND target = '%s'", r.Content.Beneficiary, r.Content.Target)
	var text string
	must(w.t, w.conn.QueryRowContext(w.t.Context(), "SELECT doc FROM holdings "+where).Scan(&text))
	var doc map[string]any
	must(w.t, json.Unmarshal([]byte(text), &doc))
	change(doc)
	b, err := json.Marshal(doc)
	must(w.t, err)
	w.do(fmt.Sprintf("UPDATE holdings SET doc = '%s' %s", strings.ReplaceAll(string(b), "'", "''"), where))
}

func later(doc map[string]any, name string, by time.Duration) int64 {
	at, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(doc[name]))
	doc[name] = at.Add(by).Format(time.RFC3339Nano)
	return at.Add(by).UnixMilli()
}

// alterations are what a writer might do to Sam's live access; each is found.
var alterations = map[string]struct {
	do  func(w writer, r flows.Request)
	why string
}{
	"its end is put off": {func(w writer, r flows.Request) {
		at := r.EndsAt.Add(24 * time.Hour).UnixMilli()
		w.request(r.ID, fmt.Sprintf("due_at = %d,", at), func(doc map[string]any) { later(doc, "EndsAt", 24*time.Hour); later(doc, "LatestEnd", 24*time.Hour) })
		w.do(fmt.Sprintf("UPDATE jobs SET run_at = %d WHERE kind = 'revoke'", at))
	}, "ends at another time"},
	"only the job that ends it": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf("UPDATE jobs SET run_at = %d WHERE kind = 'revoke'", r.EndsAt.Add(24*time.Hour).UnixMilli()))
	}, "put off"},
	"the job that ends it is taken away": {func(w writer, _ flows.Request) { w.do("DELETE FROM jobs WHERE kind = 'revoke'") }, "nothing ends its access"},
	"when it is due": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf("UPDATE requests SET due_at = %d WHERE id = '%s'", r.EndsAt.Add(24*time.Hour).UnixMilli(), r.ID))
	}, "columns"},
	"somebody else holds it, too": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf(`UPDATE holdings SET doc = replace(doc, '"holders":[', '"holders":[{"Request":"req_made_up","Until":"2099-01-01T00:00:00Z"},') WHERE target = '%s'`, r.Content.Target))
	}, "held by a request that there is not"},
	"the job that ends it is leased for good": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf("UPDATE jobs SET leased_to = 'nobody', lease_until = %d WHERE kind = 'revoke'", r.EndsAt.Add(24*time.Hour).UnixMilli()))
	}, "put off"},
	"another job holds its lane": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf("INSERT INTO jobs (kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease) VALUES ('notice', 'made up', '', '%s', 0, '', 0, '', 1, 'nobody', %d, 0)",
			r.Content.Key().Lane(), r.EndsAt.Add(24*time.Hour).UnixMilli()))
	}, "put off"},
	"the job that ends it does something else": {func(w writer, _ flows.Request) { w.do("UPDATE jobs SET kind = 'remind' WHERE kind = 'revoke'") }, "nothing ends its access"},
	"the job that ends it ends another":        {func(w writer, _ flows.Request) { w.do("UPDATE jobs SET subject = 'req_made_up' WHERE kind = 'revoke'") }, "nothing ends its access"},
	"it was there before, and so it is left": {func(w writer, r flows.Request) {
		w.holding(r, func(doc map[string]any) { doc["before"] = int(flows.Yes) })
	}, "before it was given"},
	"the target was never told of it, and so it is left": {func(w writer, r flows.Request) {
		w.holding(r, func(doc map[string]any) { doc["holders"].([]any)[0].(map[string]any)["Unused"] = true })
	}, "the target was never told"},
	"who holds it cannot be read": {func(w writer, r flows.Request) {
		w.do(fmt.Sprintf("UPDATE holdings SET doc = '{' WHERE target = '%s'", r.Content.Target))
	}, "cannot be read"},
	"it holds nothing": {func(w writer, r flows.Request) {
		w.holding(r, func(doc map[string]any) { doc["holders"] = []any{} })
	}, "nothing holds its access"},
	"another incident": {func(w writer, r flows.Request) {
		w.request(r.ID, "incident = 'QOTHER1',", func(doc map[string]any) { doc["MovedTo"] = "QOTHER1" })
	}, "another incident"},
	"its incident is said to be over already": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { doc["IncidentGone"] = doc["GrantedAt"] })
	}, "its incident"},
	"the latest end": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { later(doc, "LatestEnd", 24*time.Hour) })
	}, "lasts longer"},
	"its end is brought forward": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { later(doc, "EndsAt", -10*time.Minute) })
	}, "ends at another time"},
	"it is called ended": {func(w writer, r flows.Request) {
		w.request(r.ID, "state = 'ended', due_at = 0,", func(doc map[string]any) { doc["State"] = "ended" })
	}, "the request is ended"},
	"another person": {func(w writer, r flows.Request) {
		w.request(r.ID, "beneficiary = 'T0DEMO01/U0GUEST',", func(doc map[string]any) {
			doc["Content"].(map[string]any)["Beneficiary"] = "T0DEMO01/U0GUEST"
		})
	}, "not what was submitted"},
	"another reason": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { doc["Content"].(map[string]any)["Reason"] = "something harmless" })
	}, "not what was submitted"},
	"another decider": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { doc["DecidedBy"] = "T0DEMO01/U0LENA" })
	}, "somebody else decided"},
	"an approval more": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) {
			doc["Votes"] = append(doc["Votes"].([]any), map[string]any{"By": "T0DEMO01/U0LENA", "At": doc["DecidedAt"], "Door": "slack", "Hash": doc["Hash"]})
		})
	}, "an approval that no entry tells of"},
	"its entries are forgotten": {func(w writer, r flows.Request) {
		w.request(r.ID, "", func(doc map[string]any) { doc["Chain"].(map[string]any)["Len"] = 2 })
	}, "knows 2 entries"},
	"lists by person do not have it":    {func(w writer, _ flows.Request) { w.do("DELETE FROM request_people") }, "lists by person leave it out"},
	"searches for words do not find it": {func(w writer, _ flows.Request) { w.do("UPDATE request_words SET text = 'something harmless'") }, "searches for words find it by other words"},
	"it is taken out":                   {func(w writer, r flows.Request) { w.do(fmt.Sprintf("DELETE FROM requests WHERE id = '%s'", r.ID)) }, "it is gone"},
}

// Whatever a writer changes of live access is found by holding the request to its
// entries, and by audit verify's look at all of them; untouched, nothing is. Each has a
// company of its own; under the race detector every fifth does, for all of them follow on
// PostgreSQL, and to look is one goroutine's work.
func TestADatabaseWriterIsFound(t *testing.T) {
	t.Parallel()
	for i, name := range slices.Sorted(maps.Keys(alterations)) {
		if raced && i%5 != 0 {
			continue
		}
		alter := alterations[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t)
			givenBy(s, "Production database")
			foundOnly(t, s.App.Store(), "")
			r := s.Only()
			w := newWriter(t, "sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(30000)", "")
			alter.do(w, r)
			foundOnly(t, s.App.Store(), alter.why)
			w.do("DELETE FROM jobs WHERE leased_to = 'nobody'") // for which the story would wait
			s.Overlook()
		})
	}
}

// The same on PostgreSQL, one after the other.
func TestADatabaseWriterIsFoundOnPostgres(t *testing.T) {
	t.Parallel()
	dsn := storetest.Postgres(t)
	must(t, store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}))
	s := bottest.Open(t, func(o *company.Options) { o.DSN = dsn }, func(o *company.Options) { o.Clock = app.SystemClock{} })
	givenBy(s, "Production database")
	foundOnly(t, s.App.Store(), "")
	r := s.Only()
	w := newWriter(t, "pgx", dsn, "SET session_replication_role = replica")
	tables := []string{"requests", "jobs", "holdings", "request_people", "request_words"}
	for _, table := range tables {
		w.do("CREATE TABLE was_" + table + " AS TABLE " + table)
	}
	for _, name := range slices.Sorted(maps.Keys(alterations)) {
		t.Log(name)
		alterations[name].do(w, r)
		foundOnly(t, s.App.Store(), alterations[name].why)
		for _, table := range tables {
			w.do("DELETE FROM " + table)
			w.do("INSERT INTO " + table + " OVERRIDING SYSTEM VALUE TABLE was_" + table)
		}
		foundOnly(t, s.App.Store(), "")
	}
	s.Overlook()
}

// foundOnly wants one finding, or none.
func foundOnly(t *testing.T, st *store.Store, why string) {
	t.Helper()
	some, last, err := st.HoldSome(t.Context(), "")
	must(t, err)
	if last != "" {
		t.Errorf("there is more after %s", last)
	}
	switch {
	case why == "" && len(some) == 0:
	case why == "" || len(some) != 1 || !strings.Contains(some[0].Why, why):
		t.Errorf("found %v, not that %q", some, why)
	}
	if along := foundAlong(t, st); len(along) != len(some) || len(along) == 1 && along[0] != some[0].String() {
		t.Errorf("along the tree %v is found, and by request %v", along, some)
	}
}

// foundAlong is what the verification of the log finds of requests.
func foundAlong(t *testing.T, st *store.Store) (found []string) {
	t.Helper()
	_, err := st.Sequence(t.Context(), 10_000)
	must(t, err)
	h, err := st.BeginHolding(t.Context(), func(what string) {
		if !strings.HasPrefix(what, "the totals of") { // follow from what requests say
			found = append(found, what)
		}
	})
	must(t, err)
	var page flows.LeafPage
	must(t, st.ReadLeaves(t.Context(), 0, 10_000, &page))
	for i := range page.Rows {
		h.Take(&page.Rows[i])
	}
	must(t, h.End())
	return found
}

// A request that somebody took out of the lists by person goes on as it was, and the
// operators are told within minutes.
func TestAHiddenRequestIsTold(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	givenBy(s, "Production database")
	w := newWriter(t, "sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(30000)", "")
	w.do("DELETE FROM request_people")
	s.FastForward(2 * time.Minute)
	s.In("C0ERRS", "is as its audit entries say, and not found by it: lists by person leave it out", "put the rows back from a backup")
	if r := s.Only(); r.State != flows.StateActive {
		t.Errorf("it is %s", r.State)
	}
	s.Overlook()
}

// A request that somebody called approved is not given: its entries say that nobody
// decided. The operators are told, and it shows in the health and in the audit.
func TestAWrittenApprovalGivesNothing(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	askedManagers(s, "Production database", "let me in")
	s.Quiet()
	r := s.Only()
	w := newWriter(t, "sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(30000)", "")
	now := s.Clock.Now()
	ends := now.Add(time.Hour)
	w.do("BEGIN IMMEDIATE")
	w.request(r.ID, fmt.Sprintf("state = 'granting', due_at = %d, decided_at = %d,", now.Add(10*time.Minute).UnixMilli(), now.UnixMilli()), func(doc map[string]any) {
		doc["State"], doc["DecidedAt"], doc["DecidedBy"] = "granting", now, "T0DEMO01/U0MARA"
		doc["GrantBy"], doc["EndsAt"], doc["LatestEnd"] = now.Add(10*time.Minute), ends, ends
	})
	w.do("DELETE FROM jobs WHERE subject = '" + string(r.ID) + "'")
	for kind, at := range map[string]time.Time{"grant": now, "revoke": ends} {
		w.do(fmt.Sprintf("INSERT INTO jobs (kind, key, subject, lane, run_at, args, attempts, last_err, rev, leased_to, lease_until, lease) VALUES ('%s', '%s', '%s', '%s', %d, '', 0, '', 1, '', 0, 0)",
			kind, flows.JobKey(flows.JobKind(kind), string(r.ID)), r.ID, r.Content.Key().Lane(), at.UnixMilli()))
	}
	w.do("COMMIT")
	s.Clock.Push(2 * time.Second) // nobody was woken: the table is asked
	s.FastForward(2 * time.Minute)
	s.In("C0ERRS", "is not what its audit entries say", "written into the database past the program")
	for _, e := range s.Database.Ledger() {
		if e.Type == "access.grant" {
			t.Errorf("the target was told to give: %+v", e)
		}
	}
	if r := s.Only(); r.State != flows.StateEnding && r.State != flows.StateFailed || !strings.Contains(r.Fault, "Nothing was given") {
		t.Errorf("it is %s: %s", r.State, r.Fault)
	}
	if !slices.Contains(s.Entries("system"), "contradicted") {
		t.Errorf("the system's entries: %v", s.Entries("system"))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL("/healthz"), nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	var body struct{ Warnings map[string]string }
	must(t, json.NewDecoder(resp.Body).Decode(&body))
	if !strings.Contains(body.Warnings["requests"], string(r.ID)) {
		t.Errorf("the health warns of %v", body.Warnings)
	}
	s.Overlook()
}
