package history

import (
	"bytes"
	"fmt"
	"reflect"
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

// TestLine: a line is what encoding/json writes for the row, whichever fields are set. A
// field that is added to a row has to be added to the line.
func TestLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"plain", oddText} {
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
