package bottest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/people"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// everybody is the company as an import has it.
func everybody() (out []people.Wish) {
	for _, p := range [][2]string{{company.Dana, "PDANA01"}, {company.Sam, "PSAM001"}, {company.Mara, "PMARA01"}, {company.Noor, "PNOOR01"}} {
		out = append(out, people.Wish{Line: len(out) + 2, Slack: p[0], PagerDuty: p[1], Name: strings.ToLower(p[0][2:])})
	}
	return out
}

func imports(t *testing.T, s *bottest.Story, body app.PeopleBody) people.Report {
	t.Helper()
	var r people.Report
	if status := s.Operator("/v1/people/import", body, &r); status != http.StatusOK {
		t.Fatalf("the import is answered %d", status)
	}
	s.Quiet()
	return r
}

// From nothing: nobody is linked, so nobody approves themselves; the operator brings the
// company in by one import, and the story runs.
func TestFromNothing(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Nobody())
	if n := len(s.App.Catalog().Links.All()); n != 0 {
		t.Fatalf("%d people are linked at first", n)
	}
	dry := imports(t, s, app.PeopleBody{Wishes: everybody(), Source: flows.LinkByImport, Dry: true})
	if len(dry.Steps) != 4 || dry.Applied || !dry.Checked || len(dry.Mistakes) > 0 || s.Link(company.Dana).Version != 0 {
		t.Errorf("the dry run is %+v", dry)
	}
	if r := imports(t, s, app.PeopleBody{Wishes: everybody(), Source: flows.LinkByImport}); !r.Applied || r.Counts()[people.DoLink] != 4 {
		t.Fatalf("the import is %+v", r)
	}
	s.In("C0ERRS", "The operator linked 4 people (import)")
	again := imports(t, s, app.PeopleBody{Wishes: everybody(), Source: flows.LinkByImport})
	if again.Counts()[people.DoNothing] != 4 {
		t.Errorf("again it is %+v", again)
	}
	approvesHerself(s)
	if diff := cmp.Diff([]string{"started", "person_linked", "person_linked", "person_linked", "person_linked"}, s.Entries("system")); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// A company of 1,200 people in one import, against vendors who have them, in as few calls
// as pages; one wrong line, and nobody is linked.
func TestImportOfALargeCompany(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Nobody())
	var all []people.Wish
	for i := range 1200 {
		mail := fmt.Sprintf("p%04d@demo.example", i)
		w := people.Wish{Line: i + 2, Slack: fmt.Sprintf("U1%05d", i), PagerDuty: fmt.Sprintf("P1%05d", i), Email: mail}
		s.Slack.AddUser(slackfake.User{ID: w.Slack, Email: mail, RealName: "P"})
		if _, err := s.PagerDuty.AddUser(pagerdutyfake.User{ID: w.PagerDuty, Name: "P", Email: mail}); err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	wrong := slices.Clone(all)
	wrong[3].PagerDuty, wrong[700].Email, wrong[900].Slack = "PNOBODY", "other@demo.example", wrong[901].Slack
	r := imports(t, s, app.PeopleBody{Wishes: wrong, Source: flows.LinkByImport})
	var lines []int
	for _, m := range r.Mistakes {
		lines = append(lines, m.Line)
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]int{5, 702, 902, 903}, slices.Compact(lines)); diff != "" || r.Applied || s.Link("U100000").Version != 0 {
		t.Errorf("mistakes on lines (-want +got):\n%s\n%+v", diff, r.Mistakes)
	}
	if r = imports(t, s, app.PeopleBody{Wishes: all, Source: flows.LinkByImport}); !r.Applied || r.Counts()[people.DoLink] != 1200 {
		t.Fatalf("%v %+v", r.Counts(), r.Mistakes)
	}
	s.In("C0ERRS", "linked 1200 people")
	if l := s.Link("U101199"); l.State != flows.LinkConfirmed || l.Name != "p1199" || l.Seen.Login != "p1199@demo.example" || l.Seen.Standing != flows.StandingMember {
		t.Errorf("%+v", l)
	}
	calls := map[string]int{}
	for _, e := range s.Slack.Ledger() {
		calls[e.Kind]++
	}
	if calls["users.info"] > 10 || calls["users.list"] > 12 {
		t.Errorf("Slack was asked %v", calls)
	}
}

// What is wrong with a line is said, and nothing is done.
func TestImportMistakes(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	s.Slack.AddUser(slackfake.User{ID: "U0GONE", Deleted: true, Email: "gone@demo.example"})
	for name, c := range map[string]struct {
		w    people.Wish
		want string
	}{
		"against the configuration": {people.Wish{Slack: company.Dana, PagerDuty: "PSAM001"}, "the configuration wins"},
		"somebody else's pager":     {people.Wish{Slack: company.Lena, PagerDuty: "PDANA01"}, "one person on both sides"},
		"no such Slack user":        {people.Wish{Slack: "U0NOBODY", PagerDuty: "PBOT001"}, "Slack has no user"},
		"no such PagerDuty user":    {people.Wish{Slack: company.Lena, PagerDuty: "PNOBODY"}, "PagerDuty has no user"},
		"somebody who left":         {people.Wish{Slack: "U0GONE", PagerDuty: "PBOT001"}, "deactivated"},
		"another address":           {people.Wish{Slack: company.Lena, PagerDuty: "PBOT001", Email: "x@demo.example"}, "another e-mail address"},
		"a formula":                 {people.Wish{Slack: company.Lena, PagerDuty: "PBOT001", Name: "=1+1"}, "name"},
		"a name that is taken":      {people.Wish{Slack: company.Lena, PagerDuty: "PBOT001", Name: "Dana"}, "is called"},
		"what is no id":             {people.Wish{Slack: "@lena", PagerDuty: "PBOT001"}, "member id"},
	} {
		c.w.Line = 7
		r := imports(t, s, app.PeopleBody{Wishes: []people.Wish{c.w}})
		if len(r.Mistakes) == 0 || !strings.Contains(fmt.Sprint(r.Mistakes), c.want) || r.Mistakes[0].Line != 7 || r.Applied {
			t.Errorf("%s: %+v, want %q", name, r, c.want)
		}
	}
	if got := s.Entries("system"); len(got) != 1 {
		t.Errorf("entries %v", got)
	}
	s.Slack.Fail(slackfake.Fault{Method: "users.info", Times: 1, Error: "internal_error"})
	var no map[string]any
	if status := s.Operator("/v1/people/import", app.PeopleBody{Wishes: []people.Wish{{Slack: company.Lena, PagerDuty: "PBOT001"}}}, &no); status != http.StatusBadGateway || !strings.Contains(fmt.Sprint(no["error"]), "--unchecked") {
		t.Errorf("while Slack is silent: %d %v", status, no)
	}
}

// A link is replaced only when that is said, and is gone when it is unlinked: then it ties
// nobody from the next click on.
func TestReplaceAndUnlink(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, bottest.Nobody())
	imports(t, s, app.PeopleBody{Wishes: everybody()})
	s.In("C0ERRS", "linked 4 people")
	other := []people.Wish{{Slack: company.Dana, PagerDuty: "PBOT001"}}
	if r := imports(t, s, app.PeopleBody{Wishes: other}); !strings.Contains(fmt.Sprint(r.Mistakes), "--replace") {
		t.Errorf("%+v", r)
	}
	dana := s.As(company.Dana)
	dana.Asks("Production console", "payments are down", nil)
	card := dana.Sees("you may approve this yourself")
	if r := imports(t, s, app.PeopleBody{Wishes: other, Replace: true}); r.Counts()[people.DoReplace] != 1 {
		t.Errorf("%+v", r)
	}
	s.In("C0ERRS", "linked <@U0DANA>")
	dana.Presses(card, "bg:approve")
	dana.Told("Your click was not counted")
	s.Has()
	var out map[string]any
	if status := s.Operator("/v1/people/unlink", app.PeopleBody{Person: "dana"}, &out); status != http.StatusOK {
		t.Errorf("unlinked: %d %v", status, out)
	}
	s.In("C0ERRS", "unlinked <@U0DANA>")
	if status := s.Operator("/v1/people/unlink", app.PeopleBody{Person: company.Dana}, &out); status != http.StatusConflict {
		t.Errorf("unlinked twice: %d %v", status, out)
	}
	if _, linked := s.App.Catalog().Links.Of(company.Person(company.Dana)); linked {
		t.Error("Dana is still linked")
	}
	s.Overlook()
	s.FastForward(time.Second)
}

// Whoever is unlinked has nothing open any more, however much there was, and the company's
// account leads to nobody; --sign-in ends what came of that account, and nothing else.
func TestUnlinkedIsShutOut(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with, bottest.Nobody())
	imports(t, s, app.PeopleBody{Wishes: everybody()})
	s.In("C0ERRS", "linked 4 people")
	sam, dana := signed(s, p, company.Sam), signed(s, p, company.Dana)
	var many []flows.Pass
	for i := range 1300 {
		pass := flows.Pass{
			ID: fmt.Sprintf("ses_%04d", i), Version: 1, Kind: flows.PassSession, Hash: fmt.Sprintf("%064x", i), Holder: company.Person(company.Sam), By: company.Person(company.Sam),
			SignIn: flows.SignIn{Provider: flows.SignInCompany, At: s.Clock.Now()}, CreatedAt: s.Clock.Now(), UsedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(time.Hour),
		}
		if i%2 == 0 {
			pass.SignIn.Provider = flows.SignInSlack
		}
		many = append(many, pass)
	}
	if _, err := s.App.Store().Apply(t.Context(), flows.Change{Passes: many}); err != nil {
		t.Fatal(err)
	}
	left := func() int {
		t.Helper()
		all, err := s.App.Store().Passes(t.Context(), company.Person(company.Sam), s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	var out map[string]any
	if status := s.Operator("/v1/people/unlink", app.PeopleBody{Person: "sam", SignIn: true}, &out); status != http.StatusOK {
		t.Fatalf("the sign-in: %d %v", status, out)
	}
	if n := left(); n != 650 {
		t.Errorf("%d are left after the company's sign-in was taken away, not those of Slack", n)
	}
	if status := s.Operator("/v1/people/unlink", app.PeopleBody{Person: "sam"}, &out); status != http.StatusOK {
		t.Fatalf("unlinked: %d %v", status, out)
	}
	s.In("C0ERRS", "unlinked <@U0SAM>; 650 of their sessions and tokens ended")
	if n := left(); n != 0 {
		t.Errorf("%d are left", n)
	}
	if page := sam.Get("/"); page.URL.Path != "/sign-in" {
		t.Errorf("Sam's session opens %s", page.URL.Path)
	}
	if page := sam.SignsIn(p, "sub-"+company.Sam, "/"); !strings.Contains(page.Text(), "belongs to nobody") {
		t.Errorf("Sam signs in again: %s", page.Text())
	}
	if page := dana.Get("/"); page.URL.Path != "/" {
		t.Errorf("Dana's session opens %s", page.URL.Path)
	}
	s.Overlook()
}
