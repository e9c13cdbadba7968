package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// raws is what reads a great many rows: past what makes values of each of their columns.
type raws interface {
	// raw runs f on one consistent state. f may run more than once and must then start
	// afresh.
	raw(ctx context.Context, f func(context.Context, asker) error) error
	// along is raw where each question is answered along its index or not at all.
	along(ctx context.Context, f func(context.Context, asker) error) error
	// compiled are the queries of the database, for what they ask to be taken down.
	compiled(n *note) queries
}

// asker calls each for the rows that answer a question, in order. The question is in the
// SQL that both engines have, or a compiled one that was taken down, and numbers its
// arguments from $1 as they come in it.
type asker func(ctx context.Context, question string, args []any, each func(rawRow) error) error

// rawRow is a row where the database has it. Its columns count from 0.
type rawRow interface {
	// int is a number.
	int(col int32) int64
	// bytes are a text or a blob, not to be changed, nor kept for longer than the row.
	bytes(col int32) []byte
}

func (db *sqliteDB) raw(ctx context.Context, f func(context.Context, asker) error) error {
	return db.low(ctx, func(c *lowConn) error {
		return f(ctx, func(ctx context.Context, question string, args []any, each func(rawRow) error) error {
			row := &lowRow{} // one for all
			return c.query(ctx, question, args, func(r lowRow) error {
				*row = r
				return each(row)
			})
		})
	})
}

func (db *sqliteDB) along(ctx context.Context, f func(context.Context, asker) error) error {
	return db.raw(ctx, f)
}

func (db *postgresDB) raw(ctx context.Context, f func(context.Context, asker) error) error {
	return db.asks(ctx, "", f)
}

func (db *postgresDB) along(ctx context.Context, f func(context.Context, asker) error) error {
	return db.asks(ctx, walking, f)
}

func (db *postgresDB) asks(ctx context.Context, first string, f func(context.Context, asker) error) error {
	return db.looks(ctx, first, func(ctx context.Context, tx pgx.Tx) error {
		return f(ctx, func(ctx context.Context, question string, args []any, each func(rawRow) error) error {
			rows, err := tx.Query(ctx, question, args...)
			if err != nil {
				return err
			}
			defer rows.Close()
			row := &pgRow{fields: rows.FieldDescriptions()}
			for rows.Next() {
				row.values = rows.RawValues()
				if err := each(row); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	})
}

// pgRow is a row as PostgreSQL sent it: in its binary form, or as text to whoever speaks
// its simple protocol.
type pgRow struct {
	fields []pgconn.FieldDescription
	values [][]byte
}

func (r *pgRow) int(col int32) int64 {
	v := r.values[col]
	if r.fields[col].Format == pgx.BinaryFormatCode && len(v) == 8 {
		return int64(binary.BigEndian.Uint64(v))
	}
	n, _ := strconv.ParseInt(string(v), 10, 64) // a number is what the server sends of one
	return n
}

func (r *pgRow) bytes(col int32) []byte {
	v := r.values[col]
	if f := &r.fields[col]; f.DataTypeOID == pgtype.ByteaOID && f.Format == pgx.TextFormatCode {
		v, _ = hex.DecodeString(strings.TrimPrefix(string(v), `\x`)) // likewise
	}
	return v
}

// arena keeps what rows had in a few pieces, instead of one for each column.
type arena struct {
	texts strings.Builder
}

// piece is how large a piece of an arena is, unless one thing needs a larger one. Nothing
// is copied into the next.
const piece = 256 << 10

func (a *arena) text(b []byte) string {
	if a.texts.Len()+len(b) > a.texts.Cap() {
		a.texts = strings.Builder{}
		a.texts.Grow(max(piece, len(b)))
	}
	from := a.texts.Len()
	a.texts.Write(b)
	return a.texts.String()[from:]
}
