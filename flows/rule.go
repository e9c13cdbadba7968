package flows

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule is what an adapter lets through: a method and a template of a path, as in
// "GET /incidents/{id}". A {name} stands for any one segment, {incident} for the id of
// the grant's own incident, and {name...} at the end for one or more segments. Methods
// and names are compared exactly. The zero value lets nothing through.
type Rule struct {
	text     string
	method   string
	segments []ruleSegment
}

// ruleSegment is one part of a rule's path.
type ruleSegment struct {
	text string // literal; or the name of what it stands for
	kind segmentKind
}

type segmentKind int

const (
	segmentLiteral segmentKind = iota
	segmentAny
	segmentIncident
	segmentRest
)

// incidentName is the name that stands for the grant's own incident.
const incidentName = "incident"

// RuleMethods are the methods that a rule may name.
func RuleMethods() []string {
	return []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
}

// ParseRule reads a rule as it is written in a configuration.
func ParseRule(text string) (Rule, error) {
	method, path, ok := strings.Cut(text, " ")
	switch {
	case !ok || path == "" || strings.Contains(path, " "):
		return Rule{}, errors.New(`a rule is a method and a path, as in "GET /incidents/{id}"`)
	case !slices.Contains(RuleMethods(), method):
		return Rule{}, fmt.Errorf("%q is not a method; it is one of %s", method, strings.Join(RuleMethods(), ", "))
	case path[0] != '/':
		return Rule{}, fmt.Errorf("the path %q does not begin with /", path)
	}
	r := Rule{text: text, method: method}
	if path == "/" {
		return r, nil
	}
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		s, err := parseSegment(part, i == len(parts)-1)
		if err != nil {
			return Rule{}, err
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

func parseSegment(part string, last bool) (ruleSegment, error) {
	name, opened := strings.CutPrefix(part, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !opened || !closed {
		if !GoodSegment(part) || strings.ContainsAny(part, "{}*") {
			return ruleSegment{}, fmt.Errorf("the path has a segment %q, which no request can have; it is text, {name}, or {name...} at the end", part)
		}
		return ruleSegment{text: part}, nil
	}
	name, rest := strings.CutSuffix(name, "...")
	if !goodSegmentName(name) {
		return ruleSegment{}, fmt.Errorf("%q names nothing; write {name}, of letters, digits and _", part)
	}
	switch {
	case rest && !last:
		return ruleSegment{}, fmt.Errorf("%s stands for everything that follows, so it is the last segment", part)
	case rest && name == incidentName:
		return ruleSegment{}, errors.New("an incident is one segment: {incident}")
	case rest:
		return ruleSegment{text: name, kind: segmentRest}, nil
	case name == incidentName:
		return ruleSegment{text: name, kind: segmentIncident}, nil
	}
	return ruleSegment{text: name, kind: segmentAny}, nil
}

func goodSegmentName(s string) bool {
	for i, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// GoodSegment reports whether a decoded segment of a path means the same to everybody:
// printable ASCII, and neither empty, . nor .., nor anything that some server reads as
// a separator, as a parameter or as an encoding once more.
func GoodSegment(s string) bool {
	for _, c := range []byte(s) {
		if c < 0x20 || c > 0x7e || strings.IndexByte(`/\;%?#`, c) >= 0 {
			return false
		}
	}
	return strings.Trim(s, ". ") != ""
}

// String is the rule as written.
func (r Rule) String() string { return r.text }

// Method is the method that the rule names.
func (r Rule) Method() string { return r.method }

// Path is the template of the path as written.
func (r Rule) Path() string { _, path, _ := strings.Cut(r.text, " "); return path }

// NamesIncident reports whether {incident} stands in the rule, so that it lets nothing
// through for a grant without one.
func (r Rule) NamesIncident() bool {
	return slices.ContainsFunc(r.segments, func(s ruleSegment) bool { return s.kind == segmentIncident })
}

// Changes reports whether the rule's method is one that may change something.
func (r Rule) Changes() bool {
	return r.method != "GET" && r.method != "HEAD" && r.method != "OPTIONS"
}

// Match reports whether the rule lets a call through: its method, and the decoded
// segments of its path, none of them for the root. The incident is that of the grant,
// empty where there is none.
func (r Rule) Match(method string, segments []string, incident IncidentID) bool {
	if r.text == "" || method != r.method {
		return false
	}
	for i, s := range r.segments {
		if i >= len(segments) {
			return false
		}
		switch s.kind {
		case segmentRest:
			return true
		case segmentLiteral:
			if segments[i] != s.text {
				return false
			}
		case segmentIncident:
			if incident == "" || segments[i] != string(incident) {
				return false
			}
		}
	}
	return len(segments) == len(r.segments)
}

// Reaches reports whether the rule lets through some path that begins with the given
// segments, whatever the case of its letters.
func (r Rule) Reaches(prefix ...string) bool {
	for i, p := range prefix {
		if i >= len(r.segments) {
			return false
		}
		switch s := r.segments[i]; {
		case s.kind == segmentRest:
			return true
		case s.kind == segmentLiteral && !strings.EqualFold(s.text, p):
			return false
		}
	}
	return true
}
