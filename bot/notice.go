package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// notice is the words of one notice: what happened, what was not done, what to do next.
func notice(n flows.Notice, v cardView) Message {
	r := &v.req
	id := "`" + r.ID.Short() + "`"
	var text string
	switch n.About {
	case flows.AboutApproved:
		return v.approvedNotice()
	case flows.AboutDenied:
		text = fmt.Sprintf(":no_entry: %s was not granted: %s", v.target(), v.deniedWhy())
	case flows.AboutExpiring:
		text = fmt.Sprintf(":hourglass: Your access to %s ends at %s. If you need longer, ask again with /access before then.", v.target(), at(r.EndsAt))
	case flows.AboutEnded:
		text = fmt.Sprintf(":checkered_flag: Your access to %s has ended%s.", v.target(), cause(r))
		if r.StillThrough != "" {
			text += fmt.Sprintf(" You still have access through `%s`.", r.StillThrough.Short())
		}
	case flows.AboutLapsed:
		text = fmt.Sprintf(":hourglass: Nobody decided about %s in time, so your request lapsed. Nothing was granted. Ask again with /access, or call somebody.", v.target())
	case flows.AboutFailed:
		text = fmt.Sprintf(":warning: You were approved for %s, but the target did not give the access. Whatever it may have given was taken back. The operators were told (%s); ask again in a while.", v.target(), id)
	case flows.AboutForwarded:
		text = fmt.Sprintf(":arrow_right: Nobody answered about %s yet, so more people are asked now: %s.", v.target(), v.asked())
	case flows.AboutFallback:
		text = fmt.Sprintf(":information_source: %s %s decide about %s.", v.fallbackWhy(n.Detail), v.asked(), v.target())
	case flows.AboutReminded:
		text = v.reminder(n.Detail)
	case flows.AboutResolved:
		text = fmt.Sprintf(":white_check_mark: Incident #%d is resolved, so your access to %s ends at %s. If you still need it, ask for more time on the card above.", r.Content.Incident.Number, v.target(), at(r.EndsAt))
	case flows.AboutOverdue:
		text = fmt.Sprintf(":rotating_light: *%s’s access to %s should have ended at %s and the target has not confirmed it* (%s). It is tried again every half minute. Check the target by hand.", mention(r.Content.Beneficiary), v.target(), at(r.EndsAt), id)
	case flows.AboutUnreadable:
		text = fmt.Sprintf(":warning: The PagerDuty incident of request %s cannot be read. The access stays until its time, %s.", id, at(r.EndsAt))
	case flows.AboutFault:
		text = fmt.Sprintf(":warning: Request %s for %s met a fault: %s", id, v.target(), escape(v.fault(n)))
	case flows.AboutRefused:
		text = ":no_entry_sign: " + n.Detail
	default:
		text = fmt.Sprintf("Request %s for %s: %s.", id, v.target(), r.State)
	}
	if v.cat.World == flows.WorldSimulated {
		return message(text, section("%s", text), contextLine("*SIMULATED*: nothing here is real"))
	}
	return message(text, section("%s", text))
}

func (v cardView) approvedNotice() Message {
	r := &v.req
	text := fmt.Sprintf(":white_check_mark: You have access to %s until %s.", v.target(), at(r.EndsAt))
	blocks := []slack.Block{section("%s", text)}
	if t := v.cat.Targets[r.Content.Target]; t != nil && t.HowTo != "" {
		blocks = append(blocks, section("*How to use it*\n%s", t.HowTo))
	}
	blocks = append(blocks, contextLine("%s", "It ends by itself. Say “I’m done” on the card above as soon as you are. · "+v.footer()))
	return message(text, blocks...)
}

func (v cardView) deniedWhy() string {
	r := &v.req
	if r.DecidedBy == "" {
		return escape(r.Fault) + " Tell an admin; the flow needs somebody who can decide."
	}
	if r.DenyWhy.Empty() {
		return "denied by " + mention(r.DecidedBy) + "."
	}
	return "denied by " + mention(r.DecidedBy) + ": " + mrkdwn(r.DenyWhy, 1000)
}

// asked names everybody who is asked now.
func (v cardView) asked() string {
	s, ok := v.req.Current()
	if !ok {
		return "nobody"
	}
	people := append([]flows.PersonID(nil), s.Approvers...)
	if v.req.FallbackOpen && v.req.Route.Fallback != nil {
		people = append(people, v.req.Route.Fallback.Approvers...)
	}
	return mentions(people)
}

func (v cardView) fallbackWhy(detail string) string {
	if detail == "unknown" || v.req.Route == nil {
		return "PagerDuty could not say who is on call just now, so the fallback is asked as well."
	}
	return v.req.Route.Why
}

func (v cardView) reminder(to string) string {
	r := &v.req
	if to == "requester" {
		text := fmt.Sprintf(":hourglass_flowing_sand: Nobody has answered about %s for %s. %s were reminded.", v.target(), flows.Ago(v.now.Sub(r.StageSince)), v.asked())
		if r.Route != nil && r.Stage+1 < len(r.Route.Stages) {
			text += " You can ask the next people now, on the card above."
		}
		return text
	}
	return fmt.Sprintf(":bell: %s still waits for a decision about %s, for %s: %s", mention(r.Content.Requester), v.target(), flows.Ago(v.now.Sub(r.SubmittedAt)), mrkdwn(r.Content.Reason, 300))
}

func (v cardView) fault(n flows.Notice) string {
	switch {
	case n.Detail != "":
		return n.Detail
	case v.req.Fault != "":
		return v.req.Fault
	}
	return "the flow’s handler failed; the fallback decides. See `breakglass request show " + string(v.req.ID) + "`."
}

// receipt is the modal after submit: who is asked and why.
func (v cardView) receipt() []slack.Block {
	r := &v.req
	s, ok := r.Current()
	head := ":large_yellow_circle: *" + v.target() + "* for " + flows.Span(r.Content.Duration)
	switch {
	case r.State == flows.StateDenied:
		return []slack.Block{section(":no_entry: %s\n%s", head, v.deniedWhy())}
	case r.State != flows.StatePending || !ok:
		return []slack.Block{section("%s\nYour request is %s.", head, r.State)}
	case s.Self:
		return []slack.Block{
			section("%s\n*You are on call, so you may approve this yourself.* The card is in your messages with Breakglass.", head),
			section("%s", s.Why), contextLine("%s", v.footer()),
		}
	}
	return []slack.Block{
		section("%s\n*Asked:* %s", head, v.asked()), section("*Why them:* %s", s.Why),
		contextLine("%s", "You will hear in your messages with Breakglass. · "+v.footer()),
	}
}
