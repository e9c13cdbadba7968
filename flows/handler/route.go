package handler

import (
	"fmt"
	"sort"
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
	levels := map[string][]int{}
	var order []string
	for _, p := range people {
		label := p.label
		if label == "" {
			if why := e.why[p.about()]; why != "" {
				label = "\x00" + why
			}
		}
		if _, known := levels[label]; !known {
			order = append(order, label)
			levels[label] = nil
		}
		if p.level > 0 && !containsInt(levels[label], p.level) {
			levels[label] = append(levels[label], p.level)
		}
	}
	parts := make([]string, 0, len(order))
	for _, label := range order {
		sort.Ints(levels[label])
		switch {
		case label == "":
			parts = append(parts, "named by the flow's handler")
		case strings.HasPrefix(label, "\x00"):
			parts = append(parts, label[1:])
		case strings.HasPrefix(label, "@"), isUserGroup(label) && levels[label] == nil:
			parts = append(parts, "member of "+label)
		default:
			parts = append(parts, whyOnCall(label, levels[label]))
		}
	}
	if len(parts) > 4 {
		parts = append(parts[:3], fmt.Sprintf("and %d other reasons", len(parts)-3))
	}
	return strings.Join(parts, "; ")
}

func containsInt(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}
