package store

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// traces keeps what questions are answered from (search.go): who had a part in the
// request, the incidents it belongs to, the words of its reasons. Rows are only
// written by the steps that can add to them.
func (p *change) traces(ctx context.Context, q queries) error {
	r := p.Request
	if r == nil {
		return nil
	}
	asked := r.Version == 1
	if asked || p.was.Incident != p.request.Incident {
		for _, row := range incidentRows(r) {
			if err := q.AddIncident(ctx, row); err != nil {
				return fmt.Errorf("keep the incident of %s: %w", r.ID, err)
			}
		}
	}
	if !asked && !p.byPerson() {
		return nil
	}
	for _, row := range peopleRows(r) {
		if err := q.AddPerson(ctx, row); err != nil {
			return fmt.Errorf("keep who had a part in %s: %w", r.ID, err)
		}
	}
	for _, row := range wordRows(r) {
		if row.Kind == wordsAsked && !asked { // it is there
			continue
		}
		if err := q.AddWords(ctx, row); err != nil {
			return fmt.Errorf("keep the reasons of %s to be found: %w", r.ID, err)
		}
	}
	return nil
}

// byPerson reports whether one of the steps may have been a person's: the engine's own
// give nobody a part.
func (p *change) byPerson() bool {
	for _, e := range p.Entries {
		switch flows.Verb(e.Verb) {
		case flows.VerbRoute, flows.VerbReroute, flows.VerbLapse, flows.VerbActivate, flows.VerbGranted, flows.VerbRevoked:
		default:
			return true
		}
	}
	return false
}

// incidentRows are the incidents that the request belongs to, or ever belonged to, as far
// as it knows itself.
func incidentRows(r *flows.Request) []postgresdb.AddIncidentParams {
	var rows []postgresdb.AddIncidentParams
	for _, ref := range r.Incidents() {
		rows = append(rows, postgresdb.AddIncidentParams{
			Incident: string(ref.ID), SubmittedAt: millis(r.SubmittedAt), Request: string(r.ID), Number: int64(max(ref.Number, 0)),
		})
	}
	return rows
}

// peopleRows are those who have a part in the request as it stands.
func peopleRows(r *flows.Request) []postgresdb.AddPersonParams {
	var rows []postgresdb.AddPersonParams
	for _, in := range r.Parts() {
		rows = append(rows, postgresdb.AddPersonParams{
			Request: string(r.ID), Person: string(in.Person), Roles: int64(in.Part), SubmittedAt: millis(r.SubmittedAt),
		})
	}
	return rows
}

// The reasons that words are looked for in.
const (
	wordsAsked  = "asked"
	wordsDenied = "denied"
	wordsEnded  = "ended"
)

// reason is a reason of a request that words are looked for in.
type reason struct {
	kind string
	by   flows.PersonID
	text flows.Text
}

// appendReasons appends the reasons that the request has.
func appendReasons(to []reason, r *flows.Request) []reason {
	add := func(kind string, by flows.PersonID, text flows.Text) {
		if !text.Empty() {
			to = append(to, reason{kind, by, text})
		}
	}
	add(wordsAsked, r.Content.Requester, r.Content.Reason)
	if r.State == flows.StateDenied {
		add(wordsDenied, r.DecidedBy, r.DenyWhy)
	}
	add(wordsEnded, r.EndedBy, r.EndWhy)
	return to
}

// wordRows are the reasons that the request has.
func wordRows(r *flows.Request) []postgresdb.AddWordsParams {
	var rows []postgresdb.AddWordsParams
	for _, w := range appendReasons(nil, r) {
		rows = append(rows, postgresdb.AddWordsParams{
			Request: string(r.ID), Kind: w.kind, Person: string(w.by), Text: searched(w.text.Raw()), SubmittedAt: millis(r.SubmittedAt),
		})
	}
	return rows
}

// searched is a text as it is kept and looked for: in lower case, words apart by one
// space, without the signs that LIKE reads as something else.
func searched(s string) string {
	s = plainSigns.Replace(strings.ToLower(s))
	return strings.Join(strings.Fields(s), " ")
}

var plainSigns = strings.NewReplacer("%", " ", "_", " ", `\`, " ", "\x00", " ")

// isSearched reports whether kept is searched(s), and makes nothing where s is plain ASCII.
func isSearched(kept []byte, s string) bool {
	n, apart := 0, false // of kept; a space comes before the next word
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			return string(kept) == searched(s)
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == ' ', '\t' <= c && c <= '\r', c == '%', c == '_', c == '\\', c == 0:
			apart = n > 0
			continue
		}
		if apart {
			if n == len(kept) || kept[n] != ' ' {
				return false
			}
			n, apart = n+1, false
		}
		if n == len(kept) || kept[n] != c {
			return false
		}
		n++
	}
	return n == len(kept)
}
