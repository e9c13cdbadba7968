package bot

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"breakglass/flows"
)

// submitted answers a submitted modal: field errors at once; what is valid goes into
// the inbox first.
func (b *Bot) submitted(w http.ResponseWriter, r *http.Request, p *interaction) {
	switch {
	case p.View.ID == "":
		b.refuse(w, r, rejectMalformed)
	case p.View.Callback == callbackRequest:
		b.requested(w, r, p)
	case p.View.Callback == callbackDeny, p.View.Callback == callbackRevoke, p.View.Callback == callbackNote,
		p.View.Callback == callbackReview:
		b.reasoned(w, r, p)
	case p.View.Callback == callbackAlarm:
		b.alarmed(w, r, p)
	default:
		acknowledge(w)
	}
}

// requested takes a submitted request form.
func (b *Bot) requested(w http.ResponseWriter, r *http.Request, p *interaction) {
	cat, who, entered := b.o.Catalog(), b.person(p.User), p.View.Values
	d := readDraft(cat, entered)
	errs, redraw := b.formErrors(cat, who, d, entered)
	if len(errs) > 0 {
		fieldErrors(w, errs)
		if redraw {
			b.aside(func(ctx context.Context) { b.retarget(ctx, p) })
		}
		return
	}
	handle, err := b.accept(r.Context(), RowSubmit, row{
		Team: b.o.Team, User: p.User, Callback: p.View.Callback, View: p.View.ID, ViewHash: p.View.Hash, Values: entered, Signed: p.Signed,
		Request: cut(p.View.Metadata, 160),
	})
	if err != nil {
		fieldErrors(w, map[string]string{blockFor(entered, askTarget): "This could not be stored, so nothing was asked for. Try again in a moment."})
		return
	}
	b.sent.add(p.View.ID)
	writeJSON(w, struct {
		Action string          `json:"response_action"`
		View   json.RawMessage `json:"view"`
	}{"update", workingView(d.offer, d.length())})
	handle()
}

// maxFieldError keeps an answer with errors at many fields under what Slack takes.
const maxFieldError = 300

// formErrors checks a form and gives each error to the block it is about. One that
// has no block (the form was not redrawn yet for another target) stands at the
// target, and the form is to be redrawn.
func (b *Bot) formErrors(cat *flows.Catalog, who flows.PersonID, d draft, entered values) (errs map[string]string, redraw bool) {
	target := blockFor(entered, askTarget)
	if target == "" {
		target = askTarget
	}
	if d.offer.none() {
		return map[string]string{target: "Pick a target from the list; what was picked is not offered, or not any more."}, false
	}
	errs = map[string]string{}
	wrong := b.content(cat, who, d).Check(d.offer.flow, d.offer.target)
	if no := unsaid(d, entered); no != nil {
		wrong = append(wrong, no)
	}
	for _, no := range wrong {
		id := blockOf(entered, no.Field, d)
		if id == "" {
			id, redraw = target, true
		}
		errs[id] = cut(strings.TrimSpace(errs[id]+" "+no.Error()), maxFieldError)
	}
	return errs, redraw
}

// blockOf is the block that a refusal's field stands in.
func blockOf(entered values, field string, d draft) string {
	name, isField := strings.CutPrefix(field, askField+":")
	switch {
	case isField:
		return blockFor(entered, askField+"/"+name)
	case field == askDuration && d.custom != "":
		return blockFor(entered, askCustom)
	}
	return blockFor(entered, field)
}

// blockFor finds the block that asks for something, whatever its version.
func blockFor(entered values, ask string) string {
	var ids []string
	for id := range entered {
		if id == ask || strings.HasPrefix(id, ask+"/") {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	return slices.Min(ids)
}

// fieldErrors shows errors at their fields; the modal stays as it is.
func fieldErrors(w http.ResponseWriter, errs map[string]string) {
	writeJSON(w, map[string]any{"response_action": "errors", "errors": errs})
}
