package app_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/oidcfake"
	"breakglass/integrations/slackfake"
)

// entrants are the columns of the table: who knocks. The guest was a member when he signed
// in; the token is the admin's own, for everything that a token can be for; the service's
// likewise; the approver is asked about the request of the requester, and so is the admin.
var entrants = []string{"nobody", "guest", "service", "member", "auditor", "approver", "requester", "admin", "token", "owner"}

// doorTable is what each door of the internal listener answers to whom. 401 and 303: who
// are you; 403: not you; 404: there is none, or none that you may see; 409 and 422: you may,
// and it cannot be done. Public doors are for signatures: see bot.TestForgedRequests.
var doorTable = map[string]string{
	"GET /healthz":                      "200 200 200 200 200 200 200 200 200 200",
	"GET /readyz":                       "200 200 200 200 200 200 200 200 200 200",
	"GET /metrics":                      "200 200 200 200 200 200 200 200 200 200",
	"GET /sign-in":                      "200 200 200 200 200 200 200 200 200 200",
	"GET /sign-in/{provider}":           "303 303 303 303 303 303 303 303 303 303",
	"GET /sign-in/{provider}/callback":  "400 400 400 400 400 400 400 400 400 400",
	"GET /assets/{file}":                "200 200 200 200 200 200 200 200 200 200",
	"GET /":                             "303 200 403 200 200 200 200 200 403 303",
	"GET /requests/{id}":                "303 404 403 404 200 200 200 200 403 303",
	"POST /requests/{id}":               "303 404 403 404 403 303 409 409 403 303",
	"GET /login":                        "303 200 403 200 200 200 200 200 403 303",
	"POST /login":                       "303 404 403 404 404 404 404 404 403 303",
	"GET /sessions":                     "303 200 403 200 200 200 200 200 403 303",
	"POST /sessions/{id}/end":           "303 404 403 404 404 404 404 404 403 303",
	"GET /adapters":                     "303 200 403 200 200 200 200 200 403 303",
	"POST /adapters":                    "303 200 403 200 200 200 200 200 403 303",
	"GET /pages":                        "303 403 403 403 403 403 403 403 403 303",
	"POST /pages":                       "303 403 403 403 403 403 403 403 403 303",
	"GET /audit":                        "303 200 403 200 200 200 200 200 403 303",
	"GET /audit/requests/{id}":          "303 404 403 404 200 404 200 200 403 303",
	"GET /audit/requests/{id}/calls":    "303 404 403 404 404 404 404 404 403 303",
	"GET /audit/incidents/{id}":         "303 404 403 404 404 404 404 404 403 303",
	"GET /audit/people/{id}":            "303 404 403 404 200 200 200 200 403 303",
	"GET /audit/charts":                 "303 403 403 403 200 403 403 200 403 303",
	"GET /audit/evidence":               "303 403 403 403 200 403 403 200 403 303",
	"GET /v1/openapi.json":              "200 200 200 200 200 200 200 200 200 200",
	"GET /v1/me":                        "401 200 200 200 200 200 200 200 200 401",
	"POST /v1/requests":                 "401 403 201 201 403 403 201 201 409 401",
	"GET /v1/requests":                  "401 200 200 200 200 200 200 200 200 401",
	"GET /v1/requests/{id}":             "401 404 404 404 200 200 200 200 200 401",
	"POST /v1/requests/{id}/extensions": "401 404 404 404 403 403 409 403 403 401",
	"POST /v1/requests/{id}/decisions":  "401 404 403 404 403 200 409 409 409 401",
	"POST /v1/requests/{id}/cancel":     "401 404 404 404 403 403 200 409 409 401",
	"POST /v1/requests/{id}/done":       "401 404 404 404 409 409 409 409 409 401",
	"POST /v1/requests/{id}/end":        "401 404 404 404 403 403 200 409 409 409",
	"POST /v1/requests/{id}/review":     "401 404 403 404 409 409 409 409 409 401",
	"GET /v1/requests/{id}/events":      "401 404 404 404 200 200 200 200 200 401",
	"GET /v1/grants":                    "401 200 200 200 200 200 200 200 200 401",
	"POST /v1/end":                      "401 403 403 403 403 403 403 200 200 200",
	"POST /v1/freeze":                   "401 403 403 403 403 403 403 200 200 200",
	"POST /v1/unfreeze":                 "401 403 403 403 403 403 403 200 200 200",
	"POST /v1/login":                    "200 409 409 409 409 409 409 409 409 409",
	"POST /v1/tokens":                   "401 403 403 201 201 201 201 201 403 401",
	"GET /v1/tokens":                    "401 200 403 200 200 200 200 200 403 401",
	"DELETE /v1/tokens/{id}":            "401 404 403 404 404 404 404 404 403 401",
	"POST /events/request":              "401 403 200 200 403 403 200 200 409 401",
	"POST /events/deescalate":           "401 404 404 404 403 403 200 409 409 401",
	"GET /events/{id}":                  "401 404 404 404 200 200 200 200 200 401",
	"GET /runs/{id}":                    "401 404 404 404 200 200 200 200 200 401",
	"POST /v1/reload":                   "401 401 401 401 401 401 401 401 401 200",
	"POST /v1/audit/looks":              "401 401 401 401 401 401 401 401 401 201",
	"POST /v1/audit/erasures":           "401 401 401 401 401 401 401 401 401 400",
	"POST /v1/people/import":            "401 401 401 401 401 401 401 401 401 200",
	"POST /v1/people/confirm":           "401 401 401 401 401 401 401 401 401 409",
	"POST /v1/people/moved":             "401 401 401 401 401 401 401 401 401 409",
	"POST /v1/people/unlink":            "401 401 401 401 401 401 401 401 401 409",
	"POST /v1/restore/report":           "401 401 401 401 401 401 401 401 401 200",
	"POST /v1/restore/accept":           "401 401 401 401 401 401 401 401 401 409",
	"GET /v1/audit":                     "401 200 200 200 200 200 200 200 200 200",
	"GET /v1/audit/requests/{id}":       "401 404 404 404 200 404 200 200 200 200",
	"GET /v1/audit/requests/{id}/calls": "401 404 404 404 200 404 200 200 200 200",
	"GET /v1/audit/incidents/{id}":      "401 404 404 404 404 404 404 404 404 404",
	"GET /v1/audit/totals":              "401 403 403 403 200 403 403 200 200 200",
	"GET /v1/audit/export":              "401 200 200 200 200 200 200 200 200 200",
	"GET /v1/audit/proof":               "401 422 422 422 422 422 422 422 422 422",
	"GET /v1/audit/checkpoint":          "200 200 200 200 200 200 200 200 200 200",
	"GET /v1/apis/http/*":               "401 404 404 404 404 404 404 404 404 401",
	"POST /v1/apis/http/*":              "401 404 404 404 404 404 404 404 404 401",
	"DELETE /v1/apis/http/*":            "401 404 404 404 404 404 404 404 404 401",
	"POST /sign-out":                    "303 303 403 303 303 303 303 303 403 303",
}

// Each door lets in whom the table says, over HTTP; a new door needs its row.
func TestWhoEntersWhere(t *testing.T) {
	t.Parallel()
	w := openTown(t)
	for _, d := range w.s.App.Doors() {
		name := d.Method + " " + d.Path
		if name == "POST /sign-out" {
			continue // at last: it ends the sessions
		}
		w.row(name)
	}
	w.row("POST /sign-out")
	for name := range doorTable {
		if !slices.Contains(w.seen, name) {
			t.Errorf("the table has %s, and there is no such door", name)
		}
	}
	w.s.Overlook()
}

// town is a company whose people stand at the doors.
type town struct {
	t     *testing.T
	s     *bottest.Story
	enter map[string]func(*http.Request)
	seen  []string
	asked string // the requester's request
	hash  string // of what it asks for
}

func openTown(t *testing.T) *town {
	t.Helper()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Set("requesters", `["@engineering", "service:ci"]`), bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nperson \"audi\" {\n  slack = \"" + company.Audi + "\"\n  pagerduty = \"PAUDI01\"\n  email = \"audi@demo.example\"\n}\n" +
			"\nperson \"lena\" {\n  slack = \"" + company.Lena + "\"\n  pagerduty = \"PLENA01\"\n  email = \"lena@demo.example\"\n}\n"
	}))
	w := &town{t: t, s: s, enter: map[string]func(*http.Request){"nobody": func(*http.Request) {}}}
	for name, who := range map[string]string{
		"guest": company.Lena, "member": company.Dana, "auditor": company.Audi, "approver": company.Noor, "requester": company.Sam, "admin": company.Mara,
	} {
		w.enter[name] = w.session(p, who)
	}
	admin := w.enter["admin"]
	w.enter["token"] = bearer(w.make(admin, map[string]any{"name": "mine", "scopes": []string{"read", "ask", "decide", "call"}}))
	w.enter["service"] = bearer(w.make(admin, map[string]any{"name": "ci", "service": true, "scopes": []string{"read", "ask", "call"}}))
	door, err := app.ReadDoor(app.DoorFile(s.DatabaseFile()))
	if err != nil {
		t.Fatal(err)
	}
	w.enter["owner"] = bearer(door.Token)
	if err := s.Slack.ChangeUser(company.Lena, func(u *slackfake.User) { u.IsRestricted = true }); err != nil {
		t.Fatal(err)
	}
	s.Quiet()
	return w
}

func bearer(secret string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) }
}

// session signs somebody in, and comes in by the browser's cookies.
func (w *town) session(p *oidcfake.Provider, who string) func(*http.Request) {
	w.t.Helper()
	b := w.s.Browser()
	if page := b.SignsIn(p, "sub-"+who, "/"); page.Status != http.StatusOK {
		w.t.Fatalf("%s signs in: %s", who, page.Text())
	}
	at, err := url.Parse(w.s.URL("/"))
	if err != nil {
		w.t.Fatal(err)
	}
	cookies := b.Client.Jar.Cookies(at)
	return func(r *http.Request) {
		for _, c := range cookies {
			r.AddCookie(c)
		}
	}
}

// make makes a token, and returns its secret.
func (w *town) make(by func(*http.Request), what map[string]any) string {
	w.t.Helper()
	status, body := w.knock(by, "POST", "/v1/tokens", what)
	if status != http.StatusCreated {
		w.t.Fatalf("making a token answers %d", status)
	}
	secret, _ := body["secret"].(string)
	return secret
}

// knock makes a request, and returns the status and what was answered, if that is JSON.
func (w *town) knock(by func(*http.Request), method, path string, in any) (status int, body map[string]any) {
	w.t.Helper()
	kind, text := "application/json", []byte("{}")
	if form, ok := in.(url.Values); ok {
		kind, text = "application/x-www-form-urlencoded", []byte(form.Encode())
	} else if in != nil {
		var err error
		if text, err = json.Marshal(in); err != nil {
			w.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(w.t.Context()) // an endless answer is not read
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.s.URL(path), strings.NewReader(string(text)))
	if err != nil {
		w.t.Fatal(err)
	}
	if method != http.MethodGet {
		req.Header.Set("Content-Type", kind)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	} else {
		req.Body = http.NoBody
		req.ContentLength = 0
	}
	by(req)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	if strings.HasSuffix(resp.Header.Get("Content-Type"), "json") {
		_ = json.NewDecoder(resp.Body).Decode(&body) // not every answer is an object
	}
	return resp.StatusCode, body
}

// row knocks at a door as everybody, and holds the answers to the table.
func (w *town) row(name string) {
	w.t.Helper()
	method, path, _ := strings.Cut(name, " ")
	if method != http.MethodGet && method != http.MethodPost && method != http.MethodDelete || slices.Contains(w.seen, name) {
		return // an adapter's other methods are one handler
	}
	w.seen = append(w.seen, name)
	w.s.Clock.Push(pause)
	w.s.Quiet()
	if strings.Contains(path, "requests/{id}") || strings.Contains(path, "runs/{id}") || strings.Contains(path, "events/{id}") || strings.Contains(path, "deescalate") {
		w.ask()
	}
	var got []string
	for _, who := range entrants {
		status, _ := w.knock(w.enter[who], method, w.address(path), w.body(name))
		got = append(got, strconv.Itoa(status))
		w.s.Quiet()
	}
	if line := strings.Join(got, " "); line != doorTable[name] {
		w.t.Errorf("the table has to say, for %s:\n%q: %q,\nand says %q", strings.Join(entrants, " "), name, line, doorTable[name])
	}
}

// pause is enough for nobody to be too fast.
const pause = 15 * time.Second

// ask makes a request of the requester, after the one before was withdrawn or ended.
func (w *town) ask() {
	w.t.Helper()
	if w.asked != "" {
		w.knock(w.enter["requester"], "POST", "/v1/requests/"+w.asked+"/end", nil)
		w.s.Quiet()
	}
	status, body := w.knock(w.enter["requester"], "POST", "/v1/requests", map[string]any{"flow": "prod", "target": "prod_database", "duration": "20m", "reason": "the ledger is stuck", "incident": "none"})
	if status != http.StatusCreated {
		w.t.Fatalf("the requester's request: %d %v", status, body)
	}
	w.asked, _ = body["id"].(string)
	w.hash, _ = body["hash"].(string)
	w.s.Quiet()
}

// address is a door's path with something in its places.
func (w *town) address(path string) string {
	id := w.asked
	if strings.Contains(path, "tokens") || strings.Contains(path, "sessions") || strings.Contains(path, "incidents") {
		id = "none"
	}
	if strings.Contains(path, "people") {
		id = "T0DEMO01/" + company.Sam
	}
	return strings.NewReplacer("{id}", url.PathEscape(id), "{provider}", "company", "{file}", "style.css", "*", "pagerduty/incidents").Replace(path)
}

// body is what is sent to a door: something that it takes, where it takes anything.
func (w *town) body(name string) any {
	ask := map[string]any{"flow": "prod", "target": "production_console", "duration": "30m", "reason": "a look", "incident": "none"}
	nobody := map[string]any{"person": "T0DEMO01/U0NOBODY", "reason": "a test"}
	switch name {
	case "POST /requests/{id}":
		return url.Values{"step": {"approve"}, "hash": {w.hash}}
	case "POST /login", "POST /pages", "POST /adapters", "POST /sessions/{id}/end", "POST /sign-out":
		return url.Values{"code": {"none"}, "ask": {"none"}}
	case "POST /v1/requests":
		return ask
	case "POST /v1/requests/{id}/extensions":
		return map[string]any{"duration": "20m", "reason": "still stuck"}
	case "POST /v1/requests/{id}/decisions":
		return map[string]any{"decision": "approve", "hash": w.hash}
	case "POST /v1/requests/{id}/review":
		return map[string]any{"verdict": "ok"}
	case "POST /v1/end":
		return map[string]any{"kind": "target", "name": "production_console", "reason": "a test"}
	case "POST /v1/login":
		return map[string]any{"hash": strings.Repeat("0", 64), "key": base64.StdEncoding.EncodeToString(make([]byte, 32)), "machine": "m"}
	case "POST /v1/tokens":
		return map[string]any{"name": "more", "scopes": []string{"read"}}
	case "POST /events/request":
		return map[string]any{"flow_srn": "acme:flow:prod:latest", "flow_inputs": map[string]any{"target_id": "acme:access_target:custom:production_console:latest", "duration": 1800, "reason": "a look"}}
	case "POST /events/deescalate":
		return map[string]any{"run_id": w.asked}
	case "POST /v1/audit/looks":
		return map[string]any{"what": "list", "query": ""}
	case "POST /v1/people/confirm", "POST /v1/people/moved", "POST /v1/people/unlink", "POST /v1/audit/erasures":
		return nobody
	}
	return nil
}
