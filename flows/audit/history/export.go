package history

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"breakglass/flows"
)

// Form is the form of an export.
type Form string

// The forms.
const (
	FormJSON  Form = "json"  // one array
	FormJSONL Form = "jsonl" // a row a line
	FormCSV   Form = "csv"
	FormSym   Form = "sym" // an event a line, in Sym's shape, with the incident
)

// ContentType is what HTTP calls the form.
func (f Form) ContentType() string {
	switch f {
	case FormCSV:
		return "text/csv; charset=utf-8"
	case FormJSON:
		return "application/json"
	}
	return "application/x-ndjson"
}

// exportPage is how many requests are read at a time: what an export holds in memory.
const exportPage = 1000

// Exporter writes everything that a search finds.
type Exporter struct {
	Finder Finder
	Chains Chains // for FormSym
	Name   func(flows.PersonID) string
	// Progress, if set, is told after each page how many requests were written.
	Progress func(written int)
	// Flush, if set, is called after each page, for who reads along.
	Flush func()
}

// Write writes what f finds to w, newest first, and returns how many requests that
// were. What was written before an error is whole lines.
func (x Exporter) Write(ctx context.Context, w io.Writer, form Form, f flows.Search) (int, error) {
	buf := bufio.NewWriterSize(w, 64<<10)
	out, err := x.sheet(buf, form)
	if err != nil {
		return 0, err
	}
	written := 0
	f.Limit = exportPage
	ctx, cancel := context.WithCancel(ctx)
	next := x.page(ctx, f)
	defer func() { cancel(); <-next }() // what is still being read
	for more := true; more; {
		page := <-next
		if page.err != nil {
			return written, errors.Join(page.err, buf.Flush())
		}
		if more = page.Next.ID != ""; more { // it is read while this one is written
			f.After = page.Next
			next = x.page(ctx, f)
		}
		for i := range page.Requests {
			if err := out.add(ctx, &page.Requests[i]); err != nil {
				return written, errors.Join(err, buf.Flush())
			}
			written++
		}
		if more {
			if err := x.pause(buf, written); err != nil {
				return written, err
			}
		}
	}
	if err := out.end(); err != nil {
		return written, err
	}
	return written, buf.Flush()
}

// foundPage is what a search found, or why it did not.
type foundPage struct {
	flows.Found
	err error
}

// page reads a page in the background. The channel is closed after it.
func (x Exporter) page(ctx context.Context, f flows.Search) <-chan foundPage {
	out := make(chan foundPage, 1)
	go func() {
		defer close(out)
		found, err := x.Finder.Search(ctx, f)
		out <- foundPage{found, err}
	}()
	return out
}

// Print writes rows in the form of an export: FormJSONL or FormCSV.
func Print(w io.Writer, form Form, rows []Row) error {
	out := &lines{w: w, line: (*Row).appendLine}
	if form == FormCSV {
		out.line = (*Row).appendCells
		if _, err := w.Write(heads()); err != nil {
			return err
		}
	}
	for i := range rows {
		if err := out.row(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// pause lets who watches or reads along catch up.
func (x Exporter) pause(buf *bufio.Writer, written int) error {
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("write the export: %w", err)
	}
	if x.Flush != nil {
		x.Flush()
	}
	if x.Progress != nil {
		x.Progress(written)
	}
	return nil
}

// sheet is an export while it is written.
type sheet interface {
	add(ctx context.Context, r *flows.Request) error
	end() error
}

func (x Exporter) sheet(w *bufio.Writer, form Form) (sheet, error) {
	switch form {
	case FormJSONL:
		return &lines{w: w, line: (*Row).appendLine}, nil
	case FormJSON:
		_, err := w.WriteString("[")
		return &array{lines{w: w, line: (*Row).appendLine}, "\n"}, err
	case FormCSV:
		_, err := w.Write(heads())
		return &lines{w: w, line: (*Row).appendCells}, err
	case FormSym:
		return &symEvents{x: x, enc: encoder(w)}, nil
	}
	return nil, fmt.Errorf("there is no form %q; the forms are json, jsonl, csv and sym", form)
}

func encoder(w io.Writer) *json.Encoder {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc
}

// lines writes a line for each request.
type lines struct {
	w    io.Writer
	line func(*Row, []byte) []byte
	room []byte // to be used again
}

func (l *lines) add(_ context.Context, r *flows.Request) error {
	row := RowOf(r)
	return l.row(&row)
}

func (l *lines) row(r *Row) error {
	l.room = l.line(r, l.room[:0])
	_, err := l.w.Write(l.room)
	return err
}

func (*lines) end() error { return nil }

type array struct {
	lines
	sep string
}

func (a *array) add(ctx context.Context, r *flows.Request) error {
	if _, err := io.WriteString(a.w, a.sep); err != nil {
		return err
	}
	a.sep = ","
	return a.lines.add(ctx, r)
}

func (a *array) end() error {
	_, err := io.WriteString(a.w, "]\n")
	return err
}
