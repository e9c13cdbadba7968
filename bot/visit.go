package bot

import (
	"context"
	"slices"
	"time"

	"breakglass/flows"
)

// actor is who a row came from, as the audit keeps it.
func (r row) actor() flows.Actor {
	a := flows.Actor{Person: r.who(), Door: flows.DoorSlack, Trace: r.trace()}
	if r.Signed != 0 {
		a.Signed = time.Unix(r.Signed, 0).UTC()
	}
	return a
}

// actor is who acted, and where the message is that they acted on: the one of the click,
// or for a form, their card of the request.
func (h handling) actor(ctx context.Context, id flows.RequestID) flows.Actor {
	a, channel, ts := h.row.actor(), h.row.Channel, h.row.MessageTS
	if ts == "" && id != "" && h.row.Callback != "" && h.row.Callback != callbackRequest {
		if rec, err := h.b.o.Engine.Load(ctx, id); err == nil {
			channel, ts = cardOf(ofForm(rec.Cards, h.row.Callback), a.Person)
		}
	}
	a.Permalink = h.b.home.permalink(ctx, channel, ts)
	return a
}

// ofForm are the cards that a form could have been opened from.
func ofForm(cards []flows.Card, callback string) []flows.Card {
	return slices.DeleteFunc(slices.Clone(cards), func(c flows.Card) bool {
		return (c.Kind == flows.CardReview) != (callback == callbackReview)
	})
}

// cardOf is where a person sees a request: in their own messages, or else in a channel.
func cardOf(cards []flows.Card, p flows.PersonID) (channel, ts string) {
	for _, c := range cards {
		if c.TS != "" && (c.To == p || c.To == "" && ts == "") {
			channel, ts = c.Channel, c.TS
		}
		if c.To == p && c.TS != "" {
			break
		}
	}
	return channel, ts
}
