package handler_test

import (
	"context"
	"fmt"
	"os"

	"breakglass/flows"
	"breakglass/flows/handler"
)

// onCall is who is on call, by escalation policy.
type onCall map[string][]flows.OnCallEntry

// OnCall implements flows.OnCall.
func (o onCall) OnCall(_ context.Context, q flows.OnCallQuery) flows.OnCallAnswer {
	a := flows.OnCallAnswer{Known: true}
	for _, policy := range []string{"prod", "mgr_on_call"} {
		if q.Policy == "" || q.Policy == policy {
			a.Entries = append(a.Entries, o[policy]...)
		}
	}
	return a
}

// tonight has Dana on call for prod and Mara on call for the managers.
func tonight() onCall {
	return onCall{
		"prod":        {{User: "PDANA01", PolicyName: "prod", Level: 1, ScheduleID: "S1"}},
		"mgr_on_call": {{User: "PMARA01", PolicyName: "mgr_on_call", Level: 1, ScheduleID: "S2"}},
	}
}

// show runs one of the example handlers for a person and prints the outcome.
func show(file string, who flows.PersonID) {
	source, err := os.ReadFile(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := handler.New(handler.Options{OnCall: tonight()})
	got := r.Reduce(context.Background(), flows.ReduceInput{
		Flow:    &flows.Flow{ID: "prod", Handler: "prod.py", Source: source, SourceHash: file},
		Request: &flows.Request{ID: "req_1", Content: flows.Content{Requester: who, Beneficiary: who}},
		Links: flows.NewLinks([]flows.Link{
			{Person: "T1/U0DANA", PagerDuty: "PDANA01"},
			{Person: "T1/U0SAM", PagerDuty: "PSAM01"},
			{Person: "T1/U0MARA", PagerDuty: "PMARA01"},
		}),
	})
	for _, c := range got.Calls {
		fmt.Println("asked:", c.Name, "→", c.Result)
	}
	if got.Fault != "" {
		fmt.Println("fault:", got.Fault)
	}
	if got.Proposal == nil {
		fmt.Println("no route")
		return
	}
	for _, s := range got.Proposal.Stages {
		fmt.Printf("ask %v: %s\n", s.People, s.Why)
	}
}

// The first reducer of the reference document, as printed there.
func Example_selfApproval() {
	show("examples/self_approval.py", "T1/U0DANA")
	show("examples/self_approval.py", "T1/U0SAM")
	// Output:
	// asked: pagerduty.is_on_call → yes
	// ask [T1/U0DANA]: on call for prod, level 1
	// asked: pagerduty.is_on_call → no
	// no route
}

// The second reducer of the reference document, as printed there and with the line
// that it lacks.
func Example_managers() {
	show("examples/managers_as_printed.py", "T1/U0SAM")
	show("examples/managers.py", "T1/U0SAM")
	// Output:
	// asked: pagerduty.users_on_call → yes
	// no route
	// asked: pagerduty.users_on_call → yes
	// ask [T1/U0MARA]: on call for mgr_on_call, level 1
}

// A check tells everything at once.
func ExampleCheck() {
	problems := handler.Check("prod.py", []byte(`
from breakglass import pagerduty, slak

def get_aprovers(evt):
    try:
        if pagerduty.is_on_cal(evt.user):
            return slack.user(evt.usr)
    except Exception:
        raise
`))
	for _, p := range problems {
		fmt.Println(p.Error())
	}
	// Output:
	// prod.py:2:35: breakglass has no "slak" (did you mean slack?)
	// prod.py:4:5: there is no get_approvers (rename get_aprovers to get_approvers)
	// prod.py:5:5: try is not supported yet (leave try out: an error already stops the handler, and the flow's fallback decides)
	// prod.py:6:22: pagerduty has no "is_on_cal" (did you mean is_on_call?)
	// prod.py:7:20: the name "slack" is not defined (add from breakglass import slack)
	// prod.py:9:9: raise is not supported yet (write fail("what went wrong"))
}
