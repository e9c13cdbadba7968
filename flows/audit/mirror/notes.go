package mirror

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
)

// told is a note that there should be.
type told struct {
	story *story
	step  *step
	about string
}

// notes reads the notes on the incidents and holds them to the entries, and then the
// entries to them.
func (c *comparison) notes(ctx context.Context) error {
	expected := c.expected()
	there := map[string]bool{} // marks
	for i, id := range c.incidents {
		c.out.Progress(fmt.Sprintf("reading the notes on incidents, %d of %d", i+1, len(c.incidents)))
		notes, err := c.out.Notes(ctx, id)
		c.read[id] = err == nil
		if permanent(err) {
			continue // it was deleted there, which is theirs to do; missing says what that means
		}
		if err != nil {
			return err
		}
		c.result.Incidents++
		for _, n := range notes {
			mark := markOf(n.Text)
			there[mark] = true
			if err := c.note(ctx, id, n, expected[mark]); err != nil {
				return err
			}
		}
	}
	c.missing(there)
	return nil
}

var marked = regexp.MustCompile(`\[bg:[0-9a-f]{12}\]\s*$`)

func markOf(text string) string { return strings.TrimSpace(marked.FindString(text)) }

// head begins every note on a request; in it stands how people call the request.
var head = regexp.MustCompile(`^\[Breakglass ([^\]\s]{1,40})\] `)

// note holds one note to the entries.
func (c *comparison) note(ctx context.Context, incident flows.IncidentID, n Note, t told) error {
	m := head.FindStringSubmatch(n.Text)
	if m == nil {
		return nil // it tells of no request
	}
	where := fmt.Sprintf("the note of %s on incident %s", moment(n.Written), incident)
	cited, ok := audit.FindCited(n.Text)
	if !ok || flows.RequestID(cited.Chain).Short() != m[1] {
		c.old(where, n, t)
		return nil
	}
	s, err := c.story(ctx, flows.RequestID(cited.Chain))
	if err != nil {
		return err
	}
	if len(s.steps) == 0 && !c.out.Ours(cited.Origin) {
		c.result.cannot("%s is of another log, %s", where, cited.Origin)
		return nil
	}
	c.result.Notes++
	name := s.entry(cited.Seq)
	switch last := int64(len(s.steps)); {
	case last == 0:
		c.result.find(name, "%s says %s, and no entry tells of that request%s", where, quote(n.Text), edited(n))
	case cited.Seq > last:
		c.result.find(name, "%s says %s, and the request has no such entry: they end with %d, and say: %s%s", where, quote(n.Text), last, s.says(last), edited(n))
	case !cited.Of(s.steps[cited.Seq-1].hash):
		c.result.find(name, "%s says %s; the entries say: %s. They are not those of which it was written: this one, or one before it, was altered%s",
			where, quote(n.Text), s.says(cited.Seq), edited(n))
	}
	return nil
}

// old holds a note that names no entry to what its mark says: which request, and what of it.
func (c *comparison) old(where string, n Note, t told) {
	if t.story == nil {
		c.result.cannot("%s names no entry, and is of no request that was looked at: %s", where, quote(n.Text))
		return
	}
	c.result.Notes++
	if t.step == nil {
		c.result.find(string(t.story.id), "%s says %s, and no entry tells of it; they say: %s%s", where, quote(n.Text), t.story.says(int64(len(t.story.steps))), edited(n))
	}
}

func edited(n Note) string {
	if n.Edited.IsZero() {
		return ""
	}
	return " (the note was edited at " + moment(n.Edited) + ")"
}

// quote is the words of a note, without what stands at its end for machines.
func quote(text string) string {
	for _, end := range []string{"\n[bg:", " In Slack: ", " Audit log", " Audit log"} {
		if at := strings.LastIndex(text, end); at > 0 {
			text = text[:at]
		}
	}
	if r := []rune(text); len(r) > 300 {
		text = string(r[:300]) + "…"
	}
	return "“" + strings.Join(strings.Fields(text), " ") + "”"
}

// abouts is what of a request is told on its incident, by the step that it tells of.
var abouts = []string{"granted", "denied", "lapsed", "cancelled", "ended"}

// about is what a note says of a step; empty for one of which none is written.
func about(st *step) string {
	switch {
	case st.verb == "granted":
		return "granted"
	case st.verb == "revoked":
		return "ended"
	case st.to == "denied" && st.from != "denied":
		return "denied"
	case st.verb == "lapse" && st.to == "lapsed":
		return "lapsed"
	case st.verb == "cancel" && st.to == "cancelled":
		return "cancelled"
	case st.verb == "approve" && st.to == "pending":
		return "approval"
	}
	return ""
}

// expected are the notes on the newest requests by their marks: those that there should
// be, and those that there may not be, for which no entry is.
func (c *comparison) expected() map[string]told {
	out := map[string]told{}
	for _, id := range c.newest {
		s := c.stories[id]
		for _, what := range abouts {
			out[c.mark(id, what)] = told{story: s, about: what}
		}
		for i := range s.steps {
			st := &s.steps[i]
			for _, once := range s.onces(st) {
				out[c.mark(id, once)] = told{story: s, step: st, about: about(st)}
			}
		}
	}
	return out
}

// onces are the keys that a note on a step may have: that of an approval counts the
// request's versions, which the entries do not.
func (s *story) onces(st *step) []string {
	what := about(st)
	if what != "approval" {
		return []string{what}[:min(1, len(what))]
	}
	if st.erased {
		return nil
	}
	out := make([]string, 0, 8*st.seq+64)
	for version := range 8*st.seq + 64 {
		out = append(out, "approval/"+st.who.User()+"/"+strconv.FormatInt(version, 10))
	}
	return out
}

func (c *comparison) mark(id flows.RequestID, once string) string {
	return c.out.Mark(flows.JobKey(flows.JobNote, string(id)+"/"+once))
}

// missing says which steps have no note.
func (c *comparison) missing(there map[string]bool) {
	now := c.out.Now
	for _, s := range c.stories {
		if n := len(s.steps); n > 0 && s.steps[n-1].at.After(now) {
			now = s.steps[n-1].at
		}
	}
	for _, id := range c.newest {
		s := c.stories[id]
		for i := range s.steps {
			c.lacks(s, &s.steps[i], now, there)
		}
	}
}

func (c *comparison) lacks(s *story, st *step, now time.Time, there map[string]bool) {
	if about(st) == "" || !st.incident && !s.opened || now.Sub(st.at) < due {
		return
	}
	readable, asked := flows.IncidentID(""), false
	for _, id := range s.incidents {
		could, was := c.read[id]
		if asked = asked || was; could {
			readable = id
		}
	}
	onces := s.onces(st)
	if !asked {
		return // it is older than those that are looked at
	}
	if readable == "" || len(onces) == 0 {
		c.result.cannot("%s (%s): its incident cannot be read, or its person was erased, so whether there is a note is not known", s.entry(st.seq), st)
		return
	}
	for _, once := range onces {
		if there[c.mark(s.id, once)] {
			return
		}
	}
	c.result.cannot("%s (%s): incident %s has no note on it. Somebody may have deleted or edited it, which PagerDuty allows, or it still waits to be written", s.entry(st.seq), st, readable)
}
