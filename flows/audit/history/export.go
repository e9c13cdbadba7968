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
	next := x.page(ctx, f, out)
	defer func() { cancel(); <-next }() // what is still being read
	for more := true; more; {
		page := <-next
		if page.err != nil {
			return written, errors.Join(page.err, buf.Flush())
		}
		if more = page.next.ID != ""; more { // it is read while this one is written
			f.After = page.next
			next = x.page(ctx, f, out)
		}
		n, err := out.write(ctx, page)
		if written += n; err != nil {
			return written, errors.Join(err, buf.Flush())
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

// page reads a page in the background. The channel is closed after it.
func (x Exporter) page(ctx context.Context, f flows.Search, out sheet) <-chan page {
	ready := make(chan page, 1)
	go func() {
		defer close(ready)
		ready <- out.read(ctx, f)
	}()
	return ready
}

// Print writes rows in the form of an export: FormJSONL or FormCSV.
func Print(w io.Writer, form Form, rows []Row) error {
	var b []byte
	if form == FormCSV {
		b = heads()
	}
	for i := range rows {
		if form == FormCSV {
			b = rows[i].appendCells(b)
		} else {
			b = rows[i].appendLine(b)
		}
	}
	_, err := w.Write(b)
	return err
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

// page is what a search found, or why it did not.
type page struct {
	requests []flows.Request // or
	docs     []byte          // documents, one after the other
	ends     []int           // of them
	next     flows.Place
	err      error
}

// sheet is an export while it is written.
type sheet interface {
	// read reads a page, while the one before is written.
	read(ctx context.Context, f flows.Search) page
	// write writes a page, and returns of how many requests.
	write(ctx context.Context, p page) (int, error)
	end() error
}

func (x Exporter) sheet(w *bufio.Writer, form Form) (sheet, error) {
	out := &lines{w: w, find: x.Finder, line: (*record).appendLine}
	switch form {
	case FormJSONL:
		return out, nil
	case FormJSON:
		out.list = true
		_, err := w.WriteString("[")
		return out, err
	case FormCSV:
		out.line = (*record).appendCells
		_, err := w.Write(heads())
		return out, err
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
	w     *bufio.Writer
	find  Finder
	line  func(*record, []byte) []byte
	list  bool // the lines are an array's
	begun bool
	paper paper
	rooms [2]page // one is written while the next is read into the other
	turn  int
}

// read copies documents no further than out of the database: taking them apart is for the
// other processor.
func (l *lines) read(ctx context.Context, f flows.Search) page {
	docs, is := l.find.(Documents)
	if !is {
		found, err := l.find.Search(ctx, f)
		return page{requests: found.Requests, next: found.Next, err: err}
	}
	l.turn ^= 1
	p := &l.rooms[l.turn]
	p.docs, p.ends = p.docs[:0], p.ends[:0]
	p.next, p.err = docs.SearchDocs(ctx, f, func(i int, doc []byte) error {
		if i == 0 { // perhaps not for the first time
			p.docs, p.ends = p.docs[:0], p.ends[:0]
		}
		p.docs = append(p.docs, doc...)
		p.ends = append(p.ends, len(p.docs))
		return nil
	})
	return *p
}

func (l *lines) write(_ context.Context, p page) (int, error) {
	for i := range p.requests {
		row := RowOf(&p.requests[i])
		if err := l.add(row.record()); err != nil {
			return i, err
		}
	}
	from := 0
	for i, to := range p.ends {
		rec, err := l.paper.read(p.docs[from:to])
		if err == nil {
			err = l.add(rec)
		}
		if err != nil {
			return i, err
		}
		from = to
	}
	return len(p.requests) + len(p.ends), nil
}

func (l *lines) add(rec *record) error {
	b := l.w.AvailableBuffer()
	if l.list && l.begun {
		b = append(b, ',')
	} else if l.list {
		b = append(b, '\n')
	}
	l.begun = true
	_, err := l.w.Write(l.line(rec, b))
	return err
}

func (l *lines) end() error {
	if !l.list {
		return nil
	}
	_, err := l.w.WriteString("]\n")
	return err
}
