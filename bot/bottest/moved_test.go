package bottest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows/people"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// moves gives somebody other addresses at Slack and PagerDuty.
func moves(s *bottest.Story, who, pager, slackEmail, login string, more ...func(*slackfake.User)) {
	s.T.Helper()
	must(s.T, s.Slack.ChangeUser(who, func(u *slackfake.User) {
		u.Email = slackEmail
		for _, change := range more {
			change(u)
		}
	}))
	_, err := s.PagerDuty.AddUser(pagerdutyfake.User{ID: pager, Name: who, Email: login})
	must(s.T, err)
}

// The company's e-mail domain changed: everybody's link is set aside. One order confirms
// those of whom nothing else changed, says why the others stay, and does nothing twice.
func TestDomainMoved(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	looked(s)
	moves(s, company.Dana, "PDANA01", "Dana@new.example", "dana@new.example")
	moves(s, company.Sam, "PSAM001", "samuel@new.example", "sam@new.example") // another local part
	moves(s, company.Noor, "PNOOR01", "noor@new.example", "noor@new.example", func(u *slackfake.User) { u.IsRestricted = true })
	moves(s, company.Mara, "PMARA01", "mara@new.example", "mara@new.example")
	must(t, s.Slack.ChangeUser(company.Lena, func(u *slackfake.User) { u.Email = "mara@new.example" }))
	s.Jump(6*time.Hour + time.Minute)
	for _, who := range []string{company.Dana, company.Sam, company.Noor, company.Mara} {
		if s.Link(who).Held == "" {
			t.Fatalf("the link of %s is not set aside", who)
		}
	}
	s.Overlook()
	before := s.Entries("system")
	order := func(from, to string, dry bool) (r people.MovedReport) {
		if status := s.Operator("/v1/people/moved", app.PeopleBody{Moved: people.Move{From: from, To: to}, Dry: dry}, &r); status != http.StatusOK {
			t.Fatalf("%s to %s: %d", from, to, status)
		}
		return r
	}
	left := []people.MovedLink{
		{Person: company.Person(company.Mara), Name: "mara", Why: "somebody else has, or had, that address"},
		{Person: company.Person(company.Noor), Name: "noor", Why: "the Slack account became a guest's"},
		{Person: company.Person(company.Sam), Name: "sam", Why: "an address changed in more than this domain"},
	}
	dana := []people.MovedLink{{Person: company.Person(company.Dana), Name: "dana"}}
	if r := order("other.example", "new.example", false); len(r.Confirmed) > 0 || len(r.Left) != 4 {
		t.Errorf("of another domain: %+v", r)
	}
	if diff := cmp.Diff(people.MovedReport{Confirmed: dana, Left: left}, order("demo.example", "new.example", true)); diff != "" {
		t.Errorf("what would be done (-want +got):\n%s", diff)
	}
	if s.Link(company.Dana).Held == "" || !slices.Equal(before, s.Entries("system")) {
		t.Error("a dry run did something")
	}
	if diff := cmp.Diff(people.MovedReport{Confirmed: dana, Left: left, Applied: true}, order("demo.example", "NEW.example", false)); diff != "" {
		t.Errorf("what was done (-want +got):\n%s", diff)
	}
	s.In("C0ERRS", "The operator confirmed 1 link that was set aside", "demo.example", "still set aside: 3")
	s.As(company.Dana).Sees("only the company's e-mail domain changed")
	if l := s.Link(company.Dana); l.Held != "" || l.Seen.Login != "dana@new.example" {
		t.Errorf("Dana: %+v", l)
	}
	if r := order("demo.example", "new.example", false); len(r.Confirmed) > 0 || len(r.Left) != 3 {
		t.Errorf("once more: %+v", r)
	}
	if got := s.Entries("system")[len(before):]; strings.Join(got, " ") != "person_link_lifted" {
		t.Errorf("entries: %s", got)
	}
	var no map[string]any
	if status := s.Operator("/v1/people/moved", app.PeopleBody{Moved: people.Move{From: "new.example", To: "*"}}, &no); status != http.StatusConflict {
		t.Errorf("no domain: %d %v", status, no)
	}
	s.Jump(7 * time.Hour)
	if s.Link(company.Dana).Held != "" {
		t.Error("what was confirmed is set aside again")
	}
	s.Overlook()
}
