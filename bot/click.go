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
		err = b.pin(p.Team, p.org(), p.UserTeam, p.AppID)
	}
	if err != nil {
		b.refuse(w, r, err)
		return nil, false
	}
	p.Signed = signedAt(r.Header)
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
	var after []func(context.Context)
	for _, a := range p.Actions {
		a = a.unfold()
		if _, changes := clickVerb(a.ActionID); changes || isLink(a.ActionID) {
			handle, err := b.accept(r.Context(), RowClick, b.clickRow(p, a))
			if err != nil {
				b.notStored(w, p)
				return
			}
			defer handle() //nolint:revive // after the answer, for each click of the payload
		} else if do := b.opens(p, a); do != nil {
			b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack click", slog.String("user", p.User), slog.String("action", a.ActionID))
			after = append(after, do)
		}
	}
	if len(after) == 0 {
		acknowledge(w)
		return
	}
	opened := b.answerThen(w, func(ctx context.Context) {
		for _, do := range after {
			do(ctx)
		}
	})
	if !opened {
		b.log.LogAttrs(r.Context(), slog.LevelWarn, "too busy to open a form; nothing was done", slog.String("user", p.User))
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// clickRow is what is kept of a click.
func (b *Bot) clickRow(p *interaction, a action) row {
	return row{
		Team: b.o.Team, User: p.User, Channel: p.channel(), Action: a.ActionID, Block: a.BlockID, Token: TokenHash(a.Value),
		ActionTS: a.TS, MessageTS: p.MessageTS, Signed: p.Signed,
	}
}

// notStored says no to Slack, which marks the click as failed, and to the person why.
func (b *Bot) notStored(w http.ResponseWriter, p *interaction) {
	b.aside(func(ctx context.Context) {
		b.tell(ctx, p.channel(), p.User, ":warning: Your click could not be stored, so nothing was done. Try again in a moment.")
	})
	w.WriteHeader(http.StatusServiceUnavailable)
}

// opens is what a click shows, where it changes nothing.
func (b *Bot) opens(p *interaction, a action) func(context.Context) {
	switch a.ActionID {
	case ActionDeny:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackDeny) }
	case ActionApproveNote:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackNote) }
	case ActionRevoke:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackRevoke) }
	case ActionReview:
		return func(ctx context.Context) { b.openReason(ctx, p, a, callbackReview) }
	case ActionFull:
		return func(ctx context.Context) { b.openFull(ctx, p, a) }
	case ActionExtend:
		return func(ctx context.Context) { b.openExtension(ctx, p, a) }
	case ActionMore:
		return func(ctx context.Context) { b.openAgain(ctx, p, a) }
	case ActionAuditNext:
		return func(ctx context.Context) { b.auditNext(ctx, p, a) }
	case ActionAuditShow:
		return func(ctx context.Context) { b.auditShow(ctx, p, a) }
	case askTarget:
		if p.View.Callback == callbackRequest && p.View.ID != "" {
			return func(ctx context.Context) { b.retarget(ctx, p) }
		}
	}
	return nil
}

// shortcut opens the empty form.
func (b *Bot) shortcut(w http.ResponseWriter, r *http.Request, p *interaction) {
	b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack shortcut", slog.String("user", p.User))
	if !b.answerThen(w, func(ctx context.Context) { b.openForm(ctx, p.Trigger, "", b.person(p.User), wish{}) }) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// openAgain opens the form as it was filled in for the card's request.
func (b *Bot) openAgain(ctx context.Context, p *interaction, a action) {
	if rec, ok := b.look(ctx, p, a); ok {
		b.openLike(ctx, p, &rec.Request)
	}
}

// openExtension opens it for the request that a message is about: for who has it only.
// The button holds no more than its id, since it changes nothing.
func (b *Bot) openExtension(ctx context.Context, p *interaction, a action) {
	rec, err := b.o.Engine.Load(ctx, flows.RequestID(cut(a.Value, 64)))
	if err != nil || rec.Request.Content.Requester != b.person(p.User) {
		b.log.LogAttrs(ctx, slog.LevelWarn, "no request to extend", slog.String("user", p.User), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User, ":no_entry_sign: There is no access of yours to extend here. Nothing was done. Ask with /access.")
		return
	}
	b.openLike(ctx, p, &rec.Request)
}

// openLike opens the form as it was filled in for a request; where that is active, to
// extend it.
func (b *Bot) openLike(ctx context.Context, p *interaction, r *flows.Request) {
	c, cat := r.Content, b.o.Catalog()
	w := wish{draft: draft{duration: c.Duration, incident: string(r.Incident()), reason: c.Reason, answers: map[string]string{}}}
	w.offer, _ = offerOf(cat, optionValue(string(c.Flow)+"/"+string(c.Target)))
	if r.State == flows.StateActive && !w.offer.none() {
		w.extends = extending{id: r.ID, offer: w.offer.value()}
	}
	for _, f := range c.Fields {
		w.answers[f.Name] = f.Value.Raw()
	}
	b.openForm(ctx, p.Trigger, p.channel(), b.person(p.User), w)
}

// look finds the request of a card whose button opens something, or tells the
// person why not.
func (b *Bot) look(ctx context.Context, p *interaction, a action) (flows.Record, bool) {
	rec, no, err := b.shown(ctx, b.clickRow(p, a))
	switch {
	case err != nil:
		b.log.LogAttrs(ctx, slog.LevelError, "a card could not be read", slog.String("user", p.User), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User, ":warning: The request could not be read just now. Nothing was done. Try again in a moment.")
	case no != nil:
		b.log.LogAttrs(ctx, slog.LevelWarn, "slack button is not good", slog.String("user", p.User), slog.String("code", string(no.Code)))
		b.tell(ctx, p.channel(), p.User, ":no_entry_sign: "+no.Error())
	}
	return rec, err == nil && no == nil
}
