package past

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// configs are the configurations that were in force, one after the other.
type configs struct {
	flows   []flows.Flow
	targets []flows.TargetSpec
	links   flows.Links
	from    time.Time

	mu   sync.Mutex
	made map[int]*flows.Catalog // by revision
}

// inForce is how long a configuration was in force.
const inForce = 9 * 24 * time.Hour

// areas are what flows are about.
var areas = [...]string{"production", "customer_data", "databases", "clusters", "network", "payments", "support_tools", "vault"}

// handlers are the files that decide, each about a policy of managers and a revision.
var handlers = [...]string{`
@reducer
def get_approvers(evt):
    # On call: a DM with Approve for the requester alone.
    if pagerduty.is_on_call(evt.user):
        return slack.user(evt.user)
    # Otherwise the managers on call, each in a DM; the first decision counts.
    return slack.group(pagerduty.users_on_call(escalation_policy_name="%s"))
`, `
MANAGERS = "%s"


@reducer
def get_approvers(evt):
    if pagerduty.is_on_call(evt.user, max_level=2):
        return slack.user(evt.user)
    return slack.group(pagerduty.users_on_call(escalation_policy_name=MANAGERS, max_level=1))
`, `
def managers():
    return pagerduty.users_on_call(escalation_policy_name="%s")


@reducer
def get_approvers(evt):
    on_call = pagerduty.is_on_call(evt.user)
    print(evt.target, "is asked for", evt.duration // 60, "minutes")
    return slack.user(evt.user) if on_call else slack.group(managers(), timeout="30m")
`}

// declare makes what does not change with the configuration.
func (k *configs) declare(c *company, r *rand.Rand) {
	k.links, k.from, k.made = c.links, c.from, map[int]*flows.Catalog{}
	for i := range targets {
		t := flows.TargetSpec{
			ID: flows.TargetID(fmt.Sprintf("%s_%s", teams[i%len(teams)], things[i/len(teams)])), Kind: "webhook", HighRisk: i%3 == 0,
			Label: fmt.Sprintf("%s: %s", teams[i%len(teams)], things[i/len(teams)]), MaxDuration: 8 * time.Hour,
		}
		if r.IntN(5) == 0 {
			t.Kind = "approval_only"
		}
		k.targets = append(k.targets, t)
	}
	for i, area := range areas {
		desk := i % desks
		f := flows.Flow{
			ID: flows.FlowID(area), Label: strings.ReplaceAll(area, "_", " "), Environment: "prod", Channel: "#access-" + area, ErrorsTo: "#access-errors",
			Handler: area + ".py", Requesters: []flows.Principal{everybody}, Durations: []time.Duration{30 * time.Minute, time.Hour, 4 * time.Hour},
			MaxDuration: 8 * time.Hour, MaxTotal: 12 * time.Hour, Incident: flows.IncidentOptional, EndWith: []flows.EndCause{flows.EndIncident},
			SelfApproval: flows.SelfOnCall, OnCall: flows.OnCallLimits{MaxLevel: 2, ScheduleOnly: true}, Quorum: 1, StageTimeout: 30 * time.Minute,
			RemindAfter: 10 * time.Minute, Fields: []flows.PromptField{{Name: "ticket", Label: "Change ticket", Type: flows.FieldString}},
			Fallback: flows.Fallback{Approvers: []flows.Principal{deskGroup(desk)}, Destination: "#" + teams[desk] + "-managers"},
		}
		for k, t := 0, i; t < targets; k, t = k+1, t+len(areas) {
			f.Targets = append(f.Targets, c.configs.targets[t].ID)
		}
		k.flows = append(k.flows, f)
	}
}

// at is the configuration in force at t.
func (k *configs) at(t time.Time) *flows.Catalog {
	revision := int(t.Sub(k.from) / inForce)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made[revision] == nil {
		k.made[revision] = k.revision(revision)
	}
	return k.made[revision]
}

// revision is a configuration. A part of the flows and of the targets is another one with
// each.
func (k *configs) revision(n int) *flows.Catalog {
	cat := &flows.Catalog{
		Hash: hash("configuration", n, 0), Team: team, World: flows.WorldSimulated, Links: k.links, Admins: []flows.Principal{"U0ADMIN"},
		Flows: make(map[flows.FlowID]*flows.Flow, len(k.flows)), Targets: make(map[flows.TargetID]*flows.TargetSpec, len(k.targets)),
	}
	for i, f := range k.flows {
		rev := (n + i) / 3
		f.Source = fmt.Appendf(nil, `"""Who decides about %s; revision %d."""`+"\n\nfrom breakglass import pagerduty, reducer, slack\n\n"+handlers[i%len(handlers)],
			f.Label, rev, teams[i%desks]+"_managers")
		sum := sha256.Sum256(f.Source)
		f.SourceHash, f.Hash = hex.EncodeToString(sum[:]), hash(string(f.ID), rev, i)
		cat.Flows[f.ID], cat.FlowOrder = &f, append(cat.FlowOrder, f.ID)
	}
	for i, t := range k.targets {
		t.Hash, t.Means = hash(string(t.ID), (n+i)/7, i), hash(string(t.ID)+" means", (n+i)/40, i)
		cat.Targets[t.ID] = &t
	}
	return cat
}

// hash is what a hash of something is like.
func hash(what string, revision, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", what, revision, i))
	return hex.EncodeToString(sum[:])
}
