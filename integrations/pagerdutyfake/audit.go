package pagerdutyfake

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// auditRecord is one change of the account's configuration. It tells who made
// an override or changed a policy, and when.
type auditRecord struct {
	id, kind, resource, summary, action, actor string
	at                                         time.Time
}

// record notes a change; the caller holds a.mu.
func (a *Account) record(kind, id, name, action, actor string) {
	a.trail = append(a.trail, auditRecord{
		id: a.uuid(), kind: kind, resource: id, summary: name, action: action, actor: actor, at: a.opts.Now(),
	})
}

// listAudit is the one operation with cursor paging.
func listAudit(c *call) (answer, *apiError) {
	if e := c.needs("audit_trail"); e != nil {
		return answer{}, e
	}
	if key := c.a.keyOf(c.entry.Key); key.Kind == KeyUser {
		return answer{}, fail(http.StatusForbidden, codeAccessDenied)
	}
	since, until, e := c.period()
	if e != nil {
		return answer{}, e
	}
	if since.IsZero() {
		since = c.now.Add(-day)
	}
	if until.IsZero() {
		until = c.now
	}
	if until.Sub(since) > 31*day {
		return answer{}, fail(400, codeBadRange, "until may not be more than 31 days after since")
	}
	kinds, actions := c.list("root_resource_types"), c.list("actions")
	var found []auditRecord
	for _, r := range slices.Backward(c.a.trail) {
		in := func(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }
		if !r.at.Before(since) && !r.at.After(until) && in(kinds, r.kind) && in(actions, r.action) {
			found = append(found, r)
		}
	}
	return c.cursorPage(found)
}

func (c *call) cursorPage(found []auditRecord) (answer, *apiError) {
	limit, e1 := c.number("limit", 100)
	from, e2 := c.number("cursor", 0)
	if e1 != nil || e2 != nil || limit < 1 || from < 0 {
		return answer{}, fail(400, codeInvalidInput, "limit or cursor is invalid")
	}
	limit = min(limit, 100)
	list, next := []any{}, any(nil)
	for i := from; i < min(from+limit, len(found)); i++ {
		list = append(list, c.auditShape(found[i]))
	}
	if from+limit < len(found) {
		next = strconv.Itoa(from + limit)
	}
	return ok(obj{"records": list, "next_cursor": next, "limit": limit})
}

func (c *call) auditShape(r auditRecord) obj {
	actors := []any{}
	if r.actor != "" {
		actors = append(actors, c.a.userRef(r.actor))
	}
	single := map[string]string{"schedules": "schedule", "escalation_policies": "escalation_policy"}[r.kind]
	return obj{
		"id": r.id, "self": apiBase + "/audit/records/" + r.id, "execution_time": when(r.at, time.UTC),
		"execution_context": nil, "actors": actors, "method": obj{"type": "browser", "description": nil},
		"root_resource": c.a.ref(single+"_reference", r.resource, r.summary, r.kind, r.kind),
		"action":        r.action, "details": nil,
	}
}
