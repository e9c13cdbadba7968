package bottest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/store"
)

// The database is put back to an earlier state: by whoever did it, Breakglass finds out
// at the start, gives nothing, reports what the target still has given, and goes on
// when an admin has accepted that.
func TestAnEarlierDatabase(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(t *testing.T, backup, db string, now time.Time){
		"restored by us": func(t *testing.T, backup, db string, now time.Time) {
			t.Helper()
			kept, err := store.Restore(t.Context(), backup, db, now)
			must(t, err)
			if _, err := os.Stat(kept); err != nil {
				t.Errorf("what was there is lost: %v", err)
			}
		},
		"put back by somebody": func(t *testing.T, backup, db string, _ time.Time) {
			t.Helper()
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(db + suffix); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			must(t, store.Backup(t.Context(), backup, db))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			earlierDatabase(t, put)
		})
	}
}

func earlierDatabase(t *testing.T, put func(t *testing.T, backup, db string, now time.Time)) {
	t.Helper()
	published := filepath.Join(t.TempDir(), "checkpoints.txt")
	s := bottest.Open(t, bottest.Edit("breakglass.hcl", func(hcl string) string {
		return hcl + "\naudit {\n  file = \"" + published + "\"\n}\n"
	}))
	s.FastForward(time.Minute)
	db := s.DatabaseFile()
	backup := filepath.Join(t.TempDir(), "backup.db")
	must(t, store.Backup(t.Context(), db, backup)) // while it serves

	givenBy(s, "Production database")
	s.FastForward(time.Minute) // and the checkpoint that covers it is published
	s.Stop()
	put(t, backup, db, s.Clock.Now())
	s.Start()

	if why := health(t, s)["earlier"]; !strings.Contains(why, "no admin has accepted that yet") {
		t.Fatalf("it goes on as if nothing had happened: %v", health(t, s))
	}
	if n := len(s.Requests()); n != 0 {
		t.Fatalf("the earlier database knows %d requests", n)
	}
	s.HasNow(company.Sam) // nobody knows of it any more
	dana := s.As(company.Dana)
	dana.Asks("Production console", "payments are down", nil)
	s.Until("the refusal", func() bool {
		v, _ := dana.Front()
		return strings.Contains(v.Shown(), "no admin has accepted that yet")
	})

	var report struct{ Ungoverned []app.Ungoverned }
	through(t, s, "/v1/restore/report", &report)
	want := app.Ungoverned{Person: company.Person(company.Sam), Target: "prod_database", Has: flows.Yes.String()}
	if len(report.Ungoverned) != 1 || report.Ungoverned[0] != want {
		t.Errorf("what may still be granted: %+v, want only %+v", report.Ungoverned, want)
	}
	through(t, s, "/v1/restore/accept", nil)
	if why := health(t, s); len(why) != 0 {
		t.Errorf("after it was accepted: %v", why)
	}
	s.Restart() // it stays accepted
	if why := health(t, s); len(why) != 0 {
		t.Errorf("after a restart: %v", why)
	}
	if f := s.Facts("system", "restore_accepted"); f == nil {
		t.Error("it is not recorded")
	}
	for _, who := range []string{company.Sam, company.Mara, company.Noor, company.Dana, "C0SREM", "C0PROD", "C0ERRS"} {
		s.All(who)
	}
}

// through asks by the door for commands of this machine.
func through(t *testing.T, s *bottest.Story, path string, out any) {
	t.Helper()
	d, err := app.ReadDoor(app.DoorFile(s.DatabaseFile()))
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr+path, strings.NewReader(`{"reason": "the disk died"}`))
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+d.Token)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", path, resp.Status)
	}
	if out != nil {
		must(t, json.NewDecoder(resp.Body).Decode(out))
	}
}

// Nothing but Slack has the checkpoints: the database that somebody put back is found by
// what stands in the channel, right after the start, or as soon as Slack says it.
func TestAnEarlierDatabaseByWhatSlackHas(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Edit("breakglass.hcl", func(hcl string) string { return hcl + "\naudit {\n  every = \"1m\"\n}\n" }))
	s.Until("readyz to say that Slack lets nobody read", func() bool { return strings.Contains(readyz(t, s), "may not read its channel") })
	s.Slack.SetToken("demo-bot-token", slackfake.Token{Kind: slackfake.BotToken, Scopes: append(slackfake.DefaultBotScopes(), "channels:history")})
	s.FastForward(time.Minute)
	db, backup := s.DatabaseFile(), filepath.Join(t.TempDir(), "backup.db")
	must(t, store.Backup(t.Context(), db, backup))
	givenBy(s, "Production database")
	s.FastForward(5 * time.Minute) // and a checkpoint that covers it is posted
	s.Restart()
	published := func(want string) {
		t.Helper()
		s.Until("readyz to say "+want, func() bool { return strings.Contains(readyz(t, s), want) })
	}
	published("the database is what was published")
	s.Stop()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(db + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	must(t, store.Backup(t.Context(), backup, db))
	s.Slack.Fail(slackfake.Fault{Method: "conversations.history", Times: 20, Error: "internal_error"})
	s.Start()
	published("not read yet")
	if why := health(t, s); len(why) != 0 {
		t.Errorf("while Slack is silent: %v", why)
	}
	s.Slack.ClearFaults()
	s.Clock.Push(6 * time.Minute)
	published("the database is not the one that was published")
	if why := health(t, s)["earlier"]; !strings.Contains(why, "published in Slack") {
		t.Fatalf("it goes on as if nothing had happened: %v", health(t, s))
	}
	through(t, s, "/v1/restore/accept", nil)
	if why := health(t, s); len(why) != 0 {
		t.Errorf("after it was accepted: %v", why)
	}
	s.Clock.Push(time.Second)
	s.Restart()
	published("the database is what was published")
	if why := health(t, s); len(why) != 0 {
		t.Errorf("after a restart: %v", why)
	}
	s.Overlook()
}

func readyz(t *testing.T, s *bottest.Story) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL("/readyz"), nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return string(b)
}
