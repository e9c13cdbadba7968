package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the driver
	sqlite3 "modernc.org/sqlite/lib"

	"breakglass/flows"
	"breakglass/store/internal/sqlitedb"
)

// sqliteDB is a SQLite file: one writer, and readers beside it.
type sqliteDB struct {
	path    string
	now     func() time.Time
	lock    *fileLock // nil when read-only
	writer  *writer   // nil when read-only
	readers *sql.DB
	reads   *sqlitedb.Queries
	lows    *sql.DB // below database/sql; see low.go
	failed  failure
}

// openSQLite locks the file, brings its schema up to date, takes the leases of dead
// processes back (no other process can be alive: the lock is ours) and starts the
// writer. Read-only it does none of that.
func openSQLite(ctx context.Context, o Options) (_ *sqliteDB, err error) {
	path := strings.TrimPrefix(o.DSN, "sqlite:")
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	db := &sqliteDB{path: path, now: o.Now}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, liteMeaning(err))
			err = errors.Join(err, db.close())
		}
	}()
	mode := []string{"mode=ro", "_pragma=query_only(1)"}
	if o.Mapped {
		mode = append(mode, "_pragma=mmap_size(2147418112)", "_pragma=cache_size(-16000)") // the most that SQLite maps
	}
	if o.ReadOnly {
		if mode, err = db.checkReadable(ctx, mode); err != nil {
			return nil, err
		}
	} else if err := db.openWriter(ctx, o); err != nil {
		return nil, err
	}
	if db.readers, err = sql.Open("sqlite", dsn(path, mode...)); err != nil {
		return nil, err
	}
	conns := o.Conns
	if conns <= 0 {
		conns = 4
	}
	db.readers.SetMaxOpenConns(conns)
	db.readers.SetMaxIdleConns(conns)
	db.readers.SetConnMaxIdleTime(readerIdle) // each holds about a megabyte
	db.lows = lowReaders(path, mode, conns)
	db.reads, err = sqlitedb.Prepare(ctx, db.readers)
	return db, err
}

func (db *sqliteDB) openWriter(ctx context.Context, o Options) (err error) {
	if err := touch(db.path); err != nil {
		return err
	}
	if db.lock, err = lockFile(db.path + ".lock"); err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", dsn(db.path, "_pragma=journal_mode(WAL)", "_pragma=synchronous(FULL)",
		"_pragma=wal_autocheckpoint(8000)", "_pragma=secure_delete(1)", "_pragma=temp_store(2)")) // savepoints journal in memory
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	if err := migrateSQLite(ctx, pool); err != nil {
		return errors.Join(err, pool.Close())
	}
	if db.writer, err = newWriter(ctx, pool, o.MaxBatch); err != nil {
		return errors.Join(err, pool.Close())
	}
	return db.write(ctx, nil, func(ctx context.Context, q queries) error {
		_, err := q.FreeAllLeases(ctx)
		return errors.Join(err, q.ReleaseAllSinks(ctx))
	})
}

// readerIdle is how long a connection that only reads is kept for the next question.
const readerIdle = 3 * time.Second

// checkReadable refuses to read what is not there or has another schema. To read,
// SQLite puts files beside this one; where it cannot (a full disk, a folder that is
// read-only) and nothing waits in the log, the file alone is read as it stands.
func (db *sqliteDB) checkReadable(ctx context.Context, mode []string) ([]string, error) {
	if _, err := os.Stat(db.path); err != nil {
		return nil, err
	}
	err := db.check(ctx, mode)
	if err == nil || !errors.Is(liteMeaning(err), flows.ErrReadOnly) || db.logged() {
		return mode, err
	}
	alone := append(append([]string(nil), mode...), "immutable=1")
	return alone, db.check(ctx, alone)
}

func (db *sqliteDB) check(ctx context.Context, mode []string) error {
	pool, err := sql.Open("sqlite", dsn(db.path, mode...))
	if err != nil {
		return err
	}
	return errors.Join(checkSQLite(ctx, pool), pool.Close())
}

// logged reports whether something stands in the log that is not in the file yet.
func (db *sqliteDB) logged() bool {
	info, err := os.Stat(db.path + "-wal")
	return err == nil && info.Size() > 0
}

// dsn names a file for the driver, whatever characters its path has.
func dsn(path string, params ...string) string {
	u := url.URL{Path: filepath.ToSlash(path)}
	params = append(params, "_pragma=busy_timeout(5000)", "_pragma=foreign_keys(1)", "_txlock=immediate")
	return "file:" + u.EscapedPath() + "?" + strings.Join(params, "&")
}

// touch makes the file if it is not there, readable to its owner only.
func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (db *sqliteDB) direct() queries { return db.reads }

func (db *sqliteDB) snapshot(ctx context.Context, f func(context.Context, queries) error) error {
	tx, err := db.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return liteMeaning(err)
	}
	err = f(ctx, db.reads.WithTx(tx))
	return liteMeaning(errors.Join(err, tx.Rollback()))
}

// walk is a snapshot: SQLite walks the index it can.
func (db *sqliteDB) walk(ctx context.Context, f func(context.Context, queries) error) error {
	return db.snapshot(ctx, f)
}

func (db *sqliteDB) sift(ctx context.Context, f func(context.Context, queries) error) error {
	return db.snapshot(ctx, f)
}

func (db *sqliteDB) window() int64 { return 0 }

// write ignores keys: there is one writer.
func (db *sqliteDB) write(ctx context.Context, _ []string, f func(context.Context, queries) error) error {
	if db.writer == nil {
		return fmt.Errorf("the store was opened to read only: %w", flows.ErrReadOnly)
	}
	return db.failed.note(liteMeaning(db.writer.do(ctx, f)))
}

func (db *sqliteDB) clock(context.Context) (time.Time, error) { return db.now().UTC(), nil }

// forget empties the log beside the file: what was erased stands in it as it was. The
// file itself has secure_delete. Emptying it holds the writer while readers are in the
// way, so that is done for a moment at a time, with a turn for whoever waits to write in
// between. Where a reader stays, the next checkpoint of the whole log does it, at the
// latest when the file is closed.
func (db *sqliteDB) forget(ctx context.Context) error {
	pool, err := sql.Open("sqlite", dsn(db.path, "_pragma=journal_mode(WAL)"))
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	_, err = pool.ExecContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)") // most of it, and nobody waits
	if err == nil {
		_, err = pool.ExecContext(ctx, "PRAGMA busy_timeout = 100")
	}
	for busy, tries := 1, 0; err == nil && busy != 0 && tries < forgetTries; tries++ {
		var pages, written int
		err = pool.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &written)
		if err == nil && busy != 0 {
			err = db.write(ctx, nil, func(context.Context, queries) error { return nil })
		}
	}
	return errors.Join(err, pool.Close())
}

// forgetTries bounds how often the log is tried to be emptied: for about five seconds.
const forgetTries = 50

func (db *sqliteDB) close() error {
	var errs []error
	if db.reads != nil {
		errs = append(errs, db.reads.Close())
	}
	if db.readers != nil {
		errs = append(errs, db.readers.Close(), db.lows.Close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.release())
	}
	return errors.Join(errs...)
}

// liteMeaning says what an error of SQLite means to the engine.
func liteMeaning(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG, syscall.EROFS} {
		if errors.Is(err, full) && !errors.Is(err, flows.ErrReadOnly) { // of the files beside the database
			return translate(err, flows.ErrReadOnly)
		}
	}
	var e interface { // the driver's, or a lowError
		error
		Code() int
	}
	if !errors.As(err, &e) {
		return err
	}
	switch code := e.Code(); code & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return translate(err, flows.ErrReadOnly)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return translate(err, ErrDamaged)
	case sqlite3.SQLITE_CONSTRAINT:
		if code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY {
			_, columns, _ := strings.Cut(e.Error(), "UNIQUE constraint failed: ")
			columns, _, _ = strings.Cut(columns, " (")
			return translate(err, byConstraint(columns))
		}
		return translate(err, byTrigger(e.Error()))
	}
	return err
}
