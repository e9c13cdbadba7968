package app_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows/audit"
)

// wall is a webhook that keeps what is signed.
type wall struct {
	*httptest.Server
	mu    sync.Mutex
	notes []string
	bad   []string
}

func newWall(t *testing.T) *wall {
	t.Helper()
	w := &wall{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(company.Getenv("DATABASE_WEBHOOK_KEY"), "whsec_"))
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		var m struct {
			Type string
			Data struct{ Checkpoint string }
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if err != nil || json.Unmarshal(body, &m) != nil || m.Type != "audit.checkpoint" ||
			r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			w.bad = append(w.bad, string(body))
		}
		w.notes = append(w.notes, m.Data.Checkpoint)
	}))
	t.Cleanup(w.Close)
	return w
}

// get reads JSON from the internal door.
func get(t *testing.T, s *bottest.Story, path string) (out map[string]any, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.App.InternalAddr()+path, nil)
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
	return out, resp.StatusCode
}

// inChannel are the checkpoints that Slack shows.
func inChannel(s *bottest.Story) (notes []string) {
	for _, m := range s.Slack.Messages("C0ERRS") {
		notes = append(notes, audit.FindNotes(m.Text)...)
	}
	return notes
}

// Every checkpoint goes to the file and the webhook, the newest to Slack, at most one
// an hour; all of them are of one log.
func TestCheckpointsArePublished(t *testing.T) {
	t.Parallel()
	w, file := newWall(t), filepath.Join(t.TempDir(), "wall.txt")
	s := bottest.Open(t, bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\nsecret \"audit_webhook\" {\n  source = \"env\"\n  name = \"DATABASE_WEBHOOK_KEY\"\n}\n" +
			"audit {\n  file = " + quoted(file) + "\n  webhook = " + quoted(w.URL) + "\n  webhook_secret = secret.audit_webhook\n  allow_private = true\n}\n"
	}))
	if _, status := get(t, s, "/v1/audit/checkpoint"); status != http.StatusNotFound {
		t.Errorf("a checkpoint before there is one: %d", status)
	}
	press := asked(s, "Production console")
	s.FastForward(audit.GrowEvery + time.Second)
	if n := len(inChannel(s)); n != 1 {
		t.Fatalf("Slack has %d checkpoints", n)
	}
	press("bg:approve")
	s.FastForward(50 * time.Minute)
	if n := len(inChannel(s)); n != 1 {
		t.Errorf("Slack has %d checkpoints within the hour", n)
	}
	s.FastForward(20 * time.Minute)
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := audit.FindNotes(string(kept))
	if shown := inChannel(s); len(shown) != 2 || len(all) < 3 || all[len(all)-1] != shown[1] {
		t.Errorf("Slack has %d checkpoints and the file %d", len(shown), len(all))
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor, "C0PROD"} {
		s.All(who, "Production console")
	}
	if w.mu.Lock(); len(w.bad) > 0 || strings.Join(w.notes, "") != strings.Join(all, "") {
		t.Errorf("the webhook got %d, the file %d; not signed well: %q", len(w.notes), len(all), w.bad)
	}
	w.mu.Unlock()
	if head, status := get(t, s, "/v1/audit/checkpoint"); status != http.StatusOK || head["checkpoint"] != all[len(all)-1] {
		t.Errorf("the door shows %v", head)
	}
	ready, _ := get(t, s, "/readyz")
	if state, ok := ready["audit"].(map[string]any); !ok || state["entries_waiting"] != 0.0 || state["signed"] != true || state["late"] != false {
		t.Errorf("ready says %v", ready)
	}
	var witnessed []audit.Witnessed
	for _, n := range all {
		witnessed = append(witnessed, audit.Witnessed{Note: n, Where: file})
	}
	_, facts := recorded(t, s)
	keys, err := audit.Keys(facts["audit_key"].(string))
	if err != nil {
		t.Fatal(err)
	}
	r, err := audit.Verify(t.Context(), audit.Live(s.App.Store()), audit.Options{Keys: keys, Witnessed: witnessed})
	if err != nil || !r.OK() || r.Witnessed != r.Entries || r.Signed != r.Entries {
		t.Errorf("verified as %+v, %v", r, err)
	}
}

func quoted(s string) string { b, _ := json.Marshal(s); return string(b) }

// A tree that is not the one that was signed is found at the start: nothing is given.
func TestAnotherTreeAtTheStart(t *testing.T) {
	t.Parallel()
	var dir string
	s := bottest.Open(t, func(o *company.Options) { dir = o.Dir })
	asked(s, "Production console")
	s.FastForward(audit.GrowEvery + time.Second)
	s.Stop()
	db, err := sql.Open("sqlite", filepath.Join(dir, "breakglass.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"DROP TRIGGER leaves_keep_update", "UPDATE leaves SET entry = -entry WHERE idx IN (1, 2)",
		"UPDATE leaves SET entry = 5 + entry WHERE idx IN (1, 2)", // the second and the third in each other's place
	} {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s.Start()
	if h := health(t, s); h.Status != "end-only" {
		t.Errorf("the program is %+v", h)
	}
}

// Where the tree does not take entries in, that is said after a minute, and nobody waits
// for it: people ask and decide. When it can again, all of them get their places.
func TestTheTreeIsLate(t *testing.T) {
	t.Parallel()
	var dir string
	s := bottest.Open(t, func(o *company.Options) { dir = o.Dir })
	s.FastForward(audit.GrowEvery + time.Second)
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "breakglass.db")+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	do := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	state := func() (waiting, behind float64, late bool) {
		t.Helper()
		ready, _ := get(t, s, "/readyz")
		of := ready["audit"].(map[string]any)
		return of["entries_waiting"].(float64), of["seconds_behind"].(float64), of["late"].(bool)
	}
	do("CREATE TRIGGER no_leaves BEFORE INSERT ON leaves BEGIN SELECT RAISE(ABORT, 'no place'); END")
	press := asked(s, "Production console")
	s.Jump(59 * time.Second)
	if waiting, _, late := state(); waiting == 0 || late {
		t.Errorf("within the minute %v entries wait, and late is %v", waiting, late)
	}
	press("bg:approve")
	s.As(company.Sam).Sees("You have access to Production console until")
	s.Jump(5 * time.Second)
	if waiting, behind, late := state(); waiting < 5 || behind <= 60 || !late {
		t.Errorf("after the minute %v entries wait for %v s, and late is %v", waiting, behind, late)
	}
	do("DROP TRIGGER no_leaves")
	s.Until("all entries to have a place", func() bool {
		s.FastForward(10 * time.Second)
		waiting, _, late := state()
		return waiting == 0 && !late
	})
	s.Overlook()
}

// The key beside a SQLite file is made once, for its owner alone.
func TestTheKeyBesideTheStore(t *testing.T) {
	t.Parallel()
	var dir string
	s := bottest.Open(t, func(o *company.Options) { dir = o.Dir })
	file := app.AuditKeyFile("sqlite:" + filepath.Join(dir, "breakglass.db"))
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s.Restart()
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("the key is another one after a restart: %v", err)
	}
	if strings.Contains(s.Log.String(), strings.TrimSpace(string(before))) {
		t.Error("the log shows the private key")
	}
	if app.AuditKeyFile("postgres://x/y") != "" {
		t.Error("PostgreSQL has a place for a key on this machine")
	}
}
