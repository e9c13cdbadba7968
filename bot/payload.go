package bot

import (
	"bytes"
	"encoding/json"
)

// The caps on bodies, before anything is parsed.
const (
	maxCommandBody     = 64 << 10
	maxInteractionBody = 256 << 10
)

// interaction is what we read of Slack's interaction payloads, and nothing else:
// the blocks of messages and views, which Slack extends all the time, are skipped.
type interaction struct {
	Type       string     `json:"type"`
	AppID      string     `json:"api_app_id"`
	Trigger    string     `json:"trigger_id"`
	User       account    `json:"user"`
	Team       team       `json:"team"`
	Enterprise enterprise `json:"enterprise"`
	Channel    named      `json:"channel"`
	Container  container  `json:"container"`
	Actions    []action   `json:"actions"`
	View       modalState `json:"view"`
	ActionID   string     `json:"action_id"` // block_suggestion
	BlockID    string     `json:"block_id"`
	Value      string     `json:"value"`
}

// account is who clicked.
type account struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

type team struct {
	ID         string `json:"id"`
	Enterprise string `json:"enterprise_id"`
}

type enterprise struct {
	ID string `json:"id"`
}

type named struct {
	ID string `json:"id"`
}

// container says where a button stands.
type container struct {
	MessageTS string `json:"message_ts"`
	ChannelID string `json:"channel_id"`
	ViewID    string `json:"view_id"`
}

// action is one click.
type action struct {
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Type     string `json:"type"`
	Value    string `json:"value"`
	TS       string `json:"action_ts"`
	Selected choice `json:"selected_option"`
}

// choice is an option that was picked.
type choice struct {
	Value string `json:"value"`
}

// modalState is a modal as it stands.
type modalState struct {
	ID       string `json:"id"`
	Hash     string `json:"hash"`
	Callback string `json:"callback_id"`
	Metadata string `json:"private_metadata"`
	State    struct {
		Values values `json:"values"`
	} `json:"state"`
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
// or is not of the shape Slack documents, is malformed.
func readInteraction(body []byte) (*interaction, error) {
	var payload []byte
	found := 0
	ok := eachField(body, func(key string, value []byte) bool {
		if key == "payload" {
			found++
			payload = value
		}
		return true
	})
	if !ok || found != 1 || !bytes.HasPrefix(bytes.TrimSpace(payload), []byte{'{'}) {
		return nil, rejectMalformed
	}
	p := new(interaction)
	if err := json.Unmarshal(payload, p); err != nil {
		return nil, rejectMalformed
	}
	if p.Type == "" || !isID(p.User.ID) {
		return nil, rejectMalformed
	}
	return p, nil
}

// channel is where a click was made; empty in a modal.
func (p *interaction) channel() string {
	if p.Container.ChannelID != "" {
		return p.Container.ChannelID
	}
	return p.Channel.ID
}

// org is the organisation a payload names, at whichever of the two places.
func (p *interaction) org() string {
	if p.Team.Enterprise != "" {
		return p.Team.Enterprise
	}
	return p.Enterprise.ID
}

// slash is what we read of a slash command.
type slash struct {
	Command, Text, Trigger          string
	User, Team, Org, Channel, AppID string
	check                           bool // Slack only checks the address
}

// readSlash reads a slash command. A field that is there twice is malformed.
func readSlash(body []byte) (*slash, error) {
	s := new(slash)
	fields := map[string]*string{
		"command": &s.Command, "text": &s.Text, "trigger_id": &s.Trigger, "user_id": &s.User, "team_id": &s.Team,
		"enterprise_id": &s.Org, "channel_id": &s.Channel, "api_app_id": &s.AppID,
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
