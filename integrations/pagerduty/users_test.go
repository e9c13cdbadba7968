package pagerduty_test

import (
	"errors"
	"fmt"
	"testing"

	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
)

// Everybody of a large account, page by page, and one of them alone.
func TestUsers(t *testing.T) {
	w := newWorld(t)
	for i := range 1200 {
		if _, err := w.fake.AddUser(pagerdutyfake.User{ID: fmt.Sprintf("PX%05d", i), Name: "x", Email: fmt.Sprintf("x%d@acme.example", i)}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.pd.Users(t.Context())
	if err != nil || len(all) < 1202 {
		t.Fatalf("%d people, %v", len(all), err)
	}
	one, err := w.pd.User(t.Context(), "PX00700")
	if err != nil || one != all["PX00700"] || one.Email != "x700@acme.example" {
		t.Errorf("%+v, %v; in the list %+v", one, err, all["PX00700"])
	}
	w.fake.RemoveUser("PX00700")
	for _, id := range []flows.PagerDutyUser{"PX00700", "../oncalls", ""} {
		if _, err := w.pd.User(t.Context(), id); !errors.Is(err, flows.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	w.fake.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 500, Route: "GET /users", After: 3})
	if some, err := w.pd.Users(t.Context()); err == nil || some != nil {
		t.Errorf("a list that could not be read is %d people, %v", len(some), err)
	}
}
