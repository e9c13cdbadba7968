package bot

import (
	"fmt"

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
func IncidentNote(catalog func() *flows.Catalog) func(r flows.Request, about string, name func(flows.PersonID) string) string {
	return func(r flows.Request, about string, name func(flows.PersonID) string) string {
		cat := catalog()
		target := string(r.Content.Target)
		if t := cat.Targets[r.Content.Target]; t != nil && t.Label != "" {
			target = t.Label
		}
		who := name(r.Content.Beneficiary)
		by := name(r.DecidedBy)
		if r.SelfMade {
			by += " (self-approval, on call)"
		}
		var text string
		switch about {
		case "granted":
			text = fmt.Sprintf("%s has access to %s until %s, approved by %s. Reason: %s", who, target, r.EndsAt.UTC().Format("2006-01-02 15:04 UTC"), by, plain(r.Content.Reason, 500))
		case "denied":
			text = fmt.Sprintf("%s asked for %s and was denied by %s.", who, target, by)
			if r.DecidedBy == "" {
				text = fmt.Sprintf("%s asked for %s; it was refused because nobody may decide.", who, target)
			}
		case "lapsed":
			text = fmt.Sprintf("%s asked for %s; nobody decided in time.", who, target)
		case "cancelled":
			text = fmt.Sprintf("%s asked for %s and withdrew the request.", who, target)
		default:
			text = fmt.Sprintf("%s no longer has access to %s (%s).", who, target, r.EndCause)
		}
		text = "[Breakglass " + r.ID.Short() + "] " + text
		if cat.World == flows.WorldSimulated {
			text += " (SIMULATED)"
		}
		return text
	}
}
