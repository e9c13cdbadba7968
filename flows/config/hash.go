package config

import (
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"time"

	"breakglass/flows"
)

// HashFlow is Flow.Hash: SHA-256 over everything in the flow that decides, with the
// handler's text. Changing any of it makes another hash.
func HashFlow(f *flows.Flow) string {
	source := sha256.Sum256(f.Source)
	fields := []any{}
	for _, p := range f.Fields {
		fields = append(fields, map[string]any{
			"name": p.Name, "label": p.Label, "type": string(p.Type), "required": p.Required,
			"default": p.Default, "choices": list(p.Choices), "hint": p.Hint,
		})
	}
	durations := []any{}
	for _, d := range f.Durations {
		durations = append(durations, nanos(d))
	}
	all := map[string]any{
		"v": int64(1), "id": string(f.ID), "label": f.Label, "environment": f.Environment,
		"targets": list(f.Targets), "channel": f.Channel, "errors_to": f.ErrorsTo,
		"handler": f.Handler, "source": hex.EncodeToString(source[:]),
		"requesters": list(f.Requesters), "allow_guests": f.AllowGuests,
		"durations": durations, "max_duration": nanos(f.MaxDuration), "max_total": nanos(f.MaxTotal),
		"incident": string(f.Incident), "opens_at": f.OpensAt, "end_with": list(f.EndWith), "self_approval": string(f.SelfApproval),
		"on_call": map[string]any{
			"max_level": int64(f.OnCall.MaxLevel), "schedule_only": f.OnCall.ScheduleOnly,
			"min_shift_age": nanos(f.OnCall.MinShiftAge), "overrides": string(f.OnCall.Overrides),
			"policies": list(f.OnCall.Policies),
		},
		"quorum": int64(f.Quorum),
		"fallback": map[string]any{
			"approvers": list(f.Fallback.Approvers), "destination": f.Fallback.Destination,
		},
		"stage_timeout": nanos(f.StageTimeout), "remind_after": nanos(f.RemindAfter),
		"max_open": int64(f.MaxOpen), "vars": canonical(f.Vars), "fields": fields,
	}
	if f.Review != flows.ReviewNever || f.ReviewWithin != 0 { // what was there before reviews keeps its hash
		all["review"], all["review_within"] = string(f.Review), nanos(f.ReviewWithin)
	}
	return digest(all)
}

// HashTarget is TargetSpec.Hash: SHA-256 over the target, its secrets by name.
func HashTarget(t *flows.TargetSpec) string {
	secrets := map[string]any{}
	for k, s := range t.Secrets {
		secrets[k] = s.Name()
	}
	return digest(map[string]any{
		"v": int64(1), "id": string(t.ID), "kind": t.Kind, "means": t.Means, "label": t.Label,
		"max_duration": nanos(t.MaxDuration), "how_to": t.HowTo, "high_risk": t.HighRisk, "step_up": t.StepUp,
		"settings": canonical(t.Settings), "secrets": secrets,
	})
}

// HashMeans is TargetSpec.Means: SHA-256 over what executes the target's grants, and
// where. Whatever else of a target may change while somebody has access to it.
func HashMeans(t *flows.TargetSpec) string {
	return digest(map[string]any{"v": int64(1), "id": string(t.ID), "kind": t.Kind, "settings": canonical(t.Settings)})
}

// HashCatalog is Catalog.Hash: SHA-256 over everything in the catalog, flows and
// targets by their hashes.
func HashCatalog(c *flows.Catalog) string {
	flowHashes, targets := map[string]any{}, map[string]any{}
	for id, f := range c.Flows {
		flowHashes[string(id)] = f.Hash
	}
	for id, t := range c.Targets {
		targets[string(id)] = t.Hash
	}
	links := c.Links.All()
	sort.Slice(links, func(i, j int) bool { return links[i].Person < links[j].Person })
	people := []any{}
	for _, l := range links {
		people = append(people, map[string]any{
			"name": l.Name, "person": string(l.Person), "pagerduty": string(l.PagerDuty),
			"email": l.Email, "subject": l.Subject, "proposed": l.Proposed, "quarantined": l.Quarantined,
		})
	}
	adapters := map[string]any{}
	for id, a := range c.Adapters {
		adapters[string(id)] = a.Hash
	}
	return digest(map[string]any{
		"v": int64(1), "adapters": adapters, "team": c.Team, "world": string(c.World), "console": c.Console, "flows": flowHashes,
		"order": list(c.FlowOrder), "targets": targets, "links": people,
		"admins": list(c.Admins), "auditors": list(c.Auditors),
	})
}

// HashAdapter is Adapter.Hash: SHA-256 over the adapter, its secrets by name.
func HashAdapter(a *flows.Adapter) string {
	headers := map[string]any{}
	for _, h := range a.Headers {
		headers[h.Name] = h.Value.String()
	}
	rules := []any{}
	for _, r := range a.Allow {
		rules = append(rules, r.String())
	}
	l := a.Limits
	v := map[string]any{
		"v": int64(1), "id": string(a.ID), "base_url": a.BaseURL, "headers": headers, "allow": rules, "callers": list(a.Callers),
		"origins": list(a.Origins), "caller_as_from": a.CallerAsFrom, "changes_on_call": a.ChangesOnCall, "allow_private": a.AllowPrivate,
		"request_headers": list(a.RequestHeaders), "response_headers": list(a.ResponseHeaders), "content_types": list(a.ContentTypes),
		"limits": map[string]any{
			"request": l.Request, "response": l.Response, "wait": nanos(l.Wait), "idle": nanos(l.Idle), "lasts": nanos(l.Lasts),
			"rate": int64(l.Rate), "concurrent": int64(l.Concurrent), "total_rate": int64(l.TotalRate), "total_concurrent": int64(l.TotalConcurrent),
		},
	}
	if s := a.AWS; s != nil {
		v["aws"] = map[string]any{
			"service": s.Service, "region": s.Region, "access_key_id": s.AccessKeyID.Name(),
			"secret_access_key": s.SecretKey.Name(), "session_token": s.SessionToken.Name(),
		}
	}
	return digest(v)
}

// digest hashes a canonical value. A value that has no canonical form cannot come
// out of a load: every string in a configuration is UTF-8 and every type is known.
func digest(v map[string]any) string {
	b, err := flows.Canonical(v)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func nanos(d time.Duration) int64 { return int64(d) }

func list[S ~string](all []S) []any {
	out := make([]any, 0, len(all))
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

// canonical is a map of settings or vars with its lists in canonical form.
func canonical(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if texts, ok := v.([]string); ok {
			v = list(texts)
		}
		out[k] = v
	}
	return out
}
