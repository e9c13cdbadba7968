package flows

import "time"

// ReviewWord is how its review stands in a word or two, for listings; empty without one.
func (r *Request) ReviewWord() string {
	switch v := r.Review; {
	case r.ReviewIs() == ReviewNone:
		return ""
	case v.State == ReviewClosed && v.Verdict == VerdictOK:
		return "reviewed"
	case v.State == ReviewClosed:
		return "reviewed: not in order"
	case v.Overdue:
		return "review overdue"
	}
	return "review open"
}

// promiseReview settles with a self-approval that somebody else looks back at it.
func (d *decision) promiseReview() {
	if f := d.f.flow(&d.req.Content); d.req.SelfMade && f.Review == ReviewSelf {
		d.req.Review = &Review{Within: f.ReviewWithin}
	}
}

// openReview opens it when the access has ended, unless the target was never told to
// give any.
func (d *decision) openReview() {
	own, _ := d.f.Holding.Of(d.req.ID)
	if d.req.Review == nil || d.req.ReviewIs() != ReviewNone || d.req.GrantedAt.IsZero() && own.Unused {
		return
	}
	v := *d.req.Review
	v.State, v.DueAt = ReviewOpen, d.now.Add(v.Within)
	d.req.Review = &v
	d.record("review_opened", map[string]any{"due_at": millis(v.DueAt)})
	d.own(JobReview, d.now)
}

// review closes it: what was done was looked at, and was or was not in order.
func (d *decision) review() {
	if no := d.mayReview(); no != nil {
		d.refuse(no)
		return
	}
	who, v := d.cmd.Actor.Person, *d.req.Review
	v.State, v.Verdict, v.By, v.At, v.Note = ReviewClosed, d.cmd.Verdict, who, d.now, d.cmd.Reason
	d.req.Review = &v
	facts := map[string]any{"verdict": string(v.Verdict), "due_at": millis(v.DueAt), "late": v.Overdue || d.now.After(v.DueAt)}
	if !v.Note.Empty() {
		facts["note"] = Personal{About: who, Value: v.Note.Raw()}
	}
	d.record(string(VerbReview), facts)
	d.drop(JobReview)
	d.notify(Notice{To: d.req.Content.Requester, About: AboutReview, Detail: string(v.Verdict)})
	if f := d.f.flow(&d.req.Content); f != nil && f.ErrorsTo != "" && v.Verdict == VerdictNotOK {
		d.notify(Notice{Channel: f.ErrorsTo, About: AboutReview, Detail: string(v.Verdict)})
	}
}

// mayReview refuses who may not, and a verdict that is none.
func (d *decision) mayReview() *Refusal {
	r, who := &d.req, d.cmd.Actor
	if r.ReviewIs() != ReviewOpen {
		return r.notToReview(d.now)
	}
	if !r.ReviewableBy(who.Person) {
		return Refuse(RefusedOwnRequest, "Nobody reviews access that they asked for, had or approved. Nothing was changed.")
	}
	if no := d.knownClicker(); no != nil {
		return no
	}
	switch allowed := who.Admin || d.f.Auditor || contains(d.f.Fallback, who.Person); {
	case !allowed && !d.f.FallbackOK:
		return Refuse(RefusedCouldNotCheck, "It could not be checked just now whether you may review this. Nothing was changed.").Then("Try again in a minute.")
	case !allowed:
		return Refuse(RefusedNotEligible, "This is reviewed by an auditor, an admin, or one of the flow's fallback approvers. Nothing was changed.")
	case d.cmd.Verdict != VerdictOK && d.cmd.Verdict != VerdictNotOK:
		return Refuse(RefusedInput, "Say whether it was in order: %s or %s. Nothing was changed.", VerdictOK, VerdictNotOK)
	case d.cmd.Verdict == VerdictNotOK && d.cmd.Reason.Empty():
		no := Refuse(RefusedInput, "Say what was not in order, in a few words. Nothing was changed.")
		no.Field = "note"
		return no
	}
	return nil
}

// notToReview says why there is nothing to review.
func (r *Request) notToReview(now time.Time) *Refusal {
	switch {
	case r.ReviewIs() == ReviewClosed:
		return Refuse(RefusedAlreadyDecided, "This was already reviewed by %s, %s ago. Nothing was changed.", Mention(r.Review.By), Ago(now.Sub(r.Review.At)))
	case r.Review != nil && !r.State.Final():
		return Refuse(RefusedState, "This is reviewed when the access has ended. Nothing was changed.")
	}
	return Refuse(RefusedState, "This is not to be reviewed: its flow asks for none, or nothing was given. Nothing was changed.")
}

// ReviewableBy reports whether p is somebody else than who asked for it, had it, or had
// a voice in it.
func (r *Request) ReviewableBy(p PersonID) bool {
	if p == "" || r.Own(p) || r.DecidedBy == p {
		return false
	}
	for _, v := range r.Votes {
		if v.By == p {
			return false
		}
	}
	return true
}

// AskReview is what the job of a review applies: who may do it are asked when it opens,
// and reminded when it is due, once.
func AskReview(req Request, f Facts, now time.Time) Outcome {
	if req.ReviewIs() != ReviewOpen || req.Review.Overdue {
		return Outcome{Request: req}
	}
	d := &decision{cmd: Command{Actor: ByEngine()}, f: f, now: now, was: req, req: req}
	asked := reviewCards(f.Cards)
	if len(asked) == 0 {
		channel := reviewChannel(&req, &f)
		if channel != "" {
			d.card(CardReview, "", channel)
		}
		for _, p := range f.Reviewers {
			d.card(CardReview, p, "")
		}
		d.record("review_asked", map[string]any{"channel": channel, "people": int64(len(f.Reviewers))})
	}
	if now.Before(req.Review.DueAt) {
		d.own(JobReview, req.Review.DueAt)
		return d.finish()
	}
	d.record("review_overdue", map[string]any{"due_at": millis(req.Review.DueAt)})
	v := *req.Review
	v.Overdue = true
	d.req.Review = &v
	for _, c := range asked {
		n := Notice{To: c.To, About: AboutReview, Detail: "overdue"}
		if c.To == "" {
			n.Channel = c.Destination()
		}
		d.notify(n)
	}
	return d.finish()
}

func reviewCards(all []Card) (out []Card) {
	for _, c := range all {
		if c.Kind == CardReview {
			out = append(out, c)
		}
	}
	return out
}

// reviewChannel is where a review is asked for: where the fallback is asked; for want of
// people to ask one by one, the flow's own channel.
func reviewChannel(r *Request, f *Facts) string {
	fl := f.flow(&r.Content)
	switch {
	case fl == nil:
		return ""
	case fl.Fallback.Destination != "":
		return fl.Fallback.Destination
	case len(f.Reviewers) == 0:
		return fl.Channel
	}
	return ""
}
