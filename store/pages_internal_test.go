package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/store/storetest"
)

// restless is a database whose transactions start over in the midst of a page, each of
// them once, and one question of which is not answered at all.
type restless struct {
	raws
	unanswered string
}

var errCutShort = errors.New("cut short")

func (r restless) raw(ctx context.Context, f func(context.Context, asker) error) error {
	return r.twice(ctx, r.raws.raw, f)
}

func (r restless) along(ctx context.Context, f func(context.Context, asker) error) error {
	return r.twice(ctx, r.raws.along, f)
}

func (r restless) twice(ctx context.Context, begin func(context.Context, func(context.Context, asker) error) error, f func(context.Context, asker) error) error {
	err := begin(ctx, func(ctx context.Context, ask asker) error {
		n := 0
		return f(ctx, func(ctx context.Context, question string, args []any, each func(rawRow) error) error {
			return ask(ctx, question, args, func(row rawRow) error {
				if n++; n > 3 {
					return errCutShort
				}
				return each(row)
			})
		})
	})
	if err != nil && !errors.Is(err, errCutShort) {
		return err
	}
	return begin(ctx, func(ctx context.Context, ask asker) error {
		return f(ctx, func(ctx context.Context, question string, args []any, each func(rawRow) error) error {
			if question == r.unanswered {
				return errCutShort
			}
			return ask(ctx, question, args, each)
		})
	})
}

// eachEngine runs a test on a store of each engine and a connection past it.
func eachEngine(t *testing.T, test func(*testing.T, *Store, *sql.DB)) {
	t.Parallel()
	for _, driver := range []string{"sqlite", "pgx"} {
		t.Run(driver, func(t *testing.T) {
			t.Parallel()
			o := Options{Migrate: true, Now: func() time.Time { return time.UnixMilli(1) }}
			raw := ""
			if driver == "sqlite" {
				o.DSN = filepath.Join(t.TempDir(), "pages.db")
				raw = "file:" + o.DSN + "?_pragma=busy_timeout(5000)"
			} else {
				o.DSN = storetest.Postgres(t)
				raw = o.DSN
			}
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			db, err := sql.Open(driver, raw)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			s.raw = restless{raws: s.raw}
			test(t, s, db)
		})
	}
}

// insertRows writes rows from one number to before another.
func insertRows(t *testing.T, db *sql.DB, table string, from, to int, row func(n int) string) {
	t.Helper()
	var rows []string
	for n := from; n < to; n++ {
		rows = append(rows, row(n))
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO "+table+" VALUES "+strings.Join(rows, ",")); err != nil {
		t.Fatal(err)
	}
}

// Rows of seven incidents, in no order of theirs.
func listedRow(n int) string {
	return fmt.Sprintf("('Q%d', %d, 'req_%06d', %d)", n%7, 9000-n%1000, n, n)
}

func requestOf(n int) string {
	return fmt.Sprintf("('req_%06d', 1, 'submitted', 'f', 't', '', 'T/U', 'T/U%d', 'Q%d', '', 1, 0, 0, 0, '{}')", n, n, n%7)
}

// TestListedPages: each row of the list by incident is read once, whatever comes in between,
// and each request of the incidents that are looked up, where a page ends just there, too.
func TestListedPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store, db *sql.DB) {
		seed, have := maphash.MakeSeed(), 1
		want := newIncidentSums(seed)
		wanted, q3 := []string{}, map[int]bool{want.shelf([]byte("Q3")): true}
		for _, n := range []int{0, 1, incidentsAtOnce - 1, incidentsAtOnce, incidentsAtOnce + 1, 2 * incidentsAtOnce} {
			if have <= n {
				insertRows(t, db, "request_incidents", have, n+1, listedRow)
				insertRows(t, db, "requests", have, n+1, requestOf)
			}
			for ; have <= n; have++ {
				id := fmt.Sprintf("req_%06d", have)
				want.add(want.row(fmt.Appendf(nil, "Q%d", have%7), []byte(id), int64(9000-have%1000), int64(have)))
				if have%7 == 3 {
					wanted = append(wanted, id)
				}
			}
			there := <-s.addUpListed(t.Context(), seed)
			if there.err != nil || len(want.otherThan(there.sums)) > 0 {
				t.Errorf("%d rows come to other sums, %v", n, there.err)
			}
			var found []string
			if err := s.requestsOn(t.Context(), want, q3, func(id string) { found = append(found, id) }); err != nil || !slices.Equal(found, wanted) {
				t.Errorf("%d of %d requests of an incident, %v", len(found), len(wanted), err)
			}
		}
		looked := 0
		if err := s.holdListed(t.Context(), want, q3, func(Contradiction) { looked++ }); err != nil || looked != len(wanted) {
			t.Errorf("%d rows of an incident are contradicted, want %d (their requests cannot be read), %v", looked, len(wanted), err)
		}
	})
}

// TestAheadPages: requests are read ahead each once, in order, and a row of no request is
// told once.
func TestAheadPages(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store, db *sql.DB) {
		insertRows(t, db, "requests", 0, 20, requestOf)
		insertRows(t, db, "request_people", 0, 1, func(int) string { return "('req_000003x', 'T/U', 1, 1), ('req_000019x', 'T/U', 1, 1)" })
		for _, size := range []int64{1, 4, 5, 19, 20, 21} {
			var ids, stray []string
			p := &ahead{requests: size}
			for pages := 0; p.upTo != lastID; pages++ {
				p = <-s.readAhead(t.Context(), &ahead{after: p.upTo, requests: size, spare: slices.Concat(p.spare, p.begun), listed: newIncidentSums(maphash.MakeSeed())})
				if p.err != nil || pages > 20 || int64(len(p.begun)) > size {
					t.Fatalf("page %d of %d: %d requests, %v", pages, size, len(p.begun), p.err)
				}
				for _, one := range p.begun {
					ids = append(ids, one.id)
				}
				for _, c := range p.stray {
					stray = append(stray, string(c.Request))
				}
			}
			var want []string
			for n := range 20 {
				want = append(want, fmt.Sprintf("req_%06d", n))
			}
			if !slices.Equal(ids, want) || !slices.Equal(stray, []string{"req_000003x", "req_000019x"}) {
				t.Errorf("in pages of %d: %v; of no request %v", size, ids, stray)
			}
		}
	})
}

// TestPagesFail: whoever reads pages is told that they could not be read, or that nobody
// waits for them any more.
func TestPagesFail(t *testing.T) {
	eachEngine(t, func(t *testing.T, s *Store, db *sql.DB) {
		insertRows(t, db, "requests", 0, 20, requestOf)
		insertRows(t, db, "request_incidents", 100, 120, listedRow)
		seed, all := maphash.MakeSeed(), map[int]bool{}
		sums := newIncidentSums(seed)
		for i := range 7 {
			all[sums.shelf(fmt.Appendf(nil, "Q%d", i))] = true
		}
		reads := map[string]func(ctx context.Context) error{
			requestsInOrder: func(ctx context.Context) error {
				return (<-s.readAhead(ctx, &ahead{requests: 5, listed: newIncidentSums(seed)})).err
			},
			listedIncidents:    func(ctx context.Context) error { return (<-s.addUpListed(ctx, seed)).err },
			requestsByIncident: func(ctx context.Context) error { return s.requestsOn(ctx, sums, all, func(string) {}) },
		}
		for _, l := range []list{people, words, looks} {
			reads[traceQuestions[l]] = reads[requestsInOrder]
		}
		calm := s.raw.(restless).raws
		for question, read := range reads {
			s.raw = restless{calm, question}
			if err := read(t.Context()); !errors.Is(err, errCutShort) {
				t.Errorf("%.60s… is not answered: %v", question, err)
			}
			s.raw = calm
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if err := read(gone); !errors.Is(err, context.Canceled) {
				t.Errorf("%.60s… for nobody: %v", question, err)
			}
		}
		s.raw = restless{calm, listedIncidents}
		if err := s.holdListed(t.Context(), sums, all, func(Contradiction) {}); !errors.Is(err, errCutShort) {
			t.Errorf("the list is not answered: %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		s.raw = leaving{calm, cancel}
		if err := s.holdListed(gone, sums, all, func(Contradiction) {}); !errors.Is(err, context.Canceled) {
			t.Errorf("rows that nobody waits for: %v", err)
		}
	})
}

// leaving is a database whose caller gives up when a page was read.
type leaving struct {
	raws
	leave func()
}

func (l leaving) along(ctx context.Context, f func(context.Context, asker) error) error {
	defer l.leave()
	return l.raws.along(ctx, f)
}
