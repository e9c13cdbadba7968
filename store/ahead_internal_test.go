package store

import (
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"breakglass/flows"
)

// testRow is a row of numbers and texts.
type testRow []any

func (r testRow) int(col int32) int64 { return r[col].(int64) }

func (r testRow) bytes(col int32) []byte { return []byte(r[col].(string)) }

// TestColumnsAre: no column of a request may be another than it says.
func TestColumnsAre(t *testing.T) {
	t.Parallel()
	for _, r := range []flows.Request{full(), plainRequest()} {
		want := reflect.ValueOf(requestRow(&r))
		var row testRow
		for _, column := range want.Fields() {
			row = append(row, column.Interface())
		}
		if !columnsAre(&r, row) {
			t.Errorf("the columns of %s are not what they are", r.ID)
		}
		for i := range want.NumField() - 1 { // the last is the document
			other := slices.Clone(row)
			switch was := row[i].(type) {
			case string:
				other[i] = was + "x"
			case int64:
				other[i] = was + 1
			}
			if columnsAre(&r, other) {
				t.Errorf("another %s is not seen", want.Type().Field(i).Name)
			}
		}
	}
}

// TestWantedRows: rows in passing are those that are wanted exactly where comparing them
// all finds nothing that does not fit, whatever somebody did to them.
func TestWantedRows(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	fits, misfits := 0, 0
	var w wanted
	for range 20_000 {
		r := someRequest(random)
		want := slices.DeleteFunc(tracesOf(&r), func(t trace) bool { return t.list == incidents }) // which are added up
		have := want
		for range random.IntN(3) {
			have = alteredTraces(random, have)
		}
		one := &passing{id: string(r.ID), request: r}
		for w.list = range incidents {
			w.of = nil
			for _, row := range have {
				if row.list == w.list {
					w.row(one, testRow{one.id, row.key, row.n, row.at, row.by, row.text})
				}
			}
			w.end(one)
		}
		if why := misfit(want, have); (why != "") != one.misfit {
			t.Fatalf("%+v: %q, and in passing %v", have, why, one.misfit)
		}
		if one.misfit {
			misfits++
		} else {
			fits++
		}
	}
	if fits < 1000 || misfits < 1000 {
		t.Errorf("%d fit and %d do not: too few of one of them", fits, misfits)
	}
}

// someRequest is a request with rows in some of the lists.
func someRequest(random *rand.Rand) flows.Request {
	r := full()
	some := func(forget func()) {
		if random.IntN(2) == 0 {
			forget()
		}
	}
	some(func() { r.Votes = nil })
	some(func() { r.DecidedBy = r.Content.Requester })
	some(func() { r.EndedBy, r.EndWhy = "", flows.Text{} })
	some(func() { r.Content.Reason = flows.NewText("OPS_1 is\tDOWN  again") })
	some(func() { r.Content.Reason = flows.Text{} })
	some(func() { r.State = flows.StateDenied })
	some(func() { r.Review = nil })
	some(func() { r.Opened, r.MovedTo = flows.IncidentRef{}, "" })
	some(func() { r.Content.Incident = flows.IncidentRef{} })
	return r
}

// alteredTraces does one thing to one row, and keeps to one row for each key.
func alteredTraces(random *rand.Rand, all []trace) []trace {
	all = slices.Clone(all)
	if len(all) == 0 {
		return []trace{{list: list(random.IntN(int(incidents))), key: "open"}}
	}
	i := random.IntN(len(all))
	switch t := &all[i]; random.IntN(8) {
	case 0:
		return slices.Delete(all, i, i+1)
	case 1:
		other := *t
		other.key += "x"
		return append(all, other)
	case 2:
		if other := t.key + "x"; find(all, &trace{list: t.list, key: other}) < 0 {
			t.key = other
		}
	case 3:
		t.n += int64(t.list+1) % 4 // words have none
		if t.list == words {
			t.n = 0
		}
	case 4:
		t.at++
	case 5:
		if t.list == words {
			t.by += "x"
		}
	case 6:
		if t.list == words {
			t.text += "x"
		}
	case 7:
		if t.list == words {
			t.text = strings.ToUpper(t.text) + " "
		}
	}
	return all
}

// TestWantedMore: what is wanted of more than can be told apart does not fit in passing, nor
// does a row that comes twice.
func TestWantedMore(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 62, 63, 64, 65, 128} {
		r := plainRequest()
		r.Content.Requester, r.Content.Beneficiary, r.State = "T/U", "T/U", flows.StateEnded
		for i := range n - 1 {
			r.Votes = append(r.Votes, flows.Vote{By: flows.PersonID(fmt.Sprint("T/U", i))})
		}
		for _, rows := range []int{n - 1, n, n + 1} {
			w, one := wanted{list: people}, &passing{request: r}
			for i := range rows {
				p := r.Parts()[min(i, n-1)]
				w.row(one, testRow{"", string(p.Person), int64(p.Part), millis(r.SubmittedAt)})
			}
			w.end(one)
			if want := rows != n || n >= 64; one.misfit != want {
				t.Errorf("%d rows of %d: %v", rows, n, one.misfit)
			}
		}
	}
}

// TestIncidentSums: two lists of rows come to the same sums exactly where they are the same,
// in whatever order, and the shelf of an incident with another row is named.
func TestIncidentSums(t *testing.T) {
	t.Parallel()
	r := plainRequest()
	refs := []flows.IncidentRef{{ID: "Q1", Number: 4711}, {ID: "Q2", Number: -1}}
	seed := maphash.MakeSeed()
	want := newIncidentSums(seed)
	want.want(&r, refs)
	type row struct {
		incident, request string
		at, number        int64
	}
	id, at := string(r.ID), millis(r.SubmittedAt)
	one, other := row{"Q1", id, at, 4711}, row{"Q2", id, at, 0}
	for what, c := range map[string]struct {
		rows  []row
		other []string
	}{
		"as it is":           {[]row{one, other}, nil},
		"in another order":   {[]row{other, one}, nil},
		"none":               {nil, []string{"Q1", "Q2"}},
		"one taken out":      {[]row{one}, []string{"Q2"}},
		"one twice":          {[]row{one, one, other}, []string{"Q1"}},
		"another number":     {[]row{{"Q1", id, at, 4712}, other}, []string{"Q1"}},
		"at another time":    {[]row{{"Q1", id, at + 1, 4711}, other}, []string{"Q1"}},
		"time and number":    {[]row{{"Q1", id, 4711, at}, other}, []string{"Q1"}},
		"of another request": {[]row{{"Q1", "req_x", at, 4711}, other}, []string{"Q1"}},
		"another incident":   {[]row{{"Q3", id, at, 4711}, other}, []string{"Q1", "Q3"}},
		"exchanged":          {[]row{{"Q2", id, at, 4711}, {"Q1", id, at, 0}}, []string{"Q1", "Q2"}},
	} {
		have, shelves := newIncidentSums(seed), map[int]bool{}
		for _, row := range c.rows {
			have.add(have.row([]byte(row.incident), []byte(row.request), row.at, row.number))
		}
		for _, incident := range c.other {
			shelves[want.shelf([]byte(incident))] = true
		}
		if got := want.otherThan(have); !maps.Equal(got, shelves) {
			t.Errorf("%s: %v, want %v", what, got, shelves)
		}
	}
}

// TestIsSearched: a text is found to be kept as it is looked for exactly where it is.
func TestIsSearched(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	signs := []rune("aAzZ09  \t\n%_\\\x00\v\u00a0\u0085éÉΩK.")
	for range 50_000 {
		var s []rune
		for range random.IntN(8) {
			s = append(s, signs[random.IntN(len(signs))])
		}
		kept := searched(string(s))
		if !isSearched([]byte(kept), string(s)) {
			t.Fatalf("%q is kept as %q", string(s), kept)
		}
		other := []rune(kept)
		at, sign := random.IntN(len(other)+1), signs[random.IntN(len(signs))]
		for _, altered := range []string{
			string(slices.Insert(slices.Clone(other), at, sign)), string(slices.Delete(slices.Clone(other), min(at, max(len(other)-1, 0)), min(at+1, len(other)))), string(s),
		} {
			if isSearched([]byte(altered), string(s)) != (altered == kept) {
				t.Fatalf("%q is kept as %q, not as %q", string(s), kept, altered)
			}
		}
	}
}
