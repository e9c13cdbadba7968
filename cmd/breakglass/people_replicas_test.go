package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	main "breakglass/cmd/breakglass"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/store"
	"breakglass/store/storetest"
)

// pair is a company on PostgreSQL with two replicas, "demo" and "second", each with a
// door of its own for the commands of its machine.
type pair struct {
	*bottest.Story
	second *app.App
	dsn    string
	doors  string // directory
}

func openPair(t *testing.T, edit ...func(*company.Options)) *pair {
	t.Helper()
	p := &pair{dsn: storetest.Postgres(t), doors: t.TempDir()}
	if err := store.Migrate(t.Context(), store.Options{DSN: p.dsn, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	p.Story = bottest.Open(t, append(edit, func(o *company.Options) {
		o.DSN, o.Clock = p.dsn, app.SystemClock{}
		o.App = func(o *app.Options) { o.Door = filepath.Join(p.doors, o.Owner) }
	})...)
	var err error
	if p.second, err = p.Replica(context.WithoutCancel(t.Context()), "second"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.second.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// people runs breakglass people on the machine of a replica.
func (p *pair) people(replica, in string, args ...string) (code int, said string) {
	var out buffer
	args = append([]string{"people"}, args...)
	args = append(args, "--db", p.dsn, "--config", p.Directory())
	for name, value := range map[string]string{"slack_api": p.Addresses().Slack + "/api/", "pagerduty_api": p.Addresses().PagerDuty, "database_webhook": p.Addresses().Database} {
		args = append(args, "--var", name+"="+value)
	}
	if args[1] != "list" && args[1] != "check" {
		args = append(args, "--door", filepath.Join(p.doors, replica))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.T.Context()), time.Minute)
	defer cancel()
	code = main.Run(ctx, args, company.Getenv, strings.NewReader(in), &out, &out)
	return code, out.String()
}

// does runs breakglass people and wants it to do it.
func (p *pair) does(replica, in string, args ...string) string {
	p.T.Helper()
	code, said := p.people(replica, in, args...)
	if code != 0 {
		p.T.Fatalf("on %s, breakglass people %s exits %d: %s", replica, strings.Join(args, " "), code, said)
	}
	return said
}

// Two imports at once, each on another replica, that link two people to the same
// PagerDuty user: one links, the other is told whose it is, and nobody is linked twice.
func TestImportsOnTwoReplicasAtOnce(t *testing.T) {
	t.Parallel()
	p := openPair(t, bottest.Nobody())
	files := map[string]string{"demo": "slack,pagerduty\n" + company.Lena + ",PBOT001\n", "second": "slack,pagerduty\n" + company.Audi + ",PBOT001\n"}
	others := map[string]string{"demo": "second", "second": "demo"}
	for range 4 {
		var both sync.WaitGroup
		var mu sync.Mutex
		codes, saids := map[string]int{}, map[string]string{}
		for replica, file := range files {
			both.Go(func() {
				code, said := p.people(replica, file, "import", "-")
				mu.Lock()
				defer mu.Unlock()
				codes[replica], saids[replica] = code, said
			})
		}
		both.Wait()
		won := "demo"
		if codes["demo"] != 0 {
			won = "second"
		}
		if lost := others[won]; codes[won] != 0 || codes[lost] != 3 || !strings.Contains(saids[lost], "one person on both sides") {
			t.Fatalf("the imports exit %v: %v", codes, saids)
		}
		var rows []struct{ Slack, PagerDuty, State string }
		if err := json.Unmarshal([]byte(p.does(won, "", "list", "-o", "json")), &rows); err != nil {
			t.Fatal(err)
		}
		if len(rows) != 1 || rows[0].PagerDuty != "PBOT001" || rows[0].State != "confirmed" || !strings.Contains(files[won], rows[0].Slack) {
			t.Fatalf("%s won, and people list has %+v", won, rows)
		}
		p.does(others[won], "", "unlink", rows[0].Slack)
	}
	p.Overlook()
}

// A link that was made on one replica is used by the other at once, for self-approval,
// too; one that was taken away on one shuts out on the other, at the click and at the API.
func TestPeopleOnTwoReplicas(t *testing.T) {
	t.Parallel()
	p := openPair(t, bottest.Nobody())
	dana := p.As(company.Dana)
	p.does("second", everybodyCSV, "import", "-")
	if checks(p, "demo", company.Dana) {
		t.Error("people check finds that Dana is kept from something")
	}
	card := p.own("Production console", "payments are down")
	dana.Presses(card, "bg:approve")
	dana.Sees("You have access to Production console until")
	p.Overlook()

	const token = "bgt_2123456789012345678901234567890123456789012"
	issue(t, p.Story, company.Dana, token)
	if a := p.API(token).Call("GET", "/v1/me", nil); a.Status != http.StatusOK {
		t.Errorf("Dana's token opens nothing: %d %v", a.Status, a.Body)
	}
	card = p.own("Production database", "the ledger is stuck")
	p.does("second", "", "unlink", "dana")
	dana.PressesOld(card, "bg:approve")
	dana.Told("Your click was not counted")
	if a := p.API(token).Call("GET", "/v1/me", nil); a.Status != http.StatusUnauthorized {
		t.Errorf("Dana's token after it: %d %v", a.Status, a.Body)
	}
	if r := p.Requests()[0]; r.State != flows.StatePending || len(r.Votes) > 0 {
		t.Errorf("after the link was taken away it is %s, %+v", r.State, r.Votes)
	}
	if !checks(p, "demo", company.Dana) {
		t.Error("people check does not find that Dana is linked to nobody")
	}
	p.Overlook()
}

// What one replica sets aside holds on the other, also when the account is as it was
// again, until somebody confirms the link; that, too, holds on both.
func TestQuarantineOnTwoReplicas(t *testing.T) {
	t.Parallel()
	p := openPair(t, bottest.Nobody())
	dana := p.As(company.Dana)
	p.does("demo", everybodyCSV, "import", "-")
	first, second := p.own("Production console", "payments are down"), p.own("Production database", "the ledger is stuck")
	rename := func(email string) {
		t.Helper()
		if err := p.Slack.ChangeUser(company.Dana, func(u *slackfake.User) { u.Email = email }); err != nil {
			t.Fatal(err)
		}
	}
	rename("eve@demo.example")
	dana.PressesOld(first, "bg:approve")
	dana.Told("the e-mail address at Slack changed", "your click was not counted")
	p.Until("the link to be set aside in the store", func() bool { return p.Link(company.Dana).Held != "" })
	p.Quiet()
	rename("dana@demo.example")
	if err := p.Connect(p.second.PublicAddr()); err != nil {
		t.Fatal(err)
	}
	dana.PressesOld(second, "bg:approve")
	dana.Told("the e-mail address at Slack changed", "your click was not counted")
	if said := p.does("second", "", "list", "--state", "quarantined"); !strings.Contains(said, company.Dana) || strings.Contains(said, company.Sam) {
		t.Errorf("people list: %s", said)
	}
	p.does("demo", "", "link", "dana", "--confirm")
	p.Quiet()
	dana.Presses(dana.Sees("You asked for Production database", "you may approve this yourself", "Also asked"), "bg:approve")
	dana.Sees("You have access to Production database until")
	p.Overlook()
	for _, r := range p.Requests() {
		if decided := len(r.Votes) > 0; decided != (r.Content.Target == "prod_database") {
			t.Errorf("%s has the votes %+v", r.Content.Target, r.Votes)
		}
	}
}

const everybodyCSV = "slack,pagerduty,email,name\nU0DANA,PDANA01,dana@demo.example,dana\nU0SAM,PSAM001,,sam\nU0MARA,PMARA01,,mara\nU0NOOR,PNOOR01,,noor\n"

// checks reports whether breakglass people check finds something gravely wrong with somebody.
func checks(p *pair, replica, who string) bool {
	p.T.Helper()
	code, said := p.people(replica, "", "check", "-o", "json")
	var r struct {
		Found []struct {
			Person flows.PersonID
			Slack  string
			Grave  bool
		}
		Unread []string
	}
	if err := json.NewDecoder(strings.NewReader(said)).Decode(&r); err != nil || len(r.Unread) > 0 || code != 0 && code != 3 {
		p.T.Fatalf("people check exits %d: %v %s", code, err, said)
	}
	for _, f := range r.Found {
		if f.Grave && (f.Slack == who || f.Person == company.Person(who)) {
			return true
		}
	}
	return false
}

// own has Dana ask for what she may approve herself.
func (p *pair) own(target, reason string) slackfake.Message {
	p.T.Helper()
	p.As(company.Dana).Asks(target, reason, nil)
	return p.As(company.Dana).Sees("You asked for "+target, "you may approve this yourself")
}
