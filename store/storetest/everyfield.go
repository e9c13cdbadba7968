package storetest

import (
	"fmt"
	"reflect"
	"time"

	"breakglass/flows"
)

// loadEveryField fills every field that a request, a holding, a card and an entry
// have, whatever they are, so that a field added later cannot get lost on the way.
func loadEveryField(f *fixture) {
	r := f.walk(asks("req_1", "T/UDANA", "db"), flows.StateSubmitted)
	keep := r
	fill := filler{}
	fill.value(reflect.ValueOf(&r).Elem())
	r.ID, r.Version, r.State, r.SubmittedAt, r.Chain = keep.ID, keep.Version, keep.State, keep.SubmittedAt, keep.Chain
	r.Content.Flow, r.Content.Target, r.Content.Scope = keep.Content.Flow, keep.Content.Target, keep.Content.Scope
	r.Content.Requester, r.Content.Beneficiary = keep.Content.Requester, keep.Content.Beneficiary
	r.Review.State = flows.ReviewNone // the database has rules about the others

	c := f.step(r, flows.StatePending)
	h := flows.Holding{}
	fill.value(reflect.ValueOf(&h).Elem())
	h.Key, h.Version = r.Content.Key(), 1
	card := flows.Card{}
	fill.value(reflect.ValueOf(&card).Elem())
	card.Request = r.ID
	c.Holding, c.Cards = &h, []flows.Card{card}
	f.apply(c)

	f.same(flows.Record{Request: *c.Request, Holding: h, Cards: []flows.Card{card}}, f.load("req_1"))
	f.same(c.Entries, f.entries("req_1")[1:])
	if n := fill.filled; n < 100 {
		f.Errorf("only %d values were filled in", n)
	}
}

// filler sets values to something that is not zero and nowhere else the same.
type filler struct{ filled int }

func (w *filler) value(v reflect.Value) {
	w.filled++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(noon.Add(time.Duration(w.filled) * time.Second)))
		return
	case flows.Text:
		v.Set(reflect.ValueOf(flows.NewText(fmt.Sprintf("text %d <!channel> \"é\"", w.filled))))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("string-%d é", w.filled))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(w.filled%2 + 1))
	case reflect.Uint8:
		v.SetUint(uint64(w.filled % 256))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		w.value(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		w.value(v.Index(0))
		w.value(v.Index(1))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" { // kept elsewhere, says the domain
				w.value(v.Field(i))
			}
		}
	default:
		panic("a stored type has a field of kind " + v.Kind().String() + "; teach the filler about it")
	}
}
