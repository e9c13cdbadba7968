package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// postgresDB is a PostgreSQL database that several replicas share. Transactions run
// at READ COMMITTED: every write compares a version or hits a unique key, and what
// two writers could both believe (a person's overlapping grants, a lane) has a row or
// an index of its own that they meet at.
type postgresDB struct {
	pool     *pgxpool.Pool
	q        *postgresdb.Queries
	readOnly bool
	failed   failure
}

// openPostgres connects and holds the schema to what this program knows.
func openPostgres(ctx context.Context, o Options) (*postgresDB, error) {
	config, err := pgxpool.ParseConfig(o.DSN)
	if err != nil {
		return nil, err
	}
	if o.Conns > 0 {
		config.MaxConns = int32(o.Conns)
	} else {
		config.MaxConns = max(config.MaxConns, 16)
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "breakglass"
	}
	if o.ReadOnly {
		config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}
	config.AfterConnect = insistOnDurability
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, err
	}
	if o.Migrate && !o.ReadOnly {
		err = migratePostgres(ctx, pool)
	} else {
		err = checkPostgres(ctx, pool)
	}
	if err != nil {
		pool.Close()
		return nil, pgMeaning(err)
	}
	return &postgresDB{pool: pool, q: postgresdb.New(pool), readOnly: o.ReadOnly}, nil
}

// insistOnDurability turns synchronous_commit on where the server's default is off: a
// decision is acknowledged when it is on disk. Stronger settings are left alone.
func insistOnDurability(ctx context.Context, c *pgx.Conn) error {
	var mode string
	if err := c.QueryRow(ctx, "SHOW synchronous_commit").Scan(&mode); err != nil {
		return err
	}
	if mode != "off" {
		return nil
	}
	_, err := c.Exec(ctx, "SET synchronous_commit = on")
	return err
}

func (db *postgresDB) direct() queries { return db.q }

func (db *postgresDB) snapshot(ctx context.Context, f func(context.Context, queries) error) error {
	return db.looks(ctx, "", db.asking(f))
}

// walking holds the planner to the index that a listing was written for. A guess from
// its statistics can be off by a thousand for a busy target or a long incident, and
// then it reads and sorts everything instead of a page.
const walking = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; " +
	"SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

func (db *postgresDB) walk(ctx context.Context, f func(context.Context, queries) error) error {
	return db.looks(ctx, walking, db.asking(f))
}

// sifting holds the planner to the index of words, which it has no idea of, and to
// fetching the requests it finds one by one.
const sifting = "SET LOCAL enable_seqscan = off; " +
	"SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"

func (db *postgresDB) sift(ctx context.Context, f func(context.Context, queries) error) error {
	return db.looks(ctx, sifting, db.asking(f))
}

func (db *postgresDB) window() int64 { return wordsWindow }

// asking has f ask within the transaction.
func (db *postgresDB) asking(f func(context.Context, queries) error) func(context.Context, pgx.Tx) error {
	return func(ctx context.Context, tx pgx.Tx) error { return f(ctx, db.q.WithTx(tx)) }
}

func (db *postgresDB) looks(ctx context.Context, first string, f func(context.Context, pgx.Tx) error) error {
	var err error
	for range writeTries {
		if err = db.look(ctx, first, f); !errors.Is(err, errCutOff) && !lost(err) {
			break
		}
	}
	return pgMeaning(err)
}

func (db *postgresDB) look(ctx context.Context, first string, f func(context.Context, pgx.Tx) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return cutOff(ctx, err)
	}
	if first != "" {
		_, err = tx.Conn().PgConn().Exec(ctx, first).ReadAll()
	}
	if err == nil {
		err = f(ctx, tx)
	}
	cut := err != nil && tx.Conn().IsClosed()
	undo := tx.Rollback(context.WithoutCancel(ctx)) // it gives the connection back, whatever it says
	if cut {
		return cutOff(ctx, err)
	}
	return errors.Join(err, undo)
}

// writeTries bounds how often a transaction starts over because another one came in
// between; each time that one was committed, so something went forward. It is also more
// than the pool has connections, should all of them have been cut.
const writeTries = 20

func (db *postgresDB) write(ctx context.Context, keys []string, f func(context.Context, queries) error) error {
	if db.readOnly {
		return fmt.Errorf("the store was opened to read only: %w", flows.ErrReadOnly)
	}
	var err error
	for range writeTries {
		if err = pgMeaning(db.once(ctx, keys, f)); err == nil || !again(err) {
			break
		}
	}
	return db.failed.note(err)
}

// commitWait bounds a commit, which does not end with the caller: half a commit is an
// answer nobody can use.
const commitWait = 30 * time.Second

// lockKeys takes the keys in one order, before any row. Without it, a grant that is
// confirmed (its job, then the request) and a click on Done (the request, then that
// job) would lock each other up for the server's deadlock_timeout.
const lockKeys = `SELECT pg_advisory_xact_lock(h) FROM (
	SELECT DISTINCT hashtextextended(k, 0) AS h FROM unnest($1::text[]) AS k ORDER BY h) AS locks`

// maxKeys is how many keys are locked at most; a larger change, which no request
// makes, may run into a deadlock and start over.
const maxKeys = 256

func (db *postgresDB) once(ctx context.Context, keys []string, f func(context.Context, queries) error) error {
	tx, err := db.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return cutOff(ctx, fmt.Errorf("begin: %w", err))
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWait)
	defer cancel()
	if len(keys) > 0 && len(keys) <= maxKeys {
		_, err = tx.Exec(ctx, lockKeys, keys)
	}
	if err == nil {
		err = f(ctx, db.q.WithTx(tx))
	}
	if err != nil {
		cut := tx.Conn().IsClosed()
		switch undo := tx.Rollback(late); { // it gives the connection back, whatever it says
		case cut:
			return cutOff(ctx, err)
		case undo != nil && !errors.Is(undo, pgx.ErrTxClosed):
			return errors.Join(err, fmt.Errorf("roll back: %w", undo))
		}
		return err
	}
	if err := tx.Commit(late); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// errCutOff: the connection was lost before the commit was sent.
var errCutOff = errors.New("the connection was lost; nothing was written")

// cutOff marks the loss of a connection that there was. When the database goes away, or
// hands over to another one, every connection of the pool is found out by its next use.
func cutOff(ctx context.Context, err error) error {
	var none *pgconn.ConnectError
	if ctx.Err() != nil || errors.As(err, &none) {
		return err
	}
	return fmt.Errorf("%w: %w", errCutOff, err)
}

// again reports whether the transaction lost against another one, or was never sent.
func again(err error) bool {
	return errors.Is(err, errLaneTaken) || errors.Is(err, errCutOff) || pgconn.SafeToRetry(err) || lost(err)
}

// lost reports whether the server ended a transaction in favour of another one.
func lost(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40001" || e.Code == "40P01")
}

// health reads one row, and tries to write one if the last write failed.
func (db *postgresDB) health(ctx context.Context) error {
	if _, err := db.q.GetMeta(ctx, "store_id"); err != nil {
		return fmt.Errorf("read the store: %w", pgMeaning(err))
	}
	if db.failed.err() == nil {
		return nil
	}
	if err := db.write(ctx, nil, probe); err != nil {
		return fmt.Errorf("the store does not write: %w", err)
	}
	return nil
}

func (db *postgresDB) clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	if err := db.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&now); err != nil {
		return time.Time{}, fmt.Errorf("read the database's clock: %w", err)
	}
	return now.UTC(), nil
}

func (db *postgresDB) close() error {
	db.pool.Close()
	return nil
}

// pgMeaning says what an error of PostgreSQL means to the engine.
func pgMeaning(err error) error {
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "23505": // unique_violation
		return translate(err, byConstraint(e.ConstraintName))
	case "23001": // restrict_violation: a trigger's
		return translate(err, byTrigger(e.Message))
	case "53100", "58030", "25006": // disk_full, io_error, read_only_sql_transaction
		return translate(err, flows.ErrReadOnly)
	case "XX001", "XX002": // data_corrupted, index_corrupted
		return translate(err, ErrDamaged)
	}
	return err
}
