package store

import (
	"strings"

	"breakglass/flows"
)

// A request is found by rows beside it: who had a part in it, its incidents, the words of
// its reasons, where its review stands. Whoever takes one of them out hides the request from
// a list, and nothing that is signed changes. So they are held to what the request says,
// which is itself held to its entries: it has the rows that apply.go would write for it.

// trace is one of those rows.
type trace struct {
	list list
	key  string // the person, the incident, which reason, how the review stands
	n    int64  // the parts, the number of the incident, when the review is due
	at   int64  // when the request was submitted
	by   string // who gave the reason
	text string
}

// list is what a row is found in.
type list int

// The lists, by the order in which they are read.
const (
	people list = iota
	words
	looks
	incidents
)

// inWords is a list as it is spoken of, and its table.
var inWords = [...]struct{ say, table string }{
	people: {"lists by person", "request_people"}, words: {"searches for words", "request_words"},
	looks: {"lists of reviews", "reviews"}, incidents: {"lists by incident", "request_incidents"},
}

// tracesOf are the rows that apply.go would write for a request as it stands.
func tracesOf(r *flows.Request) []trace {
	out := make([]trace, 0, 6)
	for _, row := range peopleRows(r) {
		out = append(out, trace{list: people, key: row.Person, n: row.Roles, at: row.SubmittedAt})
	}
	for _, row := range wordRows(r) {
		out = append(out, trace{list: words, key: row.Kind, at: row.SubmittedAt, by: row.Person, text: row.Text})
	}
	if is := r.ReviewIs(); is != flows.ReviewNone {
		out = append(out, trace{list: looks, key: string(is), n: millis(r.Review.DueAt), at: millis(r.SubmittedAt)})
	}
	for _, row := range incidentRows(r) {
		out = append(out, trace{list: incidents, key: row.Incident, n: row.Number, at: row.SubmittedAt})
	}
	return out
}

// find is the place of a row in the same list under the same key; -1: there is none.
func find(all []trace, t *trace) int {
	for i := range all {
		if all[i].list == t.list && all[i].key == t.key {
			return i
		}
	}
	return -1
}

// misfit says where rows are not those that are wanted; empty where they are. Nobody is
// named: it is recorded in the open.
func misfit(want, have []trace) string {
	for i := range want {
		switch at := find(have, &want[i]); {
		case at < 0:
			return want[i].missing()
		case have[at] != want[i]:
			return have[at].changed()
		}
	}
	for i := range have {
		if find(want, &have[i]) < 0 {
			return have[i].added()
		}
	}
	return ""
}

func (t *trace) in(what string) string {
	return inWords[t.list].say + " " + what + " (table " + inWords[t.list].table + ")"
}

func (t *trace) missing() string {
	switch t.list {
	case words:
		return t.in("do not find it by why it was " + t.key)
	case people:
		return t.in("leave it out for somebody who had a part in it")
	case looks:
		return t.in("do not show it as " + t.key)
	}
	return t.in("leave it out")
}

func (t *trace) changed() string {
	if t.list == words {
		return t.in("find it by other words than why it was " + t.key)
	}
	return t.in("show it as something else than it is")
}

func (t *trace) added() string {
	switch t.list {
	case words:
		return t.in("find it by words that nobody gave as a reason")
	case people:
		return t.in("show it for somebody who had no part in it")
	case looks:
		return t.in("show it as " + t.key + ", which it is not")
	}
	return t.in("show it for an incident that it was never for")
}

// erasedID reports whether an id was made up when a person was erased.
func erasedID(id string) bool { return strings.HasPrefix(id, "erased/") }

// showsNone is what is wrong with the rows of a request that there is not.
const showsNone = "show it, and there is no such request"
