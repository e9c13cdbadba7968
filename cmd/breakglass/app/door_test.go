package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// knock posts to the door; change bends the request.
func knock(t *testing.T, d app.Door, id string, change func(*http.Request)) int {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+d.Addr+"/v1/requests/"+id+"/end", strings.NewReader(`{"reason":"drill"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	change(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// The owner of the process ends access through the door when Slack is down; nobody
// else gets in, and the file is nobody else's to read.
func TestLocalDoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	dana := s.As(company.Dana)
	dana.Asks("Production database", "payments are down", nil)
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	dana.Sees("You have access to Production database")
	s.In("C0PROD", "for themselves, on call")
	s.Quiet()

	file := filepath.Join(dir, "breakglass.db.door")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the door file: %v, %v", info, err)
	}
	d, err := app.ReadDoor(file)
	if err != nil {
		t.Fatal(err)
	}
	id := string(s.Only().ID)
	for name, change := range map[string]func(*http.Request){
		"no token":       func(r *http.Request) { r.Header.Del("Authorization") },
		"another token":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+strings.Repeat("0", 64)) },
		"a name as Host": func(r *http.Request) { r.Host = "evil.example:80" },
	} {
		if code := knock(t, d, id, change); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, code)
		}
	}
	if s.Only().State != flows.StateActive {
		t.Fatal("a refused call changed something")
	}
	asIs := func(*http.Request) {}
	if code := knock(t, d, "req_NONE", asIs); code != http.StatusNotFound {
		t.Errorf("an unknown request: %d", code)
	}
	if code := knock(t, d, id, asIs); code != http.StatusOK {
		t.Errorf("ending it: %d", code)
	}
	dana.Sees("Your access to Production database has ended")
	if len(s.Database.Holders()) != 0 {
		t.Error("the database still gives access")
	}
	if code := knock(t, d, id, asIs); code != http.StatusConflict {
		t.Errorf("ending it again: %d", code)
	}
}

// The door is closed behind a program that stops, but not another program's.
func TestTheDoorIsClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "breakglass.db.door")
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	if _, err := app.ReadDoor(file); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the door file after the end: %v", err)
	}
	s.Start()
	other := []byte(`{"addr":"127.0.0.1:1","token":"another"}`)
	if err := os.WriteFile(file, other, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if got, err := os.ReadFile(file); err != nil || string(got) != string(other) {
		t.Errorf("another program's door is %q, %v", got, err)
	}
	s.Start()
}
