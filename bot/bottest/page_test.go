package bottest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/pagerdutyfake"
)

// upstream is a PagerDuty of its own with one incident, for calls as people make them:
// the company's holds everybody to what its own client does.
func upstream(t *testing.T) *pagerdutyfake.Account {
	t.Helper()
	acc := pagerdutyfake.New(pagerdutyfake.Options{Now: time.Now, Keys: []pagerdutyfake.Key{{Token: company.Getenv("PAGERDUTY_API_KEY")}}})
	if err := errors.Join(company.FillPagerDuty(acc), acc.Start("127.0.0.1:0")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = acc.Close() })
	if _, err := acc.Trigger(company.Service, "Payments <b>fail</b>", "PDANA01"); err != nil {
		t.Fatal(err)
	}
	return acc
}

// adapterTo is an adapter in front of a PagerDuty: everybody may see incidents; notes
// need a grant.
func adapterTo(acc *pagerdutyfake.Account, origins ...string) func(*company.Options) {
	list, _ := json.Marshal(append([]string{}, origins...))
	return func(o *company.Options) {
		bottest.Edit("breakglass.hcl", func(hcl string) string {
			return hcl + `
http_adapter "pagerduty" {
  base_url      = "` + acc.URL() + `"
  allow_private = true
  headers = {
    Authorization = "Token token=${secret.pagerduty_api_key}"
    Accept        = "application/vnd.pagerduty+json;version=2"
  }
  allow          = ["GET /incidents", "GET /incidents/{id}"]
  callers        = ["@engineering"]
  origins        = ` + string(list) + `
  caller_as_from = true
}

target "pagerduty_notes" {
  kind    = "http_adapter"
  label   = "PagerDuty: write notes"
  adapter = http_adapter.pagerduty
  allow   = ["POST /incidents/{id}/notes"]
}
`
		})(o)
		bottest.Set("targets", "[target.prod_database, target.production_console, target.pagerduty_notes]")(o)
	}
}

// canvas is a page of another site with the snippet of the reference document as it
// stands there.
func canvas(t *testing.T, home func() string) *httptest.Server {
	t.Helper()
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>canvas</title><button>Run</button>
<script type="module">
import { atlasProxyFetch } from "%s/assets/atlas.js";
const cell = async () => {
const httpAdapterName = "pagerduty"; // or "pagerduty-eu"
const response = await atlasProxyFetch(`+"`/v1/apis/http/${httpAdapterName}/incidents`"+`);
return await response.json();
};
document.querySelector("button").onclick = async () => {
  try { window.got = await cell(); } catch (e) { window.got = { failed: String(e) }; }
};
window.ready = true;
</script>`, home())
	}))
	site.Start()
	t.Cleanup(site.Close)
	return site
}

// A page of another site, in a real browser: the snippet of the reference document calls
// the adapter, after the person said yes in the window that it opened.
func TestPageOfAnotherSiteCalls(t *testing.T) {
	t.Parallel()
	var s *bottest.Story
	site := canvas(t, func() string { return s.URL("") })
	origin := strings.Replace(site.URL, "127.0.0.1", "localhost", 1) // another site, not just another port
	p, with := bottest.SignIn(t)
	s = bottest.Open(t, with, adapterTo(upstream(t), origin))
	dana := signed(s, p, company.Dana)
	c := browse(t, s.URL(""), dana.Client.Jar)
	c.opens(origin)
	c.until("window.ready === true")
	c.clicks("button")
	c.within("/pages?origin=", func() {
		var text string
		c.eval("document.querySelector('main').innerText", &text)
		if !strings.Contains(text, origin) || !strings.Contains(text, "pagerduty") || !strings.Contains(text, "15m") {
			t.Errorf("what Dana is asked: %s", text)
		}
		c.eval("document.querySelector('button.good').click()", nil)
	})
	c.until("window.got !== undefined")
	var got struct {
		Failed    string
		Incidents []struct{ ID, Title string }
	}
	c.eval("window.got", &got)
	if got.Failed != "" || len(got.Incidents) != 1 || got.Incidents[0].Title != "Payments <b>fail</b>" {
		t.Fatalf("the page got %+v", got)
	}

	// The second call asks nothing, and no cookie of the console goes along.
	c.eval("window.got = undefined; document.querySelector('button').click()", nil)
	c.until("window.got?.incidents?.length === 1")
	var cookies string
	c.eval("document.cookie", &cookies)
	if cookies != "" {
		t.Errorf("the page sees the cookies %q", cookies)
	}
}

// Who may ask from where: an origin that is not listed gets nothing, a page's token opens
// nothing else and nothing from elsewhere, and only a person who signed in lets a page in.
func TestPageTokens(t *testing.T) {
	t.Parallel()
	const origin = "https://canvas.acme.example"
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, adapterTo(upstream(t), origin))
	dana := signed(s, p, company.Dana)

	send := func(method, path, origin, token string, more ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL(path), http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Origin": origin, "Authorization": token} {
			if value != "" {
				req.Header.Set(name, value)
			}
		}
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		for i := 0; i < len(more); i += 2 {
			req.Header.Set(more[i], more[i+1])
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	allowed := func(r *http.Response) string { return r.Header.Get("Access-Control-Allow-Origin") }

	const path = "/v1/apis/http/pagerduty/incidents"
	if r := send("OPTIONS", path, origin, "", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization"); r.StatusCode != http.StatusNoContent ||
		allowed(r) != origin || !strings.Contains(r.Header.Get("Access-Control-Allow-Headers"), "Authorization") || r.Header.Get("Access-Control-Allow-Credentials") != "" || r.Header.Get("Vary") != "Origin" {
		t.Errorf("the browser asks first: %d %v", r.StatusCode, r.Header)
	}
	for _, other := range []string{"https://evil.example", "null", "*", "https://canvas.acme.example.evil.example", "https://CANVAS.acme.example", "http://canvas.acme.example", "https://canvas.acme.example:8443"} {
		if r := send("OPTIONS", path, other, "", "Access-Control-Request-Method", "GET"); allowed(r) != "" || r.StatusCode < 400 {
			t.Errorf("%s may ask: %d %v", other, r.StatusCode, r.Header)
		}
		if page := dana.Get("/pages?origin=" + other); page.Status != http.StatusForbidden {
			t.Errorf("%s may be let in: %d", other, page.Status)
		}
	}
	for _, elsewhere := range []string{"/v1/requests", "/", "/pages", "/v1/tokens"} {
		if r := send("OPTIONS", elsewhere, origin, "", "Access-Control-Request-Method", "POST"); allowed(r) != "" {
			t.Errorf("the page may ask %s: %v", elsewhere, r.Header)
		}
	}

	page := dana.Post("/pages", map[string][]string{"origin": {origin}})
	_, rest, _ := strings.Cut(page.Body, `data-token="`)
	token, _, _ := strings.Cut(rest, `"`)
	if page.Status != http.StatusOK || !strings.HasPrefix(token, "bgt_") {
		t.Fatalf("Dana lets the page in: %d %s", page.Status, page.Text())
	}
	token = "Bearer " + token
	if r := send("GET", path, origin, token); r.StatusCode != http.StatusOK || allowed(r) != origin || !strings.Contains(r.Header.Get("Access-Control-Expose-Headers"), "Breakglass-Answer") {
		t.Errorf("the page calls: %d %v", r.StatusCode, r.Header)
	}
	if r := send("POST", path+"/PINC/notes", origin, token); r.StatusCode != http.StatusForbidden || r.Header.Get("Breakglass-Answer") != "breakglass" {
		t.Errorf("the page changes something: %d %v", r.StatusCode, r.Header)
	}
	for name, r := range map[string]*http.Response{
		"from nowhere": send("GET", path, "", token), "from another page": send("GET", path, "https://evil.example", token),
		"for requests": send("GET", "/v1/requests", origin, token), "for the module": send("GET", "/assets/atlas.js", "", ""),
		"for another adapter": send("GET", "/v1/apis/http/other/x", origin, token),
	} {
		if want := map[bool]int{true: http.StatusOK, false: http.StatusForbidden}[name == "for the module"]; r.StatusCode != want || allowed(r) != "" {
			t.Errorf("%s: %d %v", name, r.StatusCode, r.Header)
		}
	}
	if r := send("POST", "/pages?origin="+origin, origin, ""); r.StatusCode != http.StatusForbidden {
		t.Errorf("a page lets itself in: %d", r.StatusCode)
	}
	s.FastForward(16 * time.Minute)
	if r := send("GET", path, origin, token); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("after a quarter of an hour: %d", r.StatusCode)
	}
}

// clicks clicks as a person does, so that a window may open.
func (c *chromium) clicks(selector string) {
	c.t.Helper()
	var at struct{ X, Y float64 }
	c.eval(fmt.Sprintf("(() => { const r = document.querySelector(%q).getBoundingClientRect(); return { X: r.x + r.width/2, Y: r.y + r.height/2 } })()", selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		c.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// within does something in the window that was opened, and comes back.
func (c *chromium) within(address string, do func()) {
	c.t.Helper()
	mine := c.session
	defer func() { c.session = mine }()
	for {
		var all struct {
			TargetInfos []struct{ TargetID, Type, URL string }
		}
		c.session = ""
		c.call("Target.getTargets", nil, &all)
		for _, target := range all.TargetInfos {
			if target.Type == "page" && strings.Contains(target.URL, address) {
				var to struct{ SessionID string }
				c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &to)
				c.session = to.SessionID
				c.until("document.readyState === 'complete' && document.querySelector('main') !== null")
				do()
				return
			}
		}
		if c.t.Context().Err() != nil {
			c.t.Fatal("the window does not open")
		}
	}
}
