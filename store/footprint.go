package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/pack"
	"breakglass/store/internal/postgresdb"
)

// How much is looked through at once: each part is a question of its own, so that
// nobody waits for an erasure, neither who writes nor who tidies up.
const (
	entriesLooked  = 10_000
	requestsLooked = 2_000
	payloadsLooked = 2_000
)

// lookAgain bounds how often what came during a look is looked at as well. Each time
// that is less; the rest is seen by the erasure itself.
const lookAgain = 4

// handledLate is how much later than the clock says a payload's handling may turn up:
// replicas have clocks of their own, and commits take their time.
const handledLate = 10 * time.Minute

// naming finds a person in what is stored: their whole id, and that of the Slack user
// by itself, as it stands in what people type and in what handlers are told.
type naming struct {
	person  flows.PersonID
	pattern string // for LIKE: finds too much
	exact   *regexp.Regexp
}

func newNaming(p flows.PersonID) naming {
	user := p.User()
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(user)
	whole := `(?i)(\b` + regexp.QuoteMeta(p.Team()) + `/)?\b` + regexp.QuoteMeta(user) + `\b`
	return naming{person: p, pattern: "%" + like + "%", exact: regexp.MustCompile(whole)}
}

func (n naming) in(s string) bool { return n.exact.MatchString(s) }

// replaced is a text with the made-up id in place of the person's.
func (n naming) replaced(s string, pseudonym flows.PersonID) string {
	return n.exact.ReplaceAllLiteralString(s, string(pseudonym))
}

func (n naming) opening(o postgresdb.OpeningsNamingRow) bool {
	return o.Person == string(n.person) || n.in(o.Value)
}

// packed are those about the person, or that name them, among openings that are packed
// together.
func (n naming) packed(rows []postgresdb.PackedOpeningsBetweenRow) (found []postgresdb.OpeningsNamingRow, err error) {
	var u pack.Unpacker
	for _, r := range rows {
		all, err := u.Each(r.Doc)
		if err != nil {
			return nil, fmt.Errorf("%w: the openings of entry %d of chain %s cannot be read: %w", ErrDamaged, r.Seq, r.Chain, err)
		}
		for i := range all {
			o := &all[i]
			if string(o.About()) != string(n.person) && !n.exact.Match(o.Value()) {
				continue
			}
			found = append(found, postgresdb.OpeningsNamingRow{
				Entry: r.Entry, Path: string(o.Path()), Person: string(o.About()), Value: string(o.Value()), Chain: r.Chain, Seq: r.Seq, At: r.At,
			})
		}
	}
	return found, nil
}

func (n naming) request(r postgresdb.RequestsNamingRow) bool {
	return r.Requester == string(n.person) || r.Beneficiary == string(n.person) || n.inJSON(r.Doc)
}

// inJSON is in for the strings of a JSON value.
func (n naming) inJSON(doc string) (found bool) {
	_, err := eachString(doc, func(s string) string { found = found || n.in(s); return s })
	return found || err != nil && n.in(doc)
}

// eachString is a JSON value with each of its strings as f makes it.
func eachString(doc string, f func(string) string) (string, error) {
	var v any
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("decode what is stored: %w", err)
	}
	b, err := json.Marshal(mapped(v, f))
	return string(b), err
}

func mapped(v any, f func(string) string) any {
	switch x := v.(type) {
	case string:
		return f(x)
	case []any:
		for i := range x {
			x[i] = mapped(x[i], f)
		}
	case map[string]any:
		for k := range x {
			x[k] = mapped(x[k], f)
		}
	}
	return v
}

// Footprint reads what is kept about a person; own is the key of a job to leave out.
// What is written meanwhile is looked at afterwards, by the order of commits, and what
// comes later than that by Erase.
func (s *Store) Footprint(ctx context.Context, p flows.PersonID, own string) (flows.Footprint, error) {
	if p.User() == "" || p.Team() == "" {
		return flows.Footprint{}, fmt.Errorf("read what is kept about a person: %q is nobody's id", p)
	}
	l := &look{
		naming: newNaming(p), ask: s.tx.snapshot, own: own, handled: millis(s.now().Add(-handledLate)),
		openings: map[place]postgresdb.OpeningsNamingRow{}, requests: map[string]postgresdb.RequestsNamingRow{},
		words: map[flows.WordsRef]bool{}, payloads: map[string]bool{},
	}
	for _, step := range []func(context.Context) error{l.begin, l.entries, l.rows, l.inbox, l.since, l.waiting} {
		if err := step(ctx); err != nil {
			return flows.Footprint{}, fmt.Errorf("read what is kept about a person: %w", err)
		}
	}
	return l.footprint(), nil
}

// look is one look at everything.
type look struct {
	naming
	ask     func(context.Context, func(context.Context, queries) error) error
	own     string
	mark    int64 // what was committed before is looked at
	newest  int64 // the id of the newest entry when it began
	jobs    int64
	handled int64

	openings map[place]postgresdb.OpeningsNamingRow
	requests map[string]postgresdb.RequestsNamingRow // without the documents
	words    map[flows.WordsRef]bool
	payloads map[string]bool
	pending  int
}

// place is where an opening lies.
type place struct {
	entry int64
	path  string
}

// begin notes what there is. The mark comes first: what it passes is there for each
// question after it.
func (l *look) begin(ctx context.Context) error {
	return l.ask(ctx, func(ctx context.Context, q queries) (err error) {
		if l.mark, err = q.LookMark(ctx); err != nil {
			return err
		}
		if l.newest, err = q.LastEntry(ctx); err != nil {
			return err
		}
		l.jobs, err = q.LastJob(ctx)
		return err
	})
}

// entries looks through the openings of all entries.
func (l *look) entries(ctx context.Context) error {
	for after := int64(0); after < l.newest; after += entriesLooked {
		err := l.ask(ctx, func(ctx context.Context, q queries) error {
			rows, err := q.OpeningsNaming(ctx, postgresdb.OpeningsNamingParams{
				After: after, Upto: min(after+entriesLooked, l.newest), Person: string(l.person), Pattern: l.pattern,
			})
			if err != nil {
				return err
			}
			packed, err := q.PackedOpeningsBetween(ctx, postgresdb.PackedOpeningsBetweenParams{After: after, Upto: min(after+entriesLooked, l.newest)})
			if err != nil {
				return err
			}
			together, err := l.packed(packed)
			l.sawOpenings(append(rows, together...))
			return err
		})
		if err != nil {
			return fmt.Errorf("look for openings: %w", err)
		}
	}
	return nil
}

func (l *look) sawOpenings(rows []postgresdb.OpeningsNamingRow) {
	for _, o := range rows {
		if l.opening(o) {
			o.Value = ""
			l.openings[place{o.Entry, o.Path}] = o
		}
	}
}

// rows looks through all requests, and the words of their reasons with them.
func (l *look) rows(ctx context.Context) error {
	for after, more := "", true; more; {
		err := l.ask(ctx, func(ctx context.Context, q queries) error {
			upto, err := q.RequestsEnd(ctx, postgresdb.RequestsEndParams{After: after, Lim: requestsLooked})
			if more = upto != ""; err != nil || !more {
				return err
			}
			rows, err := q.RequestsNaming(ctx, postgresdb.RequestsNamingParams{After: after, Upto: upto, Person: string(l.person), Pattern: l.pattern})
			if err != nil {
				return err
			}
			words, err := q.WordsNaming(ctx, postgresdb.WordsNamingParams{After: after, Upto: upto, Pattern: strings.ToLower(l.pattern)})
			if err != nil {
				return err
			}
			l.sawRequests(rows)
			l.sawWords(words)
			after = upto
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for requests: %w", err)
		}
	}
	return nil
}

func (l *look) sawRequests(rows []postgresdb.RequestsNamingRow) {
	for _, r := range rows {
		if l.request(r) {
			r.Doc = ""
			l.requests[r.ID] = r
		}
	}
}

func (l *look) sawWords(rows []postgresdb.WordsNamingRow) {
	for _, w := range rows {
		l.words[flows.WordsRef{Request: flows.RequestID(w.Request), Kind: w.Kind}] = true
	}
}

// inbox looks through the payloads that were handled.
func (l *look) inbox(ctx context.Context) error {
	for after, more := "", true; more; {
		err := l.ask(ctx, func(ctx context.Context, q queries) error {
			upto, err := q.InboxEnd(ctx, postgresdb.InboxEndParams{After: after, Lim: payloadsLooked})
			if more = upto != ""; err != nil || !more {
				return err
			}
			keys, err := q.InboxNaming(ctx, postgresdb.InboxNamingParams{After: after, Upto: upto, Needle: l.person.User()})
			if err != nil {
				return err
			}
			for _, k := range keys {
				l.payloads[k] = true
			}
			after = upto
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for payloads: %w", err)
		}
	}
	return nil
}

// since looks at what was written since the look began, and then since that.
func (l *look) since(ctx context.Context) error {
	for range lookAgain {
		before := l.mark
		err := l.ask(ctx, func(ctx context.Context, q queries) error {
			mark, err := q.LookMark(ctx)
			if err != nil {
				return err
			}
			came, err := l.seeSince(ctx, q, before)
			if err != nil {
				return err
			}
			l.sawOpenings(came.openings)
			l.sawRequests(came.requests)
			l.sawWords(came.words)
			l.mark = mark
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for what was written meanwhile: %w", err)
		}
		if l.mark == before {
			break
		}
	}
	return nil
}

// written is what entries wrote that came since a mark.
type written struct {
	openings []postgresdb.OpeningsNamingRow
	requests []postgresdb.RequestsNamingRow
	words    []postgresdb.WordsNamingRow
}

// seeSince looks at what came since a mark: at the openings and requests of the entries
// written since, and at the requests that are not over, which may change without one.
func (n naming) seeSince(ctx context.Context, q queries, mark int64) (w written, err error) {
	openings, err := q.OpeningsSince(ctx, postgresdb.OpeningsSinceParams{Mark: mark, Person: string(n.person), Pattern: n.pattern})
	if err != nil {
		return w, fmt.Errorf("look for new openings: %w", err)
	}
	for _, o := range openings {
		if o := postgresdb.OpeningsNamingRow(o); n.opening(o) {
			w.openings = append(w.openings, o)
		}
	}
	packed, err := q.PackedOpeningsSince(ctx, mark)
	if err != nil {
		return w, fmt.Errorf("look for new packed openings: %w", err)
	}
	together := make([]postgresdb.PackedOpeningsBetweenRow, 0, len(packed))
	for _, p := range packed {
		together = append(together, postgresdb.PackedOpeningsBetweenRow(p))
	}
	more, err := n.packed(together)
	if err != nil {
		return w, fmt.Errorf("look for new openings: %w", err)
	}
	w.openings = append(w.openings, more...)
	changed, err := q.RequestsSince(ctx, postgresdb.RequestsSinceParams{Mark: mark, Person: string(n.person), Pattern: n.pattern})
	if err != nil {
		return w, fmt.Errorf("look for new requests: %w", err)
	}
	open, err := q.OpenRequestsNaming(ctx, postgresdb.OpenRequestsNamingParams{Person: string(n.person), Pattern: n.pattern})
	if err != nil {
		return w, fmt.Errorf("look for requests that are not over: %w", err)
	}
	for _, r := range changed {
		w.requests = append(w.requests, postgresdb.RequestsNamingRow(r))
	}
	for _, r := range open {
		w.requests = append(w.requests, postgresdb.RequestsNamingRow(r))
	}
	w.requests = slices.DeleteFunc(w.requests, func(r postgresdb.RequestsNamingRow) bool { return !n.request(r) })
	words, err := q.WordsSince(ctx, postgresdb.WordsSinceParams{Mark: mark, Pattern: strings.ToLower(n.pattern)})
	if err != nil {
		return w, fmt.Errorf("look for the words of new reasons: %w", err)
	}
	for _, r := range words {
		w.words = append(w.words, postgresdb.WordsNamingRow(r))
	}
	return w, nil
}

// waiting counts what is still to be done and names the person.
func (l *look) waiting(ctx context.Context) error {
	return l.ask(ctx, func(ctx context.Context, q queries) (err error) {
		l.pending, err = l.naming.pending(ctx, q, 0, l.own)
		return err
	})
}

// pending counts the jobs after one, and the payloads, that name the person.
func (n naming) pending(ctx context.Context, q queries, after int64, own string) (int, error) {
	jobs, err := q.JobsNaming(ctx, postgresdb.JobsNamingParams{After: after, Pattern: n.pattern})
	if err != nil {
		return 0, fmt.Errorf("look for jobs: %w", err)
	}
	jobs = slices.DeleteFunc(jobs, func(j postgresdb.JobsNamingRow) bool { return j.Key == own })
	rows, err := q.InboxWaitingNaming(ctx, n.person.User())
	if err != nil {
		return 0, fmt.Errorf("look for payloads: %w", err)
	}
	return len(jobs) + int(rows), nil
}

// footprint is what was seen, in order.
func (l *look) footprint() flows.Footprint {
	out := flows.Footprint{Pending: l.pending, Sight: flows.Sight{
		Entries: l.mark, Jobs: l.jobs, Handled: l.handled, Versions: map[flows.RequestID]int64{}, Payloads: slices.Sorted(maps.Keys(l.payloads)),
	}}
	for _, at := range slices.SortedFunc(maps.Keys(l.openings), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.entry, b.entry), strings.Compare(a.path, b.path))
	}) {
		o := l.openings[at]
		out.Openings = append(out.Openings, flows.OpeningRef{Chain: o.Chain, Seq: o.Seq, Path: o.Path, Named: o.Person != string(l.person)})
		if at := fromMillis(o.At); at.After(out.Newest) {
			out.Newest = at
		}
	}
	for _, id := range slices.Sorted(maps.Keys(l.requests)) {
		r, id := l.requests[id], flows.RequestID(id)
		over := flows.State(r.State).Final()
		if over {
			out.Requests = append(out.Requests, id)
			out.Sight.Versions[id] = r.Version
		} else {
			out.Live = append(out.Live, id)
		}
		if r.Reviewed > 0 {
			out.Reviews = append(out.Reviews, id)
		}
	}
	out.Sight.Openings = len(out.Openings)
	out.Sight.Words = slices.SortedFunc(maps.Keys(l.words), func(a, b flows.WordsRef) int {
		return cmp.Or(cmp.Compare(a.Request, b.Request), strings.Compare(a.Kind, b.Kind))
	})
	return out
}
