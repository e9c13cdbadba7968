package app_test

import (
	"database/sql"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

// What Slack sent is kept for a week after it was handled, so that the same again counts
// once, and then deleted. By then Slack's signature on it is long worth nothing.
func TestHandledPayloadsAreDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, twoAdmins("none"), func(o *company.Options) { o.Dir = dir })
	used(s)
	clicks := slices.DeleteFunc(s.Slack.Calls("block_actions"), func(e slackfake.Exchange) bool { return !strings.Contains(e.RequestBody, "approve") })
	if got := sentAgain(t, s, clicks[0]); got != http.StatusOK {
		t.Errorf("the same click within a minute was answered %d", got)
	}
	s.Quiet()
	before := handledPayloads(t, s)
	if before < 3 {
		t.Fatalf("%d payloads were handled", before)
	}
	for day, want := range []int{before, before, before, before, before, before, before, 0, 0} {
		if got := handledPayloads(t, s); got != want {
			t.Errorf("after %d days %d payloads are left, want %d", day, got, want)
		}
		s.Jump(24*time.Hour + time.Minute)
		s.Quiet()
	}
	if got := sentAgain(t, s, clicks[0]); got != http.StatusUnauthorized {
		t.Errorf("the same click after a week was answered %d", got)
	}
	s.Expect("submit", "route", "approve", "activate", "observed", "granted", "done", "revoked")
}

// sentAgain sends what Slack once sent, byte by byte.
func sentAgain(t *testing.T, s *bottest.Story, e slackfake.Exchange) int {
	t.Helper()
	was, err := url.Parse(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.App.PublicAddr()+was.Path, strings.NewReader(e.RequestBody))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = e.RequestHeader.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func handledPayloads(t *testing.T, s *bottest.Story) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.DatabaseFile()+"?mode=ro&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM inbox WHERE handled_at > 0").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
