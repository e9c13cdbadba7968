package config

import (
	"slices"
	"strings"

	"breakglass/flows"
)

// Kinds of targets. The settings of a webhook: Settings["url"] (string),
// Settings["allow_private"] (bool), Secrets["secret"]; of an http_adapter:
// Settings["adapter"], Settings["base_url"] (string), Settings["allow"] ([]string).
const (
	KindApprovalOnly = "approval_only"
	KindWebhook      = "webhook"
	KindHTTPAdapter  = "http_adapter"
)

// target reads a target block.
func (ld *loader) target(d *decl) {
	f := ld.fieldsOf(d)
	kinds := []string{KindApprovalOnly, KindHTTPAdapter, KindWebhook}
	t := &flows.TargetSpec{
		ID: flows.TargetID(d.name), Label: f.label("label", d.name), HowTo: f.text("how_to", ""),
		MaxDuration: f.duration("max_duration", 0), HighRisk: f.flag("high_risk"), StepUp: f.flag("step_up"),
		Settings: map[string]any{}, Secrets: map[string]flows.Secret{},
	}
	if f.given("kind") {
		t.Kind = f.choice("kind", "", kinds...)
	} else {
		f.need("kind", listOf(kinds, "or"))
	}
	switch t.Kind {
	case KindApprovalOnly:
		f.refuse("for an approval_only target, which changes nothing anywhere", "url", "secret", "allow_private", "adapter", "allow", "changes_on_call")
	case KindWebhook:
		f.webhook(t)
		f.refuse("for a webhook target", "adapter", "allow", "changes_on_call")
	case KindHTTPAdapter:
		f.adapterTarget(t)
		f.refuse("for an http_adapter target; the address stands in the adapter", "url", "secret", "allow_private")
	default:
		f.asked = sortedKeys(f.has)
	}
	f.stepUp(t)
	f.finish()
	for _, k := range kinds {
		if d.name == k {
			ld.warnf(d.block.LabelRanges[0], "Name it after what it gives access to.", "A target is named like a kind of target, %q.", k)
		}
	}
	ld.targets = append(ld.targets, t)
}

// stepUp holds that there is a sign-in at which approvals can be confirmed.
func (f *fields) stepUp(t *flows.TargetSpec) {
	company := slices.ContainsFunc(f.ld.signIns, func(s SignIn) bool { return s.Provider == flows.SignInCompany })
	if t.StepUp && !company {
		f.wrong("step_up", `Add a sign_in "company" block, or take step_up out.`,
			"%s wants a fresh sign-in before an approval counts, and there is no company sign-in, so nobody could approve.", f.what)
	}
}

// literal is an attribute's text where it is written plainly.
func (f *fields) literal(name string) (string, bool) {
	if a, ok := f.has[name]; ok {
		return literalText(a.expr)
	}
	return "", false
}

// webhook reads what a webhook target has besides.
func (f *fields) webhook(t *flows.TargetSpec) {
	raw := f.needText("url", `"https://…"`)
	private := f.flag("allow_private")
	t.Settings["url"], t.Settings["allow_private"] = raw, private
	t.Secrets["secret"] = f.needHandle("secret")
	f.receiver("url", raw, private)
}

// receiver judges the address of what is sent to.
func (f *fields) receiver(name, raw string, private bool) {
	u, ok := f.url(name, raw)
	if !ok {
		return
	}
	switch inside := isPrivate(hostOf(u)); {
	case inside && !private:
		f.wrong(name, "If that is meant, write allow_private = true.", "%s of %s is inside the own network.", name, f.what)
	case u.Scheme != "https" && !private:
		f.wrong(name, "Write https://; http is for addresses inside the own network, with allow_private = true.",
			"%s of %s is http, so that anybody on the way could read and change what is sent.", name, f.what)
	case u.Scheme != "https" && !inside && strings.Contains(hostOf(u), "."):
		f.doubt(name, "Write https:// if the receiver can.", "%s of %s is http.", name, f.what)
	}
}
