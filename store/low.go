package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// lowConn reads a SQLite file below database/sql, for what reads a great many rows: they
// lie in SQLite's own memory, and nothing is allocated for them. One goroutine uses it at
// a time; database/sql only keeps those that are idle.
type lowConn struct {
	tls   *libc.TLS
	db    uintptr
	stmts map[string]uintptr // by their text
}

// lowFile opens connections to a file.
type lowFile struct {
	name    string // as dsn writes it
	pragmas []string
}

// lowReaders are connections below database/sql, opened when they are asked for.
func lowReaders(path string, params []string, conns int) *sql.DB {
	file := lowFile{name: dsn(path, params...)}
	for _, p := range append([]string{"_pragma=busy_timeout(5000)"}, params...) {
		if pragma, is := strings.CutPrefix(p, "_pragma="); is {
			file.pragmas = append(file.pragmas, "PRAGMA "+pragma)
		}
	}
	pool := sql.OpenDB(file)
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	pool.SetConnMaxIdleTime(readerIdle)
	return pool
}

// low runs f on one consistent state of the file.
func (db *sqliteDB) low(ctx context.Context, f func(*lowConn) error) error {
	conn, err := db.lows.Conn(ctx)
	if err != nil {
		return liteMeaning(err)
	}
	err = conn.Raw(func(c any) error {
		low := c.(*lowConn)
		if err := low.run(ctx, "BEGIN"); err != nil {
			return err
		}
		err := f(low)
		if undo := low.run(context.WithoutCancel(ctx), "ROLLBACK"); undo != nil {
			return errors.Join(err, undo, driver.ErrBadConn) // it is not used again
		}
		return err
	})
	return liteMeaning(errors.Join(err, conn.Close()))
}

// query calls each for the rows of a question, in order. What a row gives is good until
// each returns.
func (c *lowConn) query(ctx context.Context, text string, args []any, each func(lowRow) error) error {
	stmt, err := c.statement(text)
	if err != nil {
		return err
	}
	defer func() {
		sqlite3.Xsqlite3_reset(c.tls, stmt) // what it says is what the step said
		sqlite3.Xsqlite3_clear_bindings(c.tls, stmt)
	}()
	for i, arg := range args {
		if err := c.bind(stmt, int32(i+1), arg); err != nil {
			return err
		}
	}
	defer c.interruptOn(ctx)()
	for {
		rc := sqlite3.Xsqlite3_step(c.tls, stmt)
		switch err := ctx.Err(); { // an interrupt before the first step is none
		case err != nil:
			return err
		case rc == sqlite3.SQLITE_DONE:
			return nil
		case rc != sqlite3.SQLITE_ROW:
			return c.failed(rc)
		}
		if err := each(lowRow{c.tls, stmt}); err != nil {
			return err
		}
	}
}

// run runs a statement without an answer.
func (c *lowConn) run(ctx context.Context, text string) error {
	return c.query(ctx, text, nil, func(lowRow) error { return nil })
}

// lowRow is a row that a statement stands at. Its columns count from 0.
type lowRow struct {
	tls  *libc.TLS
	stmt uintptr
}

// bytes are a text or a blob where SQLite has it: not to be changed or kept.
func (r lowRow) bytes(col int32) []byte {
	at := sqlite3.Xsqlite3_column_blob(r.tls, r.stmt, col)
	n := sqlite3.Xsqlite3_column_bytes(r.tls, r.stmt, col)
	if at == 0 || n == 0 {
		return nil
	}
	return libc.GoBytes(at, int(n))
}

// int is a number.
func (r lowRow) int(col int32) int64 { return sqlite3.Xsqlite3_column_int64(r.tls, r.stmt, col) }

// statement prepares a statement, once.
func (c *lowConn) statement(text string) (uintptr, error) {
	if stmt, is := c.stmts[text]; is {
		return stmt, nil
	}
	said, err := libc.CString(text)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(c.tls, said)
	out := c.tls.Alloc(wordSize)
	defer c.tls.Free(wordSize)
	if rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, said, -1, out, 0); rc != sqlite3.SQLITE_OK {
		return 0, c.failed(rc)
	}
	stmt := wordAt(out)
	c.stmts[text] = stmt
	return stmt, nil
}

func (c *lowConn) bind(stmt uintptr, i int32, arg any) error {
	var rc int32
	switch v := arg.(type) {
	case int64:
		rc = sqlite3.Xsqlite3_bind_int64(c.tls, stmt, i, v)
	case string:
		text, err := libc.CString(v)
		if err != nil {
			return err
		}
		rc = sqlite3.Xsqlite3_bind_text(c.tls, stmt, i, text, int32(len(v)), sqlite3.SQLITE_TRANSIENT)
		libc.Xfree(c.tls, text)
	default:
		return fmt.Errorf("a question cannot have a %T in it", arg)
	}
	if rc != sqlite3.SQLITE_OK {
		return c.failed(rc)
	}
	return nil
}

// interruptOn breaks off what runs when ctx ends, until what it returns is called.
func (c *lowConn) interruptOn(ctx context.Context) (done func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		tls := libc.NewTLS() // the connection's is in use
		defer tls.Close()
		sqlite3.Xsqlite3_interrupt(tls, c.db)
	})
	return func() {
		if !stop() {
			<-over
		}
	}
}

// Connect opens a connection for database/sql to keep.
func (f lowFile) Connect(ctx context.Context) (driver.Conn, error) {
	c := &lowConn{tls: libc.NewTLS(), stmts: map[string]uintptr{}}
	if err := c.open(f.name); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	for _, pragma := range f.pragmas {
		if err := c.run(ctx, pragma); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// Driver is there for database/sql; there is none.
func (lowFile) Driver() driver.Driver { return nil }

func (c *lowConn) open(name string) error {
	said, err := libc.CString(name)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, said)
	out := c.tls.Alloc(wordSize)
	defer c.tls.Free(wordSize)
	rc := sqlite3.Xsqlite3_open_v2(c.tls, said, out, sqlite3.SQLITE_OPEN_READONLY|sqlite3.SQLITE_OPEN_NOMUTEX|sqlite3.SQLITE_OPEN_URI, 0)
	c.db = wordAt(out) // there is one to close even where it failed
	if rc != sqlite3.SQLITE_OK {
		return c.failed(rc)
	}
	sqlite3.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return nil
}

// Close closes the connection.
func (c *lowConn) Close() error {
	for _, stmt := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, stmt)
	}
	var err error
	if rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db); rc != sqlite3.SQLITE_OK {
		err = c.failed(rc)
	}
	c.tls.Close()
	return err
}

// errLow: database/sql keeps these connections; it does not ask through them.
var errLow = errors.New("this connection is read below database/sql")

// Prepare is refused.
func (*lowConn) Prepare(string) (driver.Stmt, error) { return nil, errLow }

// Begin is refused.
func (*lowConn) Begin() (driver.Tx, error) { return nil, errLow }

// lowError is an error of SQLite.
type lowError struct {
	code int
	text string
}

func (e *lowError) Error() string { return e.text + " (" + strconv.Itoa(e.code) + ")" }

// Code is SQLite's extended result code.
func (e *lowError) Code() int { return e.code }

func (c *lowConn) failed(rc int32) error {
	text := libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	if c.db != 0 {
		text += ": " + libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &lowError{int(rc), text}
}

// wordSize is the size of a pointer.
const wordSize = strconv.IntSize / 8

// wordAt is the pointer that lies at p.
func wordAt(p uintptr) uintptr {
	b := libc.GoBytes(p, wordSize)
	if wordSize == 4 {
		return uintptr(binary.NativeEndian.Uint32(b))
	}
	return uintptr(binary.NativeEndian.Uint64(b))
}
