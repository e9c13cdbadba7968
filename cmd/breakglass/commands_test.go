package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	main "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
)

// commandDoors are the doors that each command knocks at, with a token (a) or by the door
// file (d). Who may is what app.TestWhoEntersWhere says of the door.
var commandDoors = map[string][]string{
	"a request list":                         {"GET /v1/requests"},
	"a request show req_1":                   {"GET /v1/requests/{id}"},
	"a request create prod_database":         {"POST /v1/requests"},
	"a request wait req_1":                   {"GET /v1/requests/{id}/events"},
	"a request approve req_1":                {"GET /v1/requests/{id}", "POST /v1/requests/{id}/decisions"},
	"a request deny req_1 --reason no":       {"GET /v1/requests/{id}", "POST /v1/requests/{id}/decisions"},
	"a request cancel req_1":                 {"POST /v1/requests/{id}/cancel"},
	"a request done req_1":                   {"POST /v1/requests/{id}/done"},
	"a request extend req_1":                 {"POST /v1/requests/{id}/extensions"},
	"a request review req_1 --verdict ok":    {"POST /v1/requests/{id}/review"},
	"a token create ci":                      {"POST /v1/tokens"},
	"a token list":                           {"GET /v1/tokens"},
	"a token revoke tok_1":                   {"DELETE /v1/tokens/{id}"},
	"a login":                                {"POST /v1/login"},
	"a logout":                               {"GET /v1/me"}, // and then DELETE /v1/tokens/{id}
	"a curl /v1/apis/http/pagerduty/x":       {"GET /v1/apis/http/*"},
	"a end --all --yes --server":             {"POST /v1/end"},
	"a freeze --server":                      {"POST /v1/freeze"},
	"a unfreeze --server":                    {"POST /v1/unfreeze"},
	"d end --all --yes":                      {"POST /v1/end"},
	"d freeze":                               {"POST /v1/freeze"},
	"d unfreeze":                             {"POST /v1/unfreeze"},
	"d request end req_1":                    {"POST /v1/requests/{id}/end"},
	"d reload":                               {"POST /v1/reload"},
	"d restore report":                       {"POST /v1/restore/report"},
	"d restore accept":                       {"POST /v1/restore/accept"},
	"d audit erase T0/U1 --ticket X":         {"POST /v1/audit/erasures"},
	"d audit list":                           {"POST /v1/audit/looks"},
	"d audit show system":                    {"POST /v1/audit/looks"},
	"d audit export":                         {"POST /v1/audit/looks"},
	"d people import people.csv":             {"POST /v1/people/import"},
	"d people link T0/U1 --confirm":          {"POST /v1/people/confirm"},
	"d people unlink T0/U1":                  {"POST /v1/people/unlink"},
	"d people moved old.example new.example": {"POST /v1/people/moved"},
}

// doorFlags are the commands whose --door or --server is not for knocking.
var doorFlags = []string{
	"breakglass serve", // says where the door file is written
	"breakglass curl",  // knocks at adapters, see above
}

// Each command that goes through a door has a row, knocks where its row says, and there is
// such a door.
func TestCommandsKnockAtTheirDoors(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("app/roles_test.go") // which is held to the doors
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for row, want := range commandDoors {
		kind, line, _ := strings.Cut(row, " ")
		rows = append(rows, line)
		for _, door := range want {
			if !strings.Contains(string(table), `"`+door+`":`) {
				t.Errorf("%s: there is no door %s", row, door)
			}
		}
		if diff := cmp.Diff(want, knocks(t, kind, strings.Fields(line))); diff != "" {
			t.Errorf("%s knocks elsewhere (-want +got):\n%s", row, diff)
		}
	}
	for _, command := range main.Commands() {
		name := strings.TrimPrefix(command.Path, "breakglass ")
		has := slices.ContainsFunc(rows, func(line string) bool { return line == name || strings.HasPrefix(line, name+" ") })
		if command.Doors && !has && !slices.Contains(doorFlags, command.Path) {
			t.Errorf("%s goes through a door, and has no row", command.Path)
		}
	}
}

// knocks runs a command against a listener that only says no, and returns what it asked.
func knocks(t *testing.T, kind string, args []string) []string {
	t.Helper()
	var mu sync.Mutex
	var got []string
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		path := regexp.MustCompile(`req_1|tok_1`).ReplaceAllString(r.URL.Path, "{id}")
		path = regexp.MustCompile(`^/v1/apis/http/.*`).ReplaceAllString(path, "/v1/apis/http/*")
		got = append(got, r.Method+" "+path)
		rw.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet && path == "/v1/requests/{id}" {
			_, _ = rw.Write([]byte(`{"id":"req_1","state":"pending","hash":"x"}`))
			return
		}
		rw.WriteHeader(http.StatusForbidden)
		_, _ = rw.Write([]byte(`{"status":403,"detail":"no","code":"not_allowed","error":"no"}`))
	}))
	defer srv.Close()
	dir := t.TempDir()
	env := map[string]string{"HOME": dir}
	switch {
	case kind == "d":
		b, err := json.Marshal(app.Door{Addr: strings.TrimPrefix(srv.URL, "http://"), Token: "x"})
		if err != nil {
			t.Fatal(err)
		}
		door, db := filepath.Join(dir, "door"), filepath.Join(dir, "x.db")
		if err := os.WriteFile(door, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if code := runsWith(t, env, "migrate", "--db", db); code != 0 {
			t.Fatalf("migrate exits %d", code)
		}
		if slices.Contains(args, "people.csv") {
			file := filepath.Join(dir, "people.csv")
			if err := os.WriteFile(file, []byte("name,slack,pagerduty,email\ndana,U0DANA,PDANA01,dana@demo.example\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args = []string{"people", "import", file}
		}
		args = append(args, "--door", door, "--db", db)
	case slices.Contains(args, "--server"):
		args, env["BREAKGLASS_TOKEN"] = append(args, srv.URL), "bgt_x"
	default:
		env["BREAKGLASS_TOKEN"], env["BREAKGLASS_SERVER"] = "bgt_x", srv.URL
		args = append(args, "--server", srv.URL)
	}
	runsWith(t, env, args...)
	return got
}

func runsWith(t *testing.T, env map[string]string, args ...string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	var out, errs buffer
	code := main.Run(ctx, args, func(name string) string { return env[name] }, strings.NewReader(""), &out, &errs)
	t.Log(strings.Join(args, " "), code, errs.String())
	return code
}
