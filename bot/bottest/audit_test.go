package bottest_test

import (
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// Months later the auditor asks in Slack what was done, and reads it there; who had no
// part in it reads nothing.
func TestTheAuditorAsks(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam, mara, audi := s.As(company.Sam), s.As(company.Mara), s.As(company.Audi)
	sam.Asks("Production database", "the ledger is stuck", nil)
	sam.Sees("You asked for Production database", "Waiting for")
	card := mara.Sees("<@U0SAM> asks for Production database")
	mara.Denies(card, "use the replica")
	sam.Sees("You asked for Production database", "use the replica")
	sam.Sees("was not granted", "use the replica")
	s.As(company.Noor).Sees("<@U0SAM> asks for Production database", "Denied")
	s.Quiet()

	began := time.Now()
	audi.Types("/access audit @sam denied")
	if took := time.Since(began); took > time.Second {
		t.Errorf("the answer took %s", took)
	}
	audi.Told("Production database", "denied by <@U0MARA>", "the ledger is stuck", "That you looked is recorded")
	audi.Types(`/access audit "the replica" last 30d`)
	audi.Told("denied by <@U0MARA>")
	audi.Types("/access audit incident 4711")
	audi.Told("No request answers that")
	s.As(company.Noor).Types("/access audit @dana")
	s.As(company.Noor).Told("No request answers that", "You see what you had a part in")
	mara.Types("/access audit decided-by:me")
	mara.Told("the ledger is stuck")

	entries, err := s.App.Store().Entries(t.Context(), "system")
	must(t, err)
	looks := 0
	for _, e := range entries {
		if e.Verb == "audit_read" {
			looks++
		}
	}
	if r := s.Only(); r.State != flows.StateDenied || looks != 5 {
		t.Errorf("the request is %s, and %d looks are recorded", r.State, looks)
	}
}
