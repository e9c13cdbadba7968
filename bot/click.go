package bot

import (
	"context"
	"log/slog"
	"net/http"

	"breakglass/flows"
)

// Interactions answers POST /slack/interactions: clicks, submitted modals, shortcuts.
func (b *Bot) Interactions(w http.ResponseWriter, r *http.Request) {
	p, ok := b.interaction(w, r)
	if !ok {
		return
	}
	switch p.Type {
	case "block_actions":
		b.clicked(w, r, p)
	case "view_submission":
		b.submitted(w, r, p)
	case "block_suggestion":
		b.suggest(w, r, p)
	case "shortcut":
		b.shortcut(w, r, p)
	default: // view_closed and what Slack will think of: nothing of ours
		acknowledge(w)
	}
}

// interaction lets a payload in, or refuses it.
func (b *Bot) interaction(w http.ResponseWriter, r *http.Request) (*interaction, bool) {
	body, ok := b.admit(w, r, maxInteractionBody)
	if !ok {
		return nil, false
	}
	p, err := readInteraction(body)
	if err == nil {
		err = b.pin(p.Team.ID, p.org(), p.User.TeamID, p.AppID)
	}
	if err != nil {
		b.refuse(w, r, err)
		return nil, false
	}
	return p, true
}

// clickVerbs are the buttons that change something by themselves.
func clickVerb(actionID string) (flows.Verb, bool) {
	switch actionID {
	case ActionApprove:
		return flows.VerbApprove, true
	case ActionCancel:
		return flows.VerbCancel, true
	case ActionDone:
		return flows.VerbDone, true
	case ActionForward:
		return flows.VerbForward, true
	}
	return "", false
}

// clicked keeps every click that changes something, answers, and then opens what
// has to be opened.
func (b *Bot) clicked(w http.ResponseWriter, r *http.Request, p *interaction) {
	for _, a := range p.Actions {
		if _, changes := clickVerb(a.ActionID); !changes {
			continue
		}
		err := b.accept(r.Context(), RowClick, row{
			Team: b.o.Team, User: p.User.ID, Channel: p.channel(), Action: a.ActionID, Token: TokenHash(a.Value),
			ActionTS: a.TS, MessageTS: p.Container.MessageTS,
		})
		if err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			b.afterwards(r.Context(), p.channel(), p.User.ID, func(ctx context.Context) {
				b.tell(ctx, p.channel(), p.User.ID, ":warning: Your click could not be stored, so nothing was done. Try again in a moment.")
			})
			return
		}
	}
	acknowledge(w)
	for _, a := range p.Actions {
		if do := b.opens(p, a); do != nil {
			b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack click", slog.String("user", p.User.ID), slog.String("action", a.ActionID))
			b.afterwards(r.Context(), p.channel(), p.User.ID, do)
		}
	}
}

// opens is what a click shows, where it changes nothing.
func (b *Bot) opens(p *interaction, a action) func(context.Context) {
	switch a.ActionID {
	case ActionDeny:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackDeny) }
	case ActionRevoke:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackRevoke) }
	case ActionMore:
		return func(ctx context.Context) { b.openAgain(ctx, p, a) }
	case askTarget:
		if p.View.Callback == callbackRequest && p.View.ID != "" {
			return func(ctx context.Context) { b.retarget(ctx, p) }
		}
	}
	return nil
}

// shortcut opens the empty form.
func (b *Bot) shortcut(w http.ResponseWriter, r *http.Request, p *interaction) {
	acknowledge(w)
	b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack shortcut", slog.String("user", p.User.ID))
	b.afterwards(r.Context(), "", p.User.ID, func(ctx context.Context) {
		b.openForm(ctx, p.Trigger, "", b.person(p.User.ID), wish{})
	})
}

// openAgain opens the form as it was filled in for the card's request.
func (b *Bot) openAgain(ctx context.Context, p *interaction, a action) {
	rec, no, err := b.shown(ctx, row{
		Team: b.o.Team, User: p.User.ID, Channel: p.channel(), Token: TokenHash(a.Value), MessageTS: p.Container.MessageTS,
	})
	switch {
	case err != nil:
		b.log.LogAttrs(ctx, slog.LevelError, "a card could not be read", slog.String("user", p.User.ID), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User.ID, ":warning: The request could not be read just now. Nothing was done. Try again in a moment.")
		return
	case no != nil:
		b.tell(ctx, p.channel(), p.User.ID, ":no_entry_sign: "+no.Error())
		return
	}
	c, cat := rec.Request.Content, b.o.Catalog()
	w := wish{draft: draft{duration: c.Duration, incident: string(rec.Request.Incident()), reason: c.Reason, answers: map[string]string{}}}
	w.offer, _ = offerOf(cat, optionValue(string(c.Flow)+"/"+string(c.Target)))
	for _, f := range c.Fields {
		w.answers[f.Name] = f.Value.Raw()
	}
	b.openForm(ctx, p.Trigger, p.channel(), b.person(p.User.ID), w)
}
