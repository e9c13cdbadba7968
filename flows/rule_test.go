package flows_test

import (
	"strings"
	"testing"

	"breakglass/flows"
)

func TestRuleMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule, method, path, incident string
		want                         bool
	}{
		{"GET /incidents", "GET", "incidents", "", true},
		{"GET /incidents", "HEAD", "incidents", "", false},
		{"GET /incidents", "get", "incidents", "", false},
		{"GET /incidents", "GET", "Incidents", "", false},
		{"GET /incidents", "GET", "incidents/P1", "", false},
		{"GET /incidents", "GET", "", "", false},
		{"GET /", "GET", "", "", true},
		{"GET /", "GET", "incidents", "", false},
		{"GET /incidents/{id}", "GET", "incidents/P1", "", true},
		{"GET /incidents/{id}", "GET", "incidents", "", false},
		{"GET /incidents/{id}", "GET", "incidents/P1/notes", "", false},
		{"GET /{a}/{b}/notes", "GET", "incidents/P1/notes", "", true},
		{"PUT /incidents/{incident}", "PUT", "incidents/P1", "P1", true},
		{"PUT /incidents/{incident}", "PUT", "incidents/P2", "P1", false},
		{"PUT /incidents/{incident}", "PUT", "incidents/P1", "", false},
		{"PUT /incidents/{incident}", "PUT", "incidents/", "", false},
		{"GET /repos/{rest...}", "GET", "repos/a", "", true},
		{"GET /repos/{rest...}", "GET", "repos/a/b/c", "", true},
		{"GET /repos/{rest...}", "GET", "repos", "", false},
		{"GET /{rest...}", "GET", "", "", false},
	} {
		r, err := flows.ParseRule(c.rule)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		var segments []string
		if c.path != "" {
			segments = strings.Split(c.path, "/")
		}
		if got := r.Match(c.method, segments, flows.IncidentID(c.incident)); got != c.want {
			t.Errorf("%s lets %s /%s with incident %q through: %v", c.rule, c.method, c.path, c.incident, got)
		}
	}
	if (flows.Rule{}).Match("", nil, "") {
		t.Error("no rule lets something through")
	}
}

func TestRuleReaches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule string
		want bool
	}{
		{"PUT /schedules", true},
		{"PUT /SCHEDULES/{id}", true},
		{"PUT /{what}/{id}", true},
		{"PUT /{rest...}", true},
		{"PUT /incidents/{id}", false},
		{"PUT /", false},
	} {
		r, err := flows.ParseRule(c.rule)
		if err != nil || r.Reaches("schedules") != c.want || !r.Changes() {
			t.Errorf("%s reaches schedules: %v, %v", c.rule, r.Reaches("schedules"), err)
		}
	}
}

func TestParseRuleRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "GET", "GET ", " /a", "GET a", "get /a", "CONNECT /a", "TRACE /a", "* /a", "GET  /a", "GET /a b", "GET /a/", "GET //a", "GET /a/./b",
		"GET /a/../b", "GET /..", "GET /a%2fb", "GET /a;b", "GET /a\\b", "GET /a?b", "GET /a#b", "GET /a*", "GET /{", "GET /{}", "GET /{a", "GET /a}",
		"GET /x{a}", "GET /{a}x", "GET /{a b}", "GET /{1}", "GET /{...}", "GET /{a...}/b", "GET /{incident...}", "GET /\u00fc", "GET /a\n", "GET /\uff0e\uff0e",
	} {
		if r, err := flows.ParseRule(text); err == nil {
			t.Errorf("%q is a rule: %v", text, r)
		}
	}
}

func TestGoodSegment(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"a", "P1", "a.b", "a..b", "..a", "a b", "a+b", "x:cancel", "~", "@", "(1)", "{", "*"} {
		if !flows.GoodSegment(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", ".", "..", "...", ". .", " ", ".. ", "a/b", `a\b`, "a;b", "a%b", "a?b", "a#b", "a\x00", "a\r\n", "\x7f", "\u00e9", "\u2024", "\xff"} {
		if flows.GoodSegment(s) {
			t.Errorf("%q is let through", s)
		}
	}
}
