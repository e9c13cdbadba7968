package flows

import "context"

// Preview is the route that a request with this content would get right now; nil where
// nobody could decide, or the flow is gone. It decides and records nothing: when the
// request is submitted, and at each click, everything is looked at again.
func (e *Engine) Preview(ctx context.Context, c Content) *Route {
	req := Request{Content: c, State: StateSubmitted}
	cmd, f := Command{Verb: VerbRoute, Actor: ByEngine()}, e.baseFacts(nil)
	if f.flow(&c) == nil {
		return nil
	}
	g := gathering{e: e, f: &f, cmd: &cmd, content: c, req: &req}
	g.link()
	g.evaluate(ctx, false)
	d := &decision{cmd: cmd, f: f, now: e.o.Clock.Now(), was: req, req: req}
	return d.plan()
}
