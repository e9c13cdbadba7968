package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"breakglass/flows"
)

// fillWithin bounds what a form waits for PagerDuty and Slack before it is shown
// without their answer.
const fillWithin = 2500 * time.Millisecond

// fill completes an open form: whether the person may ask for what was typed, and
// the incident it is about. Somebody who was faster in the form wins (the hash).
func (b *Bot) fill(ctx context.Context, form requestForm, who flows.PersonID, viewID, hash string) {
	b.lookUp(ctx, &form, who)
	if err := b.o.Views.UpdateView(ctx, viewID, hash, form.view()); err != nil {
		b.log.LogAttrs(ctx, slog.LevelInfo, "a form was not filled in", slog.String("user", who.User()), slog.Any("error", err))
	}
}

func (b *Bot) lookUp(ctx context.Context, form *requestForm, who flows.PersonID) {
	ctx, cancel := context.WithTimeout(ctx, fillWithin)
	defer cancel()
	b.checkOffer(ctx, form, who)
	form.looking = false
	b.lookUpIncident(ctx, form, who)
	b.foresee(ctx, form, who)
}

// recallWithin bounds what the opening of a form waits for the store.
const recallWithin = 20 * time.Millisecond

// recall puts the target that the person asked for last into a form that names none,
// before it opens: what somebody picks in an open form is not overtaken.
func (b *Bot) recall(ctx context.Context, form *requestForm, who flows.PersonID) {
	ctx, cancel := context.WithTimeout(ctx, recallWithin)
	defer cancel()
	last, err := b.o.Requests.Requests(ctx, flows.RequestFilter{Person: who, Limit: 1})
	if err != nil || len(last) == 0 || last[0].Content.Requester != who {
		return // it is only for convenience
	}
	o, ok := offerOf(form.cat, optionValue(string(last[0].Content.Flow)+"/"+string(last[0].Content.Target)))
	if ok && b.asks.peek(o.flow, who) == flows.Yes {
		form.draft.offer, form.recalled = o, true
	}
}

// checkOffer takes a target out of the form that is known not to be open to the person.
func (b *Bot) checkOffer(ctx context.Context, form *requestForm, who flows.PersonID) {
	o := form.draft.offer
	if o.none() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fillWithin)
	defer cancel()
	switch b.asks.may(ctx, o.flow, who) {
	case flows.No:
		form.draft.offer, form.targetGen = offer{}, form.targetGen+"-"
		form.notes = append(form.notes, fmt.Sprintf("%s is not open to you. Pick something else, or ask an admin.", escape(o.label())))
	case flows.Unknown:
		form.notes = append(form.notes, "Slack did not say who may ask here; it is checked again when you ask.")
	}
}

func (b *Bot) lookUpIncident(ctx context.Context, form *requestForm, who flows.PersonID) {
	if word := form.draft.incident; word != "" {
		inc, err := b.o.Incidents.Incident(ctx, word)
		switch {
		case err == nil:
			form.chosen = &inc
			return
		case errors.Is(err, flows.ErrNotFound):
			form.draft.incident = ""
			form.notes = append(form.notes, fmt.Sprintf("PagerDuty has no incident %s.", escape(cut(word, 40))))
		default:
			form.typed = true
			return
		}
	}
	if form.near != "" {
		if inc, err := b.o.Incidents.Incident(ctx, form.near); err == nil && inc.Status != flows.IncidentResolved {
			form.chosen, form.nearby = &inc, true
			return
		}
	}
	_, errAll := b.open.list(ctx, "")
	mine, errMine := b.open.mine(ctx, form.cat, who)
	switch {
	case errAll != nil, errMine != nil:
		form.typed = true
	case len(mine) > 0 && mine[0].Status == flows.IncidentAcknowledged:
		form.chosen, form.mine = &mine[0], true
	}
}

// retarget redraws the form for another target, keeping what was entered.
func (b *Bot) retarget(ctx context.Context, p *interaction) {
	cat, who := b.o.Catalog(), b.person(p.User)
	form := requestForm{cat: cat, draft: readDraft(cat, p.View.Values)}
	form.draft.extends = readExtending(p.View.Metadata)
	asked := false
	for id := range p.View.Values {
		ask, version, _ := strings.Cut(id, "/")
		switch ask {
		case askTarget:
			form.targetGen = version
		case askIncident:
			asked, form.typed = true, version == "typed" || strings.HasPrefix(version, "typed/")
		}
	}
	if asked {
		b.keepIncident(&form, who)
		b.checkOffer(ctx, &form, who)
		b.foresee(ctx, &form, who)
	} else {
		b.lookUp(ctx, &form, who)
	}
	err := b.o.Views.UpdateView(ctx, p.View.ID, p.View.Hash, form.view())
	if _, ok := errors.AsType[*flows.Permanent](err); ok && !b.sent.has(p.View.ID) { // filled meanwhile: what is drawn here has all of that too
		err = b.o.Views.UpdateView(ctx, p.View.ID, "", form.view())
	}
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelInfo, "a form was not redrawn", slog.String("user", p.User), slog.Any("error", err))
	}
}

// keepIncident shows the picked incident as it was picked.
func (b *Bot) keepIncident(form *requestForm, who flows.PersonID) {
	if form.typed || form.draft.incident == "" || flows.SaysNone(form.draft.incident) {
		return
	}
	ref := b.open.ref(form.cat, who, form.draft.incident)
	if ref.Number != 0 {
		form.chosen = &flows.Incident{ID: ref.ID, Number: ref.Number, Title: ref.Title}
	}
}
