package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// The buttons of answers about the past. They change nothing: what they carry is a
// question or a request's id, and who clicks is looked at like who types.
const (
	ActionAuditNext = "bg:audit-next"
	ActionAuditShow = "bg:audit-show"
)

// auditPage is how many requests an answer shows.
const auditPage = 10

// maxQuestion is how long a question may be for a button to carry it (a value holds
// 2000 characters).
const maxQuestion = 800

// audit answers /access audit.
func (b *Bot) audit(w http.ResponseWriter, r *http.Request, c *slash, question string) {
	b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack command", slog.String("user", c.User), slog.String("verb", "audit"))
	ctx, cancel := context.WithTimeout(r.Context(), listWithin)
	defer cancel()
	m := b.answer(ctx, b.person(c.User), asTyped(question), flows.Place{})
	writeJSON(w, struct {
		Type   string        `json:"response_type"`
		Text   string        `json:"text"`
		Blocks []slack.Block `json:"blocks,omitempty"`
	}{"ephemeral", m.text, m.blocks})
}

// told is a message while it is put together.
type told struct {
	text   string
	blocks []slack.Block
}

func only(format string, args ...any) told { return told{text: fmt.Sprintf(format, args...)} }

// answer looks a page up, for whoever asks, and records that they looked.
func (b *Bot) answer(ctx context.Context, who flows.PersonID, question string, after flows.Place) told {
	if len(question) > maxQuestion {
		return only(":grey_question: That question is too long. Ask for less at once.")
	}
	q, err := query.Parse(question, query.Options{Now: b.o.Clock.Now(), Me: who, Person: b.called})
	if mistake, is := errors.AsType[*query.Error](err); is {
		return only(":grey_question: %s %s", escape(mistake.What), escape(mistake.Hint))
	}
	q.After, q.Limit = after, auditPage
	asker := b.asker(ctx, who)
	f, err := asker.Narrow(q.Search)
	if err == nil {
		recorded := b.recordLook(ctx, asker, history.Look{What: history.LookList, Search: q.Search, Onward: after.ID != ""})
		var found flows.Found
		if found, err = b.o.History.Search(ctx, f); err == nil {
			v := auditView{cat: b.o.Catalog(), question: question, q: q, found: found, asker: asker, recorded: recorded}
			return v.message()
		}
	}
	b.log.LogAttrs(ctx, slog.LevelError, "the audit could not be read", slog.String("user", who.User()), slog.Any("error", err))
	if errors.Is(err, context.DeadlineExceeded) {
		return only(":warning: That took too long. Ask for less: an incident, a person, or a shorter time.")
	}
	return only(":warning: The audit could not be read just now. Try again in a moment.")
}

// asker is what a person may see: auditors and admins everything.
func (b *Bot) asker(ctx context.Context, who flows.PersonID) history.Asker {
	return history.Asker{Person: who, All: history.SeesAll(ctx, b.o.Directory, b.o.Catalog(), who), Door: flows.DoorSlack}
}

func (b *Bot) recordLook(ctx context.Context, a history.Asker, look history.Look) bool {
	err := b.looks.Record(ctx, b.o.Recorder, b.o.Clock.Now(), a, look)
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelError, "a look at the audit could not be recorded", slog.String("user", a.Person.User()), slog.Any("error", err))
	}
	return err == nil
}

// called finds the person of a question: a Slack user id, or a name of the configuration.
func (b *Bot) called(typed string) (flows.PersonID, error) {
	if id, ok := strings.CutPrefix(typed, b.o.Team+"/"); ok {
		typed = id
	}
	if p := flows.Principal(typed); p.IsUser() {
		return b.person(typed), nil
	}
	for _, l := range b.o.Catalog().Links.All() {
		if strings.EqualFold(l.Name, typed) {
			return l.Person, nil
		}
	}
	return "", fmt.Errorf("%s is nobody that is known here; pick the person from Slack's suggestions", typed)
}

// asTyped undoes what Slack does to typed text, but for mentions.
func asTyped(s string) string { return slackSigns.Replace(s) }

var slackSigns = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// auditNext shows the next page.
func (b *Bot) auditNext(ctx context.Context, p *interaction, a action) {
	cursor, question, _ := strings.Cut(a.Value, " ")
	after, err := query.ReadCursor(cursor)
	if err != nil {
		return // no button of ours
	}
	b.show(ctx, p, b.answer(ctx, b.person(p.User), question, after))
}

// auditShow shows one request's story.
func (b *Bot) auditShow(ctx context.Context, p *interaction, a action) {
	b.show(ctx, p, b.story(ctx, b.person(p.User), flows.RequestID(a.Value)))
}

func (b *Bot) story(ctx context.Context, who flows.PersonID, id flows.RequestID) told {
	asker := b.asker(ctx, who)
	roll := flows.Roll{Catalog: b.o.Catalog, Directory: b.o.Directory}
	sees, err := history.Gate{PartIn: b.o.History.PartIn, Load: b.o.Engine.Load, Reviews: roll.Reviews}.Sees(ctx, asker, id)
	if err == nil && !sees {
		return only(":no_entry: Only auditors, who had a part in it, and who is to review it, see this request.")
	}
	var rec flows.Record
	if err == nil {
		rec, err = b.o.Engine.Load(ctx, id)
	}
	var entries []flows.Sealed
	if err == nil {
		entries, err = b.o.History.Entries(ctx, string(id))
	}
	var events []history.Event
	if err == nil {
		events, err = history.Events(entries)
	}
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelError, "a request could not be shown", slog.String("user", who.User()), slog.Any("error", err))
		return only(":warning: The request could not be read just now. Try again in a moment.")
	}
	recorded := b.recordLook(ctx, asker, history.Look{What: history.LookRequest, Request: id})
	return storyView{cat: b.o.Catalog(), r: &rec.Request, events: events, recorded: recorded}.message()
}

// show answers a click to the person alone: where it was made, or else in their own
// messages (a command is typed anywhere, and we are not everywhere).
func (b *Bot) show(ctx context.Context, p *interaction, t told) {
	m := message(t.text, t.blocks...)
	if len(t.blocks) == 0 {
		m = message(t.text, section("%s", t.text))
	}
	if channel := p.channel(); channel != "" && b.o.Slack.Ephemeral(ctx, channel, p.User, m) == nil {
		return
	}
	if _, _, err := b.o.Slack.Post(ctx, p.User, m); err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "an answer about the past could not be shown", slog.String("user", p.User), slog.Any("error", err))
	}
}
