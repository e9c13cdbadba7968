package bot

import (
	"context"
	"fmt"
	"strings"

	"breakglass/flows"
)

// Foresight tells who would be asked; *flows.Engine implements it.
type Foresight interface {
	// Preview is the route that a request would get right now; nil: nobody could decide.
	Preview(ctx context.Context, c flows.Content) *flows.Route
}

// foresee says in the form who would be asked if it were sent as it stands. Where that
// is not known in time, the form says what the configuration says.
func (b *Bot) foresee(ctx context.Context, form *requestForm, who flows.PersonID) {
	o := form.draft.offer
	if o.none() || b.asks.peek(o.flow, who) != flows.Yes {
		return // to whom it is not open, it does not tell who is on call
	}
	r := b.o.Foresight.Preview(ctx, b.content(form.cat, who, form.draft))
	if ctx.Err() != nil {
		return // it would say that PagerDuty does not answer, and it was we who did not wait
	}
	form.foreseen = foreseen(o.flow, r)
}

func foreseen(f *flows.Flow, r *flows.Route) string {
	switch {
	case r == nil:
		return "*Right now nobody could decide this*, not even the fallback. Tell an admin."
	case len(r.Stages) == 0:
		return ""
	case r.Stages[0].Self:
		return fmt.Sprintf("*You would be asked yourself:* you may approve this, and that is recorded (%s).", trusted(strings.TrimSuffix(r.Stages[0].Why, ".")))
	case r.Origin == flows.FromFallback:
		return fmt.Sprintf("*The fallback would be asked:* %s. %s", mentions(r.Stages[0].Approvers), trusted(r.Why))
	}
	why := ""
	if w := strings.TrimSuffix(r.Stages[0].Why, "."); w != "" {
		why = " (" + trusted(w) + ")"
	}
	return fmt.Sprintf("*These would be asked:* %s%s. If they do not answer, the fallback decides: %s.", mentions(r.Stages[0].Approvers), why, fallbackNames(f))
}
