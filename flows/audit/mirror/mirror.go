// Package mirror holds what PagerDuty and Slack show of decisions to the entries that tell
// of them: the notes on incidents, and the cards on which people clicked. Whoever has the
// database and the signing key can write the log anew, but not those.
//
// It imports flows, flows/audit and flows/audit/history, and asks Slack and PagerDuty by
// functions that it is given. Read mirror.go first, then notes.go and cards.go.
package mirror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// What is compared, the newest first.
const (
	maxIncidents = 500  // whose notes are read: one question to PagerDuty each
	maxRequests  = 2000 // that are held to those notes
	maxCards     = 50   // one question to Slack each, of which it answers fifty a minute
	due          = 15 * time.Minute
)

// Note is a note of ours as it stands on an incident now.
type Note struct {
	Text    string
	Written time.Time // zero where it is not said
	Edited  time.Time // zero: never
}

// Card is a message as it stands in Slack now.
type Card struct {
	Own    bool // we posted it
	Person bool // a person did
	Blocks []Block
}

// Block is a part of a message: a "section", a "context", "actions", and so on.
type Block struct{ Kind, ID, Text string }

// Record is the log's side.
type Record interface {
	// Requests lists requests, the newest first.
	Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error)
	// Entries reads a chain in order; none where there is no such chain.
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
}

// Outside is the other side, and how it is read. All fields are required but Progress.
type Outside struct {
	// Notes reads our notes on an incident; *flows.Permanent where it cannot be read.
	Notes func(ctx context.Context, id flows.IncidentID) ([]Note, error)
	// Mark is what the text of the note that was written under a key ends with.
	Mark func(key string) string
	// Card reads a message: flows.ErrNotFound where it is not there, *flows.Permanent
	// where it may not be read.
	Card     func(ctx context.Context, channel, ts string) (Card, error)
	Now      time.Time
	Ours     func(origin string) bool // whether a log that a note names is this one
	Progress func(what string)
}

// Result is what a comparison came to. What could not be compared is no finding: people
// may delete notes and messages.
type Result struct {
	Findings                []audit.Finding
	Incidents, Notes, Cards int // that were read, and that were compared
	Uncompared              []string
	More                    int // that could not be compared either, and are not listed
}

// maxUncompared is how many are listed.
const maxUncompared = 20

func (r *Result) cannot(format string, args ...any) {
	if len(r.Uncompared) == maxUncompared {
		r.More++
		return
	}
	r.Uncompared = append(r.Uncompared, fmt.Sprintf(format, args...))
}

func (r *Result) find(entry, format string, args ...any) {
	r.Findings = append(r.Findings, audit.Finding{From: -1, To: -1, Entry: entry, What: fmt.Sprintf(format, args...)})
}

// Compare holds the newest notes and cards to the record. An error is of who did not
// answer; nothing is said then.
func Compare(ctx context.Context, rec Record, out Outside) (*Result, error) {
	c := &comparison{rec: rec, out: out, result: &Result{}, stories: map[flows.RequestID]*story{}, read: map[flows.IncidentID]bool{}}
	if c.out.Progress == nil {
		c.out.Progress = func(string) {}
	}
	if err := c.gather(ctx); err != nil {
		return nil, err
	}
	if err := c.notes(ctx); err != nil {
		return nil, err
	}
	return c.result, c.cards(ctx)
}

// comparison is one while it goes on.
type comparison struct {
	rec       Record
	out       Outside
	result    *Result
	newest    []flows.RequestID // the newest first
	stories   map[flows.RequestID]*story
	incidents []flows.IncidentID
	read      map[flows.IncidentID]bool // whether it could be
}

// gather finds the newest requests and their incidents, and reads the entries.
func (c *comparison) gather(ctx context.Context) error {
	seen := map[flows.IncidentID]bool{}
	for f := (flows.RequestFilter{Limit: 500}); ; {
		page, err := c.rec.Requests(ctx, f)
		if err != nil {
			return fmt.Errorf("list the newest requests: %w", err)
		}
		for i := range page {
			r := &page[i]
			f.Before = r.ID
			for _, id := range [...]flows.IncidentID{r.Incident(), r.IncidentRef().ID} {
				if id != "" && !seen[id] {
					seen[id] = true
					c.incidents = append(c.incidents, id)
				}
			}
			if len(c.newest) < maxRequests {
				if err := c.tell(ctx, r); err != nil {
					return err
				}
			}
		}
		if len(page) < f.Limit || len(c.incidents) >= maxIncidents {
			c.incidents = c.incidents[:min(len(c.incidents), maxIncidents)]
			return nil
		}
	}
}

// tell reads what the entries say of a request.
func (c *comparison) tell(ctx context.Context, r *flows.Request) error {
	s, err := c.story(ctx, r.ID)
	if err != nil {
		return err
	}
	s.incidents = append(s.incidents, r.IncidentRef().ID, r.Incident())
	s.opened = r.Opened.ID != ""
	c.newest = append(c.newest, r.ID)
	return nil
}

// permanent reports whether no other try can help.
func permanent(err error) bool {
	_, is := errors.AsType[*flows.Permanent](err)
	return is
}
