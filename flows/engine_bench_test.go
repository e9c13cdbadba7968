package flows_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"breakglass/flows"
)

// BenchmarkDoApprove is a click from its facts to its commit, with a store and vendors
// that answer at once: what the engine itself costs, sealing the audit entry included.
func BenchmarkDoApprove(b *testing.B) {
	for _, who := range []struct {
		name          string
		asks, decides flows.PersonID
	}{{"self", dana, dana}, {"manager", sam, mara}} {
		b.Run(who.name, func(b *testing.B) { doApprove(b, who.asks, who.decides) })
	}
}

func doApprove(b *testing.B, asks, decides flows.PersonID) {
	h := newHistory(3)
	h.mem.Fail, h.mem.Interleave = nil, nil
	id := h.RequestID(start)
	do := func(cmd flows.Command, want flows.State) {
		cmd.ID = id
		res, err := h.engine.Do(b.Context(), cmd, flows.Finish{})
		if err != nil || res.Refusal != nil || res.Request.State != want {
			b.Fatalf("%s: %s, %v, %v", cmd.Verb, res.Request.State, res.Refusal, err)
		}
	}
	do(flows.Command{Verb: flows.VerbSubmit, Actor: slackActor(asks), Content: flows.Content{
		Flow: "prod", Target: "db", Requester: asks, Beneficiary: asks, Duration: time.Hour, Reason: flows.NewText("the ledger is stuck"),
	}}, flows.StateSubmitted)
	do(flows.Command{Verb: flows.VerbRoute, Actor: flows.ByEngine()}, flows.StatePending)
	pending, cards := h.mem.Requests[id], maps.Clone(h.mem.Cards)
	chain := slices.Clip(h.mem.Chains[string(id)])
	b.ReportAllocs()
	for b.Loop() {
		h.mem.Requests[id], h.mem.Chains[string(id)] = pending, chain
		clear(h.mem.Holdings)
		clear(h.mem.Jobs)
		if len(h.mem.Cards) > len(cards) {
			h.mem.Cards = maps.Clone(cards)
		}
		do(flows.Command{Verb: flows.VerbApprove, Actor: slackActor(decides), Hash: pending.Hash}, flows.StateApproved)
	}
}
