package slackfake

import "errors"

// verificationToken is the deprecated way to recognise Slack; apps ignore it.
const verificationToken = "fake-verification-token"

// interaction is the part that all interaction payloads share. Called with the
// lock held.
func (ws *Workspace) interaction(kind string, u *User) map[string]any {
	p := map[string]any{
		"type": kind, "token": verificationToken, "api_app_id": ws.opt.AppID,
		"team":       map[string]any{"id": ws.opt.TeamID, "domain": ws.opt.TeamDomain},
		"user":       map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID},
		"enterprise": nil, "is_enterprise_install": false,
	}
	if ws.opt.EnterpriseID != "" {
		p["enterprise"] = map[string]any{"id": ws.opt.EnterpriseID, "name": ws.opt.TeamDomain}
		p["team"] = map[string]any{
			"id": ws.opt.TeamID, "domain": ws.opt.TeamDomain,
			"enterprise_id": ws.opt.EnterpriseID, "enterprise_name": ws.opt.TeamDomain,
		}
	}
	return p
}

// addSource says on which message or view an interaction took place. Called
// with the lock held.
func (ws *Workspace) addSource(p map[string]any, s spot) {
	if s.view != nil {
		p["container"] = map[string]any{"type": "view", "view_id": s.view.ID}
		p["view"] = ws.viewJSON(s.view)
		return
	}
	ch := ws.people.channels[s.msg.Channel]
	container := map[string]any{
		"type": "message", "message_ts": s.msg.TS, "channel_id": s.msg.Channel,
		"is_ephemeral": s.msg.EphemeralFor != "",
	}
	if s.msg.ThreadTS != "" {
		container["thread_ts"] = s.msg.ThreadTS
	}
	p["container"] = container
	p["channel"] = map[string]any{"id": ch.ID, "name": ch.shownName()}
	p["message"] = ws.messageJSON(s.msg)
}

// codeOf is what Slack shows a person of an error.
func codeOf(err error) string {
	if d, ok := errors.AsType[*DeliveryError](err); ok {
		return d.Code
	}
	return "dispatch_failed"
}
