package bot

import (
	"fmt"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// outdated reports whether what a notice says is not true any more: Slack may have been
// away while the request went on. Nobody is told to use what has ended.
func outdated(n flows.Notice, r *flows.Request) bool {
	switch n.About {
	case flows.AboutApproved, flows.AboutExpiring:
		return r.State != flows.StateActive
	case flows.AboutReminded, flows.AboutForwarded, flows.AboutFallback:
		return r.State != flows.StatePending
	case flows.AboutResolved:
		return !r.State.Live() || r.State == flows.StateEnding
	case flows.AboutOverdue:
		return r.State != flows.StateEnding
	case flows.AboutReview:
		return n.Detail == "overdue" && r.ReviewIs() != flows.ReviewOpen
	}
	return false
}

// notice is the words of one notice: what happened, what was not done, what to do next.
func notice(n flows.Notice, v cardView) Message {
	text := v.tells(n)
	blocks := []slack.Block{section("%s", text)}
	if t := v.cat.Targets[v.req.Content.Target]; n.About == flows.AboutApproved && t != nil && t.HowTo != "" {
		blocks = append(blocks, section("*How to use it*\n%s", t.HowTo))
	}
	if n.About == flows.AboutExpiring || n.About == flows.AboutResolved {
		extend := button(ActionExtend, string(v.req.ID), "Extend…", slack.StyleDefault)
		extend.AccessibilityLabel = cut("Extend access to "+v.target(), 75)
		blocks = append(blocks, slack.NewActionBlock("bg:extend", extend))
	}
	if v.cat.World == flows.WorldSimulated {
		blocks = append(blocks, contextLine("%s", simulated))
	}
	return message(text, blocks...)
}

// simulated is what everything says where nothing is real.
const simulated = "*SIMULATED*: nothing here is real"

// tells is the sentence for a person; what is for the operators stands in alarm.
func (v cardView) tells(n flows.Notice) string {
	r := &v.req
	switch n.About {
	case flows.AboutApproved:
		return fmt.Sprintf(":white_check_mark: You have access to %s until %s. It ends by itself; press “I’m done” on the card above as soon as you are.", v.target(), at(r.EndsAt))
	case flows.AboutDenied:
		return fmt.Sprintf(":no_entry: %s was not granted: %s", v.target(), v.deniedWhy())
	case flows.AboutExpiring:
		return fmt.Sprintf(":hourglass: Your access to %s ends %s. If you need longer, press “Extend” before then.", v.target(), at(r.EndsAt))
	case flows.AboutEnded:
		text := fmt.Sprintf(":checkered_flag: Your access to %s has ended%s.", v.target(), cause(r))
		if r.StillThrough != "" {
			text = fmt.Sprintf(":checkered_flag: One of your grants for %s has ended%s. ", v.target(), cause(r)) + v.still("You have")
		}
		return text
	case flows.AboutLapsed:
		return fmt.Sprintf(":hourglass: Nobody decided about %s in time, so your request lapsed. Nothing was granted. Ask again with /access, or call somebody.", v.target())
	case flows.AboutFailed:
		return fmt.Sprintf(":warning: You were approved for %s, but the target did not give the access. Whatever it may have given is taken back. The operators were told; ask again in a while. (%s)", v.target(), v.id())
	case flows.AboutForwarded:
		return fmt.Sprintf(":arrow_right: Nobody has answered about %s yet, so more people are asked now: %s.", v.target(), v.asked())
	case flows.AboutFallback:
		return ":information_source: " + v.instead(n.Detail)
	case flows.AboutReminded:
		return v.reminder(n)
	case flows.AboutCancelled:
		return fmt.Sprintf(":heavy_minus_sign: %s cancelled your request for %s. Nothing was granted.", mention(r.EndedBy), v.target())
	case flows.AboutResolved:
		return fmt.Sprintf(":white_check_mark: Incident #%d is resolved, so your access to %s ends %s. If you still need it, press “Extend”.", r.IncidentRef().Number, v.target(), at(r.EndsAt))
	case flows.AboutReview:
		return v.aboutReview(n)
	case flows.AboutRefused:
		return ":no_entry_sign: " + n.Detail
	case flows.AboutStep:
		return "› " + v.step(n)
	}
	return v.alarm(n)
}

// alarm is the sentence for the operators' channel.
func (v cardView) alarm(n flows.Notice) string {
	r := &v.req
	switch n.About {
	case flows.AboutOverdue:
		return fmt.Sprintf(":rotating_light: *%s’s access to %s should have ended %s, and the target has not confirmed it.* It is tried again every half minute. Check the target by hand. (%s)", mention(r.Content.Beneficiary), v.target(), at(r.EndsAt), v.id())
	case flows.AboutUnreadable:
		return fmt.Sprintf(":warning: PagerDuty has not shown the incident of %s’s access to %s for a while, so nobody sees whether it is over. The access stays until its time, %s. (%s)", mention(r.Content.Beneficiary), v.target(), at(r.EndsAt), v.id())
	case flows.AboutFrozen:
		return fmt.Sprintf(":lock: *%s froze all access.* Nothing is approved and nothing given until an admin lifts it; what was given before stays until it ends.%s", doer(n), whySaid(n))
	case flows.AboutUnfrozen:
		return fmt.Sprintf(":unlock: *%s lifted the freeze.* Access can be given again, and requests that waited can be decided.%s", doer(n), whySaid(n))
	case flows.AboutEndedMany:
		return fmt.Sprintf(":octagonal_sign: *%s used the kill switch:* %s%s", doer(n), trusted(n.Detail), whySaid(n))
	case flows.AboutPeople:
		return ":busts_in_silhouette: " + trusted(n.Detail)
	case flows.AboutErasure:
		return fmt.Sprintf(":wastebasket: Erasure: %s.", trusted(n.Detail))
	case flows.AboutFault:
		if r.ID == "" {
			return ":warning: " + escape(n.Detail)
		}
		return fmt.Sprintf(":warning: %s’s request for %s met a fault: %s (%s)", mention(r.Content.Requester), v.target(), v.fault(n), v.id())
	}
	return fmt.Sprintf("Request %s for %s: %s.", v.id(), v.target(), r.State)
}

// doer is who did what a notice is about.
func doer(n flows.Notice) string {
	if n.By == "" {
		return "The operator"
	}
	return mention(n.By)
}

// whySaid is the reason they gave.
func whySaid(n flows.Notice) string {
	if n.Said.Empty() {
		return ""
	}
	return " “" + mrkdwn(n.Said, 1000) + "”"
}

// id is how people name the request to each other.
func (v cardView) id() string { return "`" + v.req.ID.Short() + "`" }

func (v cardView) deniedWhy() string {
	r := &v.req
	switch {
	case r.DecidedBy == "":
		return escape(r.Fault) + " Tell an admin; the flow needs somebody who can decide."
	case r.DenyWhy.Empty():
		return "denied by " + mention(r.DecidedBy) + "."
	}
	return "denied by " + mention(r.DecidedBy) + ", “" + mrkdwn(r.DenyWhy, 1000) + "”. Talk to them, or ask again with what they miss."
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

// instead says who decides because the flow gave no answer, and why.
func (v cardView) instead(detail string) string {
	r := &v.req
	if fb := r.Route; detail != "" && fb != nil && fb.Fallback != nil {
		return fmt.Sprintf("%s, so %s may decide about %s as well.", flows.Doubt(detail), mentions(fb.Fallback.Approvers), v.target())
	}
	why := "The flow gave no answer."
	if r.Route != nil {
		why = trusted(r.Route.Why)
	}
	return fmt.Sprintf("%s Asked about %s instead: %s.", why, v.target(), v.asked())
}

func (v cardView) reminder(n flows.Notice) string {
	r := &v.req
	switch {
	case n.Detail == "requester":
		text := fmt.Sprintf(":hourglass_flowing_sand: Nobody has answered about %s for %s. %s were reminded.", v.target(), flows.Ago(v.now.Sub(r.StageSince)), v.asked())
		if r.Route != nil && r.Stage+1 < len(r.Route.Stages) {
			text += " You can ask the next people now, on the card above."
		}
		return text
	case n.To == "":
		return fmt.Sprintf(":bell: %s: this still waits for one of you, for %s.", v.asked(), flows.Ago(v.now.Sub(r.SubmittedAt)))
	}
	return fmt.Sprintf(":bell: %s has waited %s for your decision about %s: “%s”. The card is above.", mention(r.Content.Requester), flows.Ago(v.now.Sub(r.SubmittedAt)), v.target(), mrkdwn(r.Content.Reason, 300))
}

func (v cardView) fault(n flows.Notice) string {
	more := ", so the fallback decides. `breakglass request show " + string(v.req.ID) + "` says more."
	switch {
	case n.Detail == string(flows.DoubtOnCall):
		return "it could not be found out who is on call (PagerDuty)" + more
	case n.Detail == string(flows.DoubtLink):
		return "their link to PagerDuty was set aside, so it is not certain who is on call" + more
	case n.Detail != "":
		return escape(n.Detail)
	case v.req.Fault != "":
		return escape(v.req.Fault)
	}
	return "the flow’s handler failed" + more
}

// receipt is the modal after submit: who is asked and why.
func (v cardView) receipt() []slack.Block {
	r := &v.req
	s, ok := r.Current()
	head := "*" + v.target() + "* for " + flows.Span(r.Content.Duration)
	var out []slack.Block
	switch {
	case r.State == flows.StateDenied:
		out = append(out, section(":no_entry: %s\n%s", head, v.deniedWhy()))
	case r.State != flows.StatePending || !ok:
		out = append(out, section("%s\nYour request is %s.", head, r.State))
	case s.Self:
		out = append(out, section(":large_yellow_circle: %s\n*You are on call, so you may approve this yourself*, on the card in your messages with Breakglass.", head),
			section("%s", trusted(s.Why)))
	default:
		out = append(out, section(":large_yellow_circle: %s\n*Asked:* %s\n*Why them:* %s", head, v.asked(), trusted(s.Why)),
			contextLine("You will hear in your messages with Breakglass. You may close this."))
	}
	if v.cat.World == flows.WorldSimulated {
		out = append(out, contextLine("%s", simulated))
	}
	return out
}
