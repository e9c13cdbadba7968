package history

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

// oddText has what JSON escapes.
const oddText = "a \"quoted\" \\ <b> & é \u2028 \x00 \n \x7f \xff Ω"

// set gives every field of a row a value that is not zero.
func set(v reflect.Value, n *int, text string) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 3, 2, 12, 0, *n, *n*1000, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint(text, *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem(), n, text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		set(v.Index(0), n, text)
		set(v.Index(1), n, text)
	case reflect.Struct:
		for _, field := range v.Fields() {
			set(field, n, text)
		}
	default:
		panic("a row has a field of kind " + v.Kind().String() + "; teach the test about it")
	}
}

// rowsWith are rows that have everything, nothing, one thing, and all but one.
func rowsWith(text string) []Row {
	var whole Row
	n := 0
	set(reflect.ValueOf(&whole).Elem(), &n, text)
	rows := []Row{{}, whole}
	for i := range reflect.TypeFor[Row]().NumField() {
		with, without := Row{}, whole
		reflect.ValueOf(&with).Elem().Field(i).Set(reflect.ValueOf(whole).Field(i))
		reflect.ValueOf(&without).Elem().Field(i).SetZero()
		rows = append(rows, with, without)
	}
	return rows
}

// TestLine: a line is what encoding/json writes for the row, whichever fields are set. A
// field that is added to a row has to be added to the line.
func TestLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", oddText} {
		rows := rowsWith(text)
		for i := range rows {
			var want bytes.Buffer
			if err := encoder(&want).Encode(&rows[i]); err != nil {
				t.Fatal(err)
			}
			if got := string(rows[i].appendLine(nil)); got != want.String() {
				t.Errorf("the line is\n%s, not\n%s", got, want.String())
			}
		}
	}
}

// TestCells: a line is what encoding/csv writes for its values.
func TestCells(t *testing.T) {
	t.Parallel()
	texts := []string{"plain", oddText, "=1+1", " =x", "a,b", `say "hi"`, "two\nlines", "cr\rhere", `\.`, " space", "\u00a0wide", "\u3000＝x", "+1", "é", "\xff", "-", "a\tb", "\t"}
	for _, text := range texts {
		rows := rowsWith(text)
		rows = append(rows, Row{Reason: text, DenyWhy: text, EndWhy: text})
		for i := range rows {
			var want bytes.Buffer
			out := csv.NewWriter(&want)
			if err := out.Write(cellsOf(&rows[i])); err != nil {
				t.Fatal(err)
			}
			out.Flush()
			if got := string(rows[i].appendCells(nil)); got != want.String() {
				t.Errorf("the line is\n%s, not\n%s", got, want.String())
			}
		}
	}
	if got, want := string(heads()), strings.Join(columns, ",")+"\n"; got != want {
		t.Errorf("the first line is %q, not %q", got, want)
	}
}

// cellsOf are a row's values for the columns.
func cellsOf(r *Row) []string {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	number := ""
	if r.Number != 0 {
		number = strconv.Itoa(r.Number)
	}
	v := r.Review
	if v == nil {
		v = &Review{}
	}
	var by []string
	for _, vote := range r.Votes {
		by = append(by, string(vote.By))
	}
	return []string{
		string(r.ID), string(r.State), Cell(string(r.Flow)), Cell(string(r.Target)), Cell(string(r.Scope)), Cell(string(r.Requester)),
		Cell(string(r.Beneficiary)), strconv.FormatInt(r.Seconds, 10), Cell(r.Reason), Cell(string(r.Incident)), number,
		moment(r.Submitted), Cell(string(r.DecidedBy)), moment(r.Decided), strconv.FormatBool(r.Self), Cell(r.DenyWhy), moment(r.Granted),
		moment(r.Ends), moment(r.Ended), string(r.Cause), Cell(string(r.EndedBy)), Cell(r.EndWhy), strconv.FormatBool(r.Overdue),
		r.Hash, strconv.FormatInt(r.Entries, 10), r.EndOfChain,
		string(v.State), moment(v.Due), Cell(string(v.By)), moment(v.At), string(v.Verdict), Cell(v.Note), Cell(strings.Join(by, " ")),
	}
}

// BenchmarkLine writes a row of a request.
func BenchmarkLine(b *testing.B) {
	r := flows.Request{ID: "req_1", SubmittedAt: time.Unix(1, 0), DecidedAt: time.Unix(2, 5), Votes: []flows.Vote{{By: "T/U", At: time.Unix(2, 5)}}}
	b.ReportAllocs()
	var line []byte
	for b.Loop() {
		row := RowOf(&r)
		line = row.appendLine(line[:0])
	}
}
