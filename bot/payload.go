package bot

import (
	"encoding/json"
	"strings"
)

// The caps on bodies, before anything is parsed.
const (
	maxCommandBody     = 64 << 10
	maxInteractionBody = 256 << 10
)

// interaction is what we read of Slack's interaction payloads, and nothing else: the
// blocks of messages and views, which Slack extends all the time, are stepped over.
type interaction struct {
	Type, AppID, Trigger string
	User, UserTeam       string
	Team, TeamOrg, Org   string
	Channel, MessageTS   string
	ContainerChannel     string
	Actions              []action
	View                 modalState
	ActionID, Value      string // block_suggestion
	BlockID              string // likewise

	Signed int64 // when Slack signed it, in Unix seconds
}

// action is one click.
type action struct {
	ActionID, BlockID, Value, TS string

	Picked string // the option of a menu
}

// unfold is what was picked from a card's menu, as if it were a button.
func (a action) unfold() action {
	if a.ActionID != ActionMenu {
		return a
	}
	what, token, _ := strings.Cut(a.Picked, ".")
	a.ActionID, a.Value = ActionNothing, token
	switch what {
	case menuFull:
		a.ActionID = ActionFull
	case menuNote:
		a.ActionID = ActionApproveNote
	case menuForward:
		a.ActionID = ActionForward
	}
	return a
}

// modalState is a modal as it stands.
type modalState struct {
	ID, Hash, Callback, Metadata string
	Values                       values
}

// values is what a person entered: by block id, then action id.
type values map[string]map[string]answer

// answer is what was entered in one element; which field is set depends on its type.
type answer struct {
	Value  string   `json:"value,omitempty"`
	Option choice   `json:"selected_option,omitzero"`
	User   string   `json:"selected_user,omitempty"`
	Users  []string `json:"selected_users,omitempty"`
}

// choice is an option that was picked.
type choice struct {
	Value string `json:"value"`
}

// text is the answer as one string, users joined by commas.
func (a answer) text() string {
	switch {
	case a.Option.Value != "":
		return a.Option.Value
	case a.User != "":
		return a.User
	case len(a.Users) > 0:
		return joinIDs(a.Users)
	}
	return a.Value
}

// readInteraction reads the one payload field of an interaction. What names nobody,
// says a thing twice or is not of the shape Slack documents is malformed.
func readInteraction(body []byte) (*interaction, error) {
	var payload string
	found := 0
	ok := eachField(body, func(key string, value []byte) bool {
		if key == "payload" {
			found++
			payload = string(value)
		}
		return true
	})
	p := new(interaction)
	if !ok || found != 1 || !members(payload, p.member) || p.Type == "" || !isID(p.User) {
		return nil, rejectMalformed
	}
	return p, nil
}

// member reads one member of a payload.
func (p *interaction) member(key, value string) bool {
	switch key {
	case "type":
		return set(&p.Type, value)
	case "api_app_id":
		return set(&p.AppID, value)
	case "trigger_id":
		return set(&p.Trigger, value)
	case "action_id":
		return set(&p.ActionID, value)
	case "block_id":
		return set(&p.BlockID, value)
	case "value":
		return set(&p.Value, value)
	case "user":
		return pair(value, "id", &p.User, "team_id", &p.UserTeam)
	case "team":
		return pair(value, "id", &p.Team, "enterprise_id", &p.TeamOrg)
	case "enterprise":
		return pair(value, "id", &p.Org, "", nil)
	case "channel":
		return pair(value, "id", &p.Channel, "", nil)
	case "container":
		return pair(value, "message_ts", &p.MessageTS, "channel_id", &p.ContainerChannel)
	case "actions":
		return p.Actions == nil && elements(value, p.action)
	case "view":
		return value == "null" || members(value, p.View.member)
	}
	return true
}

// action reads one click.
func (p *interaction) action(value string) bool {
	var a action
	ok := members(value, func(key, value string) bool {
		switch key {
		case "action_id":
			return set(&a.ActionID, value)
		case "block_id":
			return set(&a.BlockID, value)
		case "action_ts":
			return set(&a.TS, value)
		case "value":
			return set(&a.Value, value)
		case "selected_option":
			return pair(value, "value", &a.Picked, "", nil)
		}
		return true
	})
	p.Actions = append(p.Actions, a)
	return ok
}

// member reads one member of a view.
func (v *modalState) member(key, value string) bool {
	switch key {
	case "id":
		return set(&v.ID, value)
	case "hash":
		return set(&v.Hash, value)
	case "callback_id":
		return set(&v.Callback, value)
	case "private_metadata":
		return set(&v.Metadata, value)
	case "state":
		return value == "null" || members(value, func(key, value string) bool {
			return key != "values" || v.Values == nil && json.Unmarshal([]byte(value), &v.Values) == nil
		})
	}
	return true
}

// set keeps a string that was not there before.
func set(into *string, value string) bool {
	if *into != "" {
		return false
	}
	var ok bool
	*into, ok = text(value)
	return ok
}

// pair reads one or two string members of an object that may be null, and that was not
// there before.
func pair(obj, key1 string, into1 *string, key2 string, into2 *string) bool {
	if *into1 != "" || into2 != nil && *into2 != "" {
		return false
	}
	return obj == "null" || members(obj, func(key, value string) bool {
		switch {
		case key == key1:
			return set(into1, value)
		case key == key2 && into2 != nil:
			return set(into2, value)
		}
		return true
	})
}

// channel is where a click was made; empty in a modal.
func (p *interaction) channel() string {
	if p.ContainerChannel != "" {
		return p.ContainerChannel
	}
	return p.Channel
}

// org is the organisation a payload names, at whichever of the two places.
func (p *interaction) org() string {
	if p.TeamOrg != "" {
		return p.TeamOrg
	}
	return p.Org
}

// slash is what we read of a slash command.
type slash struct {
	Command, Text, Trigger          string
	User, Team, Org, Channel, AppID string
	ChannelName                     string
	check                           bool // Slack only checks the address

	Signed int64 // when Slack signed it, in Unix seconds
}

// readSlash reads a slash command. A field that is there twice is malformed.
func readSlash(body []byte) (*slash, error) {
	s := new(slash)
	fields := map[string]*string{
		"command": &s.Command, "text": &s.Text, "trigger_id": &s.Trigger, "user_id": &s.User, "team_id": &s.Team,
		"enterprise_id": &s.Org, "channel_id": &s.Channel, "channel_name": &s.ChannelName, "api_app_id": &s.AppID,
	}
	ok := eachField(body, func(key string, value []byte) bool {
		if key == "ssl_check" {
			s.check = true
		}
		into, wanted := fields[key]
		if wanted && into == nil {
			return false
		}
		if wanted {
			*into, fields[key] = string(value), nil
		}
		return true
	})
	switch {
	case !ok, !s.check && (s.Command == "" || !isID(s.User)):
		return nil, rejectMalformed
	}
	return s, nil
}
