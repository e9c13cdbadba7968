package history

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

// hostile are texts that a decoder, a spreadsheet or a reader may stumble over.
var hostile = []string{
	"", "plain", "on call, level 1", "T0GEN/U00013", oddText, "Ärger mit der Datenbank", "障害対応", "🔥 prod", "e\u0301", " edge ", "=1+1", "@x", "-", "a\tb", "\u2028", "\u2029",
	"\ufffd", "\xff\xfe", "\x00", "\x1f", "\x7f", "\\", `"`, `\"`, `\u003c`, "</script><b>&", "\u202e desrever", "seven..", "eight...", "nine....\\", `sixteen letters\`,
	`{"ID":"x"}`, "],[", "\b\f\n\r\t",
}

// long is more than is kept of what a person typed.
var long = []string{strings.Repeat("long ", 700), strings.Repeat("é", 3100)}

// odd is one of them.
func odd(r *rand.Rand) string {
	if r.IntN(100) == 0 {
		return long[r.IntN(2)]
	}
	return hostile[r.IntN(len(hostile))] + "x"
}

// fill gives a value everything, or, by chance, less. Times are as they are stored.
func fill(v reflect.Value, r *rand.Rand, all bool) {
	switch v.Type() {
	case reflect.TypeFor[flows.Text]():
		v.Set(reflect.ValueOf(flows.NewText(odd(r))))
		return
	case reflect.TypeFor[flows.Tri]():
		v.SetInt(r.Int64N(3))
		return
	case reflect.TypeFor[time.Time]():
		unit := []time.Duration{1, time.Microsecond, time.Millisecond, 100 * time.Millisecond, time.Second, time.Hour}[r.IntN(6)]
		v.Set(reflect.ValueOf(time.Unix(0, 1+r.Int64N(1<<61)).Truncate(unit).UTC()))
		return
	}
	if !all && r.IntN(3) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(odd(r))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1 + r.Int64N(1<<[]int{2, 20, 52}[r.IntN(3)]))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), r, all)
	case reflect.Slice:
		n := 1 + r.IntN(2)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r, all)
		}
	case reflect.Struct:
		for field, value := range v.Fields() {
			if field.Tag.Get("json") != "-" {
				fill(value, r, all)
			}
		}
	default:
		panic("a request has a field of kind " + v.Kind().String() + "; teach the test about it")
	}
}

// slowly is what an export writes of a request by way of encoding/json.
func slowly(doc []byte) (line, cells string, err error) {
	var r flows.Request
	if err := json.Unmarshal(doc, &r); err != nil {
		return "", "", err
	}
	row := RowOf(&r)
	return string(row.appendLine(nil)), string(row.appendCells(nil)), nil
}

// TestPaper: what an export writes of a request's JSON is what it writes of the request,
// to the byte, whatever stands in it; and it is read without encoding/json. A field that
// is added to a request has to be taught to the paper.
func TestPaper(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 11))
	var p paper // for all of them: one leaves nothing behind for the next
	for i := range 2000 {
		var req flows.Request
		if i > 0 {
			fill(reflect.ValueOf(&req).Elem(), r, i%3 == 0)
		}
		doc, err := json.Marshal(&req)
		if err != nil {
			t.Fatal(err)
		}
		if !p.quick(doc) {
			t.Fatalf("it is read by encoding/json, from %q on:\n%s", doc[p.i:], doc)
		}
		same(t, &p, doc)
	}
}

// same holds the paper to encoding/json.
func same(t *testing.T, p *paper, doc []byte) {
	t.Helper()
	line, cells, err := slowly(doc)
	rec, quick := p.read(doc)
	switch {
	case err == nil && quick != nil, err != nil && quick == nil && !json.Valid(doc): // what is not shown may be of another kind
		t.Fatalf("%v, and encoding/json says %v: %s", quick, err, doc)
	case err != nil:
		return
	}
	if got := string(rec.appendLine(nil)); got != line {
		t.Fatalf("the line of %s is\n%s, not\n%s", doc, got, line)
	}
	if got := string(rec.appendCells(nil)); got != cells {
		t.Fatalf("the cells of %s are\n%s, not\n%s", doc, got, cells)
	}
}

// strange are documents that the store does not write, or no longer, or that somebody
// else wrote into it.
var strange = []string{
	`{}`, `{ }`, `{"ID":"a" }`, `{"id":"a","Id":"b"}`, `{"ID":"a","ID":"b"}`, `{"\u0049D":"a"}`, `{"ID":"\u0041\u00e9\u00E9\ud83d\ude00\/"}`, `{"ID":"\ud800"}`,
	`{"ID":"\ud83d\ude00"}`, "{\"ID\":\"\xff\"}", "{\"ID\":\"\n\"}", `{"ID":"a\x"}`, `{"ID":"a\u00g0"}`, `{"ID":"a\u12`, `{"ID":"a\`, `{"ID":"`, `{"ID`, `{"ID":1}`, `{"ID":null}`,
	`{"Version":1.5}`, `{"Version":00}`, `{"Version":-0}`, `{"Version":+1}`, `{"Version":-}`, `{"Version":}`, `{"Version":1e3}`, `{"Version":99999999999999999999}`,
	`{"Content":{"Duration":-1500000000}}`, `{"Content":{"Duration":9223372036854775807}}`, `{"Content":null}`, `{"Content":{"Fields":null}}`, `{"Content":{"Fields":[]}}`,
	`{"Content":{"Fields":[{"Name":"a","Value":" b "}],"Fields":[{"Name":"c"}]}}`, `{"Content":{"Reason":" spaces "}}`, `{"Content":{"Reason":"\u202eabc\u0000"}}`,
	`{"Content":{"Incident":{"ID":"","Number":0,"Title":"","URL":""}},"Opened":{"ID":"Q2","Number":7}}`, `{"Content":{"Incident":{"ID":"Q1"}},"Opened":{"ID":"Q2"},"MovedTo":"Q3"}`,
	`{"SubmittedAt":"0001-01-01T00:00:00Z","DecidedAt":"0001-01-01T00:00:00Z"}`, `{"SubmittedAt":"2026-03-02T12:00:00.5+02:00"}`, `{"SubmittedAt":"2026-03-02T12:00:00.50Z"}`,
	`{"SubmittedAt":"2026-02-29T12:00:00Z"}`, `{"SubmittedAt":"2024-02-29T12:00:00Z"}`, `{"SubmittedAt":"1900-02-29T12:00:00Z"}`, `{"SubmittedAt":"2026-13-01T12:00:00Z"}`,
	`{"SubmittedAt":"2026-04-31T12:00:00Z"}`, `{"SubmittedAt":"2026-04-30T24:00:00Z"}`, `{"SubmittedAt":"2026-04-30T23:60:00Z"}`, `{"SubmittedAt":"2026-04-30T23:59:60Z"}`,
	`{"SubmittedAt":"2026-04-30T23:59:59.Z"}`, `{"SubmittedAt":"2026-04-30T23:59:59,5Z"}`, `{"SubmittedAt":"2026-04-30t23:59:59Z"}`, `{"SubmittedAt":"2026-04-30T23:59:59.1234567891Z"}`,
	`{"SubmittedAt":"0000-01-01T00:00:00Z"}`, `{"SubmittedAt":"9999-12-31T23:59:59.999999999Z"}`, `{"SubmittedAt":"9999-12-31T23:59:59-01:00"}`, `{"SubmittedAt":""}`, `{"SubmittedAt":"2026-00-00T00:00:00Z"}`,
	`{"Votes":null}`, `{"Votes":[]}`, `{"Votes":[{}]}`, `{"Votes":[{"By":"a"},{"By":"b"}],"Votes":[{"Door":"x"}]}`, `{"Votes":[null]}`, `{"Votes":[{"By":"a"},]}`, `{"Votes":[,]}`, `{"Votes":{}}`,
	`{"Route":null}`, `{"Route":{"Why":"a"}}`, `{"Route":{"Why":"a"},"Route":null}`, `{"Route":{"why":"a"}}`, `{"Route":{"Stages":[{"Quorum":1.5}]}}`, `{"Route":{"Stages":"x","Why":"a"}}`,
	`{"Proof":null}`, `{"Proof":{"Entry":{"Level":2},"ReadAt":"2026-03-02T12:00:00Z"}}`, `{"Proof":{"Entry":{"Override":7}}}`, `{"Proof":{"Entry":{"Level":2}},"Proof":{"Digest":"a"}}`, `{"Proof":{"Entry":}}`,
	`{"Review":{}}`, `{"Review":null}`, `{"Review":{"State":"due","Note":" a "}}`, `{"Review":{"State":"due"},"Review":{"By":"a"}}`, `{"Review":5}`,
	`{"SelfMade":true,"Overdue":false}`, `{"SelfMade":1}`, `{"SelfMade":truely}`, `{"Overdue":`, `{"Chain":{"Len":7,"Hash":"x"}}`, `{"Chain":{"Len":7,"More":1}}`, `{"Unknown":1}`,
	`{"IncidentSeen":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, `{"IncidentSeen":{"a":[1,"b",true,null,{"c":-3}]}}`, `{"IncidentSeen":tru}`, `{"ID":"a"}x`, `{"ID":"a"},`, `[]`, ``, `null`,
}

// TestPaperStrange: what nobody writes like that is read as encoding/json reads it, too.
func TestPaperStrange(t *testing.T) {
	t.Parallel()
	var p paper
	for _, doc := range strange {
		same(t, &p, []byte(doc))
	}
	if _, err := p.read([]byte(`{"ID":`)); err == nil {
		t.Error("half a document is read")
	}
}

// FuzzPaper: whatever it takes, it reads as encoding/json does.
func FuzzPaper(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 9))
	for i := range 20 {
		var req flows.Request
		fill(reflect.ValueOf(&req).Elem(), r, i == 0)
		doc, err := json.Marshal(&req)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	for _, doc := range strange {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) { same(t, &paper{}, doc) })
}

// FuzzLine: a string is written as encoding/json and encoding/csv write it.
func FuzzLine(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := func() ([]byte, error) {
			var b strings.Builder
			err := encoder(&b).Encode(s)
			return []byte(strings.TrimSuffix(b.String(), "\n")), err
		}()
		w := liner{}
		if w.string([]byte(s)); err != nil || string(w.b) != string(want) {
			t.Errorf("%q is written %s, not %s", s, w.b, want)
		}
	})
}

// BenchmarkPaper writes a line of a request's JSON.
func BenchmarkPaper(b *testing.B) {
	doc, err := json.Marshal(&flows.Request{
		ID: "req_1", SubmittedAt: time.Unix(1, 0).UTC(), DecidedAt: time.Unix(2, 5).UTC(), Votes: []flows.Vote{{By: "T/U", At: time.Unix(2, 5).UTC()}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var p paper
	var line []byte
	for b.Loop() {
		rec, err := p.read(doc)
		if err != nil {
			b.Fatal(err)
		}
		line = rec.appendLine(line[:0])
	}
}
