package store

import (
	"context"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Pragma runs a statement on the connection of a SQLite store's writer, between
// batches, for tests that need that very connection.
func (s *Store) Pragma(ctx context.Context, statement string) error {
	w := s.srv.(*sqliteDB).writer
	return w.do(ctx, func(ctx context.Context, _ queries) error {
		_, err := w.conn.ExecContext(ctx, statement)
		return err
	})
}

// Write runs f as a write of its own, with the connection it runs on.
func (s *Store) Write(ctx context.Context, f func(context.Context) error) error {
	return s.tx.write(ctx, nil, func(ctx context.Context, _ queries) error { return f(ctx) })
}

// WriteHalf writes an inbox row and then fails with the given error.
func (s *Store) WriteHalf(ctx context.Context, key string, failure error) error {
	return s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		if _, err := q.InsertInbox(ctx, postgresdb.InsertInboxParams{Key: key, Kind: "half", Body: []byte{}, At: 1}); err != nil {
			return err
		}
		return failure
	})
}

// WriteAround runs f in the midst of a write, before a question on its connection.
func (s *Store) WriteAround(ctx context.Context, f func()) error {
	return s.tx.write(ctx, nil, func(ctx context.Context, q queries) error {
		f()
		_, err := q.GetMeta(ctx, "store_id")
		return err
	})
}

// PragmaValue reads a setting of that connection.
func (s *Store) PragmaValue(ctx context.Context, name string) (value string, err error) {
	w := s.srv.(*sqliteDB).writer
	err = w.do(ctx, func(ctx context.Context, _ queries) error {
		return w.conn.QueryRowContext(ctx, "PRAGMA "+name).Scan(&value)
	})
	return value, err
}

// Setting reads a setting of a connection of a PostgreSQL store.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.srv.(*postgresDB).pool.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// Walking is what a PostgreSQL store sets before it answers a listing.
const Walking = walking

// Sifting is the same for looking for words.
const Sifting = sifting

// HeldChains are the chains of requests that are held, so many entries at a time, with
// how many entries each has.
func (s *Store) HeldChains(ctx context.Context, most int64) (map[string]int, error) {
	held := map[string]int{}
	for after := flows.RequestID(""); ; {
		p := heldPage{after: after, requests: heldAtOnce, entries: most}
		err := s.raw.raw(ctx, func(ctx context.Context, ask asker) error {
			p.each = func(chain string, n int64) { held[chain] += int(n) }
			return p.read(ctx, ask)
		})
		if err != nil || p.last == "" {
			return held, err
		}
		after = p.last
	}
}

// HeldCalls holds the calls that are counted, so many entries at a time.
func (s *Store) HeldCalls(ctx context.Context, most int64) (found []string, err error) {
	err = s.holdCalls(ctx, most, func(c Contradiction) { found = append(found, c.String()) })
	return found, err
}

// Questions are those that lists are held with, and the index that each goes along.
func Questions() map[string]string {
	return map[string]string{
		traceQuestions[people]: "request_people", traceQuestions[words]: "request_words", traceQuestions[looks]: "reviews",
		traceQuestions[incidents]: "requests", incidentQuestion: "request_incidents", listedIncidents: "request_incidents", requestsByIncident: "requests_incident", callEntries: "entries_chain_seq", callRows: "calls",
	}
}

// SumNames are the totals that have a column of their own.
func SumNames() []string { return sumNames() }

// AtMost has a Holder read so many requests at a time, and give up the walk with more open.
func (h *Holder) AtMost(read int64, open int) { h.requests, h.most = read, open }
