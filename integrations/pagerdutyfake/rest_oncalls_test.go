package pagerdutyfake_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"

	pd "breakglass/integrations/pagerdutyfake"
)

// entries writes on-call entries as "policy/level/user/schedule".
func entries(body map[string]any) string {
	var out []string
	for _, o := range list(body, "oncalls") {
		schedule := at(o, "schedule", "id")
		if schedule == nil {
			schedule = "-"
		}
		out = append(out, fmt.Sprintf("%v/%v/%v/%v", at(o, "escalation_policy", "id"), o["escalation_level"], at(o, "user", "id"), schedule))
	}
	return strings.Join(out, " ")
}

func TestOnCallFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rota, second, manager := "PPOL001/1/PDANA01/PROTA01", "PPOL001/2/PMARA01/-", "PPOLMGR/1/PMARA01/-"
	at := func(d time.Duration) string { return url.QueryEscape(monday.Add(d).Format(time.RFC3339)) }
	next := "PPOL001/1/PSAM001/PROTA01"
	for _, tt := range []struct{ name, query, want string }{
		{"nothing asked: now", "", rota + " " + second + " " + manager},
		{"users are ORed", "user_ids[]=PDANA01&user_ids[]=PSAM001", rota},
		{"lists are ANDed", "user_ids[]=PMARA01&escalation_policy_ids[]=PPOLMGR", manager},
		{"no match", "user_ids[]=PDANA01&escalation_policy_ids[]=PPOLMGR", ""},
		{"schedule", "schedule_ids[]=PROTA01", rota},
		{"null is the permanent ones", "schedule_ids[]=null", second + " " + manager},
		{"schedule or permanent", "schedule_ids[]=PROTA01&schedule_ids[]=null", rota + " " + second + " " + manager},
		{"a wide window takes in who comes next", "schedule_ids[]=PROTA01&until=" + at(7*24*time.Hour), rota + " " + next},
		{"and the whole rota", "schedule_ids[]=PROTA01&until=" + at(14*24*time.Hour), rota + " " + next + " " + rota},
		{"earliest keeps one for each user, on call or not", "schedule_ids[]=PROTA01&earliest=true&until=" + at(14*24*time.Hour), rota + " " + next},
		{"a window in the future", "schedule_ids[]=PROTA01&since=" + at(8*24*time.Hour) + "&until=" + at(8*24*time.Hour), next},
		{"a window in the past", "schedule_ids[]=PROTA01&since=" + at(-200*24*time.Hour) + "&until=" + at(-100*24*time.Hour), ""},
		{"the last moment before 90 days", "user_ids[]=PMARA01&until=" + at(90*24*time.Hour), second + " " + manager},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := entries(b.get("/oncalls?" + tt.query)); got != tt.want {
				t.Errorf("?%s:\n got %s\nwant %s", tt.query, got, tt.want)
			}
		})
	}
	for _, q := range []string{"since=" + at(time.Hour), "since=" + at(2*time.Hour) + "&until=" + at(time.Hour), "since=soon"} {
		b.wantError(b.do("GET", "/oncalls?"+q, ""), 400, 2004)
	}
	b.wantError(b.do("GET", "/oncalls?until="+at(91*24*time.Hour), ""), 400, 2005)
}

func TestAnEarliestEntryMayNotBeOnCallYet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.get("/oncalls?user_ids[]=PSAM001&earliest=true&until=" + url.QueryEscape(monday.AddDate(0, 0, 30).Format(time.RFC3339)))
	o := list(got, "oncalls")
	if len(o) != 1 || o[0]["start"] != "2026-06-08T09:00:00Z" {
		t.Errorf("entries %v; want Sam's next shift, a week away", o)
	}
}

func TestOnTheHandOffBothAreReturned(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.Push(time.Date(2026, 6, 8, 9, 0, 0, 0, time.UTC).Sub(monday))
	r := b.do("GET", "/oncalls?schedule_ids[]=PROTA01", "")
	if got := entries(r.body); got != "PPOL001/1/PDANA01/PROTA01 PPOL001/1/PSAM001/PROTA01" {
		t.Errorf("at the hand-off: %s", got)
	}
	if date := r.header.Get("Date"); date != "Mon, 08 Jun 2026 09:00:00 GMT" {
		t.Errorf("Date %q is not the account's clock", date)
	}
}

func TestPermanentEntriesAreNull(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, o := range list(b.get("/oncalls?schedule_ids[]=null"), "oncalls") {
		for _, name := range []string{"schedule", "start", "end"} {
			if v, there := o[name]; !there || v != nil {
				t.Errorf("%s of a permanent entry is %v (there: %v); want null", name, v, there)
			}
		}
	}
	if err := b.acc.SetOnCall("PPOL001", 1, "PSAM001"); err != nil {
		t.Fatal(err)
	}
	o := list(b.get("/oncalls?user_ids[]=PSAM001"), "oncalls")
	if len(o) != 1 || o[0]["start"] != "2026-05-31T12:00:00Z" || o[0]["end"] != nil {
		t.Errorf("alone on a schedule: %v; want a start and no end", o)
	}
}

func TestTheSameUserInTwoWaysIsTwoEntries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.acc.AddPolicy(pd.Policy{ID: "PPOL002", Name: "twice", Rules: []pd.Rule{
		{Targets: []string{"PROTA01", "PDANA01", "PMARA01"}, RoundRobin: true}, {Targets: []string{"PROTA01"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := entries(b.get("/oncalls?escalation_policy_ids[]=PPOL002"))
	want := "PPOL002/1/PDANA01/PROTA01 PPOL002/1/PDANA01/- PPOL002/1/PMARA01/- PPOL002/2/PDANA01/PROTA01"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestADeletedUserIsNotOnCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if !b.acc.RemoveUser("PDANA01") || b.acc.RemoveUser("PDANA01") {
		t.Error("removing twice: want true, then false")
	}
	if got := entries(b.get("/oncalls?escalation_policy_ids[]=PPOL001")); got != "PPOL001/2/PMARA01/-" {
		t.Errorf("on call: %s", got)
	}
	b.wantError(b.do("GET", "/users/PDANA01", ""), 404, 2100)
}

func TestSetOnCallSinceSaysWhenTheShiftBegan(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.acc.SetOnCallSince("PPOL001", 1, monday.Add(-5*time.Minute), "PSAM001"); err != nil {
		t.Fatal(err)
	}
	o := list(b.get("/oncalls?user_ids[]=PSAM001"), "oncalls")
	if len(o) != 1 || o[0]["start"] != "2026-06-01T11:55:00Z" {
		t.Errorf("entries %v", o)
	}
	if err := b.acc.SetOnCall("PPOL001", 1, "PDANA01", "PSAM001"); err != nil {
		t.Fatal(err)
	}
	again := list(b.get("/oncalls?escalation_policy_ids[]=PPOL001&schedule_ids[]="+fmt.Sprint(at(o[0], "schedule", "id"))), "oncalls")
	if len(again) != 1 || at(again[0], "user", "id") != "PDANA01" {
		t.Errorf("after it was set again: %v; want the same schedule with another user", again)
	}
}

func TestAScheduleWithoutAPolicyIsNotInOnCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, err := b.acc.AddSchedule(pd.Schedule{Name: "loose", Layers: []pd.Layer{{Start: monday.Add(-time.Hour), TurnSeconds: daily, Users: []string{"PSAM001"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := entries(b.get("/oncalls?schedule_ids[]=" + s.ID)); got != "" {
		t.Errorf("oncalls of a loose schedule: %s", got)
	}
	users, err := b.client.ListOnCallUsersWithContext(t.Context(), s.ID, pagerduty.ListOnCallUsersOptions{
		Since: monday.Format(time.RFC3339), Until: monday.Add(time.Second).Format(time.RFC3339),
	})
	if err != nil || len(users) != 1 || users[0].ID != "PSAM001" {
		t.Errorf("its users: %v, %v", users, err)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 120 {
		_, err := b.acc.AddPolicy(pd.Policy{Name: fmt.Sprintf("p%03d", i), Rules: []pd.Rule{{Targets: []string{"PSAM001"}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	for offset := 0; ; offset += 50 {
		body := b.get(fmt.Sprintf("/oncalls?user_ids[]=PSAM001&limit=50&offset=%d", offset))
		for _, o := range list(body, "oncalls") {
			seen = append(seen, at(o, "escalation_policy", "id").(string))
		}
		if body["total"] != nil {
			t.Errorf("total %v; want null unless asked for", body["total"])
		}
		if body["more"] != true {
			break
		}
	}
	slices.Sort(seen)
	if n := len(slices.Compact(seen)); n != 120 {
		t.Errorf("%d policies over all pages; want 120", n)
	}
	body := b.get("/oncalls?user_ids[]=PSAM001&total=true")
	if body["total"] != 120.0 || body["limit"] != 25.0 || len(list(body, "oncalls")) != 25 {
		t.Errorf("total %v, limit %v, %d entries; want 120, 25, 25", body["total"], body["limit"], len(list(body, "oncalls")))
	}
	if got := len(list(b.get("/oncalls?user_ids[]=PSAM001&limit=500"), "oncalls")); got != 100 {
		t.Errorf("limit=500 gave %d entries; want it cut to 100", got)
	}
	b.wantError(b.do("GET", "/oncalls?limit=100&offset=9901", ""), 400, 2002)
	b.wantError(b.do("GET", "/oncalls?limit=many", ""), 400, 2001)
	if got := entries(b.get("/oncalls?limit=100&offset=9900")); got != "" {
		t.Errorf("the last page allowed: %s", got)
	}
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	plain := list(b.get("/oncalls?schedule_ids[]=PROTA01"), "oncalls")[0]
	if at(plain, "user", "type") != "user_reference" || at(plain, "user", "email") != nil {
		t.Errorf("without include: %v; want a reference without e-mail", plain["user"])
	}
	full := list(b.get("/oncalls?schedule_ids[]=PROTA01&include[]=users&include[]=schedules&include[]=escalation_policies"), "oncalls")[0]
	for field, kind := range map[string]string{"user": "user", "schedule": "schedule", "escalation_policy": "escalation_policy"} {
		if at(full, field, "type") != kind {
			t.Errorf("included %s: %v", field, full[field])
		}
	}
	if at(full, "user", "email") != "dana@acme.example" {
		t.Errorf("included user: %v", full["user"])
	}
	if len(b.acc.Violations()) != 0 {
		t.Fatalf("violations %+v", b.acc.Violations())
	}
	b.get("/oncalls?include[]=contact_methods")
	if v := b.acc.Violations(); len(v) != 1 || !strings.Contains(v[0].Violations[0], "contact_methods") {
		t.Errorf("violations %+v; want the unknown include", v)
	}
}

func TestTimesAreShownInTheZoneAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := list(b.get("/oncalls?schedule_ids[]=PROTA01&time_zone=America/New_York"), "oncalls")[0]
	if o["start"] != "2026-06-01T05:00:00-04:00" {
		t.Errorf("start %v", o["start"])
	}
	if r := b.do("GET", "/oncalls?time_zone=Mars", ""); r.status != http.StatusBadRequest {
		t.Errorf("unknown zone: %d", r.status)
	}
}
