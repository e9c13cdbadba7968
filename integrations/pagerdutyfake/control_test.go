package pagerdutyfake_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	pd "breakglass/integrations/pagerdutyfake"
)

const controlToken = "control-token"

func controlled(t *testing.T) *bundle {
	t.Helper()
	return setup(t, func(o *pd.Options) { o.ControlToken = controlToken })
}

// control sends a request to the control API, which must succeed, and reads
// the answer into out.
func (b *bundle) control(method, path, body string, out any) {
	b.t.Helper()
	r := b.do(method, "/control"+path, body, "Authorization", "Bearer "+controlToken)
	if r.status != http.StatusOK {
		b.t.Fatalf("%s /control%s: %d %s", method, path, r.status, r.raw)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal([]byte(r.raw), out); err != nil {
		b.t.Fatalf("%s /control%s: %v in %s", method, path, err, r.raw)
	}
}

func TestTheControlAPIRunsAnAccount(t *testing.T) {
	t.Parallel()
	b := controlled(t)
	b.control("POST", "/users", `{"id":"PNEW001","name":"New","email":"new@acme.example"}`, nil)
	b.control("POST", "/schedules", `{"id":"PNEWROT","name":"new rota","schedule_layers":[{"start":"2026-06-01T09:00:00Z","rotation_turn_length_seconds":86400,"users":["PNEW001","PSAM001"]}]}`, nil)
	b.control("POST", "/policies", `{"id":"PNEWPOL","name":"new","escalation_rules":[{"targets":["PNEWROT"]}]}`, nil)
	b.control("POST", "/services", `{"id":"PNEWSVC","name":"Till","escalation_policy":"PNEWPOL"}`, nil)
	b.control("POST", "/keys", `{"token":"fresh"}`, nil)
	if got := entries(b.do("GET", "/oncalls?escalation_policy_ids[]=PNEWPOL", "", "Authorization", "Token token=fresh").body); got != "PNEWPOL/1/PNEW001/PNEWROT" {
		t.Errorf("on call: %s", got)
	}
	var o pd.Override
	b.control("POST", "/schedules/PNEWROT/overrides", `{"user":"PDANA01","start":"2026-06-01T11:00:00Z","end":"2026-06-01T14:00:00Z","created_by":"PSAM001"}`, &o)
	if on := b.acc.OnCallAt(monday); on[len(on)-1].User != "PDANA01" || o.CreatedBy != "PSAM001" {
		t.Errorf("with the override: %+v", on)
	}
	b.control("DELETE", "/schedules/PNEWROT/overrides/"+o.ID, "", nil)
	b.control("POST", "/on-call", `{"policy":"PNEWPOL","level":1,"users":["PSAM001","PMARA01"]}`, nil)

	var i pd.Incident
	b.control("POST", "/incidents", `{"service":"PNEWSVC","title":"Till stuck"}`, &i)
	if len(i.Assignees) != 2 || i.Assignees[1].User != "PMARA01" {
		t.Errorf("assigned to %+v", i.Assignees)
	}
	b.control("POST", "/incidents/"+i.ID+"/acknowledge", `{"user":"PSAM001"}`, &i)
	if i.Status != pd.StatusAcknowledged || i.Acks[0].User != "PSAM001" {
		t.Errorf("acknowledged: %+v", i)
	}
	b.control("POST", "/incidents/"+i.ID+"/note", `{"user":"PSAM001","content":"looking"}`, &i)
	b.control("POST", "/incidents/"+i.ID+"/reassign", `{"user":"PSAM001","users":["PDANA01"]}`, &i)
	b.control("POST", "/incidents/"+i.ID+"/resolve", `{"user":"PDANA01"}`, &i)
	if i.Status != pd.StatusResolved || len(i.Notes) != 1 || len(i.Acks) != 0 {
		t.Errorf("incident %+v", i)
	}
	b.control("POST", "/incidents/"+i.ID+"/reopen", `{}`, &i)
	var other pd.Incident
	b.control("POST", "/incidents", `{"service":"PNEWSVC","title":"parent","assignee":"PDANA01"}`, &other)
	b.control("POST", "/incidents/"+i.ID+"/merge", `{"into":"`+other.ID+`"}`, &i)
	if i.MergedInto != other.ID {
		t.Errorf("merged into %q", i.MergedInto)
	}
	var s pd.State
	b.control("GET", "/state", "", &s)
	if len(s.Users) != 5 || len(s.Incidents) != 2 || !s.Now.Equal(monday) || len(s.OnCall) == 0 {
		t.Errorf("state: %d users, %d incidents, now %s", len(s.Users), len(s.Incidents), s.Now)
	}
	if raw, err := json.Marshal(s); err != nil || strings.Contains(string(raw), fullKey) {
		t.Errorf("the state shows keys: %s, %v", raw, err)
	}
}

func TestTheControlAPIPlaysFaultsAndReadsTheLedger(t *testing.T) {
	t.Parallel()
	b := controlled(t)
	var f struct{ ID int }
	b.control("POST", "/faults", `{"kind":"status","status":503,"route":"GET /users"}`, &f)
	if r := b.do("GET", "/users", ""); r.status != 503 {
		t.Errorf("with the fault: %d", r.status)
	}
	var faults []pd.Fault
	b.control("GET", "/faults", "", &faults)
	if len(faults) != 1 || faults[0].ID != f.ID {
		t.Errorf("faults %+v", faults)
	}
	b.control("DELETE", fmt.Sprintf("/faults/%d", f.ID), "", nil)
	b.control("POST", "/faults", `{"kind":"drop"}`, nil)
	b.control("DELETE", "/faults", "", nil)
	b.do("GET", "/users", "", "Accept", "")
	var ledger, violations []pd.Entry
	b.control("GET", "/ledger?after=1", "", &ledger)
	b.control("GET", "/violations", "", &violations)
	if len(ledger) != 1 || ledger[0].Status != 200 || len(violations) != 1 {
		t.Errorf("ledger %+v, violations %+v", ledger, violations)
	}
	b.control("POST", "/keys/rotate", `{"old":"`+fullKey+`","new":"other"}`, nil)
	b.wantError(b.do("GET", "/users", ""), 401, 2006)
}

func TestTheControlAPIWorksTheWebhooks(t *testing.T) {
	t.Parallel()
	b, r := controlled(t), receive(t, nil)
	var s pd.Subscription
	b.control("POST", "/subscriptions", `{"url":"`+r.URL+`","secrets":["hush"]}`, &s)
	r.mu.Lock()
	r.secret = "hush"
	r.mu.Unlock()
	b.control("POST", "/webhooks", `{"hold":true}`, nil)
	i := b.trigger("x", "")
	b.control("POST", "/webhooks", `{"hold":false,"shuffle":true,"duplicate":0}`, nil)
	b.settled(1)
	var sent []pd.Delivery
	b.control("GET", "/deliveries", "", &sent)
	var answer struct{ Status int }
	b.control("POST", "/webhooks/"+sent[0].WebhookID+"/replay", `{}`, &answer)
	if answer.Status != 202 {
		t.Errorf("replay: %d", answer.Status)
	}
	b.control("POST", "/subscriptions/"+s.ID+"/forge", `{"kind":"wrong_secret","event":"incident.resolved","incident":"`+i.ID+`"}`, &answer)
	if answer.Status != 403 {
		t.Errorf("forge: %d", answer.Status)
	}
	var fresh struct{ Secret string }
	b.control("POST", "/subscriptions/"+s.ID+"/rotate-secret", `{}`, &fresh)
	b.control("POST", "/subscriptions/"+s.ID+"/drop-old-secrets", `{}`, nil)
	if got := b.acc.Subscriptions()[0].Secrets; len(got) != 1 || got[0] != fresh.Secret {
		t.Errorf("secrets %v", got)
	}
}

func TestWhoMayUseTheControlAPI(t *testing.T) {
	t.Parallel()
	b := controlled(t)
	state := func(header ...string) int { return b.do("GET", "/control/state", "", header...).status }
	right := "Bearer " + controlToken
	if got := state("Authorization", right); got != 200 {
		t.Errorf("rightly: %d", got)
	}
	for _, wrong := range []string{"", "Bearer ", "Bearer wrong", "Token token=" + fullKey, controlToken} {
		if got := state("Authorization", wrong); got != 401 {
			t.Errorf("Authorization %q: %d; want 401", wrong, got)
		}
	}
	for host, want := range map[string]int{"localhost": 200, "[::1]:80": 200, "evil.example": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example:80": 403} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", b.acc.URL()+"/control/state", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		req.Header.Set("Authorization", right)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("Host %s: %d; want %d", host, resp.StatusCode, want)
		}
	}
	shut := setup(t)
	if r := shut.do("GET", "/control/state", "", "Authorization", "Bearer "); r.status != 404 {
		t.Errorf("without a token of the run: %d; want it shut", r.status)
	}
	if n := len(b.acc.Ledger(0)); n != 0 {
		t.Errorf("%d control requests in the ledger of the account", n)
	}
}

func TestControlSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := controlled(t)
	for path, tt := range map[string]struct{ body, want string }{
		"/users":                    {`{"nmae":"x"}`, "nothing was changed"},
		"/policies":                 {`{"name":"p","escalation_rules":[{"targets":["PNONE"]}]}`, "add it first"},
		"/services":                 {`{"name":"s","escalation_policy":"PNONE"}`, "add the policy first"},
		"/on-call":                  {`{"policy":"PNONE","level":1}`, "no escalation policy"},
		"/incidents":                {`{"service":"PNONE","title":"x"}`, "Service not found"},
		"/incidents/QNONE/resolve":  {`{}`, "Incident Not Found"},
		"/incidents/QNONE/explode":  {`{}`, "want acknowledge"},
		"/incidents/QNONE/priority": {`{"priority":"P1"}`, "Incident Not Found"},
		"/keys/rotate":              {`{"old":"none","new":"x"}`, "not known"},
		"/setup":                    {`{"users":[{"name":"only a name"}],"custom_fields":[{}]}`, "e-mail are needed"},
	} {
		r := b.do("POST", "/control"+path, tt.body, "Authorization", "Bearer "+controlToken)
		if msg, _ := r.body["error"].(string); r.status != 400 || !strings.Contains(msg, tt.want) {
			t.Errorf("%s: %d %s; want it to say %q", path, r.status, r.raw, tt.want)
		}
	}
}
