package bot

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"breakglass/flows"
)

func helpText(command string) string {
	c := escape(command)
	return strings.Join([]string{
		"*Access when you are on call*, tied to the incident, gone when it is over.",
		"• `" + c + "` opens the form",
		"• `" + c + " TARGET 1h 4711 why` opens it filled in: target, length, PagerDuty incident, reason, in any order; for example `" + c + " production_console 1h 4711 the database is down`",
		"• `" + c + " list` shows what you have and what you asked for",
		"• `" + c + " done ID` ends access you no longer need",
		"• `" + c + " cancel ID` takes a request back",
		"• `" + c + " audit` shows what was decided: `" + c + " audit incident 4711`, `" + c + " audit @dana last 30d`",
		"• Admins, in an emergency: `" + c + " end @person`, `" + c + " end target NAME` (or flow, incident, all), `" + c + " freeze`, `" + c + " unfreeze`; `" + c + " erase CODE` confirms an erasure",
		"• `" + c + " help` shows this",
		"_In a thread_ Slack takes no commands: use a channel, or your messages with Breakglass. In a channel named after an incident, `#inc-4711-…`, that one is chosen.",
		"_Target_: what access is given to. _Approver_: who decides; the card says why it is them. Every decision is recorded.",
	}, "\n")
}

// unknownText says what was probably meant, and what there is.
func unknownText(command, word string, known []string) string {
	text := fmt.Sprintf(":grey_question: “%s” is no target or word I know. Nothing was asked for.", escape(word))
	if meant := nearest(word, known); meant != "" {
		text += fmt.Sprintf(" Did you mean `%s %s`?", escape(command), meant)
	}
	return text + "\n\n" + helpText(command)
}

// listWithin bounds what an answer in the request itself may wait for the store.
const listWithin = 2 * time.Second

// mostListed is how many requests a list shows.
const mostListed = 20

// notOver lists the states a person can still do something about.
func notOver() []flows.State {
	var open []flows.State
	for _, s := range flows.States() {
		if !s.Final() {
			open = append(open, s)
		}
	}
	return open
}

// listText is the person's open requests and access.
func (b *Bot) listText(ctx context.Context, who flows.PersonID, command string) string {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	reqs, err := b.o.Requests.Requests(ctx, flows.RequestFilter{Person: who, States: notOver(), Limit: mostListed + 1})
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelError, "requests could not be listed", slog.String("user", who.User()), slog.Any("error", err))
		return ":warning: Your requests could not be read just now. Nothing was changed. Try again in a moment."
	}
	if len(reqs) == 0 {
		return "You have no open request and no access. `" + escape(command) + "` asks for some."
	}
	lines := []string{"*Your requests and access*"}
	cat := b.o.Catalog()
	for i := range reqs[:min(len(reqs), mostListed)] {
		lines = append(lines, listLine(cat, &reqs[i], escape(command)))
	}
	if len(reqs) > mostListed {
		lines = append(lines, "…and older ones.")
	}
	return strings.Join(lines, "\n")
}

func listLine(cat *flows.Catalog, r *flows.Request, command string) string {
	label := string(r.Content.Target)
	if t := cat.Targets[r.Content.Target]; t != nil && t.Label != "" {
		label = t.Label
	}
	line := fmt.Sprintf("• `%s` *%s* ", r.ID.Short(), escape(label))
	switch r.State {
	case flows.StateActive:
		return line + fmt.Sprintf("active until %s · `%s done %s`", at(r.EndsAt), command, r.ID.Short())
	case flows.StateSubmitted, flows.StatePending:
		return line + fmt.Sprintf("waiting for a decision until %s · `%s cancel %s`", at(r.LapsesAt), command, r.ID.Short())
	case flows.StateApproved, flows.StateGranting:
		return line + "approved, access is being given"
	case flows.StateEnding:
		return line + "access is being ended"
	}
	return line + string(r.State)
}
