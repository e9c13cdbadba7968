package bot

import (
	"fmt"

	"breakglass/flows"
)

// title says who asks for what, and how it stands: an emoji and a word, the state
// before struck through, and who decided.
func (v cardView) title() string {
	r := &v.req
	ask := fmt.Sprintf("%s asks for %s", mention(r.Content.Requester), v.linked())
	if v.mine() {
		ask = "You asked for " + v.linked()
	}
	emoji, how := v.standing()
	return emoji + " *" + ask + "*\n" + how
}

// linked is the target, which leads to the request in the console where there is one.
func (v cardView) linked() string {
	if v.cat.Console == "" {
		return v.target()
	}
	return "<" + v.cat.Console + "/requests/" + string(v.req.ID) + "|" + v.target() + ">"
}

// mine reports whether the copy is the requester's own.
func (v cardView) mine() bool { return v.card.Kind == flows.CardRequester }

// standing is the state as an emoji, and in words.
func (v cardView) standing() (emoji, how string) {
	r := &v.req
	switch r.State {
	case flows.StateSubmitted:
		return ":hourglass_flowing_sand:", "*Asked.* Finding out who decides…"
	case flows.StatePending:
		return ":large_yellow_circle:", v.waiting()
	case flows.StateDenied:
		return ":no_entry:", "~Waiting~ → " + v.denied() + " Nothing was granted."
	case flows.StateLapsed:
		if !r.DecidedAt.IsZero() {
			return ":hourglass:", "~Approved~ → *Lapsed*: it was not started in time. Nothing was granted."
		}
		return ":hourglass:", "~Waiting~ → *Lapsed*: nobody decided in time. Nothing was granted."
	case flows.StateCancelled:
		if r.DecidedAt.IsZero() {
			return ":heavy_minus_sign:", "~Waiting~ → *Cancelled* by " + mention(r.EndedBy) + ". Nothing was granted."
		}
		return ":heavy_minus_sign:", "~" + v.approved() + "~ → *Cancelled* by " + mention(r.EndedBy) + ". There is no access." + v.ownReview()
	}
	return v.decided()
}

func (v cardView) waiting() string {
	r := &v.req
	s, _ := r.Current()
	out := "*Waiting for* " + mentions(s.Approvers) + "."
	switch {
	case s.Self && v.mine():
		recorded := "that is recorded"
		if f := v.cat.Flows[r.Content.Flow]; f != nil && f.Review == flows.ReviewSelf {
			recorded = "that is recorded, and somebody else looks back at it when it is over"
		}
		return "*Waiting for you: you may approve this yourself*, and " + recorded + ".\n*Why:* " + trusted(s.Why) + v.alsoAsked()
	case v.mine() && s.Quorum > 1:
		return fmt.Sprintf("%s %d of %d approvals.", out, len(r.Votes), s.Quorum) + v.alsoAsked()
	case v.mine():
		return out + v.alsoAsked()
	case !r.Asks(v.card):
		return "~Waiting for you~ → *Others decide now*: " + mentions(s.Approvers) + ". There is nothing left to do here."
	case s.Quorum > 1:
		return fmt.Sprintf("*Waiting for you.* %d of %d approvals so far; one denial ends it.", len(r.Votes), s.Quorum)
	}
	return "*Waiting for you.* The first decision counts."
}

func (v cardView) alsoAsked() string {
	if r := &v.req; r.FallbackOpen && r.Route.Fallback != nil {
		return "\nAlso asked: " + mentions(r.Route.Fallback.Approvers)
	}
	return ""
}

// approved says who approved, and by what right somebody approved for themselves.
func (v cardView) approved() string {
	r := &v.req
	switch {
	case !r.SelfMade:
		return "Approved by " + votes(r)
	case r.Proof == nil:
		return "Approved by " + mention(r.DecidedBy) + " for themselves"
	}
	out := "Approved by " + mention(r.DecidedBy) + " for themselves, on call"
	if e := r.Proof.Entry; e.PolicyName != "" {
		out += fmt.Sprintf(" for %s, level %d", escape(e.PolicyName), e.Level)
	}
	return out
}

// votes names everybody whose approval counted.
func votes(r *flows.Request) string {
	return mentions(r.Approvers()) + approvalNote(r)
}

// approvalNote is what the last approver wrote, if anything.
func approvalNote(r *flows.Request) string {
	if n := len(r.Votes); n > 0 && !r.Votes[n-1].Note.Empty() {
		return ": “" + mrkdwn(r.Votes[n-1].Note, 300) + "”"
	}
	return ""
}

func (v cardView) denied() string {
	r := &v.req
	switch {
	case r.DecidedBy == "":
		return "*Refused*: nobody may decide this."
	case r.DenyWhy.Empty():
		return "*Denied* by " + mention(r.DecidedBy) + "."
	}
	return "*Denied* by " + mention(r.DecidedBy) + ": “" + mrkdwn(r.DenyWhy, 500) + "”."
}

// decided is how what was approved stands.
func (v cardView) decided() (emoji, how string) {
	r := &v.req
	by := "*" + v.approved() + "*"
	switch r.State {
	case flows.StateApproved, flows.StateGranting:
		return ":large_green_circle:", "~Waiting~ → " + by + ". Access is being given…"
	case flows.StateActive:
		out := "~Waiting~ → " + by + ". Access works until " + at(r.EndsAt)
		if !r.IncidentGone.IsZero() && r.EndCause == flows.EndIncident {
			out += ", since the incident is resolved"
		}
		return ":white_check_mark:", out + "."
	case flows.StateEnding:
		out := v.approved() + ". ~Active~ → *Ending*" + cause(r) + "…"
		if r.Overdue {
			return ":rotating_light:", out + "\n*The target has not confirmed the end.* It is tried again until it does; the operators were told."
		}
		return ":hourglass_flowing_sand:", out
	case flows.StateFailed:
		return ":warning:", "~" + v.approved() + "~ → *Failed*: the target did not give the access. Whatever it may have given was taken back." + v.ownReview()
	}
	out := v.approved() + ". ~Active~ → *Ended*" + cause(r) + ", " + at(r.EndedAt) + "."
	if r.StillThrough != "" {
		out += "\n" + v.still("There is")
	}
	return ":checkered_flag:", out + v.ownReview()
}

// still says through which other grant there is access, and until when.
func (v cardView) still(who string) string {
	out := fmt.Sprintf("%s *still access* through `%s`", who, v.req.StillThrough.Short())
	for _, h := range v.holding.Holders {
		if h.Request == v.req.StillThrough {
			out += " until " + at(h.Until)
		}
	}
	return out + "."
}

// cause says why access ended, to go after a verb.
func cause(r *flows.Request) string {
	switch r.EndCause {
	case flows.EndTime:
		return ": its time was up"
	case flows.EndDone:
		return ": " + mention(r.EndedBy) + " is done"
	case flows.EndRevoked:
		out := ": revoked by " + mention(r.EndedBy)
		if !r.EndWhy.Empty() {
			out += ", “" + mrkdwn(r.EndWhy, 300) + "”"
		}
		return out
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

// sentence is the card in one sentence, for push notifications, screen readers and
// search: who, what, for how long, for what, why, and how it stands.
func (v cardView) sentence() string {
	r := &v.req
	who := mention(r.Content.Requester) + " asks for "
	if v.mine() {
		who = "You asked for "
	}
	out := who + v.target() + " for " + flows.Span(r.Content.Duration)
	if i := r.IncidentRef(); i.Number != 0 {
		out += fmt.Sprintf(" for incident #%d", i.Number)
	}
	return out + ", “" + mrkdwn(r.Content.Reason, 200) + "”: " + v.word() + "."
}

// word is the state in a few words.
func (v cardView) word() string {
	r := &v.req
	s, _ := r.Current()
	switch {
	case r.State == flows.StatePending && v.mine() && s.Self:
		return "you may approve this yourself"
	case r.State == flows.StatePending && r.Asks(v.card):
		return "you are asked to approve or deny it"
	case r.State.Undecided():
		return "waiting for a decision"
	case r.State == flows.StateDenied && r.DecidedBy != "":
		return "denied by " + mention(r.DecidedBy)
	case r.State == flows.StateDenied:
		return "refused, since nobody may decide it"
	case r.State == flows.StateActive:
		return "approved by " + votes(r) + ", access until " + utc(r.EndsAt)
	case r.State == flows.StateApproved, r.State == flows.StateGranting:
		return "approved by " + votes(r) + ", access is being given"
	case r.State == flows.StateEnding:
		return "access is being ended"
	}
	return string(r.State)
}
