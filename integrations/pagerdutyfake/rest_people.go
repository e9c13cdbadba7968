package pagerdutyfake

import (
	"net/http"
	"slices"
	"strings"
)

func listAbilities(c *call) (answer, *apiError) { return ok(obj{"abilities": c.a.opts.Abilities}) }

// needs refuses what the plan does not include.
func (c *call) needs(ability string) *apiError {
	if slices.Contains(c.a.opts.Abilities, ability) {
		return nil
	}
	return fail(http.StatusPaymentRequired, codeMissingAbility, "Account does not have the "+ability+" ability")
}

// matches is the fuzzy match behind query=: a part of any of the texts.
func matches(query string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), strings.ToLower(query)) {
			return true
		}
	}
	return query == ""
}

func pick[T any](in []*T, keep func(*T) bool) []*T {
	return slices.DeleteFunc(in, func(v *T) bool { return !keep(v) })
}

func listUsers(c *call) (answer, *apiError) {
	c.onlyIncludes("contact_methods", "notification_rules", "teams", "subdomains")
	q := c.q.Get("query")
	found := pick(c.a.users.all(), func(u *User) bool { return matches(q, u.Name, u.Email) && len(c.list("team_ids")) == 0 })
	return page(c, "users", found, 25, 100, func(u *User) any { return c.a.userShape(u) })
}

func getUser(c *call) (answer, *apiError) {
	u := c.a.users.get(c.vars["id"])
	if u == nil {
		return answer{}, fail(404, codeNotFound)
	}
	return ok(obj{"user": c.a.userShape(u)})
}

func getMe(c *call) (answer, *apiError) {
	key := c.a.keyOf(c.entry.Key)
	if key == nil || key.Kind != KeyUser {
		return answer{}, fail(400, codeInvalidInput, "User not found: this operation needs a user-level key")
	}
	u := c.a.users.get(key.User)
	if u == nil {
		return answer{}, fail(404, codeNotFound)
	}
	return ok(obj{"user": c.a.userShape(u)})
}

// keyOf finds a key by its fingerprint.
func (a *Account) keyOf(fingerprint string) *Key {
	for t, k := range a.keys {
		if Fingerprint(t) == fingerprint {
			return k
		}
	}
	return nil
}

func listServices(c *call) (answer, *apiError) {
	q, name := c.q.Get("query"), c.q.Get("name")
	found := pick(c.a.services.all(), func(s *Service) bool { return matches(q, s.Name) && (name == "" || s.Name == name) })
	return page(c, "services", found, 25, 100, func(s *Service) any { return c.a.serviceShape(s) })
}

func getService(c *call) (answer, *apiError) {
	s := c.a.services.get(c.vars["id"])
	if s == nil {
		return answer{}, fail(404, codeServiceUnknown)
	}
	return ok(obj{"service": c.a.serviceShape(s)})
}

func listPolicies(c *call) (answer, *apiError) {
	c.onlyIncludes("services", "teams", "targets", "escalation_rule_assignment_strategies")
	q, users := c.q.Get("query"), c.list("user_ids")
	found := pick(c.a.policies.all(), func(p *Policy) bool {
		return matches(q, p.Name) && (len(users) == 0 || p.targets(users)) && len(c.list("team_ids")) == 0
	})
	slices.SortStableFunc(found, func(a, b *Policy) int { return strings.Compare(a.Name, b.Name) })
	if c.q.Get("sort_by") == "name:desc" {
		slices.Reverse(found)
	}
	return page(c, "escalation_policies", found, 25, 100, func(p *Policy) any { return c.a.policyShape(p, c.includes("targets")) })
}

// targets says whether one of the users is a direct target of the policy.
func (p *Policy) targets(users []string) bool {
	for _, r := range p.Rules {
		for _, t := range r.Targets {
			if slices.Contains(users, t) {
				return true
			}
		}
	}
	return false
}

func getPolicy(c *call) (answer, *apiError) {
	p := c.a.policies.get(c.vars["id"])
	if p == nil {
		return answer{}, fail(404, codeIncidentUnknown).named(codeMessages[codePolicyUnknown])
	}
	return ok(obj{"escalation_policy": c.a.policyShape(p, c.includes("targets"))})
}
