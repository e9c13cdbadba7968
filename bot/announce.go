package bot

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// Announcer sends cards and notices; its methods are the worker's handlers for
// flows.JobCard and flows.JobNotice.
type Announcer struct {
	Engine interface {
		Load(ctx context.Context, id flows.RequestID) (flows.Record, error)
		Finish(ctx context.Context, fin flows.Finish) error
	}
	Cards   Cards
	Slack   Poster
	Views   Viewer
	Catalog func() *flows.Catalog
	Clock   flows.Clock
	IDs     flows.IDs
	Links   LinkReader
}

// TokenHash is how a button's value is stored.
func TokenHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

// Card sends or repairs one copy. A copy with buttons gets a new value each time: its
// hash is stored first, beside the one that is still good, and becomes the only one
// when Slack has confirmed. Slack promises no key by which a message would be the same
// again: one whose answer was lost, or whose sender died before that was noted, is posted
// once more, and the buttons of its first copy are no good.
func (a *Announcer) Card(ctx context.Context, j flows.Job) error {
	id, _, _ := strings.Cut(j.Subject, "/")
	rec, err := a.Engine.Load(ctx, flows.RequestID(id))
	if err != nil {
		return missing(err)
	}
	card, ok := findCard(rec.Cards, j.Subject)
	if !ok || card.TS != "" && card.Version == rec.Request.Version { // drawn already, by the job's last run
		return a.Engine.Finish(ctx, flows.Finish{Job: &j})
	}
	v := cardView{req: rec.Request, holding: rec.Holding, card: card, cat: a.Catalog(), now: a.Clock.Now()}
	if buttons(&rec.Request, card) {
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
	card.Token, card.Next, card.Version = card.Next, "", rec.Request.Version
	_, err = a.Cards.Apply(ctx, flows.Change{Cards: []flows.Card{card}, Done: &j})
	return err
}

// send posts a new copy, or edits the one that is there; a message that Slack no
// longer lets us edit is posted anew.
func (a *Announcer) send(ctx context.Context, c flows.Card, m Message) (flows.Card, error) {
	if c.TS != "" {
		err := a.Slack.Update(ctx, c.Channel, c.TS, m)
		if _, ok := errors.AsType[*flows.Permanent](err); !ok {
			return c, err
		}
	}
	to := c.Channel
	if c.To != "" {
		to = c.To.User()
	}
	channel, ts, err := a.Slack.Post(ctx, to, m)
	if err == nil {
		c.Channel, c.TS, c.PostedAt = channel, ts, a.Clock.Now()
	}
	return c, err
}

func findCard(cards []flows.Card, id string) (flows.Card, bool) {
	for _, c := range cards {
		if c.ID == id {
			return c, true
		}
	}
	return flows.Card{}, false
}

// Notice tells one person or channel something, once.
func (a *Announcer) Notice(ctx context.Context, j flows.Job) error {
	var n flows.Notice
	if err := json.Unmarshal(j.Args, &n); err != nil {
		return &flows.Permanent{Err: fmt.Errorf("read a notice's arguments: %w", err)}
	}
	thread := ""
	v := cardView{cat: a.Catalog(), now: a.Clock.Now(), card: flows.Card{Kind: flows.CardRequester, To: n.To}}
	if n.Request != "" {
		rec, err := a.Engine.Load(ctx, n.Request)
		if err != nil && (!errors.Is(err, flows.ErrNotFound) || n.About != flows.AboutRefused) {
			return missing(err)
		}
		v.req, v.holding = rec.Request, rec.Holding
		n, thread = inThread(n, rec.Cards)
		switch {
		case n.About == flows.AboutStep && thread == "" && j.Attempts < 10:
			return &flows.Temporary{Err: errors.New("the card is not there yet"), After: 2}
		case n.About == flows.AboutStep && thread == "", outdated(n, &rec.Request):
			return a.Engine.Finish(ctx, flows.Finish{Job: &j})
		}
	}
	if err := a.tell(ctx, n, thread, v); err != nil {
		return fmt.Errorf("send notice %s: %w", j.Key, err)
	}
	return a.Engine.Finish(ctx, flows.Finish{Job: &j})
}

// inThread puts what is told to a channel about a card there into the card's thread:
// the card shows how things stand, the thread what happened.
func inThread(n flows.Notice, cards []flows.Card) (flows.Notice, string) {
	for _, c := range cards {
		if n.To == "" && c.To == "" && c.TS != "" && c.ID == flows.CardID(c.Request, c.Kind, n.Channel) {
			n.Channel = c.Channel
			return n, c.TS
		}
	}
	return n, ""
}

func (a *Announcer) tell(ctx context.Context, n flows.Notice, thread string, v cardView) error {
	switch {
	case n.View != "":
		return a.showView(ctx, n, v)
	case n.To != "" && n.Channel != "":
		return lost(a.Slack.Ephemeral(ctx, n.Channel, n.To.User(), notice(n, v)))
	case n.To != "":
		_, _, err := a.Slack.Post(ctx, n.To.User(), notice(n, v))
		return err
	}
	m := notice(n, v)
	m.ThreadTS = thread
	_, _, err := a.Slack.Post(ctx, n.Channel, m)
	return err
}

// showView turns the modal that said "working…" into the receipt, or the refusal.
// It is never the only place: a modal may be closed, and Slack may take our "working…"
// for it after this, and show that for good. A receipt has its card, a refusal its DM.
func (a *Announcer) showView(ctx context.Context, n flows.Notice, v cardView) error {
	title, blocks := "Asked", v.receipt
	if n.About == flows.AboutRefused {
		title, blocks = "Not submitted", func() []slack.Block { return []slack.Block{section(":no_entry_sign: %s", n.Detail)} }
	}
	b, err := json.Marshal(slack.ModalViewRequest{
		Type: slack.VTModal, Title: slack.NewTextBlockObject(slack.PlainTextType, title, false, false),
		Close:  slack.NewTextBlockObject(slack.PlainTextType, "Close", false, false),
		Blocks: slack.Blocks{BlockSet: blocks()},
	})
	if err != nil {
		return &flows.Permanent{Err: err}
	}
	if err := lost(a.Views.UpdateView(ctx, n.View, "", b)); err != nil || n.About != flows.AboutRefused {
		return err
	}
	if !strings.Contains(n.Detail, "Nothing was submitted") {
		n.Detail = "Your request was not submitted. " + n.Detail
	}
	_, _, err = a.Slack.Post(ctx, n.To.User(), notice(n, v))
	return lost(err)
}

// lost forgives what cannot be shown any more: a closed modal, a person who left the
// channel. Nothing important is said only there.
func lost(err error) error {
	if _, ok := errors.AsType[*flows.Permanent](err); ok {
		return nil
	}
	return err
}

func missing(err error) error {
	if errors.Is(err, flows.ErrNotFound) {
		return &flows.Permanent{Err: err}
	}
	return err
}
