package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"breakglass/flows"
)

// Commands answers POST /slack/commands: /access and its words.
func (b *Bot) Commands(w http.ResponseWriter, r *http.Request) {
	body, ok := b.admit(w, r, maxCommandBody)
	if !ok {
		return
	}
	c, err := readSlash(body)
	if err == nil && !c.check {
		err = b.pin(c.Team, c.Org, "", c.AppID)
	}
	switch {
	case err != nil:
		b.refuse(w, r, err)
	case c.check:
		acknowledge(w)
	default:
		c.Signed = signedAt(r.Header)
		b.command(w, r, c)
	}
}

func (b *Bot) command(w http.ResponseWriter, r *http.Request, c *slash) {
	words := strings.Fields(c.Text)
	verb := ""
	if len(words) > 0 {
		verb = strings.ToLower(words[0])
	}
	alarm, isAlarm := readAlarm(words)
	switch {
	case isAlarm:
		b.emergency(w, r, c, alarm)
	case (verb == "help" || verb == "?") && len(words) == 1:
		b.say(w, r, c, helpText(c.Command))
	case verb == "list" && len(words) == 1:
		b.say(w, r, c, b.listText(r.Context(), b.person(c.User), c.Command))
	case verb == "audit":
		b.audit(w, r, c, strings.TrimSpace(strings.TrimSpace(c.Text)[len(verb):]))
	case (verb == "done" || verb == "cancel") && len(words) <= 2:
		b.end(w, r, c, verb, words[1:])
	default:
		b.ask(w, r, c)
	}
}

// say answers to the person alone, in the answer itself.
func (b *Bot) say(w http.ResponseWriter, r *http.Request, c *slash, text string) {
	b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack command", slog.String("user", c.User))
	writeJSON(w, map[string]string{"response_type": "ephemeral", "text": cut(text, 3900)})
}

// ask opens the request form, with what was typed already in it.
func (b *Bot) ask(w http.ResponseWriter, r *http.Request, c *slash) {
	cat, who := b.o.Catalog(), b.person(c.User)
	wish := b.readWish(cat, who, c.Text)
	if wish.unknown != "" {
		b.say(w, r, c, unknownText(c.Command, wish.unknown, b.knownWords(cat, who)))
		return
	}
	wish.near = channelIncident(c.ChannelName)
	if !isTrigger(c.Trigger) {
		b.refuse(w, r, rejectMalformed)
		return
	}
	b.log.LogAttrs(r.Context(), slog.LevelInfo, "slack command", slog.String("user", c.User))
	if !b.answerThen(w, func(ctx context.Context) { b.openForm(ctx, c.Trigger, c.Channel, who, wish) }) {
		b.say(w, r, c, ":warning: Too much is going on to open the form. Nothing was asked for. Try again in a moment.")
	}
}

// end keeps "done" and "cancel", which change something, in the inbox.
func (b *Bot) end(w http.ResponseWriter, r *http.Request, c *slash, verb string, args []string) {
	if len(args) == 0 {
		b.say(w, r, c, "Say which one: "+b.listText(r.Context(), b.person(c.User), c.Command))
		return
	}
	once := sha256.Sum256([]byte(c.Trigger))
	handle, err := b.accept(r.Context(), RowCommand, row{
		Team: b.o.Team, User: c.User, Channel: c.Channel, Action: verb, Text: cut(args[0], 64), Once: hex.EncodeToString(once[:]), Signed: c.Signed,
	})
	if err != nil {
		b.say(w, r, c, ":warning: That could not be stored, so nothing was done. Try again in a moment.")
		return
	}
	b.say(w, r, c, "On it: the card in your messages with Breakglass shows what became of it.")
	handle()
}

// isTrigger reports whether there is a trigger worth trying.
func isTrigger(s string) bool { return s != "" && len(s) <= 256 }

// acknowledge sends the whole answer now: what follows has its own time.
func acknowledge(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	flush(w)
}

// flush sends what is written; where that cannot be done it is sent on return.
func flush(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush()
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and our own views
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	flush(w)
}

// answerThen acknowledges, and then does what changes nothing; false, with nothing
// answered, when there is no room for it.
func (b *Bot) answerThen(w http.ResponseWriter, do func(ctx context.Context)) bool {
	answered := make(chan struct{})
	defer close(answered)
	if !b.aside(func(ctx context.Context) { <-answered; do(ctx) }) {
		return false
	}
	acknowledge(w)
	return true
}

// tell says something to one person where they are; it may get lost.
func (b *Bot) tell(ctx context.Context, channel, user, text string) {
	var err error
	if channel == "" {
		_, _, err = b.o.Slack.Post(ctx, user, message(text, section("%s", text)))
	} else {
		err = b.o.Slack.Ephemeral(ctx, channel, user, message(text, section("%s", text)))
	}
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "a person could not be told", slog.String("user", user), slog.Any("error", err))
	}
}

// openForm opens the form before anything else, then fills it.
func (b *Bot) openForm(ctx context.Context, trigger, channel string, who flows.PersonID, wish wish) {
	defer b.met(ctx, who)
	form := requestForm{cat: b.o.Catalog(), draft: wish.draft, looking: true, near: wish.near}
	switch {
	case wish.unsure:
		form.draft.offer = offer{}
	case wish.offer.none():
		b.recall(ctx, &form, who)
		wish.offer = form.draft.offer
	}
	view, hash, err := b.o.Views.OpenView(ctx, trigger, form.view())
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelWarn, "a form could not be opened", slog.String("user", who.User()), slog.Any("error", err))
		b.tell(ctx, channel, who.User(), ":warning: The form could not be opened: Slack did not take it in time. Nothing was asked for. Try again.")
		return
	}
	form.draft = wish.draft
	if wish.unsure {
		form.targetGen = "1"
	}
	b.fill(ctx, form, who, view, hash)
}
