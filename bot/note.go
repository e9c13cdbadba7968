package bot

import (
	"fmt"
	"strings"
	"time"

	"breakglass/flows"
)

// CheckpointText is the message that shows a checkpoint of the audit log: whoever keeps
// it can prove later that the log was not changed.
func CheckpointText(c flows.Checkpoint, w flows.World) string {
	text := fmt.Sprintf(":lock: Audit checkpoint %d. Keep it: with it anybody can prove that the log was not changed since.\n```\n%s```", c.Size, c.Note)
	if w == flows.WorldSimulated {
		text += "\n" + simulated
	}
	return text
}

// IncidentNote is the words of a note on the PagerDuty incident: plain text, one
// line, with names that the incident's readers know. It is a mirror; the audit
// entries are the record.
func IncidentNote(catalog func() *flows.Catalog) func(r flows.Request, n flows.Noted, name func(flows.PersonID) string) string {
	return func(r flows.Request, n flows.Noted, name func(flows.PersonID) string) string {
		cat := catalog()
		target := string(r.Content.Target)
		if t := cat.Targets[r.Content.Target]; t != nil && t.Label != "" {
			target = t.Label
		}
		v := noteView{r: &r, n: n, name: name, who: name(r.Content.Beneficiary), target: target}
		text := "[Breakglass " + r.ID.Short() + "] " + v.text()
		if cat.World == flows.WorldSimulated {
			text += " (SIMULATED)"
		}
		return text
	}
}

// noteView is what a note is written from.
type noteView struct {
	r           *flows.Request
	n           flows.Noted
	name        func(flows.PersonID) string
	who, target string
}

func (v noteView) text() string {
	r := v.r
	switch v.n.About {
	case "approval":
		return fmt.Sprintf("%s approved access to %s for %s: %d of %d approvals.", v.name(v.n.By), v.target, v.who, v.n.Votes, v.n.Of)
	case "granted":
		has := fmt.Sprintf("has access to %s until %s", v.target, moment(r.EndsAt))
		if !r.State.Live() || r.State == flows.StateEnding { // PagerDuty was away for long
			has = fmt.Sprintf("was given access to %s at %s", v.target, moment(r.GrantedAt))
		}
		return fmt.Sprintf("%s %s, approved by %s. Reason: %s", v.who, has, v.approvers(), plain(r.Content.Reason, 500))
	case "denied":
		if r.DecidedBy == "" {
			return fmt.Sprintf("%s asked for %s; it was refused because nobody may decide.", v.who, v.target)
		}
		return fmt.Sprintf("%s asked for %s and was denied by %s.", v.who, v.target, v.name(r.DecidedBy))
	case "lapsed":
		if !r.DecidedAt.IsZero() {
			return fmt.Sprintf("%s asked for %s; it was approved by %s, but not begun in time. Nothing was given.", v.who, v.target, v.approvers())
		}
		return fmt.Sprintf("%s asked for %s; nobody decided in time.", v.who, v.target)
	case "cancelled":
		if !r.Own(r.EndedBy) {
			return fmt.Sprintf("%s asked for %s; %s cancelled the request.", v.who, v.target, v.ender())
		}
		return fmt.Sprintf("%s asked for %s and withdrew the request.", v.who, v.target)
	}
	if r.State == flows.StateFailed {
		return fmt.Sprintf("%s asked for %s; it was approved by %s, but the target did not give the access.", v.who, v.target, v.approvers())
	}
	cause := string(r.EndCause)
	if r.EndCause == flows.EndRevoked {
		cause += " by " + v.ender()
	}
	return fmt.Sprintf("%s no longer has access to %s (%s), since %s.", v.who, v.target, cause, moment(r.EndedAt))
}

// ender is who ended it.
func (v noteView) ender() string {
	if v.r.EndedBy == "" {
		return "the operator"
	}
	return v.name(v.r.EndedBy)
}

// moment is an instant in a plain text.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// approvers names everybody whose approval counted.
func (v noteView) approvers() string {
	var all []string
	for _, p := range v.r.Approvers() {
		all = append(all, v.name(p))
	}
	out := strings.Join(all, " and ")
	switch {
	case v.r.SelfMade && v.r.Proof != nil:
		out += " (self-approval, on call)"
	case v.r.SelfMade:
		out += " (self-approval)"
	}
	return out
}
