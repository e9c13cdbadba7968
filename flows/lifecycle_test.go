package flows_test

import (
	"slices"
	"testing"

	"breakglass/flows"
)

// TestSteps: a step is one of the table, from a state of that row to the other, and no other is.
func TestSteps(t *testing.T) {
	t.Parallel()
	states := append(flows.States(), flows.StateNone)
	var verbs []flows.Verb
	for _, s := range flows.Lifecycle() {
		verbs = append(verbs, s.Verb)
	}
	for _, verb := range append(verbs, "observed") {
		for _, from := range states {
			for _, to := range states {
				want := slices.ContainsFunc(flows.Lifecycle(), func(s flows.Step) bool { return s.Verb == verb && s.From == from && s.To == to })
				if flows.CanStep(verb, from, to) != want {
					t.Errorf("%s from %q to %q: %v is wrong", verb, from, to, !want)
				}
			}
		}
	}
}
