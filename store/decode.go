package store

import (
	"encoding"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// quickRequest reads a request as encodeRequest wrote it, in a fraction of the time of
// encoding/json: an export of millions is little else. It knows the fields that nearly
// every request has and leaves the others to encoding/json one by one. What it does not
// expect at all is false, and then the whole is encoding/json's. Strings are parts of doc.
func quickRequest(doc string, r *flows.Request) (ok bool) { return quickly(doc, r, nil) }

// quickly is quickRequest; the route is read into the room for one, if there is one.
func quickly(doc string, r *flows.Request, room *routeRoom) (ok bool) {
	in := docReader{b: doc, ok: true, room: room}
	in.object(func(key string) {
		if !in.identity(r, key) && !in.course(r, key) && !in.ending(r, key) {
			in.ok = false
		}
	})
	return in.ok && in.i == len(in.b)
}

func (in *docReader) identity(r *flows.Request, key string) bool {
	switch key {
	case "ID":
		named(in, &r.ID)
	case "Version":
		in.number(&r.Version)
	case "Content":
		in.content(&r.Content)
	case "Hash":
		named(in, &r.Hash)
	case "State":
		named(in, &r.State)
	case "EndsAs":
		named(in, &r.EndsAs)
	case "SubmittedAt":
		in.time(&r.SubmittedAt)
	case "Door":
		named(in, &r.Door)
	case "View":
		named(in, &r.View)
	case "Chain":
		in.object(func(key string) {
			switch key {
			case "Len":
				in.number(&r.Chain.Len)
			case "Hash":
				named(in, &r.Chain.Hash)
			default:
				in.ok = false
			}
		})
	default:
		return false
	}
	return true
}

func (in *docReader) course(r *flows.Request, key string) bool {
	switch key {
	case "StageSince":
		in.time(&r.StageSince)
	case "FallbackOpen":
		in.bool(&r.FallbackOpen)
	case "Reminded":
		in.bool(&r.Reminded)
	case "LapsesAt":
		in.time(&r.LapsesAt)
	case "Votes":
		in.votes(&r.Votes)
	case "DecidedAt":
		in.time(&r.DecidedAt)
	case "DecidedBy":
		named(in, &r.DecidedBy)
	case "SelfMade":
		in.bool(&r.SelfMade)
	case "DenyWhy":
		in.text(&r.DenyWhy)
	case "Route":
		in.route(&r.Route)
	case "Stage":
		in.rest(&r.Stage)
	case "Denials":
		in.rest(&r.Denials)
	case "Proof":
		in.proof(&r.Proof)
	default:
		return false
	}
	return true
}

func (in *docReader) ending(r *flows.Request, key string) bool {
	switch key {
	case "Means":
		named(in, &r.Means)
	case "GrantBy":
		in.time(&r.GrantBy)
	case "LatestEnd":
		in.time(&r.LatestEnd)
	case "GrantedAt":
		in.time(&r.GrantedAt)
	case "EndsAt":
		in.time(&r.EndsAt)
	case "EndCause":
		named(in, &r.EndCause)
	case "EndedBy":
		named(in, &r.EndedBy)
	case "EndWhy":
		in.text(&r.EndWhy)
	case "EndedAt":
		in.time(&r.EndedAt)
	case "StillThrough":
		named(in, &r.StillThrough)
	case "Overdue":
		in.bool(&r.Overdue)
	case "Receipt":
		named(in, &r.Receipt)
	case "Fault":
		named(in, &r.Fault)
	case "IncidentDark":
		in.time(&r.IncidentDark)
	case "IncidentGone":
		in.time(&r.IncidentGone)
	case "Opened":
		in.incident(&r.Opened)
	case "MovedTo":
		named(in, &r.MovedTo)
	case "IncidentSeen":
		in.seen(&r.IncidentSeen)
	case "IncidentChanges":
		in.number(&r.IncidentChanges)
	case "Review":
		in.rest(&r.Review)
	default:
		return false
	}
	return true
}

func (in *docReader) content(c *flows.Content) {
	in.object(func(key string) {
		switch key {
		case "Flow":
			named(in, &c.Flow)
		case "Target":
			named(in, &c.Target)
		case "Scope":
			named(in, &c.Scope)
		case "Requester":
			named(in, &c.Requester)
		case "Beneficiary":
			named(in, &c.Beneficiary)
		case "Duration":
			in.number((*int64)(&c.Duration))
		case "Reason":
			in.text(&c.Reason)
		case "Incident":
			in.incident(&c.Incident)
		case "Fields":
			in.fields(&c.Fields)
		default:
			in.ok = false
		}
	})
}

func (in *docReader) incident(ref *flows.IncidentRef) {
	in.object(func(key string) {
		switch key {
		case "ID":
			named(in, &ref.ID)
		case "Number":
			var n int64
			in.number(&n)
			ref.Number = int(n)
		case "Title":
			in.text(&ref.Title)
		case "URL":
			named(in, &ref.URL)
		default:
			in.ok = false
		}
	})
}

func (in *docReader) votes(votes *[]flows.Vote) {
	if !in.at('[') {
		in.rest(votes) // null
		return
	}
	*votes = []flows.Vote{}
	for in.ok && !in.at(']') {
		if len(*votes) > 0 && !in.at(',') {
			in.ok = false
		}
		var v flows.Vote
		in.object(func(key string) {
			switch key {
			case "By":
				named(in, &v.By)
			case "At":
				in.time(&v.At)
			case "Door":
				named(in, &v.Door)
			case "Hash":
				named(in, &v.Hash)
			case "Note":
				in.text(&v.Note)
			default:
				in.ok = false
			}
		})
		*votes = append(*votes, v)
	}
}

// docReader walks JSON without spaces. ok turns false at what it does not expect.
type docReader struct {
	b    string
	i    int
	ok   bool
	room *routeRoom // nil: routes are made
}

func (in *docReader) at(c byte) bool {
	if in.i < len(in.b) && in.b[in.i] == c {
		in.i++
		return true
	}
	return false
}

// object reads an object; member reads the value of each key.
func (in *docReader) object(member func(key string)) {
	in.ok = in.ok && in.at('{')
	for first := true; in.ok && !in.at('}'); first = false {
		if !first && !in.at(',') {
			in.ok = false
		}
		key, ordinary := in.ordinary()
		if in.ok = in.ok && ordinary && key != "" && in.at(':'); in.ok {
			member(key)
		}
	}
}

// ordinary is a string of ordinary signs only; where another comes next, nothing is read.
func (in *docReader) ordinary() (string, bool) {
	if in.i >= len(in.b) || in.b[in.i] != '"' {
		return "", false
	}
	start := in.i + 1
	for i := start; i < len(in.b); i++ {
		switch c := in.b[i]; {
		case c == '"':
			in.i = i + 1
			return in.b[start:i], true
		case c == '\\' || c < ' ' || c > '~':
			return "", false
		}
	}
	return "", false
}

// quoted is a string as it stands there, quotes and all.
func (in *docReader) quoted() string {
	start := in.i
	if !in.at('"') {
		in.ok = false
		return ""
	}
	for ; in.i < len(in.b); in.i++ {
		switch in.b[in.i] {
		case '\\':
			in.i++
		case '"':
			in.i++
			return in.b[start:in.i]
		}
	}
	in.ok = false
	return ""
}

// named reads a string of ordinary signs itself, another by encoding/json.
func named[T ~string](in *docReader, into *T) {
	if s, ordinary := in.ordinary(); ordinary {
		*into = T(s)
		return
	}
	raw := in.quoted()
	if s, ok := unquoted(raw); ok {
		*into = T(s)
		return
	}
	var s string
	in.ok = in.ok && json.Unmarshal([]byte(raw), &s) == nil
	*into = T(s)
}

func (in *docReader) text(into *flows.Text) {
	var s string
	named(in, &s)
	*into = flows.NewText(s)
}

func (in *docReader) time(into *time.Time) {
	raw, ordinary := in.ordinary()
	switch n := len(raw); {
	case !ordinary:
		in.ok = false
	case n > 19 && raw[13] == ':' && raw[19] != ',' && raw[n-1] == 'Z': // where the two read the same
		at, err := time.Parse(time.RFC3339, raw)
		*into, in.ok = at, in.ok && err == nil
	default:
		in.ok = in.ok && encoding.TextUnmarshaler(into).UnmarshalText([]byte(raw)) == nil
	}
}

func (in *docReader) number(into *int64) {
	raw := in.value()
	n, err := strconv.ParseInt(raw, 10, 64)
	digits := strings.TrimPrefix(raw, "-")
	in.ok = in.ok && err == nil && digits[0] != '+' && (digits[0] != '0' || digits == "0") // as JSON has them
	*into = n
}

func (in *docReader) bool(into *bool) {
	switch in.value() {
	case "true":
		*into = true
	case "false":
		*into = false
	default:
		in.ok = false
	}
}

// rest reads any value by encoding/json.
func (in *docReader) rest(into any) {
	raw := in.value()
	in.ok = in.ok && json.Unmarshal([]byte(raw), into) == nil
}

// value is a value as it stands there.
func (in *docReader) value() string {
	start, depth := in.i, 0
	for in.ok && in.i < len(in.b) {
		switch in.b[in.i] {
		case '"':
			in.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return in.b[start:in.i]
			}
			depth--
		case ',':
			if depth == 0 {
				return in.b[start:in.i]
			}
		}
		in.i++
	}
	in.ok = false
	return ""
}

// seen reads how an incident was.
func (in *docReader) seen(s *flows.IncidentState) {
	in.object(func(key string) {
		switch key {
		case "Status":
			named(in, &s.Status)
		case "Urgency":
			named(in, &s.Urgency)
		case "Service":
			named(in, &s.Service)
		case "Title":
			named(in, &s.Title)
		case "Assignees":
			named(in, &s.Assignees)
		case "Priority":
			named(in, &s.Priority)
		default:
			in.ok = false
		}
	})
}
