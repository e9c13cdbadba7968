package mirror

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"breakglass/flows"
)

// clicked are the steps that people make on a card.
var clicked = []string{"approve", "deny", "forward", "cancel", "done", "revoke", "review"}

// click is a step that somebody made on a message.
type click struct {
	story *story
	step  *step
}

// cards holds the messages that the newest decisions were clicked on to the entries.
func (c *comparison) cards(ctx context.Context) error {
	all := c.clicks()
	shut := map[string]error{} // conversations that may not be read
	for i, k := range all {
		c.out.Progress(fmt.Sprintf("reading the cards in Slack, %d of %d", i+1, len(all)))
		channel, ts, ok := place(k.step.link)
		if !ok {
			c.result.cannot("%s: %q is no address of a message in Slack", k.story.entry(k.step.seq), k.step.link)
			continue
		}
		err := shut[channel]
		var card Card
		if err == nil {
			card, err = c.out.Card(ctx, channel, ts)
		}
		switch {
		case errors.Is(err, flows.ErrNotFound):
			c.result.cannot("%s: the message %s is not there: it was deleted, or only one person could ever see it", k.story.entry(k.step.seq), k.step.link)
		case permanent(err):
			shut[channel] = err
			c.result.cannot("%s: the message %s cannot be read: %v", k.story.entry(k.step.seq), k.step.link, err)
		case err != nil:
			return err
		default:
			c.card(k, card)
		}
	}
	return nil
}

// clicks are the newest, the newest first.
func (c *comparison) clicks() []click {
	var all []click
	gone := 0
	for _, id := range c.newest {
		s := c.stories[id]
		for i := range s.steps {
			switch st := &s.steps[i]; {
			case !slices.Contains(clicked, st.verb):
			case st.erased:
				gone++
			case st.link != "":
				all = append(all, click{s, st})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b click) int { return b.step.at.Compare(a.step.at) })
	all = all[:min(len(all), maxCards)]
	if gone > 0 && len(all) < maxCards {
		c.result.cannot("where %d decisions were clicked was erased with their people", gone)
	}
	return all
}

var archived = regexp.MustCompile(`^https://[^/]+/archives/([A-Z0-9]{2,})/p([0-9]{10,})([0-9]{6})$`)

// place is the conversation and the message of a permalink.
func place(link string) (channel, ts string, ok bool) {
	m := archived.FindStringSubmatch(link)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2] + "." + m[3], true
}

// shown is what a card says of its request.
type shown struct {
	request   string   // its short name
	requester string   // user's id; empty on their own copy
	approved  []string // by whom
	denied    string
	reviewed  string
	withdrawn string // by whom it was cancelled
	ended     string // by whom it was revoked, or who was done
}

// who is a mention; Slack may add a name to it.
const who = `<@([A-Z0-9]+)(?:\|[^>]*)?>`

var (
	footer    = regexp.MustCompile("^`([^`\\s]{1,40})` · asked ")
	asks      = regexp.MustCompile(`^:[a-z_]+: \*` + who + ` asks for `)
	approved  = regexp.MustCompile(`Approved by ((?:<@[^>]+>(?:, )?)+)`)
	mentioned = regexp.MustCompile(who)
	denied    = regexp.MustCompile(`\*Denied\* by ` + who)
	reviewed  = regexp.MustCompile(`\*Reviewed\* by ` + who)
	withdrawn = regexp.MustCompile(`(?:\*Cancelled\*|: cancelled) by ` + who)
	ended     = regexp.MustCompile(`: (?:revoked by ` + who + `|` + who + ` is done)`)
)

// read reads a card: how it stands in its first block, the request in its last. What
// people typed is escaped there and mentions nobody.
func read(blocks []Block) (out shown) {
	for i, b := range blocks {
		if m := footer.FindStringSubmatch(b.Text); m != nil && b.Kind == "context" && i == len(blocks)-1 {
			out.request = m[1]
		}
	}
	if len(blocks) == 0 || out.request == "" {
		return shown{}
	}
	first := blocks[0].Text
	out.requester = one(asks, first)
	if m := approved.FindStringSubmatch(first); m != nil {
		for _, who := range mentioned.FindAllStringSubmatch(m[1], -1) {
			out.approved = append(out.approved, who[1])
		}
	}
	out.denied, out.reviewed, out.withdrawn, out.ended = one(denied, first), one(reviewed, first), one(withdrawn, first), one(ended, first)
	return out
}

// one is what the first group that matched says.
func one(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return strings.Join(m[1:], "")
	}
	return ""
}

// card holds one message to the step that was made on it.
func (c *comparison) card(k click, card Card) {
	name, link := k.story.entry(k.step.seq), k.step.link
	switch {
	case !card.Own && card.Person:
		c.result.find(name, "it says that %s was clicked on the message %s, which a person wrote", k.step, link)
		return
	case !card.Own:
		c.result.cannot("%s: another app, or this one as it was installed before, posted the message %s", name, link)
		return
	}
	sees := read(card.Blocks)
	if sees.request == "" {
		c.result.cannot("%s: the message %s is no card of a request", name, link)
		return
	}
	if short := k.story.id.Short(); sees.request != short {
		c.result.Cards++
		c.result.find(name, "it says that %s was clicked on the message %s, which is the card of request %s", k.step, link, sees.request)
		return
	}
	why, compared := k.story.contradicts(k.step, sees)
	switch {
	case why != "":
		c.result.find(name, "the card %s shows %s; the entries say: %s. One of them was altered", link, why, k.story.says(int64(len(k.story.steps))))
	case !compared:
		c.result.cannot("%s: the card %s does not show %s (any more, or yet)", name, link, k.step.verb)
		return
	}
	c.result.Cards++
}

// contradicts says what a card shows that is not what the entries say of a step; compared
// is whether it shows anything of it.
func (s *story) contradicts(st *step, sees shown) (why string, compared bool) {
	if s.requester != "" && sees.requester != "" && sees.requester != s.requester {
		return "that " + sees.requester + " asked", true
	}
	if who, stranger := s.stranger("approve", sees.approved); stranger {
		return "that " + who + " approved", true
	}
	if sees.denied != "" {
		if who, stranger := s.stranger("deny", []string{sees.denied}); stranger {
			return "that " + who + " denied", true
		}
	}
	by := map[string]string{"deny": sees.denied, "review": sees.reviewed, "cancel": sees.withdrawn, "done": sees.ended, "revoke": sees.ended}[st.verb]
	switch {
	case st.verb == "approve" && st.to == "approved" && sees.denied != "":
		return "that " + sees.denied + " denied", true
	case st.verb == "deny" && len(sees.approved) > 0:
		return "that " + strings.Join(sees.approved, " and ") + " approved", true
	case st.verb == "approve" && st.to == "approved" && len(sees.approved) > 0 && len(sees.approved) < manyApprovers && !slices.Contains(sees.approved, st.who.User()):
		return "that " + strings.Join(sees.approved, " and ") + " approved", true
	case st.verb == "approve":
		return "", len(sees.approved) > 0
	case by != "" && by != st.who.User():
		return "that it was " + by, true
	}
	return "", by != "" || st.verb == "forward"
}

// manyApprovers is from how many on a card names only some.
const manyApprovers = 8

// stranger is one of those who did something, as a card shows it, and by no entry.
func (s *story) stranger(verb string, shown []string) (who string, is bool) {
	var known []string
	for _, st := range s.steps {
		if st.verb == verb {
			if st.erased {
				return "", false // it may be them
			}
			known = append(known, st.who.User())
		}
	}
	for _, who := range shown {
		if !slices.Contains(known, who) {
			return who, true
		}
	}
	return "", false
}
