package main_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"breakglass/flows/audit"
)

// forge has what is published disagree with the database, as it does when somebody with
// the database and the signing key wrote the log anew: forge note, forge message, and forge
// decision, which leaves the database as it is and makes another.
func forge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: forge note|message|decision")
	}
	switch h := hallOf(ts); args[0] {
	case "note":
		h.forgeNote(ts)
	case "decision":
		h.forgeDecision(ts)
	default:
		h.editMessage(ts)
	}
}

// forgeNote is another head of the log, in a note by our own author.
func (h *hall) forgeNote(ts *testscript.TestScript) {
	for _, inc := range h.company.PagerDuty.Incidents() {
		for _, n := range h.company.PagerDuty.Notes(inc.ID) {
			if heads := audit.FindHeads(n.Content); len(heads) > 0 {
				heads[0].Root[0] ^= 1
				_, err := h.company.PagerDuty.AddNote(inc.ID, n.User, heads[0].Line())
				ts.Check(err)
				return
			}
		}
	}
	ts.Fatalf("no note has a head of the log")
}

// editMessage edits the message with the newest checkpoint, with the app's own token.
func (h *hall) editMessage(ts *testscript.TestScript) {
	all := h.company.Slack.Messages("C0ERRS")
	for _, m := range slices.Backward(all) {
		if len(audit.FindNotes(m.Text)) == 0 {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), scriptPatience)
		defer cancel()
		body := url.Values{"channel": {"C0ERRS"}, "ts": {m.TS}, "text": {m.Text + "\nas good as new"}, "token": {"demo-bot-token"}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, ts.Getenv("SLACK")+"/api/chat.update", strings.NewReader(body.Encode()))
		ts.Check(err)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", "Bearer demo-bot-token")
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		ts.Check(resp.Body.Close())
		return
	}
	ts.Fatalf("no message has a checkpoint")
}
