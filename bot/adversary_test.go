package bot_test

import (
	"bytes"
	"testing"

	"breakglass/flows"
)

// TestNoPersonalChannelInTheOpen: the id of a DM stands for the person; no entry shows it.
func TestNoPersonalChannelInTheOpen(t *testing.T) {
	t.Parallel()
	d := setup(t)
	mara, card := d.User("U0MARA"), d.asked()
	_, err := mara.Click(card, "bg:approve")
	must(t, err)
	d.work()
	entries, err := d.store.Entries(t.Context(), string(d.only().ID))
	must(t, err)
	traced := false
	for _, e := range entries {
		if bytes.Contains(e.Bytes, []byte(card.Channel)) {
			t.Errorf("%s: %s", e.Verb, e.Bytes)
		}
		traced = traced || e.Verb == string(flows.VerbApprove) && bytes.Contains(e.Bytes, []byte("action_ts="))
	}
	if !traced {
		t.Error("the approval cannot be found at Slack")
	}
}
