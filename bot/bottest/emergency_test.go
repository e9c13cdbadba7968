package bottest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// confirms types an emergency and fills in why.
func confirms(t *testing.T, s *bottest.Story, admin *bottest.Person, words, why string) {
	t.Helper()
	admin.Types("/access " + words)
	if _, err := admin.Submit(admin.Form("why"), slackfake.Values{"why": why}); err != nil {
		t.Fatalf("%s: %v", words, err)
	}
	s.Quiet()
}

// given gives somebody the database: Dana is on call, for others Noor decides.
func given(s *bottest.Story, who *bottest.Person) {
	s.T.Helper()
	who.Asks("Production database", "the ledger is stuck", nil)
	if who.ID() == company.Dana {
		who.Presses(who.Sees("You asked for Production database", "you may approve this yourself"), "bg:approve")
	} else {
		noor := s.As(company.Noor)
		noor.Presses(noor.Sees("<@"+who.ID()+"> asks for Production database"), "bg:approve")
	}
	who.Sees("You have access to Production database until")
	who.Sees("You asked for Production database", "Access works until")
	if who.ID() == company.Dana {
		s.In("C0PROD", "asks for Production database", "for themselves, on call")
	} else {
		s.As(company.Mara).Sees("<@"+who.ID()+"> asks for Production database", "Approved by <@U0NOOR>")
	}
}

// loud is what the channels of all flows are told.
func loud(s *bottest.Story, texts ...string) {
	s.T.Helper()
	s.In("C0PROD", texts...)
	s.In("C0ERRS", texts...)
}

// Everything is frozen: nobody can approve, by whatever click, and everybody reads why.
// Who has access keeps it until its end. Then it goes on.
func TestFreeze(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	mara, dana, sam := s.As(company.Mara), s.As(company.Dana), s.As(company.Sam)
	given(s, dana)
	sam.Asks("Production database", "the ledger is stuck", nil)
	card := mara.Sees("<@U0SAM> asks for Production database")

	confirms(t, s, mara, "freeze", "we are being *attacked*")
	loud(s, "<@U0MARA> froze all access.", "Nothing is approved and nothing given")
	mara.Presses(card, "bg:approve")
	mara.Told("an admin has frozen all access", "Your approval was not counted")
	s.Has(company.Dana)

	confirms(t, s, mara, "unfreeze", "it was a drill")
	loud(s, "<@U0MARA> lifted the freeze.")
	mara.Presses(mara.Sees("<@U0SAM> asks for Production database"), "bg:approve")
	sam.Sees("You have access to Production database until")
	sam.Sees("You asked for Production database", "Approved by <@U0MARA>")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "Approved by <@U0MARA>")
	if diff := cmp.Diff([]string{"frozen", "unfrozen"}, only(s.Entries("system"), "frozen", "unfrozen")); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// The kill switch: what a person has ends at the targets, what they asked for is
// withdrawn, and others keep theirs.
func TestKillSwitch(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	mara, dana, sam := s.As(company.Mara), s.As(company.Dana), s.As(company.Sam)
	given(s, sam)
	sam.Asks("Production console", "and the console", nil)
	given(s, dana)

	confirms(t, s, mara, "end <@U0SAM|sam>", "the laptop was stolen")
	loud(s, "<@U0MARA> used the kill switch:", "<@U0SAM>. 2 requests and grants are told to end now.", "the laptop was stolen")
	sam.Sees("Your access to Production database has ended")
	s.Has(company.Dana)
	confirms(t, s, mara, "end all", "everybody out")
	s.Has()
	s.FastForward(2 * time.Minute)
	loud(s, "everybody. 1 request or grant is told to end now.", "everybody out")
	loud(s, "<@U0SAM>. All of it is over, as the targets have confirmed.")
	loud(s, "everybody. All of it is over, as the targets have confirmed.")
	sam.Sees("You asked for Production console", "*Cancelled* by <@U0MARA>")
	sam.Sees("<@U0MARA> cancelled your request for Production console")
	for _, manager := range []*bottest.Person{mara, s.As(company.Noor)} {
		manager.Sees("<@U0SAM> asks for Production console", "*Cancelled*")
	}
	dana.Sees("Your access to Production database has ended: revoked by <@U0MARA>, “everybody out”")
	for _, r := range s.Requests() {
		if !r.State.Final() {
			t.Errorf("%s is %s", r.ID, r.State)
		}
	}
	if diff := cmp.Diff([]string{"end_many", "end_many", "end_many_report", "end_many_report"}, only(s.Entries("system"), "end_many", "end_many_report")); diff != "" {
		t.Errorf("audit entries (-want +got):\n%s", diff)
	}
}

// Who is no admin ends and freezes nothing; that they tried is recorded. A name that
// nothing has is refused before anything is asked.
func TestEmergencyIsForAdmins(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	dana, sam := s.As(company.Dana), s.As(company.Sam)
	given(s, dana)
	for _, words := range []string{"end <@U0DANA>", "end all", "freeze", "unfreeze"} {
		confirms(t, s, sam, words, "because")
	}
	s.Has(company.Dana)
	if got := only(s.Entries("system"), "refused"); len(got) != 4 {
		t.Errorf("%d refusals were recorded, want 4", len(got))
	}
	if n := s.All(company.Sam, "Only an admin can do that. Nothing was changed."); n != 4 {
		t.Errorf("Sam was told %d times, want 4", n)
	}
	sam.Types("/access end target prod_datbase")
	sam.Told("There is no target", "so nothing was ended", "The targets are")
}

// A target that does not confirm is named, and tried again until it does.
func TestKillSwitchWithoutTheTarget(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	mara, sam := s.As(company.Mara), s.As(company.Sam)
	given(s, sam)
	s.Database.Fail(receiver.Fault{Type: "access.revoke", Status: 503})
	mara.Types("/access end flow prod")
	if _, err := mara.Submit(mara.Form("why"), slackfake.Values{"why": "everybody out"}); err != nil {
		t.Fatal(err)
	}
	s.Until("the order to end it", func() bool { return s.Only().State == flows.StateEnding })
	s.FastForward(2 * time.Minute)
	loud(s, "<@U0MARA> used the kill switch:", "1 of 1 are not over yet:", "<@U0SAM> at prod_database", "the target has not confirmed the end yet")
	s.Database.ClearFaults()
	s.FastForward(7 * time.Minute)
	s.Has()
	loud(s, "flow prod. 1 request or grant is told to end now.")
	loud(s, "flow prod. All of it is over")
	s.In("C0ERRS", "should have ended", "the target has not confirmed it")
	sam.Sees("Your access to Production database has ended: revoked by <@U0MARA>, “everybody out”")
	sam.Sees("You asked for Production database", "*Ended*")
	mara.Sees("<@U0SAM> asks for Production database", "*Ended*")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "*Ended*")
}

// only keeps the verbs that are asked for.
func only(verbs []string, keep ...string) (out []string) {
	for _, v := range verbs {
		for _, k := range keep {
			if v == k {
				out = append(out, v)
			}
		}
	}
	return out
}

// A scope that names nothing is refused: as a filter it would be everything.
func TestKillSwitchWithoutAName(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	given(s, s.As(company.Sam))
	_, done, no, err := s.App.Engine().EndMany(t.Context(), flows.EndScope{}, flows.Actor{Door: flows.DoorCLI, Admin: true}, flows.NewText("oops"),
		flows.EndOptions{Find: s.App.Store()})
	if err != nil || no == nil || no.Code != flows.RefusedInput || done.Found != 0 {
		t.Errorf("nothing was named: %+v, %v, %v", done, no, err)
	}
	s.Has(company.Sam)
}
