package flows_test

import (
	"reflect"
	"testing"
	"time"

	"breakglass/flows"
)

// fill sets every typed text below v, and every person to p.
func fill(v reflect.Value, p flows.PersonID) {
	switch {
	case v.Type() == reflect.TypeFor[flows.Text]():
		v.Set(reflect.ValueOf(flows.NewText("something personal")))
	case v.Type() == reflect.TypeFor[flows.PersonID]():
		v.SetString(string(p))
	case v.Type() == reflect.TypeFor[time.Time](): // its own
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), p)
			}
		}
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), p)
	case v.Kind() == reflect.Pointer && v.IsNil() && v.Type().Elem().Kind() == reflect.Struct && v.Type() != reflect.TypeFor[*flows.Route]():
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), p)
	}
}

// typed lists the texts that are left below v.
func typed(v reflect.Value, path string) (left []string) {
	switch {
	case v.Type() == reflect.TypeFor[flows.Text]():
		if !v.Interface().(flows.Text).Empty() {
			left = append(left, path)
		}
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				left = append(left, typed(v.Field(i), path+"."+v.Type().Field(i).Name)...)
			}
		}
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			left = append(left, typed(v.Index(i), path)...)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		left = append(left, typed(v.Elem(), path)...)
	}
	return left
}

// Whatever somebody can type into a request, now or in a later version, is gone with them:
// as who asked, and as who decided.
func TestForgetForgetsEveryText(t *testing.T) {
	t.Parallel()
	dana, mara := flows.Person("T1", "UDANA"), flows.Person("T1", "UMARA")
	var r flows.Request
	fill(reflect.ValueOf(&r).Elem(), dana)
	if n := len(typed(reflect.ValueOf(r), "request")); n < 5 {
		t.Fatalf("only %d texts were filled in", n)
	}
	r.Forget(dana)
	for _, path := range typed(reflect.ValueOf(r), "request") {
		if path != "request.Opened.Title" { // the incident's at PagerDuty, made of the target's label
			t.Errorf("left of who asked: %s", path)
		}
	}
	fill(reflect.ValueOf(&r).Elem(), mara)
	r.Content.Requester, r.Content.Beneficiary = dana, dana
	r.Forget(mara)
	for _, path := range typed(reflect.ValueOf(r), "request") {
		switch path {
		case "request.Content.Reason", "request.Content.Fields.Value", "request.Content.Incident.Title", "request.Opened.Title": // what Dana asked for
		default:
			t.Errorf("left of who decided: %s", path)
		}
	}
}
