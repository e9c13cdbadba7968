package bot

import (
	"fmt"

	"breakglass/flows"
)

// step is one line of the thread below a channel's card: what happened, by whom.
func (v cardView) step(n flows.Notice) string {
	r, by := &v.req, "Breakglass"
	if n.By != "" {
		by = mention(n.By)
	}
	switch flows.Verb(n.Detail) {
	case flows.VerbApprove:
		return by + " approved" + approvalNote(r) + "."
	case flows.VerbDeny:
		return by + " denied: “" + mrkdwn(r.DenyWhy, 300) + "”."
	case flows.VerbForward:
		if n.By == "" {
			return fmt.Sprintf("Nobody answered in time. Asked now: %s.", v.asked())
		}
		return fmt.Sprintf("%s passed it on. Asked now: %s.", by, v.asked())
	case flows.VerbReroute:
		return fmt.Sprintf("The rules or the people on call changed. Asked now: %s.", v.asked())
	case flows.VerbCancel:
		return by + " cancelled."
	case flows.VerbLapse:
		return "Nobody decided in time: it lapsed, and nothing was granted."
	case flows.VerbGranted:
		return fmt.Sprintf("Access works, until %s.", at(r.EndsAt))
	case flows.VerbGrantFailed:
		return "The target did not give the access. Whatever it may have given is taken back."
	case flows.VerbDone:
		return by + " is done. The access is being ended."
	case flows.VerbRevoke:
		if !r.EndWhy.Empty() {
			return by + " revoked it: “" + mrkdwn(r.EndWhy, 300) + "”. The access is being ended."
		}
		return by + " revoked it. The access is being ended."
	case flows.VerbEnd:
		return "The access is being ended" + cause(r) + "."
	case flows.VerbReview:
		return v.reviewed()
	case flows.VerbRevoked:
		return "The target confirmed it: the access has ended."
	}
	switch n.Detail {
	case "incident_resolved":
		return fmt.Sprintf("Incident #%d is resolved. The access ends %s.", r.IncidentRef().Number, at(r.EndsAt))
	case "incident_merged":
		return "The incident was merged into another. The access goes with that one."
	}
	return "The target has not confirmed the end in time. It is tried again until it does; the operators were told."
}
