package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// page is what a path of the internal door answers.
func page(t *testing.T, s *bottest.Story, path string) string {
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
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// behind is how far readyz says that a sink is; -1 where it does not name it.
func behind(t *testing.T, s *bottest.Story, name string) int {
	t.Helper()
	var out struct {
		Sinks map[string]struct{ Behind int }
	}
	if err := json.Unmarshal([]byte(page(t, s, "/readyz")), &out); err != nil {
		t.Fatal(err)
	}
	if one, ok := out.Sinks[name]; ok {
		return one.Behind
	}
	return -1
}

// caughtUp pushes the clock until a sink is so far behind.
func caughtUp(t *testing.T, s *bottest.Story, name string, want int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); behind(t, s, name) != want; {
		if time.Now().After(deadline) {
			t.Fatalf("sink %s: %s", name, page(t, s, "/healthz"))
		}
		s.FastForward(time.Second)
	}
}

// Sinks come and go with the configuration. What happened before is sent too, a sink
// that takes nothing is named by the health and by the figures, and holds up nobody.
func TestSinks(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.As(company.Sam).Asks("Production database", "the ledger is stuck", nil)
	s.As(company.Sam).Sees("You asked for Production database", "Waiting for")
	card := s.As(company.Mara).Sees("asks for Production database", "Waiting for you")
	s.As(company.Noor).Sees("asks for Production database", "Waiting for you")
	dir := t.TempDir()
	blocks := `
sink "file" "copy" {
  path = "` + filepath.Join(dir, "audit.jsonl") + `"
}

sink "file" "broken" {
  path     = "` + filepath.Join(dir, "nowhere", "audit.jsonl") + `"
  openings = true
}
`
	if err := s.Reload(bottest.Replace(`environment "prod" {`, blocks+"\nenvironment \"prod\" {")); err != nil {
		t.Fatal(err)
	}
	s.As(company.Mara).Denies(card, "use the replica")
	s.All(company.Sam, "Production database")
	denied := []byte(`"verb":"deny"`)
	s.Until("the denial to be in the file", func() bool { // its place in the log comes within half a minute
		s.FastForward(time.Second)
		b, err := os.ReadFile(filepath.Join(dir, "audit.jsonl"))
		return err == nil && bytes.Contains(b, denied)
	})
	caughtUp(t, s, "file.copy", 0)
	entries := lines(t, filepath.Join(dir, "audit.jsonl"))
	if len(entries) < 5 || bytes.Contains(bytes.Join(entries, nil), []byte("ledger")) || !bytes.Contains(entries[len(entries)-1], denied) {
		t.Errorf("%s", bytes.Join(entries, []byte("\n")))
	}
	caughtUp(t, s, "file.broken", len(entries))
	s.Until("the health to say why", func() bool { // it is tried beside what the test does
		why := health(t, s).Warnings["sink.file.broken"]
		return strings.Contains(why, "nowhere/audit.jsonl") && strings.Contains(why, "wait in the database")
	})
	numbers := page(t, s, "/metrics")
	for _, want := range []string{`breakglass_sink_behind_entries{sink="file.copy"} 0`, `breakglass_sink_behind_seconds{sink="file.broken"} `, `breakglass_sink_failed_total{sink="file.broken"} `, "breakglass_config_refused 0"} {
		if !strings.Contains(numbers, want) {
			t.Errorf("the figures have no %s", want)
		}
	}
	if err := s.Reload(bottest.Replace(blocks, "")); err != nil {
		t.Fatal(err)
	}
	if n := behind(t, s, "file.copy"); n != -1 {
		t.Errorf("a sink that is gone: %d", n)
	}
}

func lines(t *testing.T, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}
