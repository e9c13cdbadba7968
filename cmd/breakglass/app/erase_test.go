package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/integrations/slackfake"
	"breakglass/store"
	"breakglass/store/storetest"
)

// twoAdmins is a company with two admins and a retention.
func twoAdmins(retention string) func(*company.Options) {
	admins := bottest.Replace(`admins   = ["U0MARA"]`, `admins   = ["U0MARA", "U0NOOR"]`)
	keep := bottest.Replace("roles {", "audit {\n  retention = \""+retention+"\"\n}\n\nroles {")
	return func(o *company.Options) { admins(o); keep(o) }
}

// operator is who runs the server.
var operator = flows.Actor{Door: flows.DoorCLI, Admin: true, Trace: "local operator"}

// proposes has the operator propose to erase somebody.
func proposes(t *testing.T, s *bottest.Story, who string) (code string, no *flows.Refusal) {
	t.Helper()
	x, _, no, err := s.App.Engine().ProposeErasure(context.Background(), flows.Person(s.App.Catalog().Team, who), "GDPR-12", operator)
	if err != nil {
		t.Fatal(err)
	}
	passes(s)
	return x.Code, no
}

// confirms has an admin confirm an erasure in Slack.
func confirms(t *testing.T, s *bottest.Story, admin *bottest.Person, code string) {
	t.Helper()
	admin.Types("/access erase " + code)
	if _, err := admin.Submit(admin.Form("why"), slackfake.Values{"why": "they asked for it"}); err != nil {
		t.Fatal(err)
	}
	passes(s)
}

// passes lets a few seconds pass, so that Slack takes another message in the channel.
func passes(s *bottest.Story) {
	if s.Clock.Now().Sub(s.App.Engine().Now()) == 0 { // by hand
		s.FastForward(2 * time.Second)
	} else {
		s.Quiet()
	}
}

// used is a story in which Sam asked, got and ended access.
func used(s *bottest.Story) {
	sam, noor, mara := s.As(company.Sam), s.As(company.Noor), s.As(company.Mara)
	sam.Asks("Production database", "the ledger is stuck", nil)
	noor.Presses(noor.Sees("<@U0SAM> asks for Production database"), "bg:approve")
	sam.Sees("You have access to Production database until")
	sam.Presses(sam.Sees("You asked for Production database", "Access works until"), "bg:done")
	sam.Sees("Your access to Production database has ended")
	sam.Sees("You asked for Production database", "*Ended*")
	mara.Sees("<@U0SAM> asks for Production database", "*Ended*")
	noor.Sees("<@U0SAM> asks for Production database", "*Ended*")
	s.Quiet()
}

// Who left is erased once the operator and two admins want it: nothing names them any
// more, the numbers stay, and the audit still verifies and says what is gone.
func TestErase(t *testing.T) {
	t.Parallel()
	for name, where := range map[string]func(t *testing.T, o *company.Options){
		"sqlite": func(*testing.T, *company.Options) {},
		"postgres": func(t *testing.T, o *company.Options) {
			o.DSN, o.Clock = storetest.Postgres(t), app.SystemClock{} // it must agree with the database's
			if err := store.Migrate(t.Context(), store.Options{DSN: o.DSN, Now: time.Now}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := bottest.Open(t, twoAdmins("none"), func(o *company.Options) { where(t, o) })
			used(s)
			code, no := proposes(t, s, company.Sam)
			if no != nil {
				t.Fatal(no)
			}
			s.In("C0ERRS", "wants to erase what is kept about <@U0SAM> (GDPR-12)", "/access erase "+code)
			confirms(t, s, s.As(company.Mara), code)
			s.In("C0ERRS", "<@U0MARA> confirmed GDPR-12", "one more admin has to")
			confirms(t, s, s.As(company.Mara), code)
			s.As(company.Mara).Sees("You have confirmed this already; another admin has to.")
			confirms(t, s, s.As(company.Noor), code)
			if name == "sqlite" {
				s.FastForward(10 * time.Second)
			}
			s.In("C0ERRS", "GDPR-12 is done, as <@U0MARA> and <@U0NOOR> confirmed", "1 requests do not name")
			nothingLeft(t, s)
			provable(t, s)
			heldTo(t, s)
			s.Mirrored(0, 1) // Noor's click can be followed; Sam's cannot
			verbs, facts := recorded(t, s)
			if !slices.Contains(verbs, "erase_proposed") || facts["ticket"] != "GDPR-12" || facts["code"] != code || verbs[len(verbs)-1] != flows.VerbErased {
				t.Errorf("recorded is %v, the last %v", verbs, facts)
			}
		})
	}
}

// nothingLeft reads what is stored about Sam.
func nothingLeft(t *testing.T, s *bottest.Story) {
	t.Helper()
	r := s.Only()
	if !strings.HasPrefix(string(r.Content.Requester), "erased/") || r.Content.Beneficiary != r.Content.Requester || !r.Content.Reason.Empty() ||
		r.State != flows.StateEnded || r.Content.Target != "prod_database" || r.DecidedBy.User() != company.Noor {
		t.Errorf("the request is %+v", r)
	}
	foot, err := s.App.Store().Footprint(t.Context(), flows.Person(s.App.Catalog().Team, company.Sam), "")
	if err != nil || len(foot.Openings)+len(foot.Requests)+len(foot.Live)+foot.Pending != 0 {
		t.Errorf("%+v, %v", foot, err)
	}
	entries, err := s.App.Store().Entries(t.Context(), string(r.ID))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for _, o := range e.Openings {
			if strings.Contains(o.Value, company.Sam) || o.About.User() == company.Sam || strings.Contains(o.Value, "ledger") {
				t.Errorf("entry %d can be opened at %s: %s", e.Seq, o.Path, o.Value)
			}
		}
	}
}

// provable verifies the audit: whole, and it says by which entry values are gone.
func provable(t *testing.T, s *bottest.Story) {
	t.Helper()
	st := s.App.Store()
	for {
		if n, err := st.Sequence(t.Context(), 1000); err != nil {
			t.Fatal(err)
		} else if n == 0 {
			break
		}
	}
	report, err := audit.Verify(t.Context(), audit.Live(st), audit.Options{})
	if err != nil || !report.OK() || len(report.Erased) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	for by, n := range report.Erased {
		if !strings.Contains(by, "of system") || n < 5 {
			t.Errorf("%s: %d", by, n)
		}
	}
}

// No byte of who is erased, or of what they typed, is left in the files.
func TestEraseLeavesNoByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, twoAdmins("none"), bottest.Set("review", `"self_approved"`), func(o *company.Options) { o.Dir = dir })
	used(s)
	s.As(company.Dana).Asks("Production database", "taking over from <@U0SAM>", nil)
	dana := s.As(company.Dana)
	dana.Presses(dana.Sees("You asked for Production database", "you may approve this yourself"), "bg:approve")
	s.In("C0PROD", "for themselves, on call")
	dana.Sees("You have access to Production database until")
	card := dana.Sees("You asked for Production database", "Access works until")
	if _, no := proposes(t, s, company.Sam); no == nil || no.Code != flows.RefusedState || !strings.Contains(no.Say, "not over") {
		t.Errorf("somebody whom a live request names can be erased: %v", no)
	}
	dana.Presses(card, "bg:done")
	dana.Sees("Your access to Production database has ended")
	dana.Sees("You asked for Production database", "*Ended*")
	ask := s.In("C0SREM", "<@U0DANA> had access to Production database", "taking over from <@U0SAM>")
	s.Quiet()
	if _, no := proposes(t, s, company.Sam); no == nil || no.Code != flows.RefusedState || !strings.Contains(no.Say, "still to be reviewed") {
		t.Errorf("somebody named where a review is open can be erased: %v", no)
	}
	s.As(company.Mara).Presses(ask, "bg:review")
	if _, err := s.As(company.Mara).Submit(s.As(company.Mara).Form("verdict"), slackfake.Values{"verdict": "ok", "why": "as <@U0SAM> said"}); err != nil {
		t.Fatal(err)
	}
	dana.Sees("which you approved for yourself, was looked back at", "in order")
	s.Quiet()
	secrets := []string{"U0SAM", "u0sam", "ledger", "PSAM001"}
	for _, secret := range secrets[:3] {
		if !onDisk(t, dir, secret) {
			t.Errorf("%s was never there", secret)
		}
	}
	code, no := proposes(t, s, company.Sam)
	if no != nil {
		t.Fatal(no)
	}
	s.In("C0ERRS", "wants to erase what is kept about <@U0SAM>")
	confirms(t, s, s.As(company.Mara), code)
	confirms(t, s, s.As(company.Noor), code)
	s.FastForward(10 * time.Second)
	s.In("C0ERRS", "GDPR-12 is done", "2 requests do not name")
	s.In("C0ERRS", "<@U0MARA> confirmed GDPR-12")
	for _, secret := range secrets {
		if onDisk(t, dir, secret) {
			t.Errorf("%s is still there", secret)
		}
	}
	heldTo(t, s)
}

// heldTo holds all requests to their entries: who was erased, or is not named any more in
// what another asked, has not been written past the program.
func heldTo(t *testing.T, s *bottest.Story) {
	t.Helper()
	if found, _, err := s.App.Store().HoldSome(t.Context(), ""); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// onDisk looks for a text in the bytes of the database and its log.
func onDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "breakglass.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if i := bytes.Index(b, []byte(text)); i >= 0 {
			t.Logf("%s in %s: …%q…", text, filepath.Base(f), b[max(i-80, 0):min(i+40, len(b))])
			return true
		}
	}
	return false
}

// What is young is kept, nobody confirms for themselves or without being an admin, and
// what nobody confirms lapses.
func TestEraseRefusals(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t, twoAdmins("30d"))
	used(s)
	if _, no := proposes(t, s, company.Sam); no == nil || !strings.Contains(no.Error(), "from 22 December 2026 on") {
		t.Errorf("what is young can be erased: %v", no)
	}
	if _, no := proposes(t, s, company.Audi); no == nil || no.Code != flows.RefusedInput {
		t.Errorf("somebody of whom nothing is kept: %v", no)
	}
	s.Jump(31 * 24 * time.Hour)
	code, no := proposes(t, s, company.Noor)
	if no != nil {
		t.Fatal(no)
	}
	s.In("C0ERRS", "wants to erase what is kept about <@U0NOOR>")
	confirms(t, s, s.As(company.Noor), code)
	s.As(company.Noor).Sees("Nobody confirms their own erasure.")
	confirms(t, s, s.As(company.Dana), code)
	s.As(company.Dana).Sees("Only an admin can do that.")
	confirms(t, s, s.As(company.Mara), "nonsense")
	s.As(company.Mara).Sees("Nobody has proposed an erasure nonsense")
	s.Jump(8 * 24 * time.Hour)
	passes(s)
	s.In("C0ERRS", "GDPR-12 lapsed: not enough admins confirmed it")
	if verbs, _ := recorded(t, s); !slices.Contains(verbs, "erase_lapsed") || slices.Contains(verbs, flows.VerbErased) {
		t.Errorf("recorded is %v", verbs)
	}
}

// The operator proposes through the local door, under a ticket.
func TestEraseByTheDoor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, twoAdmins("none"), func(o *company.Options) { o.Dir = dir })
	used(s)
	d, err := app.ReadDoor(filepath.Join(dir, "breakglass.db.door"))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]int{
		`{"person":"%s/U0SAM","ticket":"GDPR-12"}`: 200, `{"person":"%s/U0SAM","ticket":"Sam <sam@x>"}`: 400, `{"person":"U0SAM%.0s","ticket":"GDPR-12"}`: 400,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+d.Addr+"/v1/audit/erasures", strings.NewReader(fmt.Sprintf(body, s.App.Catalog().Team)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+d.Token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var out app.ErasureAnswer
		if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != want || (want == 200) != (out.Code != "" && out.Values > 5 && out.Requests == 1) {
			t.Errorf("%s: %d, %+v, %v", body, resp.StatusCode, out, err)
		}
		_ = resp.Body.Close()
	}
	s.Quiet()
	s.In("C0ERRS", "wants to erase what is kept about <@U0SAM>")
}
