package config

import (
	"github.com/hashicorp/hcl/v2"
)

// decode reads every block, those that others refer to first.
func (ld *loader) decode() {
	each := func(kind string, read func(*decl)) {
		for _, d := range ld.order {
			if d.kind == kind {
				read(d)
			}
		}
	}
	each("secret", ld.secret)
	each("integration.slack", ld.slackIntegration)
	each("integration.pagerduty", ld.pagerdutyIntegration)
	ld.oneOfEach()
	each("environment", ld.environment)
	ld.server = ld.defaultServer()
	each("server", ld.readServer)
	each("sign_in", ld.signIn)
	ld.checkConsole()
	ld.audit = Audit{Every: defaultEvery, Retention: defaultRetention}
	each("audit", ld.readAudit)
	each("person", ld.person)
	ld.checkPeople()
	each("people", ld.readPeople)
	each("roles", ld.readRoles) // after the people, whose names help with mistakes
	ld.noRoles()
	for _, kind := range sinkKinds {
		each("sink."+kind, ld.sink)
	}
	each("http_adapter", ld.adapter) // after the people, who help with mistakes
	each("target", ld.target)
	each("flow", ld.flow)
	ld.openToRequesters()
}

// oneOfEach holds that there is one Slack workspace and one PagerDuty account.
func (ld *loader) oneOfEach() {
	for _, kind := range []string{"slack", "pagerduty"} {
		names := ld.names("integration." + kind)
		if len(names) == 0 {
			ld.errorf(hcl.Range{Filename: MainFile}, `Add integration "`+kind+`" "main" { … }.`,
				"There is no integration with %s.", kind)
		}
		for _, extra := range names[min(1, len(names)):] {
			d := ld.byKey["integration."+kind+"."+extra]
			ld.errorf(d.block.DefRange(), "Run a second installation for it.",
				"A second integration with %s: one installation serves one Slack workspace and one PagerDuty account.", kind)
		}
	}
	ld.secretWorlds()
	if ld.slack != nil && ld.pagerduty != nil && ld.slack.Simulated != ld.pagerduty.Simulated {
		made, live := "Slack", "PagerDuty"
		at := ld.byKey["integration.pagerduty."+ld.pagerduty.Name]
		if ld.pagerduty.Simulated {
			made, live = live, made
		}
		ld.errorf(at.block.DefRange(), "Make both simulated, or neither.",
			"%s is simulated and %s is real; the two never mix.", made, live)
	}
}

// secretWorlds holds that secrets come from the world of the integrations.
func (ld *loader) secretWorlds() {
	for _, s := range ld.secretSpecs {
		at := ld.byKey["secret."+s.Name].block.DefRange()
		switch {
		case ld.slack == nil || s.Source != SourceAWS || s.Simulated == ld.slack.Simulated:
		case s.Simulated:
			ld.errorf(at, "Make both simulated, or neither.", "secret %q comes from a simulator and Slack is real; the two never mix.", s.Name)
		default:
			ld.errorf(at, "Use a secret that is no real one: source = \"env\" or \"file\".", "secret %q is a real one of Amazon and Slack is simulated; the two never mix.", s.Name)
		}
	}
}

// checkUse warns about what is declared and never used.
func (ld *loader) checkUse() {
	advice := map[string]string{ //nolint:gosec // advice about secret blocks, no secret
		"secret":   "Remove it, or refer to it where it is needed.",
		"target":   "Add it to the targets of a flow, or remove it.",
		"variable": "Remove it.",
	}
	for _, d := range ld.order {
		kind := d.kind
		if kind == "variable" {
			kind = "var"
		}
		if a, ok := advice[d.kind]; ok && !ld.used[kind+"."+d.name] {
			ld.warnf(d.block.DefRange(), a, "Nothing refers to %s.", describe(d))
		}
	}
	if len(ld.names("flow")) == 0 {
		ld.errorf(hcl.Range{Filename: MainFile}, `Add flow "NAME" { … }.`, "There is no flow, so nothing can be asked for.")
	}
}
