package pagerdutyfake

import (
	"net/http"
	"net/url"
	"strings"
)

// route is one door of the REST API: who may use it is its OAuth scope and
// the kind of key; from says that PagerDuty demands a From header.
type route struct {
	method, pattern string
	scope           string
	from            bool
	handle          func(c *call) (answer, *apiError)
}

// restRoutes is the whole REST API. Everything else is 404.
func restRoutes() []route {
	return []route{
		{"GET", "/abilities", "abilities.read", false, listAbilities},
		{"GET", "/audit/records", "audit_records.read", false, listAudit},

		{"GET", "/oncalls", "oncalls.read", false, listOnCalls},
		{"GET", "/escalation_policies", "escalation_policies.read", false, listPolicies},
		{"GET", "/escalation_policies/{id}", "escalation_policies.read", false, getPolicy},

		{"GET", "/schedules", "schedules.read", false, listSchedules},
		{"GET", "/schedules/{id}", "schedules.read", false, getSchedule},
		{"GET", "/schedules/{id}/users", "users.read", false, listScheduleUsers},
		{"GET", "/schedules/{id}/overrides", "schedules.read", false, listOverrides},
		{"POST", "/schedules/{id}/overrides", "schedules.write", false, createOverrides},
		{"DELETE", "/schedules/{id}/overrides/{override}", "schedules.write", false, deleteOverride},
		{"GET", "/v3/schedules", "schedules.read", false, listV3Schedules},
		{"GET", "/v3/schedules/{id}", "schedules.read", false, getV3Schedule},
		{"GET", "/v3/schedules/{id}/overrides", "schedules.read", false, listV3Overrides},

		{"GET", "/users", "users.read", false, listUsers},
		{"GET", "/users/me", "users.read", false, getMe},
		{"GET", "/users/{id}", "users.read", false, getUser},
		{"GET", "/services", "services.read", false, listServices},
		{"GET", "/services/{id}", "services.read", false, getService},

		{"GET", "/priorities", "priorities.read", false, listPriorities},

		{"GET", "/incidents", "incidents.read", false, listIncidents},
		{"POST", "/incidents", "incidents.write", true, createIncident},
		{"PUT", "/incidents", "incidents.write", true, manageIncidents},
		{"GET", "/incidents/{id}", "incidents.read", false, getIncident},
		{"PUT", "/incidents/{id}", "incidents.write", true, manageIncident},
		{"PUT", "/incidents/{id}/merge", "incidents.write", true, mergeIncidents},
		{"GET", "/incidents/{id}/log_entries", "incidents.read", false, listLogEntries},
		{"GET", "/incidents/{id}/notes", "incidents.read", false, listNotes},
		{"POST", "/incidents/{id}/notes", "incidents.write", true, createNote},
		{"PUT", "/incidents/{id}/notes/{note}", "incidents.write", true, updateNote},
		{"DELETE", "/incidents/{id}/notes/{note}", "incidents.write", false, deleteNote},
		{"GET", "/incidents/{id}/custom_fields/values", "incidents.read", false, getFieldValues},
		{"PUT", "/incidents/{id}/custom_fields/values", "incidents.write", false, setFieldValues},

		{"GET", "/webhook_subscriptions", "webhook_subscriptions.read", false, listSubscriptions},
		{"POST", "/webhook_subscriptions", "webhook_subscriptions.write", false, createSubscription},
		{"GET", "/webhook_subscriptions/{id}", "webhook_subscriptions.read", false, getSubscription},
		{"PUT", "/webhook_subscriptions/{id}", "webhook_subscriptions.write", false, updateSubscription},
		{"DELETE", "/webhook_subscriptions/{id}", "webhook_subscriptions.write", false, deleteSubscription},
		{"POST", "/webhook_subscriptions/{id}/ping", "webhook_subscriptions.write", false, pingSubscription},
		{"POST", "/webhook_subscriptions/{id}/enable", "webhook_subscriptions.write", false, enableSubscription},
	}
}

// find picks the route of a request. Paths are taken as they are: nothing is
// cleaned and nothing redirected, so `//users` and `/a/../users` are unknown.
func (a *Account) find(r *http.Request) (*route, map[string]string) {
	path := r.URL.EscapedPath()
	for i := range a.routes {
		if a.routes[i].method == r.Method {
			if vars, ok := match(a.routes[i].pattern, path); ok {
				return &a.routes[i], vars
			}
		}
	}
	return nil, nil
}

// match compares an escaped path with a pattern, segment by segment. In the
// pattern, {name} stands for one segment and a final * for the rest.
func match(pattern, path string) (map[string]string, bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(path, "/")
	vars := map[string]string{}
	for i, w := range want {
		if w == "*" && i == len(want)-1 {
			return vars, len(have) >= i
		}
		if i >= len(have) {
			return nil, false
		}
		name, isVar := strings.CutPrefix(w, "{")
		if !isVar {
			if w != have[i] {
				return nil, false
			}
			continue
		}
		v, err := url.PathUnescape(have[i])
		if err != nil || v == "" {
			return nil, false
		}
		vars[strings.TrimSuffix(name, "}")] = v
	}
	return vars, len(want) == len(have)
}
