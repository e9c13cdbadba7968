//go:build unix

package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// The disk is full and everybody has to be put out: access ends at the targets from
// memory, long before its time, and is recorded, with who ordered it, when there is room.
//
//nolint:paralleltest // alone does that
func TestKillSwitchOnAFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	s := bottest.Open(t)
	givenBy(s, "Production database")
	mara := s.As(company.Mara)
	mara.Types("/access end all")
	form := mara.Form("why")
	s.Quiet()
	room := fullDisk(t)
	if _, err := mara.Submit(form, slackfake.Values{"why": "we are being attacked"}); err != nil {
		t.Fatal(err)
	}
	tickBroken(s, "the access to end", func() bool { return len(s.Database.Holders()) == 0 })
	mara.Sees("Done. The database does not write, so this was ended at the targets from memory")
	if r := s.Only(); r.State != flows.StateActive {
		t.Errorf("it is recorded as %s by a store that does not write", r.State)
	}

	room()
	tickBroken(s, "the program to notice that there is room", func() bool { return len(health(t, s)) == 0 })
	tickBroken(s, "the end to be recorded", func() bool { return s.Only().State == flows.StateEnded })
	s.FastForward(time.Minute)
	if r := s.Only(); r.EndedBy != company.Person(company.Mara) || r.EndWhy.Raw() != "we are being attacked" {
		t.Errorf("it was ended by %s, because %q", r.EndedBy, r.EndWhy.Raw())
	}
	s.As(company.Sam).Sees("Your access to Production database has ended: revoked by <@U0MARA>")
	for _, who := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(who)
	}
	must(t, s.App.Store().VerifyTail(t.Context(), 0))
}

// The same over the API, while the database does not write: the access ends at the
// target, the answer says from where, and a freeze says that it was not stored.
//
//nolint:paralleltest // alone does that
func TestKillSwitchOverTheAPIOnAFullDisk(t *testing.T) {
	if !alone(t) {
		return
	}
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, realTime, with)
	mara := signed(s, p, company.Mara).API()
	givenBy(s, "Production database")
	s.Quiet()
	room := fullDisk(t)
	answers(t, mara.Call("POST", "/v1/freeze", nil), 503, "end_only")
	got := mara.Lines("/v1/end", map[string]any{"kind": "all", "reason": "we are being attacked"}, nil)
	if last := got[len(got)-1]; last.Body["from_memory"] != 1.0 || last.Body["over"] != 1.0 || last.Body["done"] != true {
		t.Errorf("the last line: %v", last.Body)
	}
	if n := len(s.Database.Holders()); n != 0 {
		t.Errorf("%d still have access", n)
	}
	room()
	s.Until("the end to be recorded", func() bool { return s.Only().State == flows.StateEnded })
	if r := s.Only(); r.EndedBy != company.Person(company.Mara) || r.EndWhy.Raw() != "we are being attacked" {
		t.Errorf("it was ended by %s, because %q", r.EndedBy, r.EndWhy.Raw())
	}
	s.Overlook()
}
