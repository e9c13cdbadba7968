package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// attackerGoals are what every attacker wants.
var attackerGoals = []string{"gain access", "keep it longer", "cut others off", "hide it"}

// attackers is what holds against whom. Prevented: the tests show it, as far as says.
// Detected: the tests show where it is seen, which says tells. Accepted: says why.
var attackers = []struct{ who, goal, is, says, shown string }{
	{"requester", "gain access", "prevented", "nobody is asked about their own request but by the flow's word, with proof, under its ceilings",
		"bot/bottest.TestTheRequesterIsNotAskedInAGroup bot/bottest.TestAGroupOfTheRequesterAloneIsTheFallback bot/bottest.TestSelfApprovalNever bot/bottest.TestCeilingsOnSelfApproval bot/bottest.TestAPILife"},
	{"requester", "keep it longer", "prevented", "access ends at its time; what carries it on is decided anew, and max_total holds for all of it",
		"bot/bottest.TestExpiry bot/bottest.TestMaxTotal bot/bottest.TestWhatCannotBeExtended"},
	{"requester", "cut others off", "prevented", "only what is one's own can be handed back", "bot/bottest.TestAPILife bot.TestForeignButtons bot/bottest.TestEmergencyIsForAdmins"},
	{"requester", "hide it", "prevented", "all that will be applied is shown and hashed, typed text is text, refusals are recorded",
		"flows.TestContentHashCoversEverything bot/bottest.TestTypedTextIsText bot/bottest.TestARefusedSubmissionIsRecorded bot/bottest.TestTheRecordOfAGrant"},

	{"approver", "gain access", "prevented", "one's own request needs somebody else", "bot/bottest.TestAPILife bot/bottest.TestOwnRequestOnTheWeb bot/bottest.TestQuorumOfTwo"},
	{"approver", "keep it longer", "prevented", "an approval is of what was shown, and the ceilings hold at the click",
		"flows.TestCeilingsHoldAtTheClick bot/bottest.TestMaxTotal bot/bottest.TestDecideOnTheWeb"},
	{"approver", "cut others off", "detected", "who revokes or denies is named, with the reason, to the holder and in the audit", "bot/bottest.TestRevokedByTheApprover bot/bottest.TestDenied"},
	{"approver", "hide it", "prevented", "each decision is an entry of its own transaction", "bot/bottest.TestTheAuditCannotBeWritten bot/bottest.TestTheRecordOfADenialAndOfTheWeb"},

	{"second account", "gain access", "prevented", "a person is a link that is unique on both sides; an account that the flow does not name decides nothing. Two accounts that an admin made members and approvers are two people to us",
		"flows.TestLinksAreUniqueOnBothSides cmd/breakglass.TestImportsOnTwoReplicasAtOnce bot/bottest.TestWhoMayNotDecide bot/bottest.TestWhoseSubject"},
	{"second account", "keep it longer", "prevented", "nobody extends what is another's", "bot/bottest.TestWhatCannotBeExtended"},
	{"second account", "cut others off", "prevented", "the buttons of another are nobody's", "bot.TestForeignButtons bot/bottest.TestEmergencyIsForAdmins"},
	{"second account", "hide it", "prevented", "entries name ids, and how somebody came in", "bot/bottest.TestWhatEntriesCarry bot/bottest.TestTheRecordOfAGrant"},

	{"guest", "gain access", "prevented", "guests, strangers and bots neither ask nor decide", "bot/bottest.TestWhoMayNotAsk bot/bottest.TestWhoMayNotDecide bot/bottest.TestWhoMayNotSignIn"},
	{"guest", "keep it longer", "prevented", "who is no member any more loses the access", "bot/bottest.TestADeactivatedHolderLosesTheAccess bot/bottest.TestTheRequesterIsNoLongerAMember"},
	{"guest", "cut others off", "prevented", "a click of theirs does nothing, and what stops access is for admins, whom the configuration names", "bot/bottest.TestWhoMayNotDecide bot.TestForeignButtons bot/bottest.TestEmergencyIsForAdmins"},
	{"guest", "hide it", "prevented", "what was refused is recorded", "bot/bottest.TestARefusedSubmissionIsRecorded bot/bottest.TestAPressOfAnOldCardIsRecorded"},

	{"someone who adds an override", "gain access", "prevented", "schedule_only, min_shift_age and overrides hold below the handler", "bot/bottest.TestCeilingsOnSelfApproval flows.TestOnCallLimits"},
	{"someone who adds an override", "keep it longer", "prevented", "access ends at its time, whoever is on call by then, and a shift that is over at the click gives nothing", "bot/bottest.TestExpiry bot/bottest.TestTheShiftEndsBeforeTheClick flows.TestHistories"},
	{"someone who adds an override", "cut others off", "accepted", "who may change the rota says who is on call, and so who is asked: access that was given stays, and the fallback decides besides", ""},
	{"someone who adds an override", "hide it", "detected", "the entry that satisfied the rule stands in the decision: its schedule, shift, and whether it is an override",
		"bot/bottest.TestTheEvidenceOfASelfApproval integrations/pagerduty.TestOverrides"},

	{"someone who resolves or creates incidents", "gain access", "prevented", "an incident approves nothing", "bot/bottest.TestAnIncidentIsRequired flows.TestNoSelfApprovalForAnIncidentNobodyCouldRead bot/bottest.TestForgedWebhooks"},
	{"someone who resolves or creates incidents", "keep it longer", "prevented", "reopened, nothing comes back; unreadable, the time holds", "bot/bottest.TestResolvedAndReopened bot/bottest.TestTheIncidentCannotBeRead"},
	{"someone who resolves or creates incidents", "cut others off", "detected", "the holder is told at once, keeps the access for the grace, and asks for more with a button", "bot/bottest.TestResolvedAndReopened bot/bottest.TestExtensionAfterTheIncident"},
	{"someone who resolves or creates incidents", "hide it", "prevented", "the audit is ours, whatever becomes of the incident", "bot/bottest.TestTheIncidentIsDeletedWhileAccessIsActive bot/bottest.TestMerged"},

	{"configuration author", "gain access", "detected", "each load is an entry with the hash of all of it, cards name the rules, and what was approved under other rules is routed again",
		"cmd/breakglass/app.TestReload bot/bottest.TestTheHandlerChangesBeforeTheClick bot/bottest.TestTheFlowChangesBetweenTwoApprovals flows/config.TestEveryFieldOfAFlowIsHashed"},
	{"configuration author", "keep it longer", "prevented", "the end of what was given never moves later", "flows.TestHistories flows.TestCeilingsHoldAtTheClick"},
	{"configuration author", "cut others off", "prevented", "a target with live grants cannot be taken out, a bad load keeps the old",
		"cmd/breakglass/app.TestATargetWithLiveGrantsStaysAtAReload cmd/breakglass/app.TestABadReloadKeepsTheOld"},
	{"configuration author", "hide it", "detected", "the load itself is an entry, also one that is refused", "cmd/breakglass/app.TestReload cmd/breakglass/app.TestABadReloadKeepsTheOld"},

	{"token thief", "gain access", "prevented", "a login's token opens nothing elsewhere, a service's never decides, and no token decides where the target says step_up; elsewhere a personal token for deciding is its holder, until it is ended",
		"cmd/breakglass.TestLoginIsTheMachines bot/bottest.TestTokens bot/bottest.TestStepUp"},
	{"token thief", "keep it longer", "prevented", "tokens end by themselves, with their maker, and make no others", "bot/bottest.TestTokens bot/bottest.TestTokenOfWhoLeft bot/bottest.TestMaxTotal"},
	{"token thief", "cut others off", "detected", "only an admin's token for deciding stops anything, and then every channel says whose it was", "bot/bottest.TestKillSwitchIsForAdminsOverTheAPI bot/bottest.TestKillSwitchOverTheAPI"},
	{"token thief", "hide it", "prevented", "entries name the pass and the door", "bot/bottest.TestTokens bot/bottest.TestWhatEntriesCarry"},

	{"Slack-session thief", "gain access", "prevented", "where the target says step_up: Slack alone counts for nothing, neither does Sign in with Slack; elsewhere who has the session is the person",
		"bot/bottest.TestStepUp bot/bottest.TestStepUpInABrowser bot/bottest.TestStepUpIsNarrow bot/bottest.TestStepUpForOneself"},
	{"Slack-session thief", "keep it longer", "prevented", "an extension is decided anew, and max_total holds", "bot/bottest.TestMaxTotal bot/bottest.TestStepUp"},
	{"Slack-session thief", "cut others off", "detected", "the kill switch needs an admin's session, and every channel says whose it was", "bot/bottest.TestKillSwitch bot/bottest.TestFreeze bot/bottest.TestEmergencyIsForAdmins"},
	{"Slack-session thief", "hide it", "prevented", "messages are a view: what is deleted there stands in the audit", "bot/bottest.TestButtonsHoldNothing bot/bottest.TestAPressOfAnOldCardIsRecorded store.TestTampering"},

	{"signing-secret thief", "gain access", "prevented", "a click needs the value of a button that only its card has, a note the content's hash; where the target says step_up neither is enough",
		"bot.TestForeignButtons bot/bottest.TestButtonsHoldNothing bot.TestReplaysAreOneRow bot/bottest.TestStepUp"},
	{"signing-secret thief", "keep it longer", "prevented", "a forged extension is asked in its holder's name, and decided by others", "bot/bottest.TestMaxTotal bot/bottest.TestWhatCannotBeExtended bot.TestSecretRotation"},
	{"signing-secret thief", "cut others off", "detected", "what is forged in an admin's name is told to every channel, with the name", "bot/bottest.TestKillSwitch bot/bottest.TestFreeze"},
	{"signing-secret thief", "hide it", "prevented", "a payload that is taken is in the inbox, and what it did in the audit", "bot.TestReplaysAreOneRow bot/bottest.TestARefusedSubmissionIsRecorded"},

	{"database reader", "gain access", "prevented", "what opens a door is stored as a hash", "bot/bottest.TestADatabaseReaderFindsNoKey bot/bottest.TestNoSecretIsTold"},
	{"database reader", "keep it longer", "prevented", "likewise", "bot/bottest.TestADatabaseReaderFindsNoKey"},
	{"database reader", "cut others off", "prevented", "likewise", "bot/bottest.TestADatabaseReaderFindsNoKey"},
	{"database reader", "hide it", "accepted", "who reads past the program leaves no trace with us: that is for the database's own log. Who looks through the program is recorded", ""},

	{"database writer", "gain access", "detected", "before a target is told to give anything, and each minute, a request is held to its entries: one that says otherwise gives nothing, is told to the operators' channel, stands in /healthz, in the system's entries and in breakglass_requests_altered, and is found by audit verify. Who forges the entries of a decision, too, has put one into the log that its person did not make, and cannot take it out again. So has who forges a click in the inbox, a session or a link, which nothing binds to a key: the decision is given, and stands in the record with the person and the card it names, where that person can deny it",
		"bot/bottest.TestAWrittenApprovalGivesNothing bot/bottest.TestADatabaseWriterIsFound bot/bottest.TestADatabaseWriterIsFoundOnPostgres flows.TestHistories"},
	{"database writer", "keep it longer", "detected", "likewise: the end, the job that ends it and its lane, its columns, the incident, what was there before and who else holds the access are held to the entries", "bot/bottest.TestADatabaseWriterIsFound bot/bottest.TestADatabaseWriterIsFoundOnPostgres"},
	{"database writer", "cut others off", "detected", "likewise, an end that was brought forward and a row that is gone; who drops the tables stops everything, and access at the targets is ended from memory, or found by breakglass restore report",
		"bot/bottest.TestADatabaseWriterIsFound bot/bottest.TestADatabaseWriterIsFoundOnPostgres bot/bottest.TestAnEarlierDatabase"},
	{"database writer", "hide it", "detected", "by the checkpoints outside: an earlier tree, and a changed, removed or moved entry",
		"store.TestTampering flows/audit.TestRolledBack bot/bottest.TestAnEarlierDatabase flows/audit.TestTamperingWithAnExport cmd/breakglass/app.TestCheckpointsArePublished"},
}

// Each attacker has an answer to each goal, and each test that is named is there.
func TestEveryAttackerIsAnswered(t *testing.T) {
	t.Parallel()
	var who, named []string
	cells := map[string]int{}
	for _, a := range attackers {
		if !slices.Contains(who, a.who) {
			who = append(who, a.who)
		}
		cells[a.who+"/"+a.goal]++
		if wrong := cell(a.goal, a.is, a.says, a.shown); wrong != "" {
			t.Errorf("%s, %s: %s", a.who, a.goal, wrong)
		}
		named = append(named, strings.Fields(a.shown)...)
	}
	for _, w := range who {
		for _, goal := range attackerGoals {
			if n := cells[w+"/"+goal]; n != 1 {
				t.Errorf("%s, %s: %d answers", w, goal, n)
			}
		}
	}
	if len(who) != 12 || len(attackers) != 48 {
		t.Errorf("%d attackers, %d answers", len(who), len(attackers))
	}
	obeys(t, func(tr *tree) []string { return untested(tr, named) })
	for _, bad := range [][4]string{{"gain access", "prevented", "x", ""}, {"gain access", "accepted", "", ""}, {"gain access", "hoped", "x", "y"}, {"win", "accepted", "x", ""}} {
		if cell(bad[0], bad[1], bad[2], bad[3]) == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

// cell says what is wrong with one answer.
func cell(goal, is, says, shown string) string {
	switch {
	case !slices.Contains(attackerGoals, goal):
		return fmt.Sprintf("%q is no goal", goal)
	case says == "":
		return "it does not say how far, where or why"
	case is == "accepted":
		return ""
	case is != "prevented" && is != "detected":
		return fmt.Sprintf("%q is no answer", is)
	case shown == "":
		return "no test shows it"
	}
	return ""
}
