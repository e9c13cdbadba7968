package slackfake

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"time"
)

// userJSON writes a person in the shape of users.info. withEmail follows the
// users:read.email scope. Called with the lock held.
func (ws *Workspace) userJSON(u *User, withEmail bool) map[string]any {
	sum := sha256.Sum256([]byte(u.ID))
	avatar := hex.EncodeToString(sum[:6])
	profile := map[string]any{
		"title": u.Title, "phone": "", "skype": "", "team": u.TeamID,
		"real_name": u.RealName, "real_name_normalized": u.RealName,
		"display_name": u.DisplayName, "display_name_normalized": u.DisplayName,
		"status_text": "", "status_emoji": "", "status_expiration": 0,
		"avatar_hash": avatar, "fields": nil,
		"image_24": "https://a.slack-edge.example/" + avatar + "-24.png",
		"image_72": "https://a.slack-edge.example/" + avatar + "-72.png",
	}
	if withEmail && u.Email != "" {
		profile["email"] = u.Email
	}
	if u.BotID != "" {
		profile["bot_id"], profile["api_app_id"], profile["always_active"] = u.BotID, u.AppID, true
	}
	out := map[string]any{
		"id": u.ID, "team_id": u.TeamID, "name": u.Name, "real_name": u.RealName,
		"deleted": u.Deleted, "profile": profile, "updated": u.Updated,
		"is_bot": u.IsBot, "is_app_user": u.IsAppUser,
	}
	if u.Deleted {
		return out // Slack says no more about people who left.
	}
	zone, offset := time.Unix(u.Updated, 0).In(u.location()).Zone()
	out["color"], out["tz"], out["tz_label"], out["tz_offset"] = avatar[:6], u.TZ, zone, offset
	out["is_admin"], out["is_owner"], out["is_primary_owner"] = u.IsAdmin, u.IsOwner, false
	out["is_restricted"], out["is_ultra_restricted"] = u.IsRestricted, u.IsUltraRestricted
	out["is_email_confirmed"] = !u.EmailUnconfirmed
	out["who_can_share_contact_card"] = "EVERYONE"
	for flag, set := range map[string]bool{
		"is_stranger": u.IsStranger, "is_invited_user": u.IsInvitedUser,
		"is_workflow_bot": u.IsWorkflowBot, "is_connector_bot": u.IsConnectorBot,
	} {
		if set { // Slack leaves these out where they do not apply.
			out[flag] = true
		}
	}
	if u.EnterpriseUserID != "" {
		out["enterprise_user"] = map[string]any{
			"id": u.EnterpriseUserID, "enterprise_id": ws.opt.EnterpriseID,
			"enterprise_name": ws.opt.TeamDomain, "is_admin": u.IsAdmin, "is_owner": u.IsOwner,
			"teams": u.EnterpriseTeams,
		}
	}
	return out
}

// channelJSON writes a conversation in the shape of conversations.info. Called
// with the lock held.
func (ws *Workspace) channelJSON(c *Channel) map[string]any {
	out := map[string]any{
		"id": c.ID, "created": c.Created, "is_archived": c.IsArchived,
		"is_im": c.IsIM, "is_mpim": c.IsMPIM, "is_private": c.IsPrivate || c.IsMPIM,
		"is_org_shared": false, "context_team_id": ws.opt.TeamID, "updated": c.Created * 1000,
	}
	if c.IsIM {
		for _, m := range c.Members {
			if m != ws.opt.BotUserID {
				out["user"] = m
			}
		}
		out["is_open"], out["priority"] = true, 0
		return out
	}
	maps.Copy(out, map[string]any{
		"name": c.Name, "name_normalized": c.Name,
		"is_channel": !c.IsPrivate && !c.IsMPIM, "is_group": c.IsPrivate,
		"is_general": false, "unlinked": 0, "is_shared": c.IsExtShared,
		"is_ext_shared": c.IsExtShared, "is_pending_ext_shared": false,
		"pending_shared": []string{}, "parent_conversation": nil,
		"creator": ws.opt.BotUserID, "is_member": c.isMember(ws.opt.BotUserID),
		"shared_team_ids": []string{ws.opt.TeamID}, "num_members": len(c.Members),
		"topic":          map[string]any{"value": "", "creator": "", "last_set": 0},
		"purpose":        map[string]any{"value": "", "creator": "", "last_set": 0},
		"previous_names": []string{},
	})
	return out
}

// groupJSON writes a user group in the shape of usergroups.list. Called with
// the lock held.
func (ws *Workspace) groupJSON(g *UserGroup, withUsers, withCount bool) map[string]any {
	deleted := int64(0)
	if g.Disabled {
		deleted = ws.opt.Now().Unix()
	}
	out := map[string]any{
		"id": g.ID, "team_id": ws.opt.TeamID, "is_usergroup": true, "is_subteam": true,
		"name": g.Name, "handle": g.Handle, "description": g.Description, "is_external": false,
		"date_create": 0, "date_update": 0, "date_delete": deleted,
		"auto_type": nil, "auto_provision": false, "created_by": ws.opt.BotUserID,
		"updated_by": ws.opt.BotUserID, "deleted_by": nil,
		"prefs": map[string]any{"channels": []string{}, "groups": []string{}},
	}
	if withUsers {
		out["users"] = g.Users
	}
	if withCount {
		out["user_count"] = len(g.Users)
	}
	return out
}
