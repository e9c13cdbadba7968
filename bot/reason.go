package bot

import (
	"context"
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

// openReason opens the modal that asks why, for the request the card shows. The
// button's value goes with it and is looked at again when it comes back.
func (b *Bot) openReason(ctx context.Context, p *interaction, a action, callback string) {
	rec, no, err := b.shown(ctx, row{
		Team: b.o.Team, User: p.User.ID, Channel: p.channel(), Token: TokenHash(a.Value), MessageTS: p.Container.MessageTS,
	})
	switch {
	case err != nil:
		b.log.LogAttrs(ctx, slog.LevelError, "a card could not be read", slog.String("user", p.User.ID), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User.ID, ":warning: The request could not be read just now. Nothing was done. Try again in a moment.")
		return
	case no != nil:
		b.log.LogAttrs(ctx, slog.LevelWarn, "slack button is not good", slog.String("user", p.User.ID), slog.String("code", string(no.Code)))
		b.tell(ctx, p.channel(), p.User.ID, ":no_entry_sign: "+no.Error())
		return
	}
	if _, _, err := b.o.Views.OpenView(ctx, p.Trigger, reasonView(b.o.Catalog(), &rec.Request, callback, a.Value)); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "a form could not be opened", slog.String("user", p.User.ID), slog.Any("error", err))
		b.tell(ctx, p.channel(), p.User.ID, ":warning: The form could not be opened: Slack did not take it in time. Nothing was done. Click again.")
	}
}

// reasonView asks why a request is denied, or access revoked.
func reasonView(cat *flows.Catalog, r *flows.Request, callback, token string) []byte {
	label := string(r.Content.Target)
	if t := cat.Targets[r.Content.Target]; t != nil && t.Label != "" {
		label = t.Label
	}
	about := fmt.Sprintf("*%s* for %s, %s", escape(label), mention(r.Content.Beneficiary), flows.Span(r.Content.Duration))
	why := slack.NewPlainTextInputBlockElement(nil, askWhy)
	why.Multiline, why.MaxLength, why.FocusOnLoad = true, 1000, true
	if callback == callbackRevoke {
		return modal(callback, token, "Revoke access", "Revoke", []slack.Block{
			section("%s\nIt ends at the target now.", about),
			input(askWhy, "Why?", "It is recorded, and the holder reads it.", why, true),
		})
	}
	var options []*slack.OptionBlockObject
	for _, p := range denyPresets() {
		options = append(options, option(p, p))
	}
	preset := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainObject("Pick one, or write below", 150), askPreset, options...)
	return modal(callback, token, "Deny request", "Deny", []slack.Block{
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
	if p.View.Callback == callbackDeny && reasonIn(p.View.State.Values).Empty() {
		fieldErrors(w, map[string]string{askWhy: "Say why: pick a reason above or write one here. The requester reads it."})
		return
	}
	err := b.accept(r.Context(), RowSubmit, row{
		Team: b.o.Team, User: p.User.ID, Callback: p.View.Callback, Token: TokenHash(p.View.Metadata),
		View: p.View.ID, ViewHash: p.View.Hash, Values: p.View.State.Values,
	})
	if err != nil {
		fieldErrors(w, map[string]string{askWhy: "This could not be stored, so nothing was done. Try again in a moment."})
		return
	}
	acknowledge(w)
}
