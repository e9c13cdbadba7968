package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"breakglass/flows"
)

// HandleInbox is the worker's handler for flows.JobInbox rows that came from Slack:
// it turns a kept payload into a command for the engine. Everything is looked at
// again here; nothing of the payload was believed but who sent it.
func (b *Bot) HandleInbox(ctx context.Context, job flows.Job) error {
	kept, err := b.o.Inbox.InboxRow(ctx, job.Subject)
	if errors.Is(err, flows.ErrNotFound) {
		return &flows.Permanent{Err: fmt.Errorf("inbox row %s: %w", job.Subject, err)}
	}
	if err != nil {
		return fmt.Errorf("read inbox row %s: %w", job.Subject, err)
	}
	var r row
	if err := json.Unmarshal(kept.Body, &r); err != nil {
		return &flows.Permanent{Err: fmt.Errorf("decode inbox row %s: %w", job.Subject, err)}
	}
	r.at = kept.At
	h := handling{b: b, job: job, row: r}
	switch {
	case kept.Kind == RowClick:
		return h.click(ctx)
	case kept.Kind == RowSubmit && r.Callback == callbackRequest:
		return h.request(ctx)
	case kept.Kind == RowSubmit && r.Callback == callbackAlarm:
		return h.emergency(ctx)
	case kept.Kind == RowSubmit:
		return h.reason(ctx)
	case kept.Kind == RowCommand:
		return h.command(ctx)
	case kept.Kind == RowUser:
		return h.userChanged(ctx)
	}
	return &flows.Permanent{Err: fmt.Errorf("inbox row %s is of kind %q, which is none of Slack's", job.Subject, kept.Kind)}
}

// handling is one row while it is handled.
type handling struct {
	b   *Bot
	job flows.Job
	row row
}

// do carries the command out. A refusal is told to the person with the same commit.
func (h handling) do(ctx context.Context, cmd flows.Command) error {
	cmd.Actor = h.actor(ctx, cmd.ID)
	res, err := h.b.o.Engine.Do(ctx, cmd, flows.Finish{Job: &h.job, Inbox: h.job.Subject, Also: func(out flows.Outcome) []flows.Job {
		if out.Refusal == nil {
			return nil
		}
		if cmd.Verb == flows.VerbSubmit {
			return []flows.Job{h.notice("", out.Refusal)} // there is no such request
		}
		return []flows.Job{h.notice(cmd.ID, out.Refusal)}
	}})
	if err != nil {
		return fmt.Errorf("%s by %s: %w", cmd.Verb, cmd.Actor.Person, err)
	}
	if res.Refusal != nil {
		h.log(ctx, res.Refusal)
	}
	return nil
}

// refuse closes the row with a no that is not the engine's, and records it: what is
// refused before there is a request, or by a card that is none, belongs to no request.
func (h handling) refuse(ctx context.Context, id flows.RequestID, no *flows.Refusal) error {
	h.log(ctx, no)
	facts := map[string]any{"asked_for": cut(h.row.Action+h.row.Callback, 64)}
	if id != "" {
		facts["about"] = string(id)
	}
	return h.b.o.Engine.Record(ctx, "system", flows.Entry{
		Verb: "refused", Code: no.Code, Actor: h.actor(ctx, id), Facts: facts,
	}, flows.Finish{Job: &h.job, Inbox: h.job.Subject, Also: func(flows.Outcome) []flows.Job {
		return []flows.Job{h.notice(id, no)}
	}})
}

func (h handling) log(ctx context.Context, no *flows.Refusal) {
	h.b.log.LogAttrs(ctx, slog.LevelInfo, "refused", slog.String("code", string(no.Code)),
		slog.String("user", h.row.User), slog.String("inbox", h.job.Subject))
}

// notice tells the person about a refusal where they acted: in the modal they
// submitted, where they clicked, or in a DM.
func (h handling) notice(id flows.RequestID, no *flows.Refusal) flows.Job {
	n := flows.Notice{Request: id, To: h.row.who(), Channel: h.row.Channel, About: flows.AboutRefused, Detail: no.Error()}
	if h.row.Callback == callbackRequest {
		n.View, n.Channel = h.row.View, ""
	}
	args, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings only
	}
	return flows.Job{
		Kind: flows.JobNotice, Key: flows.JobKey(flows.JobNotice, h.job.Subject), Subject: string(id),
		RunAt: h.b.o.Clock.Now(), Args: args,
	}
}

// reason is a denial or revocation with its reason. Whether the person may is the
// engine's to say: the card may have changed while they typed.
func (h handling) reason(ctx context.Context) error {
	id, hash, _ := strings.Cut(h.row.Request, " ")
	cmd := flows.Command{Verb: flows.VerbDeny, ID: flows.RequestID(id), Reason: reasonIn(h.row.Values)}
	switch h.row.Callback {
	case callbackRevoke:
		cmd.Verb = flows.VerbRevoke
	case callbackReview:
		cmd.Verb, cmd.Verdict = flows.VerbReview, verdictIn(h.row.Values)
	case callbackNote:
		cmd.Verb, cmd.Hash = flows.VerbApprove, hash
	}
	return h.do(ctx, cmd)
}

// click is a button that needs no more words, if it is good.
func (h handling) click(ctx context.Context) error {
	if isLink(h.row.Action) {
		return h.link(ctx)
	}
	verb, ok := clickVerb(h.row.Action)
	if !ok {
		return &flows.Permanent{Err: fmt.Errorf("inbox row %s has the action %q, which changes nothing", h.job.Subject, h.row.Action)}
	}
	rec, no, err := h.b.shown(ctx, h.row)
	if err != nil {
		return err
	}
	if no != nil {
		return h.refuse(ctx, rec.Request.ID, no)
	}
	return h.do(ctx, flows.Command{Verb: verb, ID: rec.Request.ID, Hash: rec.Request.Hash})
}

// shown finds the request of the card that a button stands on. A button that is
// not ours, not on that message or not this person's gets one and the same no.
func (b *Bot) shown(ctx context.Context, r row) (flows.Record, *flows.Refusal, error) {
	stale := flows.Refuse(flows.RefusedStaleCard, "This card is out of date, so nothing was done.").
		Then("Look at the newest card in your messages with Breakglass, or at /access list.")
	card, err := b.o.Cards.CardByToken(ctx, r.Token)
	if errors.Is(err, flows.ErrNotFound) {
		return flows.Record{}, b.overtaken(ctx, r, stale), nil
	}
	if err != nil {
		return flows.Record{}, nil, fmt.Errorf("find the card of a button: %w", err)
	}
	if !goodButton(card, r) {
		return flows.Record{}, stale, nil
	}
	rec, err := b.o.Engine.Load(ctx, card.Request)
	if errors.Is(err, flows.ErrNotFound) {
		return flows.Record{}, stale, nil
	}
	if err != nil {
		return flows.Record{}, nil, fmt.Errorf("load request %s of a card: %w", card.Request, err)
	}
	return rec, nil, nil
}

// overtaken says what became of a request whose card was redrawn while somebody
// pressed a button of it: who was faster. It tells that only where the message is a
// copy that was sent to who pressed, and does nothing.
func (b *Bot) overtaken(ctx context.Context, r row, stale *flows.Refusal) *flows.Refusal {
	id, ours := strings.CutPrefix(r.Block, blockActions)
	if !ours {
		return stale
	}
	rec, err := b.o.Engine.Load(ctx, flows.RequestID(id))
	if err != nil {
		return stale
	}
	for _, c := range rec.Cards {
		if c.Channel == r.Channel && c.TS == r.MessageTS && (c.To == "" || c.To == r.who()) {
			if no, late := rec.Request.TooLate(b.o.Clock.Now()); late {
				return no
			}
		}
	}
	return stale
}

// goodButton reports whether the click was made on the card it is about: by who the
// copy was sent to, in its channel, on its message. A copy whose new value is not
// confirmed yet may have moved to another message of the channel.
func goodButton(c flows.Card, r row) bool {
	switch {
	case c.To != "" && c.To != r.who():
		return false
	case c.TS == "":
		return true
	case c.Channel != r.Channel:
		return false
	}
	return c.TS == r.MessageTS || c.Next != "" && c.Next == r.Token
}

// request is a submitted form. It is read again against the configuration in force.
func (h handling) request(ctx context.Context) error {
	b, who := h.b, h.row.who()
	cat := b.o.Catalog()
	d := readDraft(cat, h.row.Values)
	d.extends = readExtending(h.row.Request)
	if d.offer.none() {
		return h.refuse(ctx, "", flows.Refuse(flows.RefusedUnknownTarget, "What you picked is not offered any more. Nothing was asked for.").
			Then("Open the form again with /access."))
	}
	c := b.content(cat, who, d)
	if no := b.people(ctx, d.offer.flow, c); no != nil {
		return h.refuse(ctx, "", no)
	}
	return h.do(ctx, flows.Command{Verb: flows.VerbSubmit, ID: b.o.IDs.RequestID(b.o.Clock.Now()), Content: c, View: h.row.View})
}

// people checks that who is named in the flow's own questions is there.
func (b *Bot) people(ctx context.Context, f *flows.Flow, c flows.Content) *flows.Refusal {
	for i, p := range f.Fields {
		if p.Type != flows.FieldUser && p.Type != flows.FieldUsers {
			continue
		}
		for _, id := range splitIDs(c.Fields[i].Value.Raw()) {
			if !isID(id) {
				return flows.Refuse(flows.RefusedInput, "%s: that is nobody in this workspace. Nothing was asked for.", p.Label)
			}
			profile, err := b.o.Directory.Profile(ctx, b.person(id), false)
			if err != nil {
				return flows.Refuse(flows.RefusedCouldNotCheck, "%s: Slack did not say who <@%s> is, so nothing was asked for.", p.Label, id).
					Then("Try again in a minute.")
			}
			if profile.Standing == flows.StandingDeleted {
				return flows.Refuse(flows.RefusedInput, "%s: <@%s> has left. Nothing was asked for.", p.Label, id).Then("Name somebody else.")
			}
		}
	}
	return nil
}

// command is "done ID" or "cancel ID".
func (h handling) command(ctx context.Context) error {
	verb := flows.Verb(h.row.Action)
	if verb != flows.VerbDone && verb != flows.VerbCancel {
		return &flows.Permanent{Err: fmt.Errorf("inbox row %s has the word %q", h.job.Subject, h.row.Action)}
	}
	reqs, err := h.b.o.Requests.Requests(ctx, flows.RequestFilter{Person: h.row.who(), States: notOver(), Limit: 200})
	if err != nil {
		return fmt.Errorf("list the requests of %s: %w", h.row.who(), err)
	}
	word := strings.Trim(h.row.Text, "`\"'")
	for _, r := range reqs {
		if string(r.ID) == word || strings.EqualFold(r.ID.Short(), word) {
			return h.do(ctx, flows.Command{Verb: verb, ID: r.ID})
		}
	}
	return h.refuse(ctx, "", flows.Refuse(flows.RefusedUnknownRequest, "You have no open request or access %s. Nothing was changed.", escape(word)).
		Then("See /access list."))
}
