package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
	"breakglass/store/internal/sqlitedb"
)

// reader reads requests as they are kept.
type reader interface {
	// read calls each for the documents that a way in leads to, as walk finds them. begin
	// is called before the first of them, again where they have to be read anew.
	read(ctx context.Context, w way, a asked, begin func(), each func(doc []byte) error) error
}

// SearchDocs is Search for an export: it calls each for the requests of a page as they are
// kept, JSON as encoding/json writes it, and returns where the next page begins; zero on
// the last one. i counts from 0, and begins there anew where the page has to be read
// again. doc is good until each returns: where one index leads to the answer, it lies where
// the database's library has it.
func (s *Store) SearchDocs(ctx context.Context, f flows.Search, each func(i int, doc []byte) error) (flows.Place, error) {
	limit := pageOf(f)
	if leadingWord(f) != "" || f.Number > 0 {
		return s.pick(ctx, f, each)
	}
	ways, err := waysIn(ctx, nil, f)
	if err != nil || len(ways) != 1 {
		return s.pick(ctx, f, each)
	}
	i, last := 0, ""
	err = s.doc.read(ctx, ways[0], question(f, limit+1), func() { i, last = 0, "" }, func(doc []byte) error {
		if i == limit-1 {
			last = string(doc)
		}
		if i++; i > limit {
			return nil // there are more
		}
		return each(i-1, doc)
	})
	if err == nil && i > limit {
		var r flows.Request
		if r, err = decodeRequest(last); err == nil {
			return flows.Place{At: r.SubmittedAt, ID: r.ID}, nil
		}
	}
	if err != nil {
		err = fmt.Errorf("search requests: %w", err)
	}
	return flows.Place{}, err
}

// pick answers what several indexes lead to, or a walk through windows of time.
func (s *Store) pick(ctx context.Context, f flows.Search, each func(i int, doc []byte) error) (next flows.Place, err error) {
	limit := pageOf(f)
	docs, err := s.answers(ctx, f, limit)
	if err != nil {
		return next, err
	}
	all, err := decodeRequests(docs)
	if err != nil {
		return next, fmt.Errorf("search requests: %w", err)
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return newest(&all[a], &all[b]) })
	order = slices.CompactFunc(order, func(a, b int) bool { return all[a].ID == all[b].ID })
	if len(order) > limit {
		order = order[:limit]
		last := &all[order[limit-1]]
		next = flows.Place{At: last.SubmittedAt, ID: last.ID}
	}
	for i, at := range order {
		if err := each(i, []byte(docs[at])); err != nil {
			return next, err
		}
	}
	return next, nil
}

// read reads past database/sql.
func (db *sqliteDB) read(ctx context.Context, w way, a asked, _ func(), each func(doc []byte) error) error {
	n, err := noted(ctx, w, a, db.compiled)
	if err != nil {
		return err
	}
	return db.low(ctx, func(c *lowConn) error {
		return c.query(ctx, n.question, n.args, func(r lowRow) error { return each(r.bytes(0)) })
	})
}

// read reads what the server sends as it comes.
func (db *postgresDB) read(ctx context.Context, w way, a asked, begin func(), each func(doc []byte) error) error {
	n, err := noted(ctx, w, a, db.compiled)
	if err != nil {
		return err
	}
	return db.looks(ctx, walking, func(ctx context.Context, tx pgx.Tx) error {
		begin()
		rows, err := tx.Query(ctx, n.question, n.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			if err := each(rows.RawValues()[0]); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// note takes down what a compiled query asks, for somebody else to answer.
type note struct {
	question string
	args     []any
}

var (
	_ sqlitedb.DBTX   = (*note)(nil)
	_ postgresdb.DBTX = (*note)(nil)

	errNoted = errors.New("the question was taken down, not asked")
)

// noted is what a way in asks.
func noted(ctx context.Context, w way, a asked, compiled func(*note) queries) (*note, error) {
	n := &note{}
	if _, err := w(ctx, compiled(n), a); !errors.Is(err, errNoted) {
		return nil, errors.Join(errors.New("a way in asks nothing"), err)
	}
	return n, nil
}

func (db *sqliteDB) compiled(n *note) queries { return sqlitedb.New(n) }

func (db *postgresDB) compiled(n *note) queries { return postgresdb.New(n) }

// QueryContext takes down a question of SQLite.
func (n *note) QueryContext(_ context.Context, question string, args ...any) (*sql.Rows, error) {
	n.question, n.args = question, args
	return nil, errNoted
}

// Query takes down a question of PostgreSQL.
func (n *note) Query(_ context.Context, question string, args ...any) (pgx.Rows, error) {
	n.question, n.args = question, args
	return nil, errNoted
}

// ExecContext is for nothing that is asked here, as are the others.
func (*note) ExecContext(context.Context, string, ...any) (sql.Result, error) { return nil, errNoted }

// PrepareContext is.
func (*note) PrepareContext(context.Context, string) (*sql.Stmt, error) { return nil, errNoted }

// QueryRowContext is.
func (*note) QueryRowContext(context.Context, string, ...any) *sql.Row { return nil }

// Exec is.
func (*note) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errNoted
}

// QueryRow is.
func (*note) QueryRow(context.Context, string, ...any) pgx.Row { return nil }
