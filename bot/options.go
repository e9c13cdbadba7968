package bot

import (
	"context"
	"net/http"
	"strings"
	"time"

	"breakglass/flows"
)

// optionsWithin bounds what a list of options waits for; Slack gives up after 3 s.
const optionsWithin = 2 * time.Second

// mostOptions is how many options Slack takes in one answer.
const mostOptions = 100

// Options answers POST /slack/options: what to pick from, as the person types.
func (b *Bot) Options(w http.ResponseWriter, r *http.Request) {
	if p, ok := b.interaction(w, r); ok {
		b.suggest(w, r, p)
	}
}

// optionJSON and groupJSON are Slack's, written here because an empty list must be
// there as one.
type optionJSON struct {
	Text  textJSON `json:"text"`
	Value string   `json:"value"`
}

type textJSON struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type groupJSON struct {
	Label   textJSON     `json:"label"`
	Options []optionJSON `json:"options"`
}

func plainJSON(s string) textJSON { return textJSON{Type: "plain_text", Text: cut(s, maxOption)} }

func (b *Bot) suggest(w http.ResponseWriter, r *http.Request, p *interaction) {
	ctx, cancel := context.WithTimeout(r.Context(), optionsWithin)
	defer cancel()
	var groups []groupJSON
	query := strings.TrimSpace(p.Value)
	switch p.ActionID {
	case askTarget:
		groups = b.targetOptions(ctx, b.person(p.User), query)
	case askIncident:
		groups = b.incidentOptions(ctx, b.person(p.User), p.BlockID, query)
	}
	if len(groups) == 0 {
		writeJSON(w, map[string]any{"options": []optionJSON{}})
		return
	}
	writeJSON(w, map[string]any{"option_groups": groups})
}

// targetOptions lists what the person may ask for, by flow.
func (b *Bot) targetOptions(ctx context.Context, who flows.PersonID, query string) []groupJSON {
	allowed, _ := b.asks.allowed(ctx, b.o.Catalog(), who)
	var l lister
	for _, o := range allowed {
		if fits(query, o.label(), string(o.target.ID), o.flow.Label) {
			l.add(o.flow.Label, o.label(), o.value())
		}
	}
	return l.groups
}

// incidentOptions lists that there is none, then the person's own incidents first, acknowledged before the
// others. What is typed as a number, id or address is looked up if it is not listed.
func (b *Bot) incidentOptions(ctx context.Context, who flows.PersonID, block, query string) []groupJSON {
	var l lister
	noneOption(&l, block, query)
	mine, _ := b.open.mine(ctx, b.o.Catalog(), who)
	all, _ := b.open.list(ctx, "")
	for _, i := range mine {
		if fits(query, incidentLabel(i), string(i.ID), i.Service) {
			l.add("Yours", incidentLabel(i), string(i.ID))
		}
	}
	for _, i := range acknowledgedFirst(all) {
		if fits(query, incidentLabel(i), string(i.ID), i.Service) {
			l.add("Open incidents", incidentLabel(i), string(i.ID))
		}
	}
	if ref, ok := incidentIn(query); ok && len(l.groups) == 0 {
		if i, err := b.o.Incidents.Incident(ctx, ref); err == nil {
			l.add("Found", incidentLabel(i), string(i.ID))
		}
	}
	return l.groups
}

// lister collects options in groups, each value once, at most what Slack takes.
type lister struct {
	groups []groupJSON
	seen   map[string]bool
}

func (l *lister) add(group, label, value string) {
	if l.seen[value] || len(l.seen) == mostOptions {
		return
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[value] = true
	if group == "" {
		group = "Other"
	}
	for i := range l.groups {
		if l.groups[i].Label.Text == cut(group, maxOption) {
			l.groups[i].Options = append(l.groups[i].Options, optionJSON{Text: plainJSON(label), Value: value})
			return
		}
	}
	l.groups = append(l.groups, groupJSON{Label: plainJSON(group), Options: []optionJSON{{Text: plainJSON(label), Value: value}}})
}

// fits reports whether all words of the query are in one of the names, as parts of
// it or as letters in order.
func fits(query string, names ...string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(query)) {
		found := false
		for _, n := range names {
			n = strings.ToLower(n)
			found = found || strings.Contains(n, word) || len(word) >= 3 && inOrder(word, n)
		}
		if !found {
			return false
		}
	}
	return true
}

// inOrder reports whether the letters of word are in s in this order.
func inOrder(word, s string) bool {
	for _, c := range word {
		i := strings.IndexRune(s, c)
		if i < 0 {
			return false
		}
		s = s[i+len(string(c)):]
	}
	return true
}
