package pagerduty_test

import (
	"testing"

	"breakglass/flows"
)

func (w *world) trigger(title string) flows.IncidentID {
	w.Helper()
	i, err := w.fake.Trigger("PSRV001", title, "")
	if err != nil {
		w.Fatal(err)
	}
	return flows.IncidentID(i.ID)
}

var _ = testing.Short
