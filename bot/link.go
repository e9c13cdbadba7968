package bot

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// isLink reports whether a button is about who somebody is.
func isLink(action string) bool {
	switch action {
	case ActionLinkYes, ActionLinkNo, ActionLinkKeep, ActionLinkDrop:
		return true
	}
	return false
}

// link is a click on a card about a link. Whose word counts is not ours to say.
func (h handling) link(ctx context.Context) error {
	stale := flows.Refuse(flows.RefusedStaleCard, "This button is not good any more. Nothing was changed.")
	card, err := h.b.o.Cards.CardByToken(ctx, h.row.Token)
	switch {
	case errors.Is(err, flows.ErrNotFound), err == nil && (card.Kind != flows.CardLink || !goodButton(card, h.row)):
		return h.refuse(ctx, "", stale)
	case err != nil:
		return fmt.Errorf("find the card of a button: %w", err)
	case h.b.o.LinkDesk == nil:
		return &flows.Permanent{Err: errors.New("this program keeps no links")}
	}
	actor := flows.Actor{Person: h.row.who(), Door: flows.DoorSlack, Trace: h.row.trace()}
	fin := flows.Finish{Job: &h.job, Inbox: h.job.Subject, Also: func(out flows.Outcome) []flows.Job {
		if out.Refusal == nil {
			return nil
		}
		return []flows.Job{h.notice("", out.Refusal)}
	}}
	var no *flows.Refusal
	switch h.row.Action {
	case ActionLinkYes, ActionLinkNo:
		no, err = h.b.o.LinkDesk.Answer(ctx, card.ID, h.row.Action == ActionLinkYes, actor, fin)
	default:
		no, err = h.b.o.LinkDesk.Rule(ctx, card.ID, h.row.Action == ActionLinkKeep, actor, fin)
	}
	if err != nil {
		return fmt.Errorf("%s by %s: %w", h.row.Action, actor.Person, err)
	}
	if no != nil {
		h.log(ctx, no)
	}
	return nil
}

// met tells that somebody used Breakglass; nothing waits for what follows.
func (b *Bot) met(ctx context.Context, who flows.PersonID) {
	if b.o.Newcomers == nil {
		return
	}
	if err := b.o.Newcomers.Met(ctx, who); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "no link could be proposed", slog.String("user", who.User()), slog.Any("error", err))
	}
}

// userChange keeps the news that a linked person's account changed, to look at it. What it
// says about the account is not believed, and news about anybody else is not kept.
func (b *Bot) userChange(w http.ResponseWriter, r *http.Request, event string, user json.RawMessage) {
	var who struct {
		ID         string `json:"id"`
		Deleted    bool   `json:"deleted"`
		Restricted bool   `json:"is_restricted"`
		Ultra      bool   `json:"is_ultra_restricted"`
		Profile    struct {
			Email string `json:"email"`
		} `json:"profile"`
	}
	if json.Unmarshal(user, &who) != nil || !isID(who.ID) || b.o.Newcomers == nil {
		acknowledge(w)
		return
	}
	said := flows.Profile{Person: b.person(who.ID), Standing: flows.StandingMember, Email: who.Profile.Email}
	switch {
	case who.Deleted:
		said.Standing = flows.StandingDeleted
	case who.Restricted || who.Ultra:
		said.Standing = flows.StandingGuest
	}
	if !b.o.Newcomers.Watches(said) {
		acknowledge(w)
		return
	}
	handle, err := b.accept(r.Context(), RowUser, row{Team: b.o.Team, User: who.ID, Once: event})
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable) // Slack sends it again
		return
	}
	acknowledge(w)
	handle()
}

// userChanged looks at the account.
func (h handling) userChanged(ctx context.Context) error {
	if h.b.o.Newcomers == nil {
		return &flows.Permanent{Err: errors.New("this program keeps no links")}
	}
	return h.b.o.Newcomers.Changed(ctx, h.row.who(), flows.Finish{Job: &h.job, Inbox: h.job.Subject})
}

// Link sends or repairs a card about a link: the worker's handler of flows.JobLinkCard.
func (a *Announcer) Link(ctx context.Context, j flows.Job) error {
	var c flows.LinkCard
	if err := json.Unmarshal(j.Args, &c); err != nil {
		return &flows.Permanent{Err: fmt.Errorf("read the arguments of a card about a link: %w", err)}
	}
	links, err := a.Links.Links(ctx)
	if err != nil {
		return err
	}
	card, err := a.Links.Card(ctx, c.ID)
	if err != nil && !errors.Is(err, flows.ErrNotFound) {
		return err
	}
	card.ID, card.Kind, card.To = c.ID, flows.CardLink, c.To
	if card.Channel == "" {
		card.Channel = c.Channel
	}
	v := linkView{about: c, world: a.Catalog().World}
	for _, l := range links {
		if l.Person == c.Person {
			v.link = l
		}
	}
	if v.open() {
		var raw [16]byte
		a.IDs.Random(raw[:])
		v.token = base64.RawURLEncoding.EncodeToString(raw[:])
		card.Next = TokenHash(v.token)
		if _, err := a.Cards.Apply(ctx, flows.Change{Cards: []flows.Card{card}}); err != nil {
			return fmt.Errorf("store the button value of card %s: %w", card.ID, err)
		}
	}
	if card, err = a.send(ctx, card, v.render()); err != nil {
		return fmt.Errorf("send card %s: %w", card.ID, err)
	}
	card.Token, card.Next = card.Next, ""
	_, err = a.Cards.Apply(ctx, flows.Change{Cards: []flows.Card{card}, Done: &j})
	return err
}

// linkView is a card about a link as it is drawn.
type linkView struct {
	about flows.LinkCard
	link  flows.StoredLink
	world flows.World
	token string
}

// asks reports whether the card is the person's own.
func (v linkView) asks() bool { return v.about.To != "" }

// open reports whether somebody still has to say something.
func (v linkView) open() bool {
	if v.asks() {
		return v.link.State == flows.LinkProposed && v.link.Ask == v.about.ID
	}
	return v.link.Tell == v.about.ID && (v.link.State == flows.LinkClaimed || v.link.Held != "")
}

func (v linkView) render() Message {
	text := v.says()
	blocks := []slack.Block{section("%s", text)}
	if v.open() {
		blocks = append(blocks, slack.NewActionBlock("", v.buttons()...))
	}
	if v.world == flows.WorldSimulated {
		blocks = append(blocks, contextLine("%s", simulated))
	}
	return message(text, blocks...)
}

func (v linkView) buttons() []slack.BlockElement {
	if v.asks() {
		return []slack.BlockElement{
			button(ActionLinkYes, v.token, "Yes, that is me", slack.StylePrimary), button(ActionLinkNo, v.token, "No", slack.StyleDefault),
		}
	}
	keep := button(ActionLinkKeep, v.token, "It is them: confirm", slack.StylePrimary)
	if v.link.State == flows.LinkWatched { // the configuration has it
		return []slack.BlockElement{keep}
	}
	drop := button(ActionLinkDrop, v.token, "Unlink", slack.StyleDanger)
	return []slack.BlockElement{keep, confirmed(drop, "Unlink?", "Nobody can tell then who they are at PagerDuty.", "Unlink")}
}

// says is the sentence.
func (v linkView) says() string {
	l, who := v.link, mention(v.about.Person)
	switch {
	case v.open() && v.asks():
		return fmt.Sprintf(":wave: PagerDuty has a user with your e-mail address, `%s` (%s). *Is that you?* Then you are asked while you are on call there, and, once an admin has confirmed it, can approve your own requests where a flow says so.",
			escape(l.Seen.Login), l.PagerDuty)
	case v.open() && l.Held != "":
		return fmt.Sprintf(":warning: *The link of %s to PagerDuty was set aside:* %s. They cannot approve their own requests and are not asked as on call. Is the account still theirs?", who, l.Held)
	case v.open():
		return fmt.Sprintf(":busts_in_silhouette: %s says to be `%s` (%s) at PagerDuty; the e-mail addresses are the same. *Is that right?* Until an admin confirms it they cannot approve their own requests.", who, escape(l.Seen.Login), l.PagerDuty)
	case v.asks() && (l.State == flows.LinkClaimed || l.State == flows.LinkConfirmed):
		return ":white_check_mark: You said that this is you at PagerDuty. The admins were told."
	case v.asks():
		return ":heavy_minus_sign: You were asked who you are at PagerDuty. This is settled."
	case l.Ties() && l.Held == "", l.State == flows.LinkWatched && l.Held == "":
		return fmt.Sprintf(":white_check_mark: The link of %s to PagerDuty is confirmed%s.", who, v.by())
	case l.Ties():
		return fmt.Sprintf(":warning: The link of %s to PagerDuty was set aside again; see below.", who)
	}
	return fmt.Sprintf(":heavy_minus_sign: %s is not linked to PagerDuty any more.", who)
}

func (v linkView) by() string {
	if v.link.Confirmer == "" {
		return ""
	}
	return " by " + mention(v.link.Confirmer)
}
