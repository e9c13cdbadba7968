package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// The questions of the reason modal.
const (
	askPreset = "preset"
	askWhy    = "why"
)

// denyPresets are the usual reasons, in the approver's words.
func denyPresets() []string {
	return []string{"Not needed for this incident", "Ask for less, or for a shorter time", "Use the documented way instead", "I do not know enough to approve this", "Please call me first"}
}

// openReason opens the modal that asks why, for the request the card shows. Which
// request goes with it; who may decide it is looked at when it comes back.
func (b *Bot) openReason(ctx context.Context, p *interaction, a action, callback string) {
	rec, ok := b.look(ctx, p, a)
	if !ok {
		return
	}
	if _, _, err := b.o.Views.OpenView(ctx, p.Trigger, reasonView(b.o.Catalog(), &rec.Request, callback)); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "a form could not be opened", slog.String("user", p.User), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User, ":warning: The form could not be opened: Slack did not take it in time. Nothing was done. Click again.")
	}
}

// openFull shows all that was written, where a card shows the beginning, and the ids.
func (b *Bot) openFull(ctx context.Context, p *interaction, a action) {
	rec, ok := b.look(ctx, p, a)
	if !ok {
		return
	}
	v := cardView{req: rec.Request, cat: b.o.Catalog()}
	blocks := []slack.Block{
		section("*%s* for %s, %s", v.target(), mention(rec.Request.Content.Beneficiary), flows.Span(rec.Request.Content.Duration)),
		quote(rec.Request.Content.Reason, flows.MaxText),
	}
	for _, f := range rec.Request.Content.Fields {
		if !f.Value.Empty() {
			blocks = append(blocks, section("*%s*", escape(v.label(f.Name))), quote(f.Value, flows.MaxText))
		}
	}
	blocks = append(blocks, section("*Id*\n`%s`", rec.Request.ID), section("*What is approved, as a hash*\n`%s`", rec.Request.Hash),
		contextLine("`breakglass request show %s` shows everything that was recorded.", rec.Request.ID))
	if _, _, err := b.o.Views.OpenView(ctx, p.Trigger, modal("", "", "Details", "", blocks)); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "a text could not be shown", slog.String("user", p.User), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User, ":warning: It could not be shown: Slack did not take it in time. Click again.")
	}
}

// reasonView asks why a request is denied, or access revoked.
func reasonView(cat *flows.Catalog, r *flows.Request, callback string) json.RawMessage {
	label := string(r.Content.Target)
	if t := cat.Targets[r.Content.Target]; t != nil && t.Label != "" {
		label = t.Label
	}
	about := fmt.Sprintf("*%s* for %s, %s", escape(label), mention(r.Content.Beneficiary), flows.Span(r.Content.Duration))
	if callback == callbackReview {
		return reviewView(about, r)
	}
	why := slack.NewPlainTextInputBlockElement(nil, askWhy)
	why.Multiline, why.MaxLength, why.FocusOnLoad = true, 1000, true
	if callback == callbackRevoke {
		return modal(callback, string(r.ID), "Revoke access", "Revoke", []slack.Block{
			section("%s\nIt ends at the target now.", about),
			input(askWhy, "Why?", "It is recorded, and the holder reads it.", why, true),
		})
	}
	if callback == callbackNote { // the hash of what was shown goes with it: that is what is approved
		note := why
		return modal(callback, string(r.ID)+" "+r.Hash, "Approve with a note", "Approve", []slack.Block{
			section("%s", about), quote(r.Content.Reason, shortReason),
			input(askWhy, "Note", "It is recorded, and stands on the card: the requester reads it.", note, false),
		})
	}
	var options []*slack.OptionBlockObject
	for _, p := range denyPresets() {
		options = append(options, option(p, p))
	}
	preset := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainObject("Pick one, or write below", 150), askPreset, options...)
	return modal(callback, string(r.ID), "Deny request", "Deny", []slack.Block{
		section("%s", about), quote(r.Content.Reason, 600),
		input(askPreset, "Why not?", "", preset, true),
		input(askWhy, "In your words", "The requester reads it. One of the two is needed.", why, true),
	})
}

// reasonIn puts the preset and the words together.
func reasonIn(entered values) flows.Text {
	preset, why := "", ""
	for ask, byAction := range entered {
		for _, a := range byAction {
			switch ask {
			case askPreset:
				preset = a.text()
			case askWhy:
				why = strings.TrimSpace(a.text())
			}
		}
	}
	if preset != "" && why != "" {
		return flows.NewText(preset + ": " + why)
	}
	return flows.NewText(preset + why)
}

// reasoned takes a submitted reason modal.
func (b *Bot) reasoned(w http.ResponseWriter, r *http.Request, p *interaction) {
	if p.View.Callback == callbackNote && reasonIn(p.View.Values).Empty() {
		fieldErrors(w, map[string]string{askWhy: "Write the note, or go back and press Approve."})
		return
	}
	if p.View.Callback == callbackDeny && reasonIn(p.View.Values).Empty() {
		fieldErrors(w, map[string]string{askWhy: "Say why: pick a reason above or write one here. The requester reads it."})
		return
	}
	if p.View.Callback == callbackReview && verdictIn(p.View.Values) != flows.VerdictOK && reasonIn(p.View.Values).Empty() {
		fieldErrors(w, map[string]string{askWhy: "Say what was not in order: it is recorded, and the requester reads it."})
		return
	}
	handle, err := b.accept(r.Context(), RowSubmit, row{
		Team: b.o.Team, User: p.User, Callback: p.View.Callback, Request: cut(p.View.Metadata, 160),
		View: p.View.ID, ViewHash: p.View.Hash, Values: p.View.Values, Signed: p.Signed,
	})
	if err != nil {
		fieldErrors(w, map[string]string{askWhy: "This could not be stored, so nothing was done. Try again in a moment."})
		return
	}
	acknowledge(w)
	handle()
}
