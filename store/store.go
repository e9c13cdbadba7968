// Package store keeps everything Breakglass knows: one commit holds a request's new
// state, its audit entries and the jobs that follow. It implements the ports of
// package flows on SQLite and on PostgreSQL; both pass one contract, storetest. It
// imports flows and migrations; the SQL lies in queries/ and is compiled for both
// engines by sqlc.
//
// Read first: apply.go (the one write path), queue.go (jobs), writer.go (how SQLite
// commits what is queued together), postgres.go (how PostgreSQL does it).
package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// Options say which database to open and how.
type Options struct {
	// DSN is "postgres://…" or "postgresql://…" for PostgreSQL, "sqlite:PATH" or a
	// plain path for SQLite. It may hold a password and appears in no error.
	DSN string
	// Now is the clock, for the few times the store sets itself (when an inbox row
	// was handled) and for measuring how far the database's clock is off. Required.
	Now func() time.Time
	// ReadOnly opens beside a process that serves the same file; every write is
	// refused with flows.ErrReadOnly.
	ReadOnly bool
	// Mapped reads a SQLite file through the memory of the process, for what reads most
	// of it once: the pages count as the process's, and are the system's to take back.
	Mapped bool
	// Migrate brings a PostgreSQL schema up to date while opening. SQLite always does
	// that, unless ReadOnly.
	Migrate bool
	// MaxBatch is how many writes SQLite commits together at most; 256 unless set.
	MaxBatch int
	// Conns is how many connections are used: PostgreSQL's pool (16 unless set),
	// SQLite's readers beside the writer (4 unless set).
	Conns int
}

// Store is an open store. Its methods may be called from many goroutines.
type Store struct {
	tx  transactor
	srv server
	way walker
	raw raws
	doc reader
	now func() time.Time
	// shards is over how many rows a running total is spread: who writes at once on
	// PostgreSQL would wait for one row.
	shards int64

	closing sync.Once
}

// The ports of package flows.
var (
	_ flows.Ledger    = (*Store)(nil)
	_ flows.Chains    = (*Store)(nil)
	_ flows.Inbox     = (*Store)(nil)
	_ flows.Queue     = (*Store)(nil)
	_ flows.Timetable = (*Store)(nil)
	_ flows.Finder    = (*Store)(nil)
	_ flows.Counts    = (*Store)(nil)
	_ flows.Denials   = (*Store)(nil)
)

// queries are the compiled queries, the same for both engines.
type queries = postgresdb.Querier

// transactor runs queries.
type transactor interface {
	// write runs f in a transaction of its own fate and returns once it is durable.
	// keys names the jobs that f touches, if it touches other rows as well, so that
	// two writers of the same ones wait for each other instead of locking each other
	// up. f may run more than once and must then start afresh.
	write(ctx context.Context, keys []string, f func(context.Context, queries) error) error
	// snapshot runs f on one consistent state.
	snapshot(ctx context.Context, f func(context.Context, queries) error) error
	// direct answers single questions, each on its own state.
	direct() queries
}

// walker answers listings.
type walker interface {
	// walk runs f on one consistent state, where each question is answered along its
	// index or not at all.
	walk(ctx context.Context, f func(context.Context, queries) error) error
	// sift is walk for looking for words, which comes window after window.
	sift(ctx context.Context, f func(context.Context, queries) error) error
	// window is how much time is looked through at once, in milliseconds; 0: all.
	window() int64
}

// server is the database as a whole.
type server interface {
	health(ctx context.Context) error
	clock(ctx context.Context) (time.Time, error)
	close() error
}

// ErrSchema says that the database's schema is not the one this program knows.
var ErrSchema = errors.New("the schema of the database does not fit this program")

// ErrInUse says that another process serves the same SQLite file.
var ErrInUse = errors.New("another process serves this database file")

// Open opens the database that o names. ctx bounds the opening only.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("open store: Options.Now is not set")
	}
	if o.DSN == "" {
		return nil, errors.New("open store: no database is named; give a file path or postgres://…")
	}
	if isPostgres(o.DSN) {
		pg, err := openPostgres(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("open PostgreSQL store: %w", err)
		}
		return &Store{tx: pg, srv: pg, way: pg, raw: pg, doc: pg, now: o.Now, shards: 8}, nil
	}
	lite, err := openSQLite(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open SQLite store: %w", err)
	}
	return &Store{tx: lite, srv: lite, way: lite, raw: lite, doc: lite, now: o.Now, shards: 1}, nil
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Close lets writes that have begun finish and closes the database. Closing twice does
// nothing.
func (s *Store) Close() (err error) {
	s.closing.Do(func() { err = s.srv.close() })
	return err
}

// Health says whether the store answers and writes: nil when all is well,
// flows.ErrReadOnly while it does not write. After a failed write it tries one itself,
// so that it notices when there is room again.
func (s *Store) Health(ctx context.Context) error { return s.srv.health(ctx) }

// Clock is the time on the database's own clock; SQLite has none but ours.
func (s *Store) Clock(ctx context.Context) (time.Time, error) { return s.srv.clock(ctx) }
