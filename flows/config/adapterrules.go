package config

import (
	"net/url"
	"slices"
	"strings"

	"breakglass/flows"
)

// adapterTarget reads what a target of kind http_adapter has besides.
func (f *fields) adapterTarget(t *flows.TargetSpec) {
	id := flows.AdapterID(f.block("adapter", "http_adapter"))
	said := f.flag("changes_on_call")
	if !f.given("allow") {
		f.need("allow", `["PUT /incidents/{incident}"]`)
	}
	a := f.ld.adapters[id]
	if a == nil { // reported
		f.asked = sortedKeys(f.has)
		return
	}
	rules := f.rules("allow", a, said)
	if f.given("allow") && f.sound("allow") && len(rules) == 0 {
		f.wrong("allow", `Write ["PUT /incidents/{incident}"].`, "allow of %s is empty, so a grant would open nothing.", f.what)
	}
	texts := make([]string, 0, len(rules))
	for _, r := range rules {
		texts = append(texts, r.String())
	}
	t.Settings["adapter"], t.Settings["base_url"], t.Settings["allow"] = string(id), a.BaseURL, texts
	f.ld.adapterTargets[id] = append(f.ld.adapterTargets[id], flows.AdapterTarget{Target: t.ID, Allow: rules})
}

// rules reads what an adapter lets through, of its own (without a grant) or of one of
// its targets.
func (f *fields) rules(name string, a *flows.Adapter, changesOnCall bool) []flows.Rule {
	var out []flows.Rule
	ofTarget := strings.HasPrefix(f.what, "target ")
	for _, it := range f.texts(name) {
		r, err := flows.ParseRule(it.text)
		switch {
		case err != nil:
			f.ld.errorf(it.at, `Write it like "GET /incidents/{id}".`, "%q is not a rule: %v.", it.text, err)
		case slices.ContainsFunc(out, func(o flows.Rule) bool { return o.String() == it.text }):
			f.ld.warnf(it.at, "Remove one of the two.", "%s of %s has %q twice.", name, f.what, it.text)
			continue
		case r.NamesIncident() && !ofTarget:
			f.ld.errorf(it.at, "Write {id}, or put the rule into a target.", "{incident} is the incident of a grant, and what the adapter allows needs none.")
		case f.changesOnCall(a, r) && !changesOnCall && !a.ChangesOnCall:
			f.ld.errorf(it.at, "Remove the rule, or write changes_on_call = true if that is meant.",
				"%q lets people change who is on call in the account that decides who may approve, so that they could make themselves approvers.", it.text)
		default:
			if r.Changes() && !ofTarget {
				f.ld.warnf(it.at, "Put it into a target, so that it needs a grant.", "%q may change something, and what %s allows needs no grant.", it.text, f.what)
			}
			out = append(out, r)
			continue
		}
		f.bad[name] = true
	}
	return out
}

// decidesOnCall are the beginnings of the paths at PagerDuty below which it is changed
// who is on call: rotas and their overrides, policies, and the people they name.
var decidesOnCall = [...][]string{
	{"schedules"}, {"v3", "schedules"}, {"escalation_policies"}, {"users"}, {"teams"},
	{"schedules.json"}, {"escalation_policies.json"}, {"users.json"}, {"teams.json"},
}

// changesOnCall reports whether a rule lets people change who is on call in the account
// that decides here.
func (f *fields) changesOnCall(a *flows.Adapter, r flows.Rule) bool {
	if !r.Changes() || !f.ld.routes(a) {
		return false
	}
	u, err := url.Parse(a.BaseURL)
	if err != nil {
		return true
	}
	path := strings.TrimSuffix(u.Path, "/") + r.Path()
	whole, err := flows.ParseRule(r.Method() + " " + path)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(decidesOnCall[:], func(p []string) bool { return whole.Reaches(p...) })
}

// routes reports whether an adapter calls the PagerDuty account whose rotas decide who
// may approve, as far as addresses tell.
func (ld *loader) routes(a *flows.Adapter) bool {
	u, err := url.Parse(a.BaseURL)
	if err != nil || ld.pagerduty == nil {
		return true
	}
	own, err := url.Parse(ld.pagerduty.BaseURL)
	if err != nil {
		return true
	}
	if strings.EqualFold(own.Host, u.Host) {
		return true
	}
	region := func(host string) bool { return strings.Contains(host, ".eu.") }
	return isPagerDuty(hostOf(u)) && (ld.pagerduty.AddressIsVendor || isPagerDuty(hostOf(own)) && region(hostOf(u)) == region(hostOf(own)))
}

// onCallKey warns where an adapter calls with the key that reads who is on call: it
// would then be as powerful, and use up the same limit.
func (f *fields) onCallKey(a *flows.Adapter) {
	if f.ld.pagerduty == nil {
		return
	}
	var names []string
	for _, h := range a.Headers {
		names = append(names, h.Value.Secrets()...)
	}
	key := f.ld.secretNamed(f.ld.pagerduty.APIToken.Name())
	for _, name := range names {
		if s := f.ld.secretNamed(name); key.Name != "" && sameValue(s, key) {
			f.doubt("headers", "Make another key for the adapter, and declare a secret for it.",
				"%s calls with the key that reads who is on call (secret %q): its callers share that key's request limit, and can starve the decision who may approve.", f.what, name)
			return
		}
	}
}

func (ld *loader) secretNamed(name string) SecretSpec {
	for _, s := range ld.secretSpecs {
		if s.Name == name {
			return s
		}
	}
	return SecretSpec{}
}

// sameValue reports whether two secrets are read at the same place.
func sameValue(a, b SecretSpec) bool {
	a.Name, b.Name = "", ""
	return a == b
}
