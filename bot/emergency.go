package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// Emergency is what an admin does when everything has to stop. Who may is the
// engine's to say.
type Emergency interface {
	// EndMany ends all that is in the scope; it may take minutes.
	EndMany(ctx context.Context, s flows.EndScope, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error)
	// Freeze stops everything that gives access, Unfreeze lifts that.
	Freeze(ctx context.Context, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error)
	Unfreeze(ctx context.Context, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error)
}

// Erasures is what an admin says about erasing a person.
type Erasures interface {
	// ConfirmErasure is an admin's yes to a proposal.
	ConfirmErasure(ctx context.Context, code string, actor flows.Actor, why flows.Text, fin flows.Finish) (*flows.Refusal, error)
}

// alarm is what was asked for in an emergency: it goes through the confirmation and
// the inbox as it is, and is looked at by the engine after that.
type alarm struct {
	Verb string `json:"verb"` // "end", "freeze", "unfreeze", "erase"
	Kind string `json:"kind,omitempty"`
	Name string `json:"name,omitempty"`
}

// readAlarm reads "/access end target prod", "/access end @dana", "/access freeze".
func readAlarm(words []string) (alarm, bool) {
	if len(words) == 0 {
		return alarm{}, false
	}
	switch verb := strings.ToLower(words[0]); {
	case verb == "freeze" || verb == "unfreeze":
		return alarm{Verb: verb}, len(words) == 1
	case verb == "erase":
		return alarm{Verb: verb, Name: strings.ToLower(cut(words[len(words)-1], 16))}, len(words) == 2
	case verb != "end" || len(words) < 2:
		return alarm{}, false
	case strings.ToLower(words[1]) == "all":
		return alarm{Verb: verb, Kind: "all"}, len(words) == 2
	case len(words) == 2 && strings.HasPrefix(words[1], "<@"):
		return alarm{Verb: verb, Kind: "person", Name: words[1]}, true
	case len(words) == 3 && slices.Contains(flows.EndKinds(), strings.ToLower(words[1])):
		return alarm{Verb: verb, Kind: strings.ToLower(words[1]), Name: words[2]}, true
	}
	return alarm{}, false
}

// emergency asks for a confirmation, and for the reason.
func (b *Bot) emergency(w http.ResponseWriter, r *http.Request, c *slash, a alarm) {
	if a.Verb == "end" {
		if _, no := b.o.Catalog().EndScope(a.Kind, a.Name); no != nil {
			b.say(w, r, c, ":no_entry_sign: "+escape(no.Error()))
			return
		}
	}
	if !isTrigger(c.Trigger) {
		b.refuse(w, r, rejectMalformed)
		return
	}
	b.log.LogAttrs(r.Context(), slog.LevelWarn, "slack emergency", slog.String("user", c.User), slog.String("verb", a.Verb))
	open := func(ctx context.Context) {
		if _, _, err := b.o.Views.OpenView(ctx, c.Trigger, alarmView(a)); err != nil {
			b.log.LogAttrs(ctx, slog.LevelWarn, "a form could not be opened", slog.String("user", c.User), slog.Any("error", err))
			b.tell(ctx, c.Channel, c.User, ":warning: The form could not be opened: Slack did not take it in time. Nothing was done. Try again.")
		}
	}
	if !b.answerThen(w, open) {
		b.say(w, r, c, ":warning: Too much is going on to open the form. Nothing was done. Use breakglass "+a.Verb+" on the server.")
	}
}

// alarmView says what will happen and asks why.
func alarmView(a alarm) json.RawMessage {
	metadata, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings only
	}
	title, submit, what := a.words()
	why := slack.NewPlainTextInputBlockElement(nil, askWhy)
	why.Multiline, why.MaxLength, why.FocusOnLoad = true, 1000, true
	return modal(callbackAlarm, string(metadata), title, submit, []slack.Block{
		section("%s", what),
		input(askWhy, "Why?", "It is recorded, and everybody who is told reads it.", why, false),
		contextLine("Only for admins. %s", a.told()),
	})
}

// told says who is told.
func (a alarm) told() string {
	if a.Verb == "erase" {
		return "The operators’ channel is told."
	}
	return "The channels of all flows are told."
}

// words are title, button and the sentence of the confirmation.
func (a alarm) words() (title, submit, what string) {
	switch {
	case a.Verb == "freeze":
		return "Freeze all access", "Freeze", ":lock: *Nothing is approved and nothing given from then on*, on any server, until an admin lifts it. What was given before stays until it ends."
	case a.Verb == "unfreeze":
		return "Lift the freeze", "Lift it", ":unlock: *Access can be given again.* Requests that waited can be decided."
	case a.Verb == "erase":
		return "Erase a person", "Confirm", fmt.Sprintf(":wastebasket: *What is kept about the person of erasure `%s` is destroyed for good*, once two admins have confirmed it. Who it is stands in the operators’ channel. The audit stays provable; what was sent to sinks, Slack and PagerDuty stays there.", escape(a.Name))
	case a.Kind == "all":
		return "End everything", "End everything", ":octagonal_sign: *The access of everybody ends now*, at every target, and every open request is withdrawn."
	}
	name := a.Name
	if a.Kind != "person" {
		name = "`" + escape(a.Name) + "`"
	}
	return "End access", "End it now", fmt.Sprintf(":octagonal_sign: *All access of the %s %s ends now*, at the targets, and its open requests are withdrawn.", a.Kind, trusted(name))
}

// alarmed takes the confirmation. It is kept before it is answered, as everything is;
// where the store does not write, the kill switch works all the same.
func (b *Bot) alarmed(w http.ResponseWriter, r *http.Request, p *interaction) {
	why := reasonIn(p.View.Values)
	if why.Empty() {
		fieldErrors(w, map[string]string{askWhy: "Say why in a few words: it is recorded, and people read it."})
		return
	}
	kept := row{
		Team: b.o.Team, User: p.User, Callback: p.View.Callback, Request: cut(p.View.Metadata, 512),
		View: p.View.ID, ViewHash: p.View.Hash, Values: p.View.Values, Signed: p.Signed,
	}
	handle, err := b.accept(r.Context(), RowSubmit, kept)
	switch {
	case err == nil:
		acknowledge(w)
		handle()
	case errors.Is(err, flows.ErrReadOnly) && b.withoutStore(kept, why):
		acknowledge(w)
	default:
		fieldErrors(w, map[string]string{askWhy: "This could not be stored, so nothing was done. Try again in a moment, or use breakglass end on the server."})
	}
}

// withoutStore ends access while the store does not write; nothing else works then.
func (b *Bot) withoutStore(r row, why flows.Text) bool {
	var a alarm
	if json.Unmarshal([]byte(r.Request), &a) != nil || a.Verb != "end" {
		return false
	}
	s, no := b.o.Catalog().EndScope(a.Kind, a.Name)
	return no == nil && b.long(func(ctx context.Context) {
		actor := r.actor()
		no, err := b.o.Emergency.EndMany(ctx, s, actor, why, flows.Finish{})
		switch {
		case no != nil:
			b.tell(ctx, "", r.User, ":no_entry_sign: "+escape(no.Error()))
		case err != nil:
			b.log.LogAttrs(ctx, slog.LevelError, "the kill switch did not get through", slog.Any("error", err))
			b.tell(ctx, "", r.User, ":warning: Not everything could be told to end. Use breakglass end on the server, and look at the targets.")
		default:
			b.tell(ctx, "", r.User, ":octagonal_sign: Done. The database does not write, so this was ended at the targets from memory; it is recorded when it writes again.")
		}
	})
}

// emergency carries a confirmed alarm out.
func (h handling) emergency(ctx context.Context) error {
	var a alarm
	if err := json.Unmarshal([]byte(h.row.Request), &a); err != nil {
		return &flows.Permanent{Err: fmt.Errorf("decode the emergency of %s: %w", h.job.Subject, err)}
	}
	actor := h.actor(ctx, "")
	why, e := reasonIn(h.row.Values), h.b.o.Emergency
	fin := flows.Finish{Job: &h.job, Inbox: h.job.Subject, Also: func(out flows.Outcome) []flows.Job {
		if out.Refusal == nil {
			return nil
		}
		return []flows.Job{h.notice("", out.Refusal)}
	}}
	var no *flows.Refusal
	var err error
	switch a.Verb {
	case "freeze":
		no, err = e.Freeze(ctx, actor, why, fin)
	case "unfreeze":
		no, err = e.Unfreeze(ctx, actor, why, fin)
	case "erase":
		if h.b.o.Erasures == nil {
			return &flows.Permanent{Err: errors.New("this program cannot erase")}
		}
		no, err = h.b.o.Erasures.ConfirmErasure(ctx, a.Name, actor, why, fin)
	case "end":
		var s flows.EndScope
		if s, no = h.b.o.Catalog().EndScope(a.Kind, a.Name); no != nil {
			return h.refuse(ctx, "", no)
		}
		no, err = e.EndMany(ctx, s, actor, why, fin)
	default:
		return &flows.Permanent{Err: fmt.Errorf("inbox row %s asks for %q, which is no emergency", h.job.Subject, a.Verb)}
	}
	if err != nil {
		return fmt.Errorf("%s by %s: %w", a.Verb, actor.Person, err)
	}
	if no != nil {
		h.log(ctx, no)
	}
	return nil
}
