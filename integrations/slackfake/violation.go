package slackfake

import (
	"fmt"
	"slices"
	"time"
)

// Violation is something the app did that a correct app does not do: an
// unknown method, an invalid block, a late answer. Things that can happen to a
// correct app (a rate limit, a person who left) are none.
type Violation struct {
	At     time.Time `json:"at"`
	Code   string    `json:"code"`   // Slack's error code, or one of ours: late_answer, bad_answer…
	Where  string    `json:"where"`  // the method, or the kind of delivery
	Detail string    `json:"detail"` // what was wrong, with JSON pointers where there are any
}

// String writes the violation in one line.
func (v Violation) String() string { return fmt.Sprintf("%s: %s: %s", v.Where, v.Code, v.Detail) }

// maxViolations bounds the list; an app that breaks a rule this often has been
// caught.
const maxViolations = 1000

// violate notes a violation. Called with the lock held.
func (ws *Workspace) violate(code, where, format string, values ...any) {
	v := Violation{At: ws.opt.Now(), Code: code, Where: where, Detail: fmt.Sprintf(format, values...)}
	ws.opt.Log.Warn("violation", "code", code, "where", where, "detail", v.Detail)
	if len(ws.violations) < maxViolations {
		ws.violations = append(ws.violations, v)
		ws.touch()
	}
}

// Violations lists what the app did wrong so far, oldest first.
func (ws *Workspace) Violations() []Violation {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return slices.Clone(ws.violations)
}

// ClearViolations forgets them, for tests that provoke some.
func (ws *Workspace) ClearViolations() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.violations = nil
	ws.touch()
}
