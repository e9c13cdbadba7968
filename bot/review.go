package bot

import (
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// askVerdict is the first question of the review's form.
const askVerdict = "verdict"

// renderReview draws the card that asks somebody else to look back at access which its
// requester approved.
func (v cardView) renderReview() Message {
	r := &v.req
	emoji, how := v.reviewStands()
	blocks := []slack.Block{
		section("%s *%s had access to %s, which they approved for themselves*\n%s", emoji, mention(r.Content.Beneficiary), v.linked(), how),
		fields(v.reviewFacts()...), quote(r.Content.Reason, shortReason),
	}
	if answers := v.answers(shortAnswer); answers != "" {
		blocks = append(blocks, section("%s", answers))
	}
	if v.token != "" {
		blocks = append(blocks, slack.NewActionBlock(blockActions+string(r.ID), v.button(ActionReview, "Reviewed…", slack.StylePrimary),
			button(ActionAuditShow, string(r.ID), "Whole story", slack.StyleDefault), v.menu()))
	}
	blocks = append(blocks, contextLine("%s", v.footer()))
	text := fmt.Sprintf("%s had access to %s, which they approved for themselves, “%s”: %s.",
		mention(r.Content.Beneficiary), v.target(), mrkdwn(r.Content.Reason, 200), r.ReviewWord())
	return message(text, blocks...)
}

// reviewStands is the review as an emoji, and in words.
func (v cardView) reviewStands() (emoji, how string) {
	w := v.req.Review
	switch {
	case v.req.ReviewIs() == flows.ReviewClosed:
		emoji = ":ballot_box_with_check:"
		if w.Verdict != flows.VerdictOK {
			emoji = ":warning:"
		}
		return emoji, "~Waiting~ → " + v.reviewed()
	case w.Overdue:
		return ":rotating_light:", "*Overdue*, since " + at(w.DueAt) + ": an auditor, an admin or one of the fallback has to say whether that was in order."
	}
	return ":mag:", "*Was that in order?* An auditor, an admin or one of the fallback says so, until " + at(w.DueAt) + "."
}

// reviewed says what the review came to.
func (v cardView) reviewed() string {
	w := v.req.Review
	out := "*Reviewed* by " + mention(w.By) + ": *" + verdict(w.Verdict) + "*"
	if !w.Note.Empty() {
		out += ", “" + mrkdwn(w.Note, 500) + "”"
	}
	return out + "."
}

func verdict(v flows.Verdict) string {
	if v == flows.VerdictOK {
		return "in order"
	}
	return "not in order"
}

// reviewFacts are what was done, by what right and for which incident.
func (v cardView) reviewFacts() []string {
	r := &v.req
	out := []string{"By what right", v.approved()}
	if inc := r.IncidentRef(); inc.ID != "" {
		out = append(out, "Incident", incidentLink(inc))
	}
	from := r.GrantedAt
	if from.IsZero() {
		from = r.DecidedAt
	}
	return append(out, "Asked for", flows.Span(r.Content.Duration), "Had it", at(from)+" until "+at(r.EndedAt)+cause(r))
}

// ownReview is what the requester's card and the channel's say about it.
func (v cardView) ownReview() string {
	switch v.req.ReviewIs() {
	case flows.ReviewOpen:
		return "\nSomebody else looks back at it, until " + at(v.req.Review.DueAt) + "."
	case flows.ReviewClosed:
		return "\n" + v.reviewed()
	}
	return ""
}

// aboutReview is what people are told of it.
func (v cardView) aboutReview(n flows.Notice) string {
	r := &v.req
	switch {
	case n.Detail == "overdue":
		return fmt.Sprintf(":hourglass: Nobody has said yet whether %s’s access to %s was in order, which they approved for themselves. It was due %s. The card is above.",
			mention(r.Content.Beneficiary), v.target(), at(r.Review.DueAt))
	case r.ReviewIs() != flows.ReviewClosed:
		return fmt.Sprintf("The review of request %s stands open.", v.id())
	case n.To != "":
		return fmt.Sprintf(":mag: Your access to %s, which you approved for yourself, was looked back at. %s", v.target(), v.reviewed())
	}
	return fmt.Sprintf(":warning: %s’s access to %s, which they approved for themselves, was looked back at. %s (%s)", mention(r.Content.Beneficiary), v.target(), v.reviewed(), v.id())
}

// reviewView asks whether it was in order.
func reviewView(about string, r *flows.Request) json.RawMessage {
	note := slack.NewPlainTextInputBlockElement(nil, askWhy)
	note.Multiline, note.MaxLength = true, 1000
	pick := slack.NewRadioButtonsBlockElement(askVerdict,
		option("It was in order", string(flows.VerdictOK)), option("It was not in order", string(flows.VerdictNotOK)))
	return modal(callbackReview, string(r.ID), "Review", "Reviewed", []slack.Block{
		section("%s", about), quote(r.Content.Reason, shortReason),
		input(askVerdict, "Was it in order?", "", pick, false),
		input(askWhy, "Note", "It is recorded, and the requester reads it. Needed if it was not in order.", note, true),
	})
}

// verdictIn is what was picked; empty where nothing was.
func verdictIn(entered values) flows.Verdict {
	for _, a := range entered[askVerdict] {
		return flows.Verdict(a.text())
	}
	return ""
}
