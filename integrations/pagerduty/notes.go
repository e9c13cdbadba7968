package pagerduty

import (
	"context"
	"fmt"

	"breakglass/flows"
)

// OwnNotes reads the notes on an incident that were written as our author. Others can
// edit and delete them: they mirror the record.
func (c *Client) OwnNotes(ctx context.Context, id flows.IncidentID) ([]string, error) {
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
	var own []string
	for _, n := range doc.at("notes").list() {
		text := n.at("content").maybeText()
		if n.maybe("user").maybe("id").maybeText() == string(me) {
			own = append(own, text)
		}
	}
	if doc.err() != nil {
		return nil, c.garbled(r, doc.err())
	}
	return own, nil
}
