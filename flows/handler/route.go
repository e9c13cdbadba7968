package handler

import (
	"fmt"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// proposal reads what get_approvers returned. None and empty groups are no route. A
// list is refused unless it holds one destination: very old handlers returned lists,
// and nothing says whether they meant all at once or one after the other.
func (e *evaluation) proposal(v starlark.Value) (*flows.Proposal, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case *destination:
		legs := v.legs
		if v.kind != "fallback" {
			legs = []*destination{v}
		}
		p := &flows.Proposal{}
		for _, leg := range legs {
			if !leg.empty {
				p.Stages = append(p.Stages, leg.stage)
			}
		}
		if p.Stages == nil {
			return nil, nil
		}
		return p, nil
	case *starlark.List:
		if v.Len() == 1 {
			if d, ok := v.Index(0).(*destination); ok {
				return e.proposal(d)
			}
		}
		return nil, fmt.Errorf("%s returned a list: write slack.fallback(a, b) to ask one after the other, or slack.group([…]) to ask people together", entryPoint)
	case *person:
		return nil, fmt.Errorf("%s returned a user: write slack.user(…)", entryPoint)
	}
	return nil, fmt.Errorf("%s returned %s: return slack.user(…), slack.group(…), slack.channel(…), slack.fallback(…) or None", entryPoint, v.Type())
}

// whyThese says, for the people asked, why it is they: where they were found on call.
func (e *evaluation) whyThese(people []*person) string {
	var parts []string
	for i, p := range people {
		if slices.ContainsFunc(people[:i], func(q *person) bool { return e.reason(q) == e.reason(p) }) {
			continue
		}
		var levels []int
		for _, q := range people[i:] {
			if q.level > 0 && q.label == p.label && !slices.Contains(levels, q.level) {
				levels = append(levels, q.level)
			}
		}
		slices.Sort(levels)
		switch reason := e.reason(p); {
		case reason != p.label:
			parts = append(parts, reason)
		case isUserGroup(p.label):
			parts = append(parts, "member of "+p.label)
		default:
			parts = append(parts, whyOnCall(p.label, levels))
		}
		if len(parts) > 4 {
			parts = append(parts[:3], "and for other reasons")
			break
		}
	}
	return strings.Join(parts, "; ")
}

// reason is what groups people in the sentence: where they were found, or the sentence
// that is_on_call left.
func (e *evaluation) reason(p *person) string {
	if p.label != "" {
		return p.label
	}
	for _, f := range e.found {
		if f.key() == p.key() {
			return f.found
		}
	}
	return "named by the flow's handler"
}
