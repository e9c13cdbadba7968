package pagerduty_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/pagerdutyfake"
)

// entry is a good on-call entry; each test spoils it.
const entry = `{"user":{"id":"PDANA01","type":"user_reference","summary":"Dana"},` +
	`"escalation_policy":{"id":"PMGR001","type":"escalation_policy_reference","summary":"mgr_on_call"},` +
	`"escalation_level":1,"schedule":{"id":"PSCHED1","type":"schedule_reference","summary":"Managers"},` +
	`"start":"2026-03-02T08:00:00Z","end":"2026-03-09T08:00:00Z"}`

func pageOf(entries ...string) string {
	return `{"oncalls":[` + strings.Join(entries, ",") + `],"limit":100,"offset":0,"more":false,"total":null}`
}

func spoiled(old, new string) string { return pageOf(strings.Replace(entry, old, new, 1)) }

// Each of these answers comes with status 200. None may be believed: the library
// itself would take most of them for "nobody" or for a permanent place.
func TestAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50)
	for name, body := range map[string]string{
		"empty body":             ``,
		"empty object":           `{}`,
		"null":                   `null`,
		"a list":                 `[]`,
		"a string":               `"oncalls"`,
		"html":                   `<!DOCTYPE html><title>Maintenance</title>`,
		"null list":              `{"oncalls":null,"more":false}`,
		"list is a string":       `{"oncalls":"none","more":false}`,
		"list is an object":      `{"oncalls":{},"more":false}`,
		"key of another case":    `{"OnCalls":[` + entry + `],"more":false}`,
		"duplicate list":         `{"oncalls":[],"oncalls":[` + entry + `],"more":false}`,
		"duplicate in any case":  `{"oncalls":[],"ONCALLS":[` + entry + `],"more":false}`,
		"duplicate in an entry":  spoiled(`"escalation_level":1`, `"escalation_level":9,"escalation_level":1`),
		"cut short":              pageOf(entry)[:len(entry)/2],
		"cut in the end":         strings.TrimSuffix(pageOf(entry), "}"),
		"two documents":          pageOf(entry) + pageOf(),
		"trailing words":         pageOf(entry) + " ok",
		"nests too deep":         `{"oncalls":[` + deep + `],"more":false}`,
		"no more":                `{"oncalls":[` + entry + `]}`,
		"more is null":           `{"oncalls":[` + entry + `],"more":null}`,
		"more is a string":       `{"oncalls":[` + entry + `],"more":"false"}`,
		"more without rows":      `{"oncalls":[],"more":true}`,
		"half a page":            `{"oncalls":[` + entry + `],"more":true}`,
		"another page":           `{"oncalls":[` + entry + `],"more":false,"offset":100}`,
		"fewer than in all":      `{"oncalls":[` + entry + `],"more":false,"total":2}`,
		"entry is null":          pageOf("null"),
		"entry is a string":      pageOf(`"PDANA01"`),
		"no user":                spoiled(`"user":`, `"usr":`),
		"user is null":           spoiled(`{"id":"PDANA01","type":"user_reference","summary":"Dana"}`, `null`),
		"user without id":        spoiled(`"id":"PDANA01",`, ``),
		"user id is a path":      spoiled(`PDANA01`, `P1/../../users`),
		"user id is a number":    spoiled(`"PDANA01"`, `12345678`),
		"no policy":              spoiled(`"escalation_policy":`, `"policy":`),
		"another policy":         spoiled(`PMGR001`, `POTHER1`),
		"no level":               spoiled(`"escalation_level":1,`, ``),
		"level 0":                spoiled(`"escalation_level":1`, `"escalation_level":0`),
		"level is a string":      spoiled(`"escalation_level":1`, `"escalation_level":"1"`),
		"level is not whole":     spoiled(`"escalation_level":1`, `"escalation_level":1.5`),
		"no schedule key":        spoiled(`"schedule":`, `"shedule":`),
		"schedule without id":    spoiled(`"id":"PSCHED1",`, ``),
		"schedule of which kind": spoiled(`schedule_reference`, `team_reference`),
		"no start key":           spoiled(`"start":"2026-03-02T08:00:00Z",`, ``),
		"no end key":             spoiled(`,"end":"2026-03-09T08:00:00Z"`, ``),
		"start is not a time":    spoiled(`2026-03-02T08:00:00Z`, `today`),
		"start is a number":      spoiled(`"2026-03-02T08:00:00Z"`, `1772438400`),
		"ends before it starts":  spoiled(`2026-03-09`, `2026-03-01`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
			a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
			if a.Known || len(a.Entries) > 0 || a.Why == "" {
				t.Fatalf("believed: %+v", a)
			}
		})
	}
}

func TestAnswersThatAreBelieved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body      string
		people    int
		permanent bool
	}{
		"as documented":     {pageOf(entry), 1, false},
		"nobody":            {pageOf(), 0, false},
		"repeated entries":  {pageOf(entry, entry, entry), 1, false},
		"permanent":         {spoiled(`{"id":"PSCHED1","type":"schedule_reference","summary":"Managers"},"start":"2026-03-02T08:00:00Z","end":"2026-03-09T08:00:00Z"`, `null,"start":null,"end":null`), 1, true},
		"shift-based":       {spoiled(`schedule_reference`, `schedule_v3_reference`), 1, false},
		"optional are null": {spoiled(`"summary":"Dana"`, `"summary":null`), 1, false},
		"not begun yet":     {spoiled(`2026-03-02T08:00:00Z`, `2026-03-02T09:00:01Z`), 0, false},
		"begins now":        {spoiled(`2026-03-02T08:00:00Z`, `2026-03-02T09:00:00Z`), 1, false},
		"ends now":          {spoiled(`2026-03-09T08:00:00Z`, `2026-03-02T09:00:00Z`), 0, false},
		"local time":        {spoiled(`2026-03-02T08:00:00Z`, `2026-03-02T13:59:59+05:00`), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(c.body)) })
			a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
			if !a.Known || len(a.Entries) != c.people {
				t.Fatalf("known %v, %d people, want %d: %s", a.Known, len(a.Entries), c.people, a.Why)
			}
			if c.people == 1 && a.Entries[0].Permanent() != c.permanent {
				t.Errorf("permanent = %v, want %v", a.Entries[0].Permanent(), c.permanent)
			}
		})
	}
}

// The same for a schedule that is asked itself.
func TestScheduleAnswersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	const layered = `{"schedule":{"id":"PSCHED1","name":"Managers","final_schedule":{"rendered_schedule_entries":[` +
		`{"start":"2026-03-02T08:00:00Z","end":"2026-03-02T09:00:00Z","user":{"id":"PSAM001"}},` +
		`{"start":"2026-03-02T09:00:00Z","end":"2026-03-02T10:00:00Z","user":{"id":"PDANA01"}},` +
		`{"start":"2026-03-02T10:00:00Z","end":"2026-03-02T11:00:00Z","user":{"id":"PMARA01"}}]}}}`
	const assigned = `{"schedule":{"id":"PSHIFT1","name":"Flexible","final_schedule":{"computed_shift_assignments":[` +
		`{"start_time":"2026-03-02T08:00:00Z","end_time":"2026-03-02T10:00:00Z","member":{"type":"user_member","user_id":"PDANA01"},"source":{"type":"override"}},` +
		`{"start_time":"2026-03-02T08:00:00Z","end_time":"2026-03-02T10:00:00Z","member":{"type":"empty_member"}}]}}}`
	ask := func(good, old, new string) flows.OnCallAnswer {
		pd, _ := hostile(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/oncalls" {
				_, _ = w.Write([]byte(pageOf()))
				return
			}
			_, _ = w.Write([]byte(strings.Replace(good, old, new, 1)))
		})
		name := "Managers"
		if good == assigned {
			name = "Flexible"
		}
		return pd.OnCall(t.Context(), flows.OnCallQuery{Schedule: name})
	}
	for _, good := range []string{layered, assigned} {
		a := ask(good, "", "")
		if same(t, people(a), []string{"PDANA01"}); (a.Entries[0].Override == flows.Yes) != (good == assigned) {
			t.Errorf("override = %s", a.Entries[0].Override)
		}
	}
	for _, c := range [][3]string{
		{layered, layered, `{}`}, {layered, layered, `{"schedule":null}`},
		{layered, `"id":"PSCHED1"`, `"id":"POTHER1"`},
		{layered, `"final_schedule"`, `"overrides_subschedule"`},
		{layered, `"rendered_schedule_entries"`, `"entries"`},
		{layered, `"user":{"id":"PMARA01"}`, `"user":null`},
		{layered, `"end":"2026-03-02T10:00:00Z",`, ``},
		{layered, `"2026-03-02T10:00:00Z","user"`, `null,"user"`},
		{layered, `"PDANA01"`, `"../users"`},
		{assigned, `"final_schedule":{`, `"final_schedule":null,"x":{`},
		{assigned, `"member":{"type":"empty_member"}`, `"member":null`},
		{assigned, `empty_member`, `team_member`},
		{assigned, `"user_id":"PDANA01"`, `"user_id":null`},
		{assigned, `"start_time":"2026-03-02T08:00:00Z",`, ``},
		{assigned, `,"end_time":"2026-03-02T10:00:00Z"`, ``},
	} {
		if a := ask(c[0], c[1], c[2]); a.Known || len(a.Entries) > 0 {
			t.Errorf("%q for %q is believed: %+v", c[2], c[1], a)
		}
	}
}

// A redirect leads to a server that would put an attacker on call. It must not be
// asked at all: the library's own client would go there and believe it.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 10)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		_, _ = w.Write([]byte(pageOf(strings.Replace(entry, "PDANA01", "PEVE001", 1))))
	}))
	defer evil.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		pd, _ := hostile(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, evil.URL+"/oncalls", status)
		})
		a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
		if a.Known || !strings.Contains(a.Why, "redirects are not followed") {
			t.Errorf("%d: %+v", status, a)
		}
	}
	if len(asked) > 0 {
		t.Errorf("the other server was asked %d times, with %q", len(asked), <-asked)
	}
}

func TestTooLongAnswersAreCutOff(t *testing.T) {
	t.Parallel()
	pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		pad := strings.Repeat(" ", 1<<20)
		for { // until the client hangs up
			if _, err := w.Write([]byte(pad)); err != nil {
				return
			}
		}
	})
	a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
	if a.Known || !strings.Contains(a.Why, "too long") {
		t.Errorf("%+v", a)
	}
}

// 100 rows to a page and more=true for ever: stopped at PagerDuty's own ceiling of
// 10,000, where the library's pager would go on.
func TestEndlessPagesAreCutOff(t *testing.T) {
	t.Parallel()
	pages := 0
	endless := func(w http.ResponseWriter, r *http.Request) {
		pages++
		rows := strings.TrimSuffix(strings.Repeat(entry+",", 100), ",")
		_, _ = fmt.Fprintf(w, `{"oncalls":[%s],"limit":100,"offset":%s,"more":true}`, rows, r.URL.Query().Get("offset"))
	}
	pd, _ := hostile(t, endless, func(o *pagerduty.Options) { o.Limits.MaxPages = 200 })
	a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
	if a.Known || !strings.Contains(a.Why, "goes on after 100 pages") || pages != 100 {
		t.Errorf("after %d pages: %+v", pages, a)
	}
}

func TestAllPagesAreRead(t *testing.T) {
	w := newWorld(t)
	everybody := pagerdutyfake.Rule{}
	for i := range 250 {
		id := fmt.Sprintf("PUSER%03d", i)
		if _, err := w.fake.AddUser(pagerdutyfake.User{ID: id, Name: id, Email: id + "@acme.example"}); err != nil {
			t.Fatal(err)
		}
		everybody.Targets = append(everybody.Targets, id)
	}
	if _, err := w.fake.AddPolicy(pagerdutyfake.Policy{ID: "PWHOLE1", Name: "whole", Rules: []pagerdutyfake.Rule{everybody}}); err != nil {
		t.Fatal(err)
	}
	a := w.known(flows.OnCallQuery{Policy: "whole"})
	if len(a.Entries) != 250 || a.Pages != 3 {
		t.Errorf("%d people on %d pages, want 250 on 3", len(a.Entries), a.Pages)
	}
	// A page in the middle that loses rows without saying so: the total tells.
	for _, kind := range []pagerdutyfake.FaultKind{
		pagerdutyfake.FaultShortPage, pagerdutyfake.FaultEmptyPage, pagerdutyfake.FaultEndless, pagerdutyfake.FaultMalformed,
	} {
		w.fake.AddFault(pagerdutyfake.Fault{Kind: kind, Route: "GET /oncalls", After: 1})
		w.unknown(flows.OnCallQuery{Policy: "whole"}, "malformed")
		w.fake.ClearFaults()
	}
	w.clean()
}

func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	for skew, want := range map[time.Duration]bool{
		0: true, 20 * time.Second: true, -20 * time.Second: true, 2 * time.Minute: false, -2 * time.Minute: false,
	} {
		pd, clock := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", monday.Add(skew).Format(http.TimeFormat))
			_, _ = w.Write([]byte(pageOf(entry)))
		})
		a := pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call"})
		if a.Known != want {
			t.Errorf("skew %s: known %v: %s", skew, a.Known, a.Why)
		}
		if a.Known && a.ReadAt.After(clock.Now().Add(min(skew, 0))) {
			t.Errorf("skew %s: an answer dated earlier is no younger than its date, but read at %s", skew, a.ReadAt)
		}
	}
}

// A cache in between that repeats an old answer: no younger than its date, and so not
// an answer to a question for a younger one.
func TestStaleAnswersFromACache(t *testing.T) {
	t.Parallel()
	pd, _ := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", monday.Add(-50*time.Second).Format(http.TimeFormat))
		_, _ = w.Write([]byte(pageOf(entry)))
	})
	ask := func(age time.Duration) flows.OnCallAnswer {
		return pd.OnCall(t.Context(), flows.OnCallQuery{Policy: "mgr_on_call", MaxAge: age, Click: true})
	}
	if a := ask(time.Minute); !a.Known || !a.ReadAt.Equal(monday.Add(-50*time.Second)) {
		t.Errorf("a minute is allowed: known %v, read at %s: %s", a.Known, a.ReadAt, a.Why)
	}
	if a := ask(40 * time.Second); a.Known || !strings.Contains(a.Why, "dated 50s before now") {
		t.Errorf("40 s are allowed: %+v", a)
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	good := func() pagerduty.Options {
		return pagerduty.Options{APIToken: flows.NewSecret("key", fixed(token)), Clock: flows.NewHandClock(monday)}
	}
	for name, spoil := range map[string]func(*pagerduty.Options){
		"no token":            func(o *pagerduty.Options) { o.APIToken = flows.Secret{} },
		"no clock":            func(o *pagerduty.Options) { o.Clock = nil },
		"region":              func(o *pagerduty.Options) { o.Region = "mars" },
		"not an address":      func(o *pagerduty.Options) { o.BaseURL = "api.pagerduty.com" },
		"unencrypted":         func(o *pagerduty.Options) { o.BaseURL = "http://api.pagerduty.com" },
		"user in the address": func(o *pagerduty.Options) { o.BaseURL = "https://u:p@api.pagerduty.com" },
		"query":               func(o *pagerduty.Options) { o.BaseURL = "https://api.pagerduty.com?x=1" },
		"dots":                func(o *pagerduty.Options) { o.BaseURL = "https://proxy.example/a/../b" },
		"encoded dots":        func(o *pagerduty.Options) { o.BaseURL = "https://proxy.example/%2e%2e" },
		"from":                func(o *pagerduty.Options) { o.From = "breakglass" },
		"from with a break":   func(o *pagerduty.Options) { o.From = "a@b.example\r\nX: 1" },
	} {
		o := good()
		spoil(&o)
		if _, err := pagerduty.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, base := range []string{"", "https://proxy.example/pd/", "http://127.0.0.1:80", "http://localhost", "http://[::1]:80"} {
		o := good()
		o.BaseURL = base
		if _, err := pagerduty.New(o); err != nil {
			t.Errorf("%q: %v", base, err)
		}
	}
}
