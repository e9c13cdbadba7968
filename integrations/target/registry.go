package target

import (
	"context"

	"breakglass/flows"
)

// The kinds of targets, as the configuration calls them.
const (
	KindApprovalOnly = "approval_only"
	KindWebhook      = "webhook"
	KindHTTPAdapter  = "http_adapter"
)

// Registry finds what executes grants of a kind.
type Registry struct{ kinds map[string]flows.Target }

// New makes the registry of all kinds.
func New(opt Options) (*Registry, error) {
	hook, err := newWebhook(opt)
	if err != nil {
		return nil, err
	}
	return &Registry{kinds: map[string]flows.Target{
		KindApprovalOnly: approvalOnly{}, KindWebhook: hook,
		KindHTTPAdapter: approvalOnly{}, // the proxy asks the store at each call, so there is nothing to do and nobody to ask
	}}, nil
}

// Target is what executes grants of a kind; false when nothing does.
func (r *Registry) Target(kind string) (flows.Target, bool) {
	t, ok := r.kinds[kind]
	return t, ok
}

// Kinds lists the kinds, for messages.
func (r *Registry) Kinds() []string { return []string{KindApprovalOnly, KindHTTPAdapter, KindWebhook} }

// approvalOnly is a target that nothing executes: people look at the record, or
// another system reads it. Orders are confirmed at once, for there is nothing that
// could fail, and what a person really has is Unknown, for there is nobody to ask;
// the engine takes Unknown as "go by our own record", before a grant and after a
// revocation.
type approvalOnly struct{}

// Grant implements flows.Target.
func (approvalOnly) Grant(context.Context, flows.Order) (flows.Receipt, error) {
	return flows.Receipt{}, nil
}

// Revoke implements flows.Target.
func (approvalOnly) Revoke(context.Context, flows.Order) error { return nil }

// Read implements flows.Target.
func (approvalOnly) Read(context.Context, flows.Order) (flows.Reading, error) {
	return flows.Reading{Has: flows.Unknown}, nil
}
