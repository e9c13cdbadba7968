package pagerdutyfake

import (
	"net/http"
	"slices"
	"time"
)

const maxNotes = 2000

// Note is a note on an incident. Notes can be edited and deleted, so they are
// no record.
type Note struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	Content   string    `json:"content"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (a *Account) addNote(i *Incident, user, content string) (Note, *apiError) {
	if content == "" {
		return Note{}, fail(400, codeInvalidInput, "Note content can't be blank")
	}
	if len(i.Notes) >= maxNotes {
		return Note{}, fail(400, codeLimitReached, "An incident can have at most 2000 notes")
	}
	now := a.opts.Now()
	n := Note{ID: a.resourceID(), User: user, Content: content, CreatedAt: now, UpdatedAt: now}
	i.Notes = append(i.Notes, n)
	a.logLine(i, LogEntry{Type: "annotate_log_entry", Summary: "Note added by " + a.name(user) + ".", Agent: user, Note: content})
	a.emitNote(i, n)
	a.notify()
	return n, nil
}

func (c *call) noteShape(n Note) obj {
	return obj{
		"id": n.ID, "user": c.a.userRef(n.User), "channel": obj{"summary": "The PagerDuty website or APIs"},
		"content": n.Content, "created_at": when(n.CreatedAt, c.loc), "updated_at": when(n.UpdatedAt, c.loc),
	}
}

func listNotes(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	out := []any{}
	for _, n := range slices.Backward(i.Notes) {
		out = append(out, c.noteShape(n))
	}
	return ok(obj{"notes": out})
}

func (c *call) noteContent() (string, *apiError) {
	var in struct {
		Content string         `json:"content"`
		User    map[string]any `json:"user"`
	}
	if e := c.decode("note", &in); e != nil {
		return "", e
	}
	if len(in.User) > 0 {
		c.violation("note.user is not part of the request: the author is the From header")
	}
	return in.Content, nil
}

func createNote(c *call) (answer, *apiError) {
	i, e := c.incident()
	if e != nil {
		return answer{}, e
	}
	content, e := c.noteContent()
	if e != nil {
		return answer{}, e
	}
	n, e := c.a.addNote(i, c.actor, content)
	if e != nil {
		return answer{}, e
	}
	return ok(obj{"note": c.noteShape(n)})
}

// note finds a note by the ids in the path.
func (c *call) note() (*Incident, int, *apiError) {
	i, e := c.incident()
	if e != nil {
		return nil, 0, e
	}
	at := slices.IndexFunc(i.Notes, func(n Note) bool { return n.ID == c.vars["note"] })
	if at < 0 {
		return nil, 0, fail(404, codeNotFound)
	}
	return i, at, nil
}

func updateNote(c *call) (answer, *apiError) {
	i, at, e := c.note()
	if e != nil {
		return answer{}, e
	}
	content, e := c.noteContent()
	if e != nil {
		return answer{}, e
	}
	if content == "" {
		return answer{}, fail(400, codeInvalidInput, "Note content can't be blank")
	}
	i.Notes[at].Content, i.Notes[at].UpdatedAt = content, c.now
	c.a.notify()
	return ok(obj{"note": c.noteShape(i.Notes[at])})
}

func deleteNote(c *call) (answer, *apiError) {
	i, at, e := c.note()
	if e != nil {
		return answer{}, e
	}
	i.Notes = slices.Delete(i.Notes, at, at+1)
	c.a.notify()
	return answer{http.StatusNoContent, nil}, nil
}
