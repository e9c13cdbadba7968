package main_test

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// badDays is what must hold on each bad day, and the tests that show it. A day without
// a test, or with one that is gone, fails.
var badDays = []struct{ day, must, shown string }{
	{"Slack down, failing or slow", "what is decided goes on, cards are sent later, ends are not kept back",
		"bot/bottest.TestSlackTakesNoMessages bot/bottest.TestSlackIsSlow bot/bottest.TestSlackKnowsNobody bot/bottest.TestSlacksAnswersGetLost"},
	{"Slack limits us", "Retry-After is heeded, nothing is lost",
		"bot/bottest.TestSlackLimitsUs integrations/slack.TestRetryAfterIsReportedAndHeeded integrations/slack.TestPaceStaysUnderEveryTier"},
	{"Slack delivers again", "handled once", "bot/bottest.TestAClickThatComesAgain bot/bottest.TestAFormThatComesTwice bot.TestReplaysAreOneRow"},
	{"our answer is late or lost", "the second try does no harm", "bot/bottest.TestOurAnswerToAClickGetsLost"},
	{"PagerDuty down, failing or silent", "nobody approves themselves, the fallback decides, people are told",
		"bot/bottest.TestPagerDutyFailsAtTheRouting bot/bottest.TestPagerDutyFailsAtTheClick bot/bottest.TestPagerDutyFailsAtAManagersClick " +
			"bot/bottest.TestADenialCountsWhilePagerDutyIsDown bot/bottest.TestAccessEndsWhilePagerDutyIsDown integrations/pagerduty.TestOutages"},
	{"PagerDuty limits us", "we wait a little, then it is unknown",
		"integrations/pagerduty.TestRateLimitPauses integrations/pagerduty.TestAKeyThatOthersUseUp integrations/pagerduty.TestTheBudgetKeepsAReserveForClicks"},
	{"PagerDuty answers nonsense, in part, or from elsewhere", "unknown",
		"integrations/pagerduty.TestAnswersThatAreNotBelieved integrations/pagerduty.TestRedirectsAreNotFollowed integrations/pagerduty.TestAllPagesAreRead"},
	{"what is remembered is old", "a click rests on what is at most a minute old",
		"integrations/pagerduty.TestAClickIsNeverAnsweredFromMoreThanAMinuteAgo integrations/pagerduty.TestStaleAnswersFromACache"},
	{"the incident is deleted, resolved, merged or unreadable", "the flow decides; access never stays past its time",
		"bot/bottest.TestTheIncidentIsDeletedBeforeTheDecision bot/bottest.TestTheIncidentIsDeletedWhileAccessIsActive bot/bottest.TestAnIncidentIsRequired " +
			"bot/bottest.TestResolvedAndReopened bot/bottest.TestResolvedWithoutAWebhook bot/bottest.TestMerged bot/bottest.TestTheIncidentCannotBeRead"},
	{"Secrets Manager down, at the start and later", "no start without the secret; the last good value for a while, then unknown",
		"bot/bottest.TestNoStartWithoutTheSecret bot/bottest.TestTheSecretsManagerIsDown integrations/secrets.TestAWSTheLastGoodValueIsKeptForAWhile"},
	{"a key is rotated", "read again once, tried again once, else closed",
		"bot/bottest.TestTheKeyIsRotated bot/bottest.TestTheKeyIsRotatedAtPagerDutyOnly bot/bottest.TestTheKeyBeforeStillWorks integrations/pagerduty.TestRotatedKeys"},
	{"the database is locked", "Slack gets an error, nothing is acknowledged, the next try works", "bot/bottest.TestAnotherProcessLocksTheStore"},
	{"the disk is full", "nothing is given, what is due is ended from memory and recorded later",
		"bot/bottest.TestTheDiskIsFull bot/bottest.TestTheDiskIsFullAndAnotherGrantGoesOn bot/bottest.TestAStartOnAFullDisk store.TestDiskFull store.TestDiskReallyFull"},
	{"the disk fails: every sync is EIO", "likewise", "cmd/breakglass.TestTheDiskFails"},
	{"the store is damaged", "end-only", "bot/bottest.TestTheStoreDoesNotVerify store.TestDamage store.TestForgedEntries"},
	{"PostgreSQL goes away", "503, nothing from memory but ends",
		"bot/bottest.TestPostgresGoesAway store.TestPostgresComesBack store.TestAWriteIsMadeAgainWhenItsConnectionIsCut"},
	{"a replica that was gone wakes up", "the fence keeps it out", "cmd/breakglass.TestZombieReplica integrations/target.TestALateGrantDoesNotLandAfterItsRevocation"},
	{"two replicas at once", "one winner", "bot/bottest.TestTwoReplicasDecideOnce store.TestReplicas"},
	{"the clock jumps, or is off", "no end moves later, end-only",
		"bot/bottest.TestTheClockJumpsBack bot/bottest.TestTheClockJumpedBackWhileAway bot/bottest.TestTheClockJumpsAhead bot/bottest.TestPostgresGoesAway flows.TestJumpedBack"},
	{"webhooks doubled, shuffled, old or forged", "only a re-read decides", "bot/bottest.TestShuffledReplayedAndOldWebhooks bot/bottest.TestForgedWebhooks"},
	{"the target is slow, or nobody knows what it did", "no success is told, it is read back",
		"bot/bottest.TestTheTargetGivesNothing bot/bottest.TestTheTargetsAnswersGetLost bot/bottest.TestTheTargetComesBack bot/bottest.TestALateGrantIsTooLate bot/bottest.TestTheTargetRefuses"},
	{"the target does not end it", "tried for ever, alarm after a minute, never called ended", "bot/bottest.TestTheTargetDoesNotEndIt"},
	{"down when access ends", "ended at the start, before traffic, which waits for no target", "bot/bottest.TestDownAtTheEnd bot/bottest.TestAStartWaitsForNoTarget"},
	{"a panic", "it costs one request or one try of a job",
		"bot/bottest.TestAPanicInARequest bot/bottest.TestAPanicAtAClick bot/bottest.TestAPanicBesideARequest bot/bottest.TestAPanicInAJob flows/worker.TestAPanicIsAFailure store.TestPanicHurtsNobodyElse"},
	{"killed at any moment", "nothing acknowledged is lost, nothing happens twice, nothing stays",
		"cmd/breakglass.TestKilledAtAnyMoment cmd/breakglass.TestKilledAtAnyMomentOnPostgres store.TestKill store.TestKillOnPostgres"},
	{"the audit cannot be written", "then there is no decision", "bot/bottest.TestTheAuditCannotBeWritten"},
	{"a refusal", "recorded as a decision is", "bot/bottest.TestARefusedSubmissionIsRecorded bot/bottest.TestAPressOfAnOldCardIsRecorded"},
	{"a configuration that is wrong, or cannot be loaded while access is live", "the old one stays, the attempt is recorded",
		"cmd/breakglass/app.TestABadReloadKeepsTheOld cmd/breakglass/app.TestAReloadThatNeedsARestart cmd/breakglass/app.TestATargetWithLiveGrantsStaysAtAReload cmd/breakglass.TestHangUp"},
}

func TestEveryBadDayHasATest(t *testing.T) {
	t.Parallel()
	obeys(t, func(tr *tree) []string { return untested(tr, tested()) })
	catches(t, func(tr *tree) []string { return untested(tr, []string{"a.TestHere", "a.TestGone", "a.TestSkipped"}) }, map[string]string{
		"a/a_test.go": "package a\n\nfunc TestHere() { hope() }\n\nfunc TestSkipped() {}\n",
	}, "a.TestGone", "a.TestSkipped")
}

// tested names the tests of all bad days.
func tested() []string {
	var all []string
	for _, d := range badDays {
		if d.shown == "" || d.must == "" {
			all = append(all, d.day) // which is found to be no test
		}
		all = append(all, strings.Fields(d.shown)...)
	}
	return all
}

// untested are the named tests that are not there, or do nothing.
func untested(tr *tree, names []string) []string {
	have := map[string]bool{}
	for _, f := range tr.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Recv == nil && len(fn.Body.List) > 0 {
				have[f.dir+"."+fn.Name.Name] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return have[name] })
}
