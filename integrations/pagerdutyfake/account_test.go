package pagerdutyfake_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"

	"breakglass/integrations/pagerdutyfake"
)

const (
	fullKey     = "full-key"
	readOnlyKey = "read-only-key"
	danaKey     = "dana-key"
	oauthToken  = "oauth-token"
)

// clock is a clock that stands still until it is pushed.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Push(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// monday is a Monday noon.
var monday = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// bundle is an account with people, a rota, two policies and a service, and
// ways to talk to it.
type bundle struct {
	t      *testing.T
	acc    *pagerdutyfake.Account
	clock  *clock
	client *pagerduty.Client
}

// setup starts an account on loopback. Dana and Sam share a weekly rota
// (Dana's week), Mara is a permanent second level and manages alone.
func setup(t *testing.T, change ...func(*pagerdutyfake.Options)) *bundle {
	t.Helper()
	c := &clock{at: monday}
	o := pagerdutyfake.Options{Now: c.Now, Keys: []pagerdutyfake.Key{
		{Token: fullKey}, {Token: readOnlyKey, Kind: pagerdutyfake.KeyReadOnly},
		{Token: danaKey, Kind: pagerdutyfake.KeyUser, User: "PDANA01"},
		{Token: oauthToken, Kind: pagerdutyfake.KeyOAuth, Scopes: []string{"oncalls.read"}},
	}}
	for _, f := range change {
		f(&o)
	}
	acc := pagerdutyfake.New(o)
	err := acc.Load(pagerdutyfake.Setup{
		Users: []pagerdutyfake.User{
			{ID: "PDANA01", Name: "Dana", Email: "dana@acme.example"},
			{ID: "PSAM001", Name: "Sam", Email: "sam@acme.example"},
			{ID: "PMARA01", Name: "Mara", Email: "mara@acme.example"},
			{ID: "PBOT001", Name: "Breakglass", Email: "breakglass@acme.example"},
		},
		Schedules: []pagerdutyfake.Schedule{{ID: "PROTA01", Name: "Primary", Layers: []pagerdutyfake.Layer{{
			Start: monday.Add(-3 * time.Hour), TurnSeconds: 7 * 86400, Users: []string{"PDANA01", "PSAM001"},
		}}}},
		Policies: []pagerdutyfake.Policy{
			{ID: "PPOL001", Name: "prod", Rules: []pagerdutyfake.Rule{{Targets: []string{"PROTA01"}}, {Targets: []string{"PMARA01"}}}},
			{ID: "PPOLMGR", Name: "mgr_on_call", Rules: []pagerdutyfake.Rule{{Targets: []string{"PMARA01"}}}},
		},
		Services: []pagerdutyfake.Service{{ID: "PSVC001", Name: "Shop", Policy: "PPOL001"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := acc.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := acc.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &bundle{t, acc, c, pagerduty.NewClient(fullKey, pagerduty.WithAPIEndpoint(acc.URL()))}
}

// response is an answer, read whole.
type response struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// do sends a request as a correct client does, with changes to its headers.
func (b *bundle) do(method, path, body string, header ...string) response {
	b.t.Helper()
	r, err := b.try(method, path, body, header...)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bundle) try(method, path, body string, header ...string) (response, error) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.acc.URL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token token="+fullKey)
	req.Header.Set("Accept", "application/vnd.pagerduty+json;version=2")
	req.Header.Set("Content-Type", "application/json")
	if method != http.MethodGet {
		req.Header.Set("From", "breakglass@acme.example")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if req.Header.Del(header[i]); header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return response{}, err
	}
	out := response{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err := json.NewDecoder(bytes.NewReader(raw)).Decode(&out.body); err != nil {
		out.body = nil
	}
	return out, nil
}

// get is do for GET that must succeed.
func (b *bundle) get(path string) map[string]any {
	b.t.Helper()
	r := b.do("GET", path, "")
	if r.status != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, r.status, r.raw)
	}
	return r.body
}

// wantError checks an answer's status and PagerDuty code.
func (b *bundle) wantError(r response, status, code int) {
	b.t.Helper()
	inner, _ := r.body["error"].(map[string]any)
	if got, _ := inner["code"].(float64); r.status != status || int(got) != code {
		b.t.Errorf("answer %d %s; want %d with code %d", r.status, r.raw, status, code)
	}
	if msg, _ := inner["message"].(string); msg == "" {
		b.t.Errorf("error without a message: %s", r.raw)
	}
}

// wait waits for the account to come to a state, for some seconds.
func (b *bundle) wait(cond func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if err := b.acc.Wait(ctx, cond); err != nil {
		b.t.Fatalf("%v: %+v", err, b.acc.Deliveries())
	}
}

// list reads a list of objects out of an answer.
func list(body map[string]any, name string) []map[string]any {
	all, _ := body[name].([]any)
	var out []map[string]any
	for _, v := range all {
		o, _ := v.(map[string]any)
		out = append(out, o)
	}
	return out
}

// at walks into nested objects: at(o, "user", "id").
func at(o map[string]any, path ...string) any {
	var v any = o
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func TestTheRealClientReadsWhoIsOnCall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got, err := b.client.ListOnCallsWithContext(t.Context(), pagerduty.ListOnCallOptions{Includes: []string{"users"}})
	if err != nil {
		t.Fatal(err)
	}
	var who []string
	for _, o := range got.OnCalls {
		who = append(who, o.EscalationPolicy.Summary+"/"+o.User.Email+"/"+o.Schedule.ID)
	}
	want := "prod/dana@acme.example/PROTA01 prod/mara@acme.example/ mgr_on_call/mara@acme.example/"
	if strings.Join(who, " ") != want {
		t.Errorf("on call: %s\nwant %s", strings.Join(who, " "), want)
	}
	if len(b.acc.Violations()) > 0 {
		t.Errorf("violations: %+v", b.acc.Violations())
	}
}

func TestTheRealClientWorksAnIncident(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	inc, err := b.client.CreateIncidentWithContext(ctx, "breakglass@acme.example", &pagerduty.CreateIncidentOptions{
		Title: "Disk full", Service: &pagerduty.APIReference{ID: "PSVC001", Type: "service_reference"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if inc.Assignments[0].Assignee.ID != "PDANA01" || inc.Status != "triggered" {
		t.Errorf("incident %+v: want triggered, assigned to PDANA01", inc)
	}
	_, err = b.client.CreateIncidentNoteWithContext(ctx, inc.ID, pagerduty.IncidentNote{
		Content: "access given", User: pagerduty.APIObject{Summary: "breakglass@acme.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.client.ManageIncidentsWithContext(ctx, "dana@acme.example", []pagerduty.ManageIncidentsOptions{{ID: inc.ID, Status: "resolved"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.client.GetIncidentWithContext(ctx, inc.ID)
	if err != nil || got.Status != "resolved" {
		t.Errorf("after resolve: %v, %+v", err, got)
	}
	if notes := b.acc.Notes(inc.ID); len(notes) != 1 || notes[0].User != "PBOT001" || notes[0].Content != "access given" {
		t.Errorf("notes %+v", notes)
	}
}
