package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// cardView is everything a copy of the card is drawn from; the database decides, a
// card only shows.
type cardView struct {
	req   flows.Request
	card  flows.Card
	cat   *flows.Catalog
	token string // of the buttons; empty when there are none
	now   time.Time
}

// buttons reports whether the copy has any, and so needs a token.
func buttons(r *flows.Request, c flows.Card) bool {
	switch c.Kind {
	case flows.CardRequester:
		return !r.State.Final() && r.State != flows.StateEnding || asksAgain(r)
	case flows.CardApprover:
		return r.Asks(c) || mayRevoke(r)
	}
	return false
}

// asksAgain reports whether "ask again" makes sense on the requester's card.
func asksAgain(r *flows.Request) bool {
	return r.State == flows.StateLapsed || r.State == flows.StateFailed || !r.IncidentGone.IsZero() && r.State == flows.StateActive
}

func mayRevoke(r *flows.Request) bool {
	return r.State == flows.StateApproved || r.State == flows.StateGranting || r.State == flows.StateActive
}

// render draws one copy.
func (v cardView) render() Message {
	r := &v.req
	blocks := []slack.Block{section("%s", v.title())}
	blocks = append(blocks, fields(v.facts()...), quote(r.Content.Reason, 600))
	if answers := v.answers(); answers != "" {
		blocks = append(blocks, section("%s", answers))
	}
	if why := v.why(); why != "" {
		blocks = append(blocks, section("%s", why))
	}
	if actions := v.actions(); len(actions) > 0 {
		blocks = append(blocks, slack.NewActionBlock(blockActions+string(r.ID), actions...))
	}
	blocks = append(blocks, contextLine("%s", v.footer()))
	return message(v.sentence(), blocks...)
}

func (v cardView) target() string {
	id := v.req.Content.Target
	if t := v.cat.Targets[id]; t != nil && t.Label != "" {
		return escape(t.Label)
	}
	return escape(string(id))
}

// whose says who a card is about, for its reader.
func (v cardView) whose() string {
	if v.card.Kind == flows.CardRequester {
		return "your access to " + v.target()
	}
	return mention(v.req.Content.Beneficiary) + "’s access to " + v.target()
}

// title is the state in a word and an emoji, with the state before struck through.
func (v cardView) title() string {
	r := &v.req
	ask := fmt.Sprintf("%s asks for %s", mention(r.Content.Requester), v.target())
	if v.card.Kind == flows.CardRequester {
		ask = "You asked for " + v.target()
	}
	switch r.State {
	case flows.StateSubmitted:
		return ":hourglass_flowing_sand: *" + ask + "*\nFinding out who decides…"
	case flows.StatePending:
		return v.pendingTitle(ask)
	case flows.StateDenied:
		if r.DecidedBy == "" {
			return ":no_entry: *" + ask + "*\n~Waiting~ → *Refused*: nobody may decide this. Nothing was granted."
		}
		out := fmt.Sprintf(":no_entry: *%s*\n~Waiting~ → *Denied* by %s", ask, mention(r.DecidedBy))
		if !r.DenyWhy.Empty() {
			out += ": " + mrkdwn(r.DenyWhy, 500)
		}
		return out
	case flows.StateCancelled:
		return fmt.Sprintf(":heavy_minus_sign: *%s*\n~Waiting~ → *Cancelled*. Nothing is granted.", ask)
	case flows.StateLapsed:
		return ":hourglass: *" + ask + "*\n~Waiting~ → *Lapsed*: nobody decided in time. Nothing was granted."
	}
	return v.decidedTitle(ask)
}

func (v cardView) pendingTitle(ask string) string {
	r := &v.req
	s, _ := r.Current()
	state := "Waiting for " + mentions(s.Approvers)
	switch {
	case s.Self && v.card.Kind == flows.CardRequester:
		state = "You are on call: *you may approve this yourself*. That you did, and why you could, is recorded."
		if s.Why != "" && r.Proof == nil {
			state += "\n" + s.Why
		}
	case v.card.Kind == flows.CardApprover && !r.Asks(v.card):
		state = "Others are asked now: " + mentions(s.Approvers) + ". There is nothing left to do for you here."
	case v.card.Kind == flows.CardApprover:
		state = "Approve or deny: the first decision counts."
		if s.Quorum > 1 {
			state = fmt.Sprintf("%d of %d approvals.", len(r.Votes), s.Quorum)
		}
	}
	if r.FallbackOpen && r.Route.Fallback != nil && v.card.Kind == flows.CardRequester {
		state += "\nAlso asked: " + mentions(r.Route.Fallback.Approvers)
	}
	return ":large_yellow_circle: *" + ask + "*\n" + state
}

func (v cardView) decidedTitle(ask string) string {
	r := &v.req
	by := "Approved by " + mention(r.DecidedBy)
	if r.SelfMade {
		by = "Approved by " + mention(r.DecidedBy) + " for themselves, on call"
		if v.card.Kind == flows.CardRequester {
			by = "You approved this yourself, on call"
		}
	}
	head := "*" + ask + "*\n"
	switch r.State {
	case flows.StateApproved, flows.StateGranting:
		return ":large_green_circle: " + head + "~Waiting~ → *" + by + "*. Access is being given…"
	case flows.StateActive:
		return ":white_check_mark: " + head + "~Waiting~ → *" + by + "*. Access works until " + at(r.EndsAt) + "."
	case flows.StateEnding:
		out := ":hourglass_flowing_sand: " + head + "Access is being ended" + cause(r) + "…"
		if r.Overdue {
			out += "\n:rotating_light: *The target has not confirmed the end.* It is tried again until it does; the operators were alarmed."
		}
		return out
	case flows.StateFailed:
		return ":warning: " + head + "~Approved~ → *Failed*: the target did not give the access. Whatever it may have given was taken back."
	case flows.StateCancelled:
		return ":heavy_minus_sign: " + head + "~Approved~ → *Cancelled*."
	}
	out := ":checkered_flag: " + head + "~Active~ → *Ended*" + cause(r) + ", " + at(r.EndedAt) + "."
	if r.StillThrough != "" {
		out += fmt.Sprintf("\nThere is *still access* through another grant, `%s`.", r.StillThrough.Short())
	}
	return out
}

// cause says why access ended, to go after a verb.
func cause(r *flows.Request) string {
	switch r.EndCause {
	case flows.EndTime:
		return ": its time was up"
	case flows.EndDone:
		return ": " + mention(r.EndedBy) + " is done"
	case flows.EndRevoked:
		return ": revoked by " + mention(r.EndedBy)
	case flows.EndIncident:
		return ": the incident was resolved"
	case flows.EndShift:
		return ": the on-call shift ended"
	case flows.EndPerson:
		return ": the holder’s account is no longer active"
	case flows.EndTarget:
		return ": the target was taken out of the configuration"
	case flows.EndCancel:
		return ": cancelled by " + mention(r.EndedBy)
	}
	return ""
}

// facts are the two-column list.
func (v cardView) facts() []string {
	c := v.req.Content
	out := []string{"For", flows.Span(c.Duration)}
	if inc := v.req.IncidentRef(); inc.ID != "" {
		out = append(out, "Incident", incidentLink(inc))
	}
	if c.Requester != c.Beneficiary {
		out = append(out, "Who gets it", mention(c.Beneficiary))
	}
	return out
}

func incidentLink(i flows.IncidentRef) string {
	label := fmt.Sprintf("#%d %s", i.Number, mrkdwn(i.Title, 120))
	if strings.HasPrefix(i.URL, "https://") || strings.HasPrefix(i.URL, "http://127.0.0.1") {
		return "<" + strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C").Replace(i.URL) + "|" + label + ">"
	}
	return label
}

// answers are the flow's own prompt fields.
func (v cardView) answers() string {
	f := v.cat.Flows[v.req.Content.Flow]
	var lines []string
	for _, a := range v.req.Content.Fields {
		label := a.Name
		if f != nil {
			for _, p := range f.Fields {
				if p.Name == a.Name {
					label = p.Label
				}
			}
		}
		if !a.Value.Empty() {
			lines = append(lines, "*"+escape(label)+"*: "+mrkdwn(a.Value, 300))
		}
	}
	return strings.Join(lines, "\n")
}

// why tells an approver why they are asked, and the requester why those people are.
func (v cardView) why() string {
	r := &v.req
	s, ok := r.Current()
	if r.State != flows.StatePending || !ok || s.Self {
		return ""
	}
	if v.card.Kind == flows.CardApprover {
		out := "*Why you:* " + s.Why
		if r.Route.Tainted || s.Fallback {
			out = ":information_source: " + out
		}
		return out
	}
	return "*Why them:* " + s.Why
}

// footer names the request and its times, and says so where nothing is real.
func (v cardView) footer() string {
	r := &v.req
	parts := []string{"`" + r.ID.Short() + "`", "asked " + at(r.SubmittedAt)}
	if r.State.Undecided() {
		parts = append(parts, "lapses "+at(r.LapsesAt))
	}
	if f := v.cat.Flows[r.Content.Flow]; f != nil {
		parts = append(parts, escape(f.Label), "rules `"+short(f.Hash)+"`")
	}
	if v.cat.World == flows.WorldSimulated {
		parts = append(parts, "*SIMULATED*: nothing here is real")
	}
	return strings.Join(parts, " · ")
}

func short(hash string) string {
	if len(hash) > 7 {
		return hash[:7]
	}
	return hash
}

// sentence is the card in one sentence, for push notifications and screen readers.
func (v cardView) sentence() string {
	r := &v.req
	who := mention(r.Content.Requester) + " asks for " + v.target() + " for " + flows.Span(r.Content.Duration)
	if r.Content.Incident.ID != "" {
		who += fmt.Sprintf(" for incident #%d", r.Content.Incident.Number)
	}
	who += ": " + mrkdwn(r.Content.Reason, 200)
	switch r.State {
	case flows.StateSubmitted, flows.StatePending:
		return who + " — waiting for a decision."
	case flows.StateDenied:
		return who + " — denied."
	case flows.StateActive:
		return who + " — approved by " + mention(r.DecidedBy) + ", until " + utc(r.EndsAt) + "."
	}
	return who + " — " + string(r.State) + "."
}

// actions are the buttons: at most three, one of them primary.
func (v cardView) actions() []slack.BlockElement {
	if v.token == "" {
		return nil
	}
	if v.card.Kind == flows.CardRequester {
		return v.requesterActions()
	}
	r := &v.req
	switch {
	case r.Asks(v.card):
		return []slack.BlockElement{v.approve("Approve"), button(ActionDeny, v.token, "Deny…", slack.StyleDanger)}
	case mayRevoke(r):
		return []slack.BlockElement{button(ActionRevoke, v.token, "Revoke…", slack.StyleDanger)}
	}
	return nil
}

func (v cardView) approve(label string) slack.BlockElement {
	b := button(ActionApprove, v.token, label, slack.StylePrimary)
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
			out = append(out, button(ActionForward, v.token, "Ask the next people now", slack.StyleDefault))
		}
		out = append(out, button(ActionCancel, v.token, "Cancel", slack.StyleDefault))
	case flows.StateApproved, flows.StateGranting:
		out = append(out, button(ActionCancel, v.token, "Cancel", slack.StyleDefault))
	case flows.StateActive:
		out = append(out, button(ActionDone, v.token, "I’m done", slack.StylePrimary))
	}
	if asksAgain(r) {
		label := "Ask again"
		if r.State == flows.StateActive {
			label = "Ask for more time"
		}
		out = append(out, button(ActionMore, v.token, label, slack.StyleDefault))
	}
	return out
}
