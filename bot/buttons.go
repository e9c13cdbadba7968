package bot

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// buttons reports whether the copy has any, and so needs a token.
func buttons(r *flows.Request, c flows.Card) bool {
	switch c.Kind {
	case flows.CardRequester:
		return !r.State.Final() && r.State != flows.StateEnding || asksAgain(r)
	case flows.CardApprover:
		return r.Asks(c) || mayRevoke(r)
	case flows.CardFYI:
		return mayRevoke(r) // who may is looked at when somebody does
	case flows.CardReview:
		return r.ReviewIs() == flows.ReviewOpen
	}
	return false
}

// asksAgain reports whether "ask again" makes sense on the requester's card.
func asksAgain(r *flows.Request) bool {
	return r.State == flows.StateLapsed || r.State == flows.StateFailed
}

func mayRevoke(r *flows.Request) bool {
	return r.State == flows.StateApproved || r.State == flows.StateGranting || r.State == flows.StateActive
}

// actions are the buttons: at most three, one of them primary, and the menu.
func (v cardView) actions() []slack.BlockElement {
	if v.token == "" {
		return nil
	}
	if v.mine() {
		return v.requesterActions()
	}
	r := &v.req
	var out []slack.BlockElement
	switch {
	case r.Asks(v.card):
		out = append(out, v.approve("Approve"), v.button(ActionDeny, "Deny…", slack.StyleDanger))
	case mayRevoke(r):
		out = append(out, v.button(ActionRevoke, "Revoke…", slack.StyleDanger))
	}
	if len(out) > 0 && v.cut() {
		out = append(out, v.button(ActionFull, "Read all", slack.StyleDefault))
	}
	return append(out, v.menu())
}

// The words of the menu; the button's value follows.
const (
	menuFull    = "full"
	menuForward = "forward"
	menuOpen    = "open"
	menuNote    = "note"
)

// menu is what is seldom needed, behind three dots.
func (v cardView) menu() slack.BlockElement {
	r := &v.req
	options := []*slack.OptionBlockObject{option("Details and id", menuFull+"."+v.token)}
	if !v.mine() && r.Asks(v.card) {
		options = append(options, option("Approve with a note…", menuNote+"."+v.token))
	}
	if !v.mine() && r.Asks(v.card) && r.Stage+1 < len(r.Route.Stages) {
		options = append(options, option("Ask the next people now", menuForward+"."+v.token))
	}
	if inc := r.IncidentRef(); inc.Number != 0 && vendorURL(inc.URL) {
		open := option(fmt.Sprintf("Open incident #%d", inc.Number), menuOpen+"."+v.token)
		open.URL = inc.URL
		options = append(options, open)
	}
	return slack.NewOverflowBlockElement(ActionMenu, options...)
}

// cut reports whether the card does not show all that was written.
func (v cardView) cut() bool {
	c := v.req.Content
	for _, f := range c.Fields {
		if f.Value.Len() > shortAnswer {
			return true
		}
	}
	return c.Reason.Len() > shortReason
}

// button is one action on this card; a screen reader says what it is about.
func (v cardView) button(action, label string, style slack.Style) *slack.ButtonBlockElement {
	b := button(action, v.token, label, style)
	spec, target := v.cat.Targets[v.req.Content.Target], string(v.req.Content.Target)
	if spec != nil && spec.Label != "" {
		target = spec.Label
	}
	b.AccessibilityLabel = cut(fmt.Sprintf("%s: %s for %s", strings.TrimSuffix(label, "…"), target, flows.Span(v.req.Content.Duration)), 75)
	return b
}

func (v cardView) approve(label string) slack.BlockElement {
	b := v.button(ActionApprove, label, slack.StylePrimary)
	if t := v.cat.Targets[v.req.Content.Target]; t != nil && t.HighRisk {
		b = confirmed(b, "Approve?", fmt.Sprintf("%s for %s.", t.Label, flows.Span(v.req.Content.Duration)), "Approve")
	}
	return b
}

func (v cardView) requesterActions() []slack.BlockElement {
	r := &v.req
	var out []slack.BlockElement
	switch r.State {
	case flows.StatePending, flows.StateSubmitted:
		if r.Asks(v.card) {
			out = append(out, v.approve("Approve for myself"))
		}
		if r.Reminded && r.Route != nil && r.Stage+1 < len(r.Route.Stages) {
			out = append(out, v.button(ActionForward, "Ask the next people now", slack.StyleDefault))
		}
		out = append(out, v.button(ActionCancel, "Cancel", slack.StyleDefault))
	case flows.StateApproved, flows.StateGranting:
		out = append(out, v.button(ActionCancel, "Cancel", slack.StyleDefault))
	case flows.StateActive:
		out = append(out, v.button(ActionDone, "I’m done", slack.StylePrimary), v.button(ActionMore, "Extend…", slack.StyleDefault))
	}
	if asksAgain(r) {
		out = append(out, v.button(ActionMore, "Ask again", slack.StyleDefault))
	}
	if r.State.Final() {
		return out
	}
	return append(out, v.menu())
}
