// Package query is the language in which people ask about the past: one parser for
// Slack, the command line and HTTP. README.md describes it for those who type it. It
// imports flows, reads nothing and knows no database: a question becomes a
// flows.Search, a mistake an Error that says what to write instead.
//
// Read first: README.md, then query.go (words to filters), token.go (text to words),
// when.go (times), write.go (a search back to text).
package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// WordsWithin is how far back words are looked for where no time and no incident is
// named: they have no index.
const WordsWithin = 90 * 24 * time.Hour

// maxQuery bounds what is read.
const maxQuery = 1000

// Options are what a question is read with.
type Options struct {
	Now time.Time
	// Me is who asks, for "me"; empty where nobody has a name.
	Me flows.PersonID
	// Person finds the person that somebody typed: a name without its @, a Slack user
	// id, or TEAM/USER. Its error is shown to who asked.
	Person func(typed string) (flows.PersonID, error)
}

// Query is a question as understood.
type Query struct {
	flows.Search
	// Narrowed says that the time was bounded because words were asked for without one.
	Narrowed bool
}

// Error says what in a question was not understood, and what to write instead.
type Error struct {
	What string // a sentence
	Hint string // a sentence
}

// Error is both sentences.
func (e *Error) Error() string { return e.What + " " + e.Hint }

func wrong(hint, format string, args ...any) *Error {
	return &Error{What: fmt.Sprintf(format, args...), Hint: hint}
}

// Parse reads a question. The empty question asks for everything. What is wrong is an
// *Error.
func Parse(text string, o Options) (Query, error) {
	if len(text) > maxQuery {
		return Query{}, wrong("Ask for less at once.", "The question is longer than %d characters.", maxQuery)
	}
	words, err := tokens(text)
	if err != nil {
		return Query{}, err
	}
	p := parser{o: o, words: words}
	for len(p.words) > 0 {
		if err := p.next(); err != nil {
			return Query{}, err
		}
	}
	return p.finish()
}

// parser is one reading.
type parser struct {
	o     Options
	words []token
	q     Query
}

// usage is the hint for what is not understood at all.
const usage = `Write for example: incident 4711, @dana last 30d, target:prod_db outcome:denied, "stuck payouts".`

// next reads one filter.
func (p *parser) next() error {
	t := p.words[0]
	p.words = p.words[1:]
	switch {
	case t.quoted:
		return p.text(t.value)
	case t.key != "":
		return p.filter(t.key, t.value)
	case strings.HasPrefix(t.value, "#"):
		return p.filter("incident", t.value)
	case strings.HasPrefix(t.value, "@"), strings.HasPrefix(t.value, "<@"), t.value == "me":
		return p.filter("person", t.value)
	}
	word := strings.ToLower(t.value)
	if _, is := filters[word]; is {
		if len(p.words) == 0 || p.words[0].key != "" {
			return wrong(examples[word], "%q needs a value.", word)
		}
		value := p.words[0].value
		p.words = p.words[1:]
		return p.filter(word, value)
	}
	switch _, outcome := outcomes[word]; {
	case outcome:
		return p.filter("outcome", word)
	case word == "reviewed", word == "unreviewed", word == "to-review":
		return p.filter("review", word)
	case word == "today":
		return p.filter("since", p.o.Now.UTC().Format(time.DateOnly))
	}
	return wrong(p.suggest(word), "%q is not understood.", t.value)
}

// suggest is the hint for a word that means nothing.
func (p *parser) suggest(word string) string {
	known := []string{"today", "me", "reviewed", "unreviewed"}
	for f := range filters {
		known = append(known, f)
	}
	for o := range outcomes {
		known = append(known, o)
	}
	if near := nearest(word, known); near != "" {
		return "Did you mean " + near + "?"
	}
	return "Words to look for in reasons stand in quotes. " + usage
}

// filters are the names of filters and what reads their values.
var filters = map[string]func(*parser, string) error{
	"incident": (*parser).incident,
	"target": func(p *parser, v string) error {
		return name(&p.q.Target, "target", v)
	},
	"flow": func(p *parser, v string) error {
		return name(&p.q.Flow, "flow", v)
	},
	"outcome": (*parser).outcome, "state": (*parser).outcome, "is": (*parser).outcome,
	"review": (*parser).review,
	"last":   (*parser).last, "since": (*parser).since, "until": (*parser).until,
	"reason": (*parser).text,
	"person": part(flows.AnyPart), "by": part(flows.PartRequester), "for": part(flows.PartHolder),
	"approved-by": part(flows.PartApprover), "denied-by": part(flows.PartDenier), "ended-by": part(flows.PartEnder),
	"decided-by": part(flows.PartApprover | flows.PartDenier),
}

// examples are the hints about values.
var examples = map[string]string{
	"incident": "Write its number or its id, or that there is none: incident 4711, incident:none.", "target": "Write target:prod_db.", "flow": "Write flow:prod.",
	"outcome": outcomeHint, "state": outcomeHint, "is": outcomeHint, "review": reviewHint, "last": timeHint, "since": timeHint, "until": timeHint,
	"reason": `Write reason:"stuck payouts".`, "person": personHint, "by": personHint, "for": personHint, "approved-by": personHint,
	"denied-by": personHint, "ended-by": personHint, "decided-by": personHint,
}

const (
	personHint  = "Write a person: @dana, or me."
	outcomeHint = "Write one of open, granted, denied, lapsed, cancelled, failed, active, ended."
	reviewHint  = "Write review:open or review:closed."
	timeHint    = "Write last 30d, since:2026-01-01 or until:2026-03."
)

// filter reads a filter by its name.
func (p *parser) filter(key, value string) error {
	read, is := filters[key]
	switch {
	case !is:
		var known []string
		for f := range filters {
			known = append(known, f)
		}
		hint := usage
		if near := nearest(key, known); near != "" {
			hint = "Did you mean " + near + ":" + value + "?"
		}
		return wrong(hint, "There is no filter %q.", key)
	case value == "":
		return wrong(examples[key], "%q needs a value.", key)
	}
	return read(p, value)
}

// name sets a filter that names one thing.
func name[T ~string](into *T, what, value string) error {
	if *into != "" && *into != T(value) {
		return wrong("Ask twice.", "A request has one %s, and %q and %q are two.", what, string(*into), value)
	}
	*into = T(value)
	return nil
}

func (p *parser) incident(v string) error {
	v = strings.TrimPrefix(v, "#")
	n, err := strconv.Atoi(v)
	none := strings.EqualFold(v, flows.NoIncident)
	switch {
	case p.q.Bare && !none, none && (p.q.Number != 0 || p.q.Incident != ""):
		return wrong("Ask twice.", "A request belongs to an incident or to none, not both.")
	case none:
		p.q.Bare = true
		return nil
	case err == nil && n > 0:
		if p.q.Number != 0 && p.q.Number != n || p.q.Incident != "" {
			return wrong("Ask once for each.", "Only one incident can be asked for at a time.")
		}
		p.q.Number = n
		return nil
	case p.q.Number != 0:
		return wrong("Ask once for each.", "Only one incident can be asked for at a time.")
	case !incidentID(strings.ToUpper(v)):
		return wrong(examples["incident"], "%q is neither the number nor the id of an incident.", v)
	}
	return name(&p.q.Incident, "incident", strings.ToUpper(v))
}

// incidentID reports whether s could be PagerDuty's id of an incident.
func incidentID(s string) bool {
	letters := strings.Trim(s, "0123456789")
	return s != "" && len(s) <= 20 && letters != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// part reads a person who had one of the parts.
func part(parts flows.Part) func(*parser, string) error {
	return func(p *parser, v string) error {
		who, err := p.person(v)
		if err != nil {
			return err
		}
		in := flows.Involved{Person: who, Part: parts}
		if slices.Contains(p.q.People, in) {
			return nil
		}
		if len(p.q.People) == flows.MaxSearchPeople {
			return wrong("Leave one out.", "At most %d people can be asked for at a time.", flows.MaxSearchPeople)
		}
		p.q.People = append(p.q.People, in)
		return nil
	}
}

func (p *parser) person(v string) (flows.PersonID, error) {
	if v == "me" {
		if p.o.Me == "" {
			return "", wrong("Write a name: @dana.", "Nobody has signed in here, so it is not known who \"me\" is.")
		}
		return p.o.Me, nil
	}
	if id, ok := strings.CutPrefix(v, "<@"); ok { // as Slack writes a mention
		v, _, _ = strings.Cut(strings.TrimSuffix(id, ">"), "|")
	}
	v = strings.TrimPrefix(v, "@")
	if v == "" || p.o.Person == nil {
		return "", wrong(personHint, "A name is missing.")
	}
	who, err := p.o.Person(v)
	if err != nil {
		return "", wrong(personHint, "%v.", strings.TrimSuffix(err.Error(), "."))
	}
	return who, nil
}

// outcomes are what became of a request, as states.
var outcomes = map[string][]flows.State{
	"open":     {flows.StateSubmitted, flows.StatePending},
	"granted":  {flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding, flows.StateEnded},
	"approved": {flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding, flows.StateEnded},
	"live":     {flows.StateGranting, flows.StateActive, flows.StateEnding},
	"denied":   {flows.StateDenied}, "lapsed": {flows.StateLapsed}, "cancelled": {flows.StateCancelled}, "failed": {flows.StateFailed},
	"active": {flows.StateActive}, "ended": {flows.StateEnded}, "pending": {flows.StatePending}, "submitted": {flows.StateSubmitted},
	"granting": {flows.StateGranting}, "ending": {flows.StateEnding}, "withdrawn": {flows.StateCancelled}, "expired": {flows.StateLapsed},
}

func (p *parser) outcome(v string) error {
	if len(p.q.States) > 0 {
		return wrong("Write several with commas: outcome:denied,lapsed.", "The outcome is asked for twice.")
	}
	for o := range strings.SplitSeq(strings.ToLower(v), ",") {
		states, is := outcomes[o]
		if !is {
			return wrong(outcomeHint, "%q is no outcome.", o)
		}
		for _, st := range states {
			if !slices.Contains(p.q.States, st) {
				p.q.States = append(p.q.States, st)
			}
		}
	}
	return nil
}

// reviews are where a review of access after it ended stands.
var reviews = map[string]flows.ReviewState{
	"open": flows.ReviewOpen, "unreviewed": flows.ReviewOpen, "to-review": flows.ReviewOpen, "due": flows.ReviewOpen,
	"closed": flows.ReviewClosed, "reviewed": flows.ReviewClosed, "done": flows.ReviewClosed,
}

func (p *parser) review(v string) error {
	is := reviews[strings.ToLower(v)]
	switch {
	case is == flows.ReviewNone:
		return wrong(reviewHint, "%q is not where a review stands.", v)
	case p.q.Review != flows.ReviewNone && p.q.Review != is:
		return wrong("Ask twice.", "A review is open or closed, not both.")
	}
	p.q.Review = is
	return nil
}

// text reads words to look for in reasons.
func (p *parser) text(v string) error {
	v = strings.Join(strings.Fields(v), " ")
	switch {
	case len([]rune(v)) < 3:
		return wrong("Write at least three letters.", "%q is too short to look for.", v)
	case len(p.q.Words) == flows.MaxSearchWords:
		return wrong("Leave one out.", "At most %d texts can be looked for at a time.", flows.MaxSearchWords)
	}
	p.q.Words = append(p.q.Words, v)
	return nil
}

// finish checks what only the whole can say.
func (p *parser) finish() (Query, error) {
	q := p.q
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return Query{}, wrong(timeHint, "The time asked for ends before it begins.")
	}
	if len(q.Words) > 0 && q.Since.IsZero() && q.Incident == "" && q.Number == 0 {
		from := p.o.Now
		if !q.Until.IsZero() && q.Until.Before(from) {
			from = q.Until
		}
		q.Since, q.Narrowed = from.Add(-WordsWithin).Truncate(time.Millisecond), true
	}
	return q, nil
}
