package main_test

import (
	"strings"
	"testing"
)

// adapterPoints is what a first-class adapter has to do, point by point, and the tests
// that show it. A point without a test, or with one that is gone, fails.
var adapterPoints = []struct{ point, shown string }{
	{"1. who calls is made sure of; a grant opens it, and its end cuts what is open",
		"bot/bottest.TestCallsByAGrant bot/bottest.TestCallsByASession bot/bottest.TestCallsEndOnEveryReplica integrations/httpadapter.TestCallers " +
			"integrations/httpadapter.TestAGrant integrations/httpadapter.TestStreamsEndWithTheAccess cmd/breakglass.TestKillSwitchCutsStreams"},
	{"2. a path is read once; what is ambiguous is refused; the same segments are forwarded, and nothing redirects",
		"integrations/httpadapter/place.FuzzPlace integrations/httpadapter/place.TestPlacesByChance integrations/httpadapter.TestHostileRequests flows.TestGoodSegment"},
	{"3. methods and templates are listed; no method by a header, a query or a form; JSON only",
		"flows.TestRuleMatch flows.TestParseRuleRefuses flows/config.TestAdapter integrations/httpadapter.TestHostileRequests integrations/httpadapter.TestAGrant"},
	{"4. a list of headers goes up; the caller sets none of ours; From is the caller's own address",
		"integrations/httpadapter.TestACall integrations/httpadapter.TestFrom integrations/httpadapter.TestHostileRequests"},
	{"5. a list of headers comes back; a 401 for our key is told apart; an echo of the secret is covered",
		"integrations/httpadapter.TestHeadersThatStay integrations/httpadapter.TestRotation integrations/httpadapter.TestEchoingUpstreams integrations/httpadapter.FuzzMask"},
	{"6. no redirect is followed; a Location of the same upstream stays in the adapter", "integrations/httpadapter.TestRedirects"},
	{"7. the address is checked when it is dialled, and fixed when it is configured; no loops",
		"integrations/httpadapter.TestRebinding integrations/reach.TestAddresses flows/config.TestAdapter integrations/httpadapter.TestHostileRequests"},
	{"8. times, sizes, rates and places at a time, of a caller and of all; an upstream's own limit is heeded",
		"integrations/httpadapter.TestLimits integrations/httpadapter.TestAtATime integrations/httpadapter.TestWhatTakesTooLong integrations/httpadapter.TestSlowBody " +
			"integrations/httpadapter.TestManySlowStreams integrations/httpadapter.TestAnswersThatAreNotPassedOn integrations/httpadapter.TestRefusedCallsTakeNothingFromOthers"},
	{"9. no upgrade, no trailers, no early answers; nothing that changes something is sent twice",
		"integrations/httpadapter.TestHostileRequests integrations/httpadapter.TestAnswersThatAreNotPassedOn integrations/httpadapter.TestNothingIsSentTwice"},
	{"10. each call is recorded before it is sent and completed after; refusals too; no secrets",
		"integrations/httpadapter.TestTheRecord integrations/httpadapter.TestNothingIsSentUnrecorded integrations/httpadapter.TestRefusalsAreRecorded " +
			"integrations/httpadapter.TestAFloodOfRefusals integrations/httpadapter.TestAFloodOfManyPeople integrations/httpadapter.TestNoPassInTheRecord bot/records.TestCalls"},
	{"11. secrets are read when they are used and rotate; one that is not declared is an error at load; no value is printed",
		"integrations/httpadapter.TestRotation flows/config.TestTemplateNamesAreChecked flows/config.TestTemplateMarksSurvive flows/config/source.TestAddAdapter cmd/breakglass.TestAdapterListAndCheck"},
	{"12. Atlas's files are read; adapters are added in place, once; a slash at the end or not; reloaded while it runs",
		"flows/config/atlas.TestRead flows/config/atlas.TestWhatIsLeftOut flows/config/source.TestAddAdapter flows/config/source.TestAddAdapterBesideOthers " +
			"integrations/httpadapter.TestTwoAdapters cmd/breakglass.TestCurl cmd/breakglass/app.TestReload"},
}

func TestEveryPointOfAnAdapterHasATest(t *testing.T) {
	t.Parallel()
	if n := len(adapterPoints); n != 12 {
		t.Errorf("%d points", n)
	}
	obeys(t, func(tr *tree) []string {
		var names []string
		for _, p := range adapterPoints {
			names = append(names, strings.Fields(p.shown)...)
		}
		return untested(tr, names)
	})
}
