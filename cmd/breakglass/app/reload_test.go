package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// recorded are the entries of the program itself: verb, and the facts as they stand.
func recorded(t *testing.T, s *bottest.Story) (verbs []string, last map[string]any) {
	t.Helper()
	all, err := s.App.Store().Entries(context.Background(), "system")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Verb == "people_seen" { // comes by itself
			continue
		}
		verbs = append(verbs, e.Verb)
		var body struct{ Facts map[string]any }
		if err := json.Unmarshal(e.Bytes, &body); err != nil {
			t.Fatal(err)
		}
		last = body.Facts
	}
	return verbs, last
}

// health is what the internal door says about the program.
func health(t *testing.T, s *bottest.Story) (out struct {
	Status, Config string
	Warnings       map[string]string
}) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.App.InternalAddr()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// asked is Sam's request as the managers on call see it.
func asked(s *bottest.Story, target string) (mara func(action string)) {
	s.T.Helper()
	s.As(company.Sam).Asks(target, "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for "+target, "Waiting for")
	card := s.As(company.Mara).Sees("asks for "+target, "Waiting for you")
	s.As(company.Noor).Sees("asks for "+target, "Waiting for you")
	return func(action string) { s.As(company.Mara).Presses(card, action) }
}

// A good configuration is in force at once: the handler is compiled anew, and a click
// on a request that was routed by the old one is refused and the request routed again.
func TestReload(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	press := asked(s, "Production database")
	before := s.App.Catalog().Hash
	if err := s.Reload(bottest.Handler(`return slack.group(["U0LENA"])`)); err != nil {
		t.Fatal(err)
	}
	press("bg:approve")
	s.As(company.Mara).Told("The flow's rules were changed since you were asked", "The request was routed again")
	lenas := s.As(company.Lena).Sees("asks for Production database", "Waiting for you")
	s.As(company.Lena).Presses(lenas, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Has(company.Sam)
	verbs, facts := recorded(t, s)
	if now := s.App.Catalog().Hash; !slices.Equal(verbs, []string{"started", "config_loaded"}) || facts["config"] != now || now == before {
		t.Errorf("recorded is %v, %v; in force is %s, before it was %s", verbs, facts, now, before)
	}
	if h := health(t, s); h.Status != "ok" || h.Config != s.App.Catalog().Hash || len(h.Warnings) != 0 {
		t.Errorf("the health is %+v", h)
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production database")
	}
}

// A bad configuration changes nothing: the operators' channel, the health and the audit
// say so, until a good one is loaded.
func TestABadReloadKeepsTheOld(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	before := s.App.Catalog()
	bad := bottest.Replace(`incident       = "optional"`, `incident       = "perhaps"`)
	if err := s.Reload(bad); err == nil || !strings.Contains(err.Error(), "breakglass.hcl:") {
		t.Errorf("it was loaded, or refused without its place: %v", err)
	}
	s.In("C0ERRS", "the configuration has an error: breakglass.hcl:", "nothing was changed")
	h := health(t, s)
	if s.App.Catalog() != before || h.Status != "ok" || h.Config != before.Hash || !strings.Contains(h.Warnings["config"], "nothing was changed") {
		t.Errorf("the health is %+v", h)
	}
	verbs, facts := recorded(t, s)
	if !slices.Equal(verbs, []string{"started", "config_refused"}) || facts["config"] != before.Hash {
		t.Errorf("recorded is %v, %v", verbs, facts)
	}
	if err := s.Reload(bottest.Edit("prod.py", func(string) string { return "def get_approvers(evt):\n    return 1 +\n" })); err == nil {
		t.Error("a handler that does not compile was loaded")
	}
	s.In("C0ERRS", "the configuration has 2 errors")
	if err := s.Reload(bottest.Replace(`"perhaps"`, `"optional"`), bottest.Handler(`return slack.group(["U0LENA"])`)); err != nil {
		t.Error(err)
	}
	if h := health(t, s); len(h.Warnings) != 0 || h.Config == before.Hash {
		t.Errorf("the health is %+v", h)
	}
}

// What is only read at the start is refused, by name.
func TestAReloadThatNeedsARestart(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	server := func(line string) func(*company.Options) {
		return bottest.Replace(`environment "prod" {`, "server {\n  "+line+"\n}\n\nenvironment \"prod\" {")
	}
	undo := func(line string) func(*company.Options) {
		return bottest.Replace("server {\n  "+line+"\n}\n\n", "")
	}
	for name, c := range map[string]struct{ change, back func(*company.Options) }{
		"server.public_listen":       {server(`public_listen = "127.0.0.1:9999"`), undo(`public_listen = "127.0.0.1:9999"`)},
		"server.store":               {server(`store = "sqlite:other.db"`), undo(`store = "sqlite:other.db"`)},
		"integration.slack.main":     {bottest.Replace("T0DEMO01", "T0DEMO02"), bottest.Replace("T0DEMO02", "T0DEMO01")},
		"integration.pagerduty.main": {bottest.Replace("breakglass@demo", "glass@demo"), bottest.Replace("glass@demo", "breakglass@demo")},
		"secret.slack_bot_token":     {bottest.Replace(`"SLACK_BOT_TOKEN"`, `"SLACK_TOKEN"`), bottest.Replace(`"SLACK_TOKEN"`, `"SLACK_BOT_TOKEN"`)},
	} {
		err := s.Reload(c.change)
		if !errors.Is(err, app.ErrNeedsRestart) || !strings.Contains(err.Error(), "start: "+name+".") {
			t.Errorf("%s: %v", name, err)
		}
		c.back(&company.Options{Config: s.Directory()})
	}
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
	s.All("C0ERRS", "only read at the start")
}

// A target that gives access now stays, where and as it is executed; the rest of it may
// change, and all of it when the access has ended.
func TestATargetWithLiveGrantsStaysAtAReload(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	asked(s, "Production database")("bg:approve")
	s.As(company.Sam).Sees("You have access to Production database until")
	s.Quiet()
	moved := bottest.Replace("url           = var.database_webhook", `url           = "http://127.0.0.1:9/access"`)
	back := bottest.Replace(`url           = "http://127.0.0.1:9/access"`, "url           = var.database_webhook")
	if err := s.Reload(moved); !errors.Is(err, app.ErrTargetsMoved) || !strings.Contains(err.Error(), "prod_database (1)") {
		t.Errorf("another address: %v", err)
	}
	if err := s.Reload(back, bottest.Replace("target.production_console, target.prod_database", "target.production_console"),
		bottest.Edit("breakglass.hcl", without("target", "prod_database"))); !errors.Is(err, app.ErrTargetsGone) {
		t.Errorf("the target is gone: %v", err)
	}
	s.Has(company.Sam)
	s.Stop()
	if err := s.StartApp(context.Background()); !errors.Is(err, app.ErrTargetsGone) {
		t.Errorf("it was started: %v", err)
	}
	if err := company.WriteExample(s.Directory()); err != nil {
		t.Fatal(err)
	}
	if err := s.App.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	moved(&company.Options{Config: s.Directory()})
	if err := s.StartApp(context.Background()); !errors.Is(err, app.ErrTargetsMoved) {
		t.Errorf("it was started at another address: %v", err)
	}
	if err := s.App.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	back(&company.Options{Config: s.Directory()})
	s.Start()
	if err := s.Reload(bottest.Replace(`label         = "Production database"`, `label         = "The ledger"`)); err != nil {
		t.Errorf("another label: %v", err)
	}
	s.As(company.Sam).Types("/access done " + s.Only().ID.Short())
	s.As(company.Sam).Told("On it")
	s.As(company.Sam).Sees("Your access to The ledger has ended")
	s.Quiet()
	if r := s.Only(); r.State != flows.StateEnded {
		t.Fatalf("it is %s", r.State)
	}
	if err := s.Reload(moved); err != nil {
		t.Errorf("another address when nobody has access: %v", err)
	}
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0ERRS"} {
		s.All(where)
	}
}

// without takes a block out of the configuration.
func without(kind, name string) func(string) string {
	return func(hcl string) string {
		from := strings.Index(hcl, kind+` "`+name+`" {`)
		return hcl[:from] + hcl[from+strings.Index(hcl[from:], "\n}\n")+3:]
	}
}

// The owner of the process may have it loaded again by the door, nobody else.
func TestReloadByTheDoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	d, err := app.ReadDoor(filepath.Join(dir, "breakglass.db.door"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Directory(), "prod.py"), []byte("def get_approvers(evt):\n    return None\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.App.Catalog().Hash
	for token, want := range map[string]int{"": http.StatusUnauthorized, d.Token: http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr+"/v1/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != want {
			t.Errorf("%d, want %d", resp.StatusCode, want)
		}
	}
	if s.App.Catalog().Hash == before {
		t.Error("nothing was loaded")
	}
}
