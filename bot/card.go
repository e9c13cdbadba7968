package bot

import (
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// cardView is everything a copy of the card is drawn from; the database decides, a
// card only shows.
type cardView struct {
	req     flows.Request
	holding flows.Holding
	card    flows.Card
	cat     *flows.Catalog
	token   string // of the buttons; empty when there are none
	now     time.Time
}

// shortReason is how much of a reason, and shortAnswer of an answer, a card shows;
// all of it is behind a button.
const (
	shortReason = 600
	shortAnswer = 300
)

// render draws one copy.
func (v cardView) render() Message {
	r := &v.req
	if v.card.Kind == flows.CardReview && r.Review != nil {
		return v.renderReview()
	}
	blocks := []slack.Block{section("%s", v.title())}
	blocks = append(blocks, fields(v.facts()...), quote(r.Content.Reason, shortReason))
	if answers := v.answers(shortAnswer); answers != "" {
		blocks = append(blocks, section("%s", answers))
	}
	if why := v.why(); why != "" {
		blocks = append(blocks, section("%s", why))
	}
	if actions := v.actions(); len(actions) > 0 {
		blocks = append(blocks, slack.NewActionBlock(blockActions+string(r.ID), actions...))
	}
	blocks = append(blocks, contextLine("%s", v.footer()))
	return message(v.sentence(), blocks...)
}

func (v cardView) target() string {
	id := v.req.Content.Target
	if t := v.cat.Targets[id]; t != nil && t.Label != "" {
		return escape(t.Label)
	}
	return escape(string(id))
}

// noIncident says that the request is for none, or that one is about to be opened for it.
func (v cardView) noIncident() string {
	if f := v.cat.Flows[v.req.Content.Flow]; f != nil && f.Incident == flows.IncidentCreate && !v.req.State.Final() {
		return "One is being opened"
	}
	return "No incident"
}

// facts are the two-column list.
func (v cardView) facts() []string {
	c := v.req.Content
	out := []string{"For how long", flows.Span(c.Duration)}
	if inc := v.req.IncidentRef(); inc.ID != "" {
		out = append(out, "Incident", incidentLink(inc))
	} else {
		out = append(out, "Incident", v.noIncident())
	}
	if c.Extends != "" {
		out = append(out, "Extends", v.extended())
	}
	if c.Requester != c.Beneficiary {
		out = append(out, "Who gets it", mention(c.Beneficiary))
	}
	return out
}

// extended is what an extension carries on.
func (v cardView) extended() string {
	out := "`" + v.req.Content.Extends.Short() + "`"
	if h, there := v.holding.Of(v.req.Content.Extends); there && !h.Leaving {
		out += ", access until " + at(h.Until)
	}
	if since := v.holding.Since; !since.IsZero() {
		out += ", begun " + at(since)
	}
	return out
}

func incidentLink(i flows.IncidentRef) string {
	if i.Number == 0 { // PagerDuty could not be asked
		return "`" + escape(string(i.ID)) + "`, which PagerDuty could not show"
	}
	label := fmt.Sprintf("#%d %s", i.Number, mrkdwn(i.Title, 120))
	if vendorURL(i.URL) {
		return "<" + strings.NewReplacer("|", "%7C", ">", "%3E", "<", "%3C").Replace(i.URL) + "|" + label + ">"
	}
	return label
}

// vendorURL reports whether an incident's address may be a link.
func vendorURL(u string) bool {
	return strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://127.0.0.1")
}

// answers are the flow's own prompt fields, each up to limit runes.
func (v cardView) answers(limit int) string {
	var lines []string
	for _, a := range v.req.Content.Fields {
		if !a.Value.Empty() {
			lines = append(lines, "*"+escape(v.label(a.Name))+"*: "+mrkdwn(a.Value, limit))
		}
	}
	return strings.Join(lines, "\n")
}

// label is how the flow calls one of its questions.
func (v cardView) label(name string) string {
	if f := v.cat.Flows[v.req.Content.Flow]; f != nil {
		for _, p := range f.Fields {
			if p.Name == name {
				return p.Label
			}
		}
	}
	return name
}

// why tells an approver why they are asked, and the requester why those people are.
func (v cardView) why() string {
	r := &v.req
	s, ok := v.asking()
	if r.State != flows.StatePending || !ok || s.Self || !v.mine() && !r.Asks(v.card) {
		return ""
	}
	out := "*Why them:* " + trusted(s.Why)
	if !v.mine() {
		out = "*Why you:* " + trusted(s.Why)
	}
	if r.Route.Tainted || s.Fallback {
		out = ":information_source: " + out
	}
	if t := v.cat.Targets[r.Content.Target]; t != nil && t.StepUp && !v.mine() {
		out += "\n" + v.stepUp()
	}
	if r.Denials > 0 && !v.mine() {
		out += "\n:warning: The same was denied " + times(r.Denials) + " in the day before."
	}
	return out
}

// stepUp says where an approval counts.
func (v cardView) stepUp() string {
	where := "the console"
	if v.cat.Console != "" {
		where = "<" + v.cat.Console + "/requests/" + string(v.req.ID) + "|the console>"
	}
	return ":key: To approve this, sign in again at " + where + ": a click here alone does not count."
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// asking is the stage that asks this copy's reader, or else the current one.
func (v cardView) asking() (flows.Stage, bool) {
	r := &v.req
	current, ok := r.Current()
	if !ok || v.mine() {
		return current, ok
	}
	for i, s := range r.Route.Stages {
		if i <= r.Stage && asks(s, v.card, r.ID) {
			return s, true
		}
	}
	if fb := r.Route.Fallback; r.FallbackOpen && fb != nil && asks(*fb, v.card, r.ID) {
		return *fb, true
	}
	return current, true
}

// asks reports whether the copy was sent because of the stage.
func asks(s flows.Stage, c flows.Card, id flows.RequestID) bool {
	if s.Destination.Channel != "" {
		return c.To == "" && c.ID == flows.CardID(id, flows.CardApprover, s.Destination.Channel)
	}
	return c.To != "" && s.Has(c.To)
}

// footer names the request and its times, and says so where nothing is real.
func (v cardView) footer() string {
	r := &v.req
	parts := []string{"`" + r.ID.Short() + "`", "asked " + at(r.SubmittedAt)}
	if r.State.Undecided() {
		parts = append(parts, "lapses "+at(r.LapsesAt))
	}
	if f := v.cat.Flows[r.Content.Flow]; f != nil {
		parts = append(parts, escape(f.Label), "rules `"+short(f.Hash)+"`")
	}
	if v.cat.World == flows.WorldSimulated {
		parts = append(parts, simulated)
	}
	return strings.Join(parts, " · ")
}

func short(hash string) string {
	if len(hash) > 7 {
		return hash[:7]
	}
	return hash
}
