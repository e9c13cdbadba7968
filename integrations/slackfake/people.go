package slackfake

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is a person or bot as the workspace knows it. Its JSON form is that of
// the control API; users.info answers in Slack's (see userjson.go).
type User struct {
	ID                string   `json:"id"`
	TeamID            string   `json:"team_id"` // default: the workspace's
	Name              string   `json:"name"`    // handle, without @
	RealName          string   `json:"real_name"`
	DisplayName       string   `json:"display_name"`
	Email             string   `json:"email"`
	Title             string   `json:"title"`
	TZ                string   `json:"tz"` // default: Etc/UTC
	AppID             string   `json:"app_id"`
	BotID             string   `json:"bot_id"`
	Deleted           bool     `json:"deleted"`
	IsBot             bool     `json:"is_bot"`
	IsAppUser         bool     `json:"is_app_user"`
	IsAdmin           bool     `json:"is_admin"`
	IsOwner           bool     `json:"is_owner"`
	IsRestricted      bool     `json:"is_restricted"`
	IsUltraRestricted bool     `json:"is_ultra_restricted"`
	IsStranger        bool     `json:"is_stranger"`
	IsInvitedUser     bool     `json:"is_invited_user"`
	IsWorkflowBot     bool     `json:"is_workflow_bot"`
	IsConnectorBot    bool     `json:"is_connector_bot"`
	EmailUnconfirmed  bool     `json:"email_unconfirmed"`
	EnterpriseUserID  string   `json:"enterprise_user_id"` // the W… id in the organisation
	EnterpriseTeams   []string `json:"enterprise_teams"`
	Updated           int64    `json:"updated"`
}

// UserGroup is a Slack user group ("@sre-managers").
type UserGroup struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Handle      string   `json:"handle"` // without @
	Description string   `json:"description"`
	Users       []string `json:"users"`
	Disabled    bool     `json:"disabled"`
}

// Channel is a conversation. Members holds user ids; the app can post where its
// own bot user (Workspace.Bot) is a member.
type Channel struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"` // without #
	Members     []string `json:"members"`
	IsPrivate   bool     `json:"is_private"`
	IsArchived  bool     `json:"is_archived"`
	IsExtShared bool     `json:"is_ext_shared"`
	IsIM        bool     `json:"is_im"`
	IsMPIM      bool     `json:"is_mpim"`
	Created     int64    `json:"created"`
}

// people is everybody and every place they meet, in the order they were added.
type people struct {
	users    map[string]*User
	groups   map[string]*UserGroup
	channels map[string]*Channel

	userOrder, groupOrder, channelOrder []string
}

func newPeople() people {
	return people{
		users:    map[string]*User{},
		groups:   map[string]*UserGroup{},
		channels: map[string]*Channel{},
	}
}

// Bot is the user id under which the app posts.
func (ws *Workspace) Bot() string { return ws.opt.BotUserID }

// AddUser adds a person, or replaces the one with the same id, and returns the
// id (made up when empty). Subscribed apps get team_join or user_change.
func (ws *Workspace) AddUser(u User) string {
	ws.mu.Lock()
	if u.ID == "" {
		u.ID = ws.newID("U")
	}
	defaultTo(&u.TeamID, ws.opt.TeamID)
	defaultTo(&u.Name, strings.ToLower(u.ID))
	defaultTo(&u.RealName, u.Name)
	defaultTo(&u.TZ, "Etc/UTC")
	u.Updated = ws.opt.Now().Unix()
	event := "user_change"
	if ws.people.users[u.ID] == nil {
		event = "team_join"
		ws.people.userOrder = append(ws.people.userOrder, u.ID)
	}
	ws.people.users[u.ID] = &u
	body := map[string]any{"type": event, "user": ws.userJSON(&u, true), "event_ts": ws.newTS()}
	ws.touch()
	ws.mu.Unlock()
	if u.ID != ws.opt.BotUserID {
		ws.emitIfSubscribed(event, body)
	}
	return u.ID
}

// ChangeUser edits a person in place and tells subscribed apps (user_change).
func (ws *Workspace) ChangeUser(id string, edit func(*User)) error {
	ws.mu.Lock()
	old := ws.people.users[id]
	if old == nil {
		ws.mu.Unlock()
		return fmt.Errorf("slackfake: no user %q: add it first", id)
	}
	u := *old
	ws.mu.Unlock()
	edit(&u)
	u.ID = id
	ws.AddUser(u)
	return nil
}

// AddUserGroup adds or replaces a user group and returns its id. Subscribed
// apps get subteam_created or subteam_updated.
func (ws *Workspace) AddUserGroup(g UserGroup) string {
	ws.mu.Lock()
	event := "subteam_updated"
	if g.ID == "" {
		g.ID = ws.newID("S")
	}
	g.Users = slices.Clone(g.Users)
	if ws.people.groups[g.ID] == nil {
		event = "subteam_created"
		ws.people.groupOrder = append(ws.people.groupOrder, g.ID)
	}
	ws.people.groups[g.ID] = &g
	body := map[string]any{"type": event, "subteam": ws.groupJSON(&g, true, true), "event_ts": ws.newTS()}
	ws.touch()
	ws.mu.Unlock()
	ws.emitIfSubscribed(event, body)
	return g.ID
}

// AddChannel adds or replaces a channel and returns its id.
func (ws *Workspace) AddChannel(c Channel) string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if c.ID == "" {
		c.ID = ws.newID("C")
	}
	if c.Created == 0 {
		c.Created = ws.opt.Now().Unix()
	}
	c.Members = slices.Clone(c.Members)
	ws.putChannel(&c)
	ws.touch()
	return c.ID
}

// putChannel stores a channel. Called with the lock held.
func (ws *Workspace) putChannel(c *Channel) {
	if ws.people.channels[c.ID] == nil {
		ws.people.channelOrder = append(ws.people.channelOrder, c.ID)
	}
	ws.people.channels[c.ID] = c
}

// Users lists everybody, bots too, in the order they were added.
func (ws *Workspace) Users() []User {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	all := make([]User, 0, len(ws.people.userOrder))
	for _, id := range ws.people.userOrder {
		all = append(all, *ws.people.users[id])
	}
	return all
}

// UserGroups lists the user groups in the order they were added.
func (ws *Workspace) UserGroups() []UserGroup {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	all := make([]UserGroup, 0, len(ws.people.groupOrder))
	for _, id := range ws.people.groupOrder {
		g := *ws.people.groups[id]
		g.Users = slices.Clone(g.Users)
		all = append(all, g)
	}
	return all
}

// Channels lists the conversations, direct messages too.
func (ws *Workspace) Channels() []Channel {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	all := make([]Channel, 0, len(ws.people.channelOrder))
	for _, id := range ws.people.channelOrder {
		c := *ws.people.channels[id]
		c.Members = slices.Clone(c.Members)
		all = append(all, c)
	}
	return all
}

// openDM returns the direct message between the app and the given people,
// making it on first use. Called with the lock held.
func (ws *Workspace) openDM(users ...string) *Channel {
	slices.Sort(users)
	id := "D" + strings.TrimLeft(users[0], "UW")
	if len(users) > 1 {
		id = "G" + strings.Join(users, "")
	}
	if c := ws.people.channels[id]; c != nil {
		return c
	}
	c := &Channel{
		ID: id, Members: append(slices.Clone(users), ws.opt.BotUserID),
		IsIM: len(users) == 1, IsMPIM: len(users) > 1, Created: ws.opt.Now().Unix(),
	}
	if c.IsMPIM {
		c.Name = "mpdm-" + strings.ToLower(strings.Join(users, "--")) + "-1"
	}
	ws.putChannel(c)
	return c
}

// location reads a time zone; an unknown one is UTC.
func (u *User) location() *time.Location {
	loc, err := time.LoadLocation(u.TZ)
	if err != nil {
		return time.UTC
	}
	return loc
}

// isMember says whether the user is in the channel.
func (c *Channel) isMember(user string) bool { return slices.Contains(c.Members, user) }
