package config

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"time"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
)

// What a flow has unless it says otherwise.
const (
	defaultStageTimeout = 15 * time.Minute
	defaultRemindAfter  = 5 * time.Minute
	defaultReviewWithin = 72 * time.Hour
	defaultMaxOpen      = 5
)

// flow reads a flow block.
func (ld *loader) flow(d *decl) {
	ld.refuseBlocks(d.block.Body, describe(d), "prompt_field")
	f := ld.open(describe(d), d.block)
	fl := &flows.Flow{ID: flows.FlowID(d.name), Label: f.label("label", d.name)}
	f.site(fl)
	f.handler(fl)
	f.askers(fl)
	f.durations(fl)
	f.incidents(fl)
	f.selfApproval(fl)
	f.review(fl)
	f.deciders(fl)
	fl.Vars = f.vars()
	fl.Fields = ld.promptFields(d)
	f.finish()
	ld.flows = append(ld.flows, fl)
}

// site reads where the flow works: environment, channel, targets.
func (f *fields) site(fl *flows.Flow) {
	fl.Environment = f.block("environment", "environment")
	for _, env := range f.ld.environments {
		if env.Name == fl.Environment {
			fl.ErrorsTo = env.ErrorsTo
		}
	}
	fl.Channel = f.needChannel("channel", `"#prod-access"`)
	a, ok := f.need("targets", "[target.NAME]")
	if !ok {
		return
	}
	exprs := f.expressions("targets", a)
	if len(exprs) == 0 && f.sound("targets") {
		f.wrong("targets", "Write targets = [target.NAME].", "%s has no target, so nothing can be asked for.", f.what)
	}
	seen := map[string]bool{}
	for _, e := range exprs {
		t, ok := f.ld.reference(e, "target")
		switch {
		case !ok:
			f.bad["targets"] = true
		case seen[t.name]:
			f.ld.errorf(e.Range(), "Remove one of the two.", "targets of %s names %s twice.", f.what, t.name)
		default:
			seen[t.name] = true
			fl.Targets = append(fl.Targets, flows.TargetID(t.name))
		}
	}
}

// handler reads the file with the flow's Python.
func (f *fields) handler(fl *flows.Flow) {
	fl.Handler = f.needText("implementation", `"FILE.py"`)
	if !f.sound("implementation") {
		return
	}
	if !fs.ValidPath(fl.Handler) || path.Ext(fl.Handler) != ".py" {
		f.wrong("implementation", `Write the name of a file beside `+MainFile+`, like "prod.py".`, "%q is not the name of a handler file.", fl.Handler)
		return
	}
	src, seen := f.ld.sources[fl.Handler]
	if !seen {
		src, _ = f.ld.read(fl.Handler, f.where("implementation"))
		f.ld.sources[fl.Handler] = src
		f.ld.checkHandler(fl.Handler, src)
	}
	sum := sha256.Sum256(src)
	fl.Source, fl.SourceHash = src, hex.EncodeToString(sum[:])
}

// checkHandler takes over what the handler language says about a file.
func (ld *loader) checkHandler(name string, src []byte) {
	if src == nil || ld.opts.CheckHandler == nil {
		return
	}
	for _, p := range ld.opts.CheckHandler(name, src) {
		pos := hcl.Pos{Line: p.Line, Column: p.Column}
		ld.errorf(hcl.Range{Filename: name, Start: pos, End: pos}, p.Suggestion, "%s", p.Message)
	}
}

// askers reads who may ask, and how often.
func (f *fields) askers(fl *flows.Flow) {
	fl.Requesters = f.principals("requesters")
	if !f.given("requesters") {
		f.need("requesters", `["@GROUP"]`)
	} else if len(fl.Requesters) == 0 && f.sound("requesters") {
		f.wrong("requesters", `Write requesters = ["@GROUP"].`, "requesters of %s is empty, so nobody can ask.", f.what)
	}
	fl.AllowGuests = f.flag("allow_guests")
	fl.MaxOpen = f.number("max_open_per_person", defaultMaxOpen, 1, 100)
}

// durations reads for how long access is given.
func (f *fields) durations(fl *flows.Flow) {
	fl.MaxDuration, fl.MaxTotal = f.duration("max_duration", 0), f.duration("max_total", 0)
	if !f.given("durations") {
		f.need("durations", `["30m", "1h"]`)
	}
	items := f.texts("durations")
	if len(items) == 0 && f.sound("durations") {
		f.wrong("durations", `Write durations = ["30m", "1h"].`, "durations of %s is empty, so nothing can be chosen.", f.what)
	}
	var most time.Duration
	seen := map[time.Duration]bool{}
	for _, it := range items {
		d, problem, suggestion := parseDuration(it.text)
		switch {
		case problem != "":
			f.bad["durations"] = true
			f.ld.errorf(it.at, suggestion, "durations of %s: %s", f.what, problem)
		case fl.MaxDuration > 0 && d > fl.MaxDuration:
			f.ld.errorf(it.at, "Raise max_duration, or remove the choice.", "%s is longer than max_duration of %s, %s.", it.text, f.what, spell(fl.MaxDuration))
		case seen[d]:
			f.ld.errorf(it.at, "Remove one of the two.", "durations of %s has %s twice.", f.what, spell(d))
		default:
			seen[d], most = true, max(most, d)
			fl.Durations = append(fl.Durations, d)
		}
	}
	if fl.MaxDuration == 0 {
		fl.MaxDuration = most
	}
	switch {
	case fl.MaxTotal == 0:
		fl.MaxTotal = fl.MaxDuration
	case fl.MaxTotal < fl.MaxDuration:
		f.wrong("max_total", "Raise it, or lower max_duration.", "max_total of %s is shorter than its max_duration, %s.", f.what, spell(fl.MaxDuration))
	}
	f.targetCeilings(fl)
}

// targetCeilings refuses a target that no duration of the flow fits.
func (f *fields) targetCeilings(fl *flows.Flow) {
	for _, id := range fl.Targets {
		for _, t := range f.ld.targets {
			if t.ID != id || t.MaxDuration == 0 || len(fl.Durations) == 0 {
				continue
			}
			fits := false
			for _, d := range fl.Durations {
				fits = fits || d <= t.MaxDuration
			}
			if !fits && f.sound("durations") {
				f.wrong("durations", "Add a shorter one.", "Every duration of %s is longer than max_duration of target %q, %s.", f.what, id, spell(t.MaxDuration))
			}
		}
	}
}

// incidents reads what the flow has to do with PagerDuty incidents.
func (f *fields) incidents(fl *flows.Flow) {
	fl.Incident = flows.IncidentRule(f.choice("incident", string(flows.IncidentOptional),
		string(flows.IncidentOptional), string(flows.IncidentRequired), string(flows.IncidentCreate)))
	fl.OpensAt = f.text("incident_service", "")
	switch {
	case fl.Incident == flows.IncidentCreate && fl.OpensAt == "":
		f.wrong("incident", `Add incident_service = "P…", the id of the PagerDuty service.`, "%s opens incidents, and does not say at which service.", f.what)
	case fl.Incident != flows.IncidentCreate && fl.OpensAt != "":
		f.wrong("incident_service", `Remove it, or write incident = "create".`, "%s names a service to open incidents at, and opens none.", f.what)
	}
	causes := []string{string(flows.EndIncident), string(flows.EndShift)}
	seen := map[string]bool{}
	for _, it := range f.texts("end_with") {
		switch {
		case it.text != causes[0] && it.text != causes[1]:
			f.ld.errorf(it.at, meanOrOneOf(it.text, causes), "end_with of %s cannot have %q.", f.what, it.text)
		case seen[it.text]:
			f.ld.errorf(it.at, "Remove one of the two.", "end_with of %s has %q twice.", f.what, it.text)
		default:
			seen[it.text] = true
			fl.EndWith = append(fl.EndWith, flows.EndCause(it.text))
		}
	}
}

// selfApproval reads whether a requester may approve herself.
func (f *fields) selfApproval(fl *flows.Flow) {
	fl.SelfApproval = flows.SelfRule(f.choice("self_approval", string(flows.SelfNever),
		string(flows.SelfNever), string(flows.SelfOnCall), string(flows.SelfAlways)))
	o := f.object("on_call")
	if o == nil {
		return
	}
	fl.OnCall = flows.OnCallLimits{
		MaxLevel: o.number("max_level", 0, 1, 20), ScheduleOnly: o.flag("schedule_only"),
		MinShiftAge: o.duration("min_shift_age", 0),
		Overrides:   flows.OverrideRule(o.choice("overrides", "", string(flows.OverridesAllow), string(flows.OverridesDeny))),
	}
	for _, it := range o.texts("policies") {
		if it.text == "" {
			f.ld.errorf(it.at, "Write the policy's id or exact name.", "policies of %s has an empty name.", o.what)
		}
		fl.OnCall.Policies = append(fl.OnCall.Policies, it.text)
	}
	if o.given("policies") && o.sound("policies") && len(fl.OnCall.Policies) == 0 {
		o.wrong("policies", "Name a policy, or leave policies out.", "policies of %s is empty.", o.what)
	}
	o.finish()
	if f.sound("self_approval") && fl.SelfApproval != flows.SelfOnCall {
		f.doubt("on_call", `Write self_approval = "on_call", or remove it.`,
			"on_call says who may approve their own request on call, and self_approval of %s is %q.", f.what, fl.SelfApproval)
	}
}

// review reads whether somebody else looks back at it.
func (f *fields) review(fl *flows.Flow) {
	fl.Review = flows.ReviewRule(f.choice("review", string(flows.ReviewNever), string(flows.ReviewNever), string(flows.ReviewSelf)))
	within := f.duration("review_within", defaultReviewWithin)
	switch asked := fl.Review == flows.ReviewSelf; {
	case asked && f.sound("self_approval") && fl.SelfApproval == flows.SelfNever:
		f.doubt("review", "Remove it, or set self_approval.", "Nothing is reviewed in %s: nobody approves their own request there.", f.what)
	case !asked && f.given("review_within") && f.sound("review"):
		f.doubt("review_within", `Write review = "self_approved", or remove it.`, "Nothing is reviewed in %s.", f.what)
	}
	if fl.Review == flows.ReviewSelf {
		fl.ReviewWithin = within
	}
}

// deciders reads what holds for every stage, and who decides without a route.
func (f *fields) deciders(fl *flows.Flow) {
	fl.Quorum = f.number("quorum", 1, 1, 20)
	fl.StageTimeout = f.duration("stage_timeout", defaultStageTimeout)
	if s, plain := f.literal("remind_after"); plain && s == "never" {
		f.get("remind_after")
	} else {
		fl.RemindAfter = f.duration("remind_after", min(defaultRemindAfter, fl.StageTimeout/2))
		if f.given("remind_after") && f.sound("remind_after") && f.sound("stage_timeout") && fl.RemindAfter >= fl.StageTimeout {
			f.doubt("remind_after", `Shorten it, or write "never".`, "Nobody is reminded: stage_timeout of %s comes first, %s.", f.what, spell(fl.StageTimeout))
		}
	}
	f.fallback(fl)
}

// fallback reads who decides where the handler gives no route.
func (f *fields) fallback(fl *flows.Flow) {
	const form = `{ approvers = ["U…", "@GROUP"], destination = "#CHANNEL" }`
	if !f.given("fallback") {
		f.need("fallback", form)
	}
	in := f.object("fallback")
	if in == nil {
		return
	}
	if !in.given("approvers") {
		in.need("approvers", `["U…", "@GROUP"]`)
	}
	fl.Fallback = flows.Fallback{Approvers: in.principals("approvers"), Destination: in.channel("destination")}
	in.finish()
	if in.sound("approvers") {
		in.enoughApprovers(f, fl)
	}
}

// enoughApprovers holds that the fallback can decide.
func (in *fields) enoughApprovers(f *fields, fl *flows.Flow) {
	named, others := fl.Fallback.Approvers, 0 // others: surely not the one who asks
	asks := map[flows.Principal]bool{}
	for _, r := range fl.Requesters {
		asks[r] = true
	}
	for _, p := range named {
		if !p.IsUser() {
			return // a group: how many people that are is not known here
		}
		if !asks[p] {
			others++
		}
	}
	switch {
	case len(named) == 0:
		in.wrong("approvers", `Name people who can always decide: ["U…", "@GROUP"].`, "The fallback of %s is empty.", f.what)
	case len(named) < fl.Quorum:
		in.wrong("approvers", "Name more people, or lower the quorum.", "The fallback of %s has %d of the %d people that its quorum needs.", f.what, len(named), fl.Quorum)
	case len(fl.Requesters) == 1 && asks[named[0]] && others == 0:
		in.wrong("approvers", "Name somebody else as well.", "The fallback of %s is only the requester, who cannot decide alone.", f.what)
	case others < len(named) && len(named)-1 < fl.Quorum:
		in.doubt("approvers", "Name somebody else as well.", "The fallback of %s cannot decide when one of its own people asks.", f.what)
	}
}
