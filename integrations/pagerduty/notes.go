package pagerduty

import (
	"context"
	"fmt"
	"time"

	"breakglass/flows"
)

// Note is a note as it stands on an incident now. Its text ends with the mark that
// NoteMark makes, unless somebody took it out.
type Note struct {
	Text    string
	Written time.Time // zero where PagerDuty does not say
	Edited  time.Time // zero: never, as far as PagerDuty says
}

// OwnNotes reads the notes on an incident that were written as our author. Others can
// edit and delete them: they mirror the record.
func (c *Client) OwnNotes(ctx context.Context, id flows.IncidentID) ([]Note, error) {
	if !isID(string(id)) {
		return nil, &flows.Permanent{Err: fmt.Errorf("notes on incident %q: %w", tame(string(id)), errBadID)}
	}
	me, err := c.author.user(ctx, false)
	if err != nil {
		return nil, fmt.Errorf("read the notes on incident %s: %w", id, err)
	}
	r := get("/incidents/"+string(id)+"/notes", nil, false)
	doc, _, err := c.one(ctx, r)
	if isNoSuch(err) {
		err = &flows.Permanent{Err: ErrNoIncident}
	}
	if err != nil {
		return nil, fmt.Errorf("read the notes on incident %s: %w", id, err)
	}
	var own []Note
	for _, n := range doc.at("notes").list() {
		note := Note{Text: n.at("content").maybeText(), Written: moment(n, "created_at")}
		if at := moment(n, "updated_at"); at.After(note.Written) {
			note.Edited = at
		}
		if n.maybe("user").maybe("id").maybeText() == string(me) {
			own = append(own, note)
		}
	}
	if doc.err() != nil {
		return nil, c.garbled(r, doc.err())
	}
	return own, nil
}

// moment is a time that may not be said.
func moment(v value, name string) time.Time {
	at, err := time.Parse(time.RFC3339, v.maybe(name).maybeText())
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
