package bot_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/slackfake"
)

// huge is a flow in which everything is longer or more than Slack takes.
func huge() (*flows.Flow, map[flows.TargetID]*flows.TargetSpec) {
	long := strings.Repeat("ä very long word & <@U0DANA> ", 200)
	f := &flows.Flow{
		ID: "huge", Label: long, Requesters: []flows.Principal{"U0DANA"}, MaxDuration: 1000 * time.Hour, MaxTotal: 1000 * time.Hour,
		Incident: flows.IncidentOptional, SelfApproval: flows.SelfAlways, Quorum: 1, StageTimeout: time.Hour, Hash: "h-huge",
	}
	for i := range 200 {
		f.Fallback.Approvers = append(f.Fallback.Approvers, flows.Principal(fmt.Sprintf("U0FALLBACK%03d", i)))
		f.Durations = append(f.Durations, time.Duration(i+1)*time.Hour)
	}
	targets := map[flows.TargetID]*flows.TargetSpec{}
	for i := range 300 {
		id := flows.TargetID(fmt.Sprintf("target_%03d_%s", i, strings.Repeat("x", 100)))
		f.Targets = append(f.Targets, id)
		targets[id] = &flows.TargetSpec{ID: id, Kind: "approval_only", Label: fmt.Sprintf("%d %s", i, long), Hash: "t"}
	}
	var choices []string
	for i := range 150 {
		choices = append(choices, fmt.Sprintf("%d %s", i, strings.TrimSpace(long[:600])))
	}
	f.Fields = []flows.PromptField{
		{Name: strings.Repeat("n", 200), Label: long, Hint: long, Default: long, Type: flows.FieldString},
		{Name: "choice", Label: " ", Choices: choices, Type: flows.FieldString},
	}
	return f, targets
}

// TestSlacksLimits draws and submits a form of which nothing fits as it is.
func TestSlacksLimits(t *testing.T) {
	t.Parallel()
	d := setup(t)
	f, targets := huge()
	d.cat.Flows["huge"], d.cat.FlowOrder = f, append(d.cat.FlowOrder, "huge")
	maps.Copy(d.cat.Targets, targets)
	d.pd.list[2].Title = flows.NewText(strings.Repeat("Database <down> ", 100))
	dana := d.User("U0DANA")
	form := d.openForm("U0DANA", string(f.Targets[7])+" 200h 4711 "+strings.Repeat("because it is down ", 200))
	options, err := dana.Suggest(form, "target", "")
	must(t, err)
	if len(options) != 100 {
		t.Errorf("%d options, Slack takes 100", len(options))
	}
	_, err = dana.Suggest(form, "incident", "")
	must(t, err)
	must(t, justErr(dana.Submit(form, slackfake.Values{"field/choice/huge": menu(t, form, "field/choice/huge")[3]})))
	if v, _ := dana.Front(); v.Title != "Asking…" {
		t.Fatalf("errors: %v", v.Errors)
	}
	d.work()
	if r := d.only(); r.Content.Target != f.Targets[7] || r.Content.Duration != 200*time.Hour || r.Content.Reason.Len() != flows.MaxText {
		t.Errorf("asked for %s, %s, a reason of %d", r.Content.Target, flows.Span(r.Content.Duration), r.Content.Reason.Len())
	}
	d.noViolations()
}

func justErr(_ slackfake.Outcome, err error) error { return err }

// TestAnswersAreSmall: Slack drops answers of 20 KB and more, in one of its modes
// silently.
func TestAnswersAreSmall(t *testing.T) {
	t.Parallel()
	d := setup(t)
	form := d.openForm("U0DANA", "production_console 1h 4711 "+strings.Repeat("because it is down ", 150))
	out, err := d.User("U0DANA").Submit(form, nil)
	must(t, err)
	if body := out.Exchange.ResponseBody; len(body) >= 20<<10 || !json.Valid([]byte(body)) {
		t.Errorf("the answer has %d bytes", len(body))
	}
}
