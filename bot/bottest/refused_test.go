package bottest_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// A submission that is refused leaves its entry, though no request comes of it: who
// asked for what, and why not.
func TestARefusedSubmissionIsRecorded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	sam := s.As(company.Sam)
	sam.Types("/access production_console 30m the ledger is stuck")
	form := sam.Form("incident")
	must(t, s.Slack.ChangeUser(company.Sam, func(u *slackfake.User) { u.IsRestricted = true }))
	if _, err := sam.Submit(form, nil); err != nil {
		t.Fatal(err)
	}
	sam.Sees("Your request was not submitted. The requester's Slack account is a guest account")
	s.Quiet()
	if n := len(s.Requests()); n != 0 {
		t.Fatalf("%d requests", n)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "breakglass.db")+"?mode=ro")
	must(t, err)
	defer db.Close()
	var chain string
	must(t, db.QueryRowContext(t.Context(), "SELECT chain FROM entries WHERE verb = 'refused'").Scan(&chain))
	all, err := s.App.Store().Entries(t.Context(), chain)
	must(t, err)
	var entry struct {
		Code  string
		Facts map[string]any
	}
	must(t, json.Unmarshal(all[0].Bytes, &entry))
	if entry.Code != string(flows.RefusedStanding) || entry.Facts["asked_for"] != "submit" || entry.Facts["target"] != "production_console" || entry.Facts["flow"] != "prod" {
		t.Errorf("recorded is %s", all[0].Bytes)
	}
	if len(all) != 1 || !slices.ContainsFunc(all[0].Openings, func(o flows.Opening) bool { return o.Value == string(company.Person(company.Sam)) }) {
		t.Errorf("the entry does not name who asked: %+v", all)
	}
	must(t, s.App.Store().VerifyTail(t.Context(), 0))
}

// A press of an old card is refused before it gets to the request, and recorded too.
func TestAPressOfAnOldCardIsRecorded(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	_, maras, noors := askedManagers(s, "Production console", "the ledger is stuck")
	s.As(company.Mara).Presses(maras, "bg:approve")
	s.As(company.Sam).Sees("You have access to Production console until")
	s.Quiet()
	s.As(company.Noor).PressesOld(noors, "bg:approve")
	s.As(company.Noor).Told("This was already decided: approved by <@U0MARA>")
	if got := refusals(s); !slices.Equal(got, []string{"already_decided bg:approve"}) {
		t.Errorf("recorded is %v", got)
	}
	s.Expect("submit", "route", "approve", "activate", "granted")
	for _, who := range []string{company.Sam, company.Mara, company.Noor} {
		s.All(who, "Production console")
	}
}
