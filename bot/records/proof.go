package records

import (
	"context"
	"errors"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
)

type (
	// NoInput is nothing.
	NoInput struct{}
	// CheckpointOutput is the newest signed head of the log.
	CheckpointOutput struct{ Body audit.HeadAnswer }
	// ProofInput says what is to be proved: an entry, the growth from an older tree, or both.
	ProofInput struct {
		Chain string `query:"chain" doc:"the entry's request, or system; leave it out to prove growth alone" maxLength:"64"`
		Seq   int64  `query:"seq" minimum:"0" doc:"the entry's number in it, from 1"`
		From  int64  `query:"from" minimum:"0" doc:"the size of an older tree, from which the newer one must go on"`
		Size  int64  `query:"size" minimum:"0" doc:"the size of the tree to prove it in; the newest checkpoint's unless said"`
	}
	// ProofOutput is the proof (RFC 6962, 2.1).
	ProofOutput struct{ Body audit.ProofAnswer }
)

// Checkpoint is GET /v1/audit/checkpoint. It names nobody, so anybody may see it.
func (x *Records) Checkpoint(ctx context.Context) (*CheckpointOutput, error) {
	head, err := audit.Newest(ctx, x.o.Proofs)
	if errors.Is(err, flows.ErrNotFound) {
		return nil, flows.Refuse(flows.RefusedUnknownRequest, "There is no checkpoint yet.").Then("Ask again in a minute.")
	}
	return &CheckpointOutput{head}, err
}

// Proof is GET /v1/audit/proof. A proof is shown to who may see the entry; that one tree
// goes on from another names nobody.
func (x *Records) Proof(ctx context.Context, a history.Asker, in *ProofInput) (*ProofOutput, error) {
	switch {
	case in.Chain == "" && (in.Seq != 0 || in.From == 0):
		return nil, flows.Refuse(flows.RefusedInput, "Nothing was named that could be proved.").Then("Say chain and seq of an entry, or from, the size of an older tree.")
	case in.Chain != "" && in.Seq < 1:
		return nil, flows.Refuse(flows.RefusedInput, "Which entry of the chain is not said.").Then("Say seq, from 1.")
	}
	if in.Chain != "" {
		ok, err := x.sees(ctx, a, flows.RequestID(in.Chain))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, refusal(ErrNotYours)
		}
	}
	p, err := audit.Prove(ctx, x.o.Proofs, audit.Claim{Chain: in.Chain, Seq: in.Seq, From: in.From, Size: in.Size})
	if errors.Is(err, flows.ErrNotFound) {
		return nil, flows.Refuse(flows.RefusedUnknownRequest, "There is no such entry, or no checkpoint that covers it (%s).", err).
			Then("A new entry is covered within a minute.")
	}
	return &ProofOutput{p}, err
}
