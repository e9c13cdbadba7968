package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"breakglass/flows"
)

// What PagerDuty holds and what we put in.
const (
	maxNotes = 2000 // PagerDuty's, per incident
	maxNote  = 8000 // runes of one note
	maxTitle = 255  // runes of an incident's title
)

// Note implements flows.IncidentWriter. The note ends with a mark made from key; a
// note of ours that has it already is not written again. Notes can be edited and
// deleted by others: they mirror the record and are never the record.
func (c *Client) Note(ctx context.Context, id flows.IncidentID, key, text string) error {
	if !isID(string(id)) {
		return &flows.Permanent{Err: fmt.Errorf("note on incident %q: %w", tame(string(id)), errBadID)}
	}
	me, err := c.author.user(ctx, false)
	if err != nil {
		return fmt.Errorf("note on incident %s was not written: %w", id, err)
	}
	path, mark := "/incidents/"+string(id)+"/notes", NoteMark(key)
	there, err := c.hasNote(ctx, get(path, nil, false), me, mark)
	if err == nil && !there {
		body := map[string]any{"note": map[string]any{"content": noteText(text, mark)}}
		_, err = c.write(ctx, path, body)
	}
	if isNoSuch(err) {
		err = &flows.Permanent{Err: ErrNoIncident}
	}
	if err != nil {
		return fmt.Errorf("note on incident %s was not written: %w", id, err)
	}
	return nil
}

// NoteMark is what a note ends with that was written under key.
func NoteMark(key string) string {
	sum := sha256.Sum256([]byte("breakglass note " + key))
	return "[bg:" + hex.EncodeToString(sum[:6]) + "]"
}

// noteText is the seam through which text gets into an incident note: plain text,
// without control or invisible characters, cut, with the mark on a line of its own.
func noteText(text, mark string) string {
	var parts []string
	for rest := text; rest != "" && len(parts) < 3; {
		head := cut(rest, flows.MaxText)
		parts, rest = append(parts, flows.NewText(head).Raw()), rest[len(head):]
	}
	return cut(strings.Join(parts, ""), maxNote) + "\n" + mark
}

// cut is the first n runes of s.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// hasNote looks for a note of our own with the mark. One that somebody else wrote
// does not count: it would keep ours out.
func (c *Client) hasNote(ctx context.Context, r request, me flows.PagerDutyUser, mark string) (bool, error) {
	doc, _, err := c.one(ctx, r)
	if err != nil {
		return false, err
	}
	notes, there := doc.at("notes").list(), false
	for _, n := range notes {
		text := n.at("content").maybeText()
		author := n.maybe("user").maybe("id").maybeText()
		there = there || author == string(me) && strings.HasSuffix(strings.TrimSpace(text), mark)
	}
	if doc.err() != nil {
		return false, c.garbled(r, doc.err())
	}
	if !there && len(notes) >= maxNotes {
		return false, &flows.Permanent{Err: fmt.Errorf("the incident has %d notes, the most PagerDuty keeps", len(notes))}
	}
	return there, nil
}

// write posts body, once, as the user that From names.
func (c *Client) write(ctx context.Context, path string, body any) (*reply, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, &flows.Permanent{Err: err}
	}
	rep, err := c.call(ctx, request{method: http.MethodPost, path: path, body: b, from: c.from})
	c.author.learn(err)
	return rep, err
}

// CreateIncident implements flows.IncidentWriter. An incident that has the key, open
// or not, is the answer to a repeat; nothing is created twice.
func (c *Client) CreateIncident(ctx context.Context, key, serviceID string, title flows.Text) (flows.Incident, error) {
	if !isID(serviceID) || key == "" {
		return flows.Incident{}, &flows.Permanent{Err: fmt.Errorf("create an incident on service %q: %w", tame(serviceID), errBadID)}
	}
	i, err := c.create(ctx, key, serviceID, title)
	if err != nil {
		return flows.Incident{}, fmt.Errorf("incident was not created: %w", err)
	}
	return i, nil
}

func (c *Client) create(ctx context.Context, key, serviceID string, title flows.Text) (flows.Incident, error) {
	if _, err := c.author.user(ctx, false); err != nil {
		return flows.Incident{}, err
	}
	if i, found, err := c.byKey(ctx, key, serviceID); err != nil || found {
		return i, err
	}
	line := cut(strings.Join(strings.Fields(title.Raw()), " "), maxTitle)
	if line == "" {
		return flows.Incident{}, &flows.Permanent{Err: errors.New("an incident needs a title")}
	}
	// Our own body: the library's would send "priority": null, which the API forbids.
	rep, err := c.write(ctx, "/incidents", map[string]any{"incident": map[string]any{
		"type": "incident", "title": line, "incident_key": key,
		"service": map[string]any{"id": serviceID, "type": "service_reference"},
	}})
	var refused *vendorError
	if errors.As(err, &refused) && refused.status == http.StatusBadRequest {
		if i, found, again := c.byKey(ctx, key, serviceID); again == nil && found {
			return i, nil // somebody was faster with the same key
		}
	}
	if err != nil {
		return flows.Incident{}, err
	}
	r := request{method: http.MethodPost, path: "/incidents"}
	doc, err := parse(rep.body)
	if err != nil {
		return flows.Incident{}, c.garbled(r, err)
	}
	i := readIncident(doc.at("incident"), rep.asked)
	if doc.err() != nil {
		return flows.Incident{}, c.garbled(r, doc.err())
	}
	return i, nil
}

// byKey finds the incident with exactly that key on the service, the open one first.
func (c *Client) byKey(ctx context.Context, key, serviceID string) (flows.Incident, bool, error) {
	q := url.Values{"incident_key": {key}, "date_range": {"all"}, "service_ids[]": {serviceID}}
	var best flows.Incident
	asked := c.clock.Now()
	_, err := c.list(ctx, get("/incidents", q, false), "incidents", openPages, func(v value, _ time.Time) {
		if v.maybe("incident_key").maybeText() != key {
			return
		}
		i := readIncident(v, asked)
		if v.err() == nil && i.ServiceID == serviceID && (best.ID == "" || i.Status != flows.IncidentResolved) {
			best = i
		}
	})
	return best, best.ID != "" && err == nil, err
}
