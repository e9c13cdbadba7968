package history

import (
	"context"
	"errors"

	"breakglass/flows"
	"breakglass/flows/audit/query"
)

// Asker is who looks, through which door. With All they see everything, otherwise what
// they had a part in.
type Asker struct {
	Person flows.PersonID // empty: the owner of the process, who could read the database
	All    bool
	Door   flows.Door
	Trace  string
	From   string // the network address, where there is one
}

// ErrNobody says that it is not known who asks; nothing is shown then.
var ErrNobody = errors.New("it is not known who asks, so nothing is shown")

// Narrow is the search with what the asker may see.
func (a Asker) Narrow(f flows.Search) (flows.Search, error) {
	switch {
	case a.All:
		f.Viewer = ""
	case a.Person == "":
		return f, ErrNobody
	default:
		f.Viewer = a.Person
	}
	return f, nil
}

// SeesAll reports whether a person is an auditor or an admin, by the roles of the
// configuration. A group that cannot be read makes nobody one.
func SeesAll(ctx context.Context, dir flows.Directory, cat *flows.Catalog, p flows.PersonID) bool {
	for _, roles := range [...][]flows.Principal{cat.Auditors, cat.Admins} {
		for _, ref := range roles {
			if ref.IsUser() {
				if flows.Person(cat.Team, string(ref)) == p {
					return true
				}
				continue
			}
			members, err := dir.Members(ctx, []flows.Principal{ref})
			for _, m := range members {
				if err == nil && m == p {
					return true
				}
			}
		}
	}
	return false
}

// What was looked at.
const (
	LookList     = "list"
	LookRequest  = "request"
	LookTimeline = "timeline"
	LookExport   = "export"
	LookCharts   = "charts"
	LookSample   = "sample" // for an auditor's evidence; Form holds the seed
)

// Look is one look at the record.
type Look struct {
	What    string
	Form    string // of an export
	Search  flows.Search
	Request flows.RequestID // of LookRequest
	Onward  bool            // a later page of an answer
}

// Entry is the audit entry about a look: who saw what. The people and the words that
// were asked for stand in it as commitments.
func (l Look) Entry(a Asker) flows.Entry {
	people := make([]any, 0, len(l.Search.People))
	for _, in := range l.Search.People {
		people = append(people, map[string]any{"part": int64(in.Part), "person": flows.Personal{About: in.Person, Value: string(in.Person)}})
	}
	words := make([]any, 0, len(l.Search.Words))
	for _, w := range l.Search.Words {
		words = append(words, flows.Personal{About: a.Person, Value: w})
	}
	f := l.Search
	f.People, f.Words = nil, nil
	facts := map[string]any{
		"what": l.What, "query": query.Write(f), "people": people, "words": words, "everything": a.All, "after": query.Cursor(f.After),
	}
	if l.Form != "" {
		facts["form"] = l.Form
	}
	if l.Request != "" {
		facts["request"] = string(l.Request)
	}
	return flows.Entry{Verb: "audit_read", Actor: flows.Actor{Person: a.Person, Door: a.Door, Trace: a.Trace, Visit: flows.Visit{From: a.From}}, Facts: facts}
}
