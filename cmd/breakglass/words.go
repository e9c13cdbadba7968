package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/store"
)

func now() time.Time { return app.SystemClock{}.Now() }

// terminal is the one seam through which typed text gets onto a terminal: one line,
// no control characters (flows.NewText took those away), cut to a readable length.
func terminal(t flows.Text) string {
	s := strings.Join(strings.Fields(t.Raw()), " ")
	if r := []rune(s); len(r) > 300 {
		return string(r[:299]) + "…"
	}
	return s
}

var slackDate = regexp.MustCompile(`<!date\^\d+\^[^|>]*\|([^>]*)>`)

// plainWords turns the markers of sentences (Slack's dates and mentions) into words.
func plainWords(s string) string {
	return strings.NewReplacer("<@", "", ">", "").Replace(slackDate.ReplaceAllString(s, "$1"))
}

// find finds a request by its id, or by the last characters of it.
func find(ctx context.Context, st *store.Store, name string) (flows.RequestID, error) {
	if strings.HasPrefix(name, "req_") {
		return flows.RequestID(name), nil
	}
	short := strings.ToUpper(name)
	var before flows.RequestID
	for range 100 {
		page, err := st.Requests(ctx, flows.RequestFilter{Before: before, Limit: 200})
		if err != nil {
			return "", err
		}
		for _, r := range page {
			if strings.HasSuffix(string(r.ID), short) {
				return r.ID, nil
			}
			before = r.ID
		}
		if len(page) < 200 {
			break
		}
	}
	return "", hint(fmt.Errorf("no request ends in %s", short), "breakglass request list")
}

// entryRow is an audit entry as JSON output shows it.
type entryRow struct {
	Seq   int64     `json:"seq"`
	At    time.Time `json:"at"`
	Verb  string    `json:"verb"`
	Hash  string    `json:"hash"`
	Bytes string    `json:"bytes"`
}

func entryRows(entries []flows.Sealed) []entryRow {
	out := make([]entryRow, 0, len(entries))
	for _, e := range entries {
		out = append(out, entryRow{e.Seq, e.At, e.Verb, e.Hash, string(e.Bytes)})
	}
	return out
}
