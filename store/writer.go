package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"breakglass/store/internal/sqlitedb"
)

// writer is the one goroutine that writes to a SQLite file. It takes whatever waits,
// commits it together and only then answers: many callers share one sync of the disk,
// and nobody waits for a timer. A batch is tried without savepoints first, since nearly
// every one succeeds; if one write of it fails, all are done again, each in its own.
type writer struct {
	pool *sql.DB
	conn *sql.Conn
	q    *sqlitedb.Queries
	word map[string]*sql.Stmt // the prepared words of a transaction
	max  int
	wary int // how many batches more are given savepoints from the start

	work chan *write
	quit chan struct{}
	gone chan struct{}
	once sync.Once

	commits atomic.Int64 // commits that held at least one write
	writes  atomic.Int64 // writes in them
}

// write is one transaction that somebody waits for.
type write struct {
	f      func(context.Context, queries) error
	answer chan error
}

var errClosed = errors.New("the store is closed")

// newWriter prepares every query on one connection and starts the goroutine. ctx is
// kept for its values only: what one caller waits for is not undone by another's end.
func newWriter(ctx context.Context, pool *sql.DB, max int) (*writer, error) {
	if max <= 0 {
		max = 256
	}
	ctx = context.WithoutCancel(ctx)
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	q, err := sqlitedb.Prepare(ctx, conn)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &writer{
		pool: pool, conn: conn, q: q, word: map[string]*sql.Stmt{}, max: max,
		work: make(chan *write), quit: make(chan struct{}), gone: make(chan struct{}),
	}
	for _, word := range []string{begin, commit, rollback, savepoint, undo, release} {
		prepared, err := conn.PrepareContext(ctx, word)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		w.word[word] = prepared
	}
	go w.run(ctx)
	return w, nil
}

// The words of a transaction.
const (
	begin     = "BEGIN IMMEDIATE"
	commit    = "COMMIT"
	rollback  = "ROLLBACK"
	savepoint = "SAVEPOINT one"
	undo      = "ROLLBACK TO one"
	release   = "RELEASE one"
)

func (w *writer) say(ctx context.Context, word string) error {
	if _, err := w.word[word].ExecContext(ctx); err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	return nil
}

// do has f written and waits until it is durable. A caller that gives up before the
// writer takes f leaves nothing behind; after that it waits for the answer, which is
// never far: "perhaps" is an answer nobody can use.
func (w *writer) do(ctx context.Context, f func(context.Context, queries) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	me := &write{f: f, answer: make(chan error, 1)}
	select {
	case w.work <- me:
		return <-me.answer
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return errClosed
	}
}

func (w *writer) run(ctx context.Context) {
	defer close(w.gone)
	batch := make([]*write, 0, w.max)
	for {
		select {
		case first := <-w.work:
			batch = w.gather(append(batch[:0], first))
			w.commit(ctx, batch)
		case <-w.quit:
			return
		}
	}
}

// gather adds what is waiting right now. Yielding lets those who were just answered
// come back with their next write, instead of committing one alone; as long as that
// brings somebody, there may be more.
func (w *writer) gather(batch []*write) []*write {
	for before := 0; len(batch) < w.max; {
		select {
		case next := <-w.work:
			batch = append(batch, next)
		default:
			if len(batch) == before {
				return batch
			}
			before = len(batch)
			runtime.Gosched()
		}
	}
	return batch
}

// commit runs a batch. If the transaction as a whole is lost, each write is tried
// once alone: the one that cannot be written must not take the others with it.
func (w *writer) commit(ctx context.Context, batch []*write) {
	errs, lost := w.together(ctx, batch)
	for i, me := range batch {
		switch {
		case lost == nil:
			me.answer <- errs[i]
		case len(batch) == 1:
			me.answer <- lost
		default:
			alone, lost := w.together(ctx, batch[i:i+1])
			me.answer <- errors.Join(alone[0], lost)
		}
	}
}

// together commits what succeeds of the batch. errs has each write's own fate; lost
// says that none of them was committed.
func (w *writer) together(ctx context.Context, batch []*write) (errs []error, lost error) {
	if w.wary == 0 || len(batch) == 1 {
		errs, failed, lost := w.transact(ctx, batch, w.bare)
		if failed == 0 || lost != nil || len(batch) == 1 {
			return errs, lost
		}
		w.wary = waryFor
	}
	w.wary--
	errs, _, lost = w.transact(ctx, batch, w.one)
	return errs, lost
}

// waryFor is for how many batches a failed write makes the writer use savepoints:
// where people race for the same rows, failures come in swarms.
const waryFor = 32

// transact runs the batch, each write by run, and commits it. A write that failed
// without a savepoint may have left half of itself: nothing is committed then.
func (w *writer) transact(ctx context.Context, batch []*write, run runs) (errs []error, failed int, lost error) {
	errs = make([]error, len(batch))
	if err := w.say(ctx, begin); err != nil {
		return errs, 0, err
	}
	for i, me := range batch {
		err, bare, lost := run(ctx, me)
		if errs[i] = err; err != nil {
			failed++
		}
		switch {
		case lost != nil:
			return errs, failed, errors.Join(lost, w.abandon(ctx))
		case err != nil && bare:
			return errs, failed, w.abandon(ctx)
		}
	}
	if err := w.say(ctx, commit); err != nil {
		return errs, failed, errors.Join(err, w.abandon(ctx))
	}
	if kept := len(batch) - failed; kept > 0 {
		w.commits.Add(1)
		w.writes.Add(int64(kept))
	}
	return errs, failed, nil
}

// runs is a way to run one write: bare says that a failed one is not undone by itself,
// lost that the whole transaction is gone.
type runs func(ctx context.Context, me *write) (err error, bare bool, lost error)

// bare runs a write as it is.
func (w *writer) bare(ctx context.Context, me *write) (err error, bare bool, lost error) {
	return call(ctx, me, w.q), true, nil
}

// one runs a write in its savepoint.
func (w *writer) one(ctx context.Context, me *write) (err error, bare bool, lost error) {
	if err := w.say(ctx, savepoint); err != nil {
		return nil, false, err
	}
	if err = call(ctx, me, w.q); err != nil {
		if undone := w.say(ctx, undo); undone != nil {
			return nil, false, errors.Join(err, undone) // SQLite gave the whole transaction up
		}
	}
	if released := w.say(ctx, release); released != nil {
		return nil, false, errors.Join(err, released)
	}
	return err, false, nil
}

// call turns a panic into that write's error: the writer serves everybody.
func call(ctx context.Context, me *write, q queries) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a write panicked: %v", p)
		}
	}()
	return me.f(ctx, q)
}

// abandon leaves the transaction, if there still is one.
func (w *writer) abandon(ctx context.Context) error {
	err := w.say(ctx, rollback)
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

func (w *writer) close() error {
	w.once.Do(func() { close(w.quit) })
	<-w.gone
	var errs []error
	for _, word := range w.word {
		errs = append(errs, word.Close())
	}
	return errors.Join(append(errs, w.q.Close(), w.conn.Close(), w.pool.Close())...)
}
