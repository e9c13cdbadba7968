package slackfake

import (
	"encoding/json"
	"slices"
	"strings"
)

// View is a modal or a Home tab as one person sees it now.
type View struct {
	ID              string            `json:"id"`
	User            string            `json:"user"`
	Type            string            `json:"type"` // modal or home
	Title           string            `json:"title"`
	Submit          string            `json:"submit"`
	Close           string            `json:"close"`
	CallbackID      string            `json:"callback_id"`
	ExternalID      string            `json:"external_id"`
	PrivateMetadata string            `json:"private_metadata"`
	Hash            string            `json:"hash"`
	RootViewID      string            `json:"root_view_id"`
	PreviousViewID  string            `json:"previous_view_id"`
	ClearOnClose    bool              `json:"clear_on_close"`
	NotifyOnClose   bool              `json:"notify_on_close"`
	Blocks          json.RawMessage   `json:"blocks"`
	State           json.RawMessage   `json:"state"`      // state.values
	Errors          map[string]string `json:"errors"`     // what the app said is wrong, by block_id
	Trouble         string            `json:"trouble"`    // what Slack says when the app failed
	Updates         int               `json:"updates"`    // how often its content was replaced
	Submitting      bool              `json:"submitting"` // a submission is on its way
	OpenedAt        string            `json:"opened_at"`  // as a message timestamp
	UpdatedAt       string            `json:"updated_at"` // likewise

	raw     map[string]any // title, submit, close as the app wrote them
	blocks  []any
	state   map[string]map[string]any
	offered map[string][]any // options that external selects offered, by block_id/action_id
}

// views holds the stacks of open modals and the Home tabs. A person's stacks
// lie over each other: the last is the one in front.
type views struct {
	stacks map[string][][]*View
	homes  map[string]*View
	byID   map[string]*View
}

func newViews() views {
	return views{stacks: map[string][][]*View{}, homes: map[string]*View{}, byID: map[string]*View{}}
}

// maxStack is how many modals lie on one another.
const maxStack = 3

// snapshot copies a view for somebody outside. Called with the lock held.
func (v *View) snapshot() View {
	out := *v
	out.Blocks = encode(v.blocks)
	out.State = encode(v.state)
	return out
}

// setView replaces what a view shows; what was entered stays where the
// fields stayed. Called with the lock held.
func (ws *Workspace) setView(v *View, obj map[string]any) {
	blocks, _ := obj["blocks"].([]any)
	ws.fillBlocks(blocks)
	fillTexts(obj)
	v.raw, v.blocks = obj, blocks
	v.Type, _ = obj["type"].(string)
	v.CallbackID, _ = obj["callback_id"].(string)
	v.ExternalID, _ = obj["external_id"].(string)
	v.PrivateMetadata, _ = obj["private_metadata"].(string)
	v.ClearOnClose, _ = obj["clear_on_close"].(bool)
	v.NotifyOnClose, _ = obj["notify_on_close"].(bool)
	v.Title, v.Submit, v.Close = textOf(obj["title"]), textOf(obj["submit"]), textOf(obj["close"])
	v.state = initialState(blocks, v.state)
	v.Errors, v.Trouble = nil, ""
	v.UpdatedAt = ws.newTS()
	seconds, _, _ := strings.Cut(v.UpdatedAt, ".")
	v.Hash = seconds + "." + ws.random(8, mixedAlphabet)
}

// newView makes a view of the given content. Called with the lock held.
func (ws *Workspace) newView(user string, obj map[string]any) *View {
	v := &View{ID: ws.newID("V"), User: user, offered: map[string][]any{}}
	ws.setView(v, obj)
	v.OpenedAt = v.UpdatedAt
	v.RootViewID = v.ID
	ws.views.byID[v.ID] = v
	return v
}

// openView puts a view in front, as the root of a new stack. Called with the
// lock held.
func (ws *Workspace) openView(user string, obj map[string]any) *View {
	v := ws.newView(user, obj)
	ws.views.stacks[user] = append(ws.views.stacks[user], []*View{v})
	ws.touch()
	return v
}

// pushView puts a view on the stack that below is in; nil means that the stack
// is full. Called with the lock held.
func (ws *Workspace) pushView(below *View, obj map[string]any) *View {
	stacks := ws.views.stacks[below.User]
	i := stackOf(stacks, below)
	if i < 0 || len(stacks[i]) >= maxStack {
		return nil
	}
	v := ws.newView(below.User, obj)
	v.RootViewID, v.PreviousViewID = stacks[i][0].ID, stacks[i][len(stacks[i])-1].ID
	stacks[i] = append(stacks[i], v)
	ws.touch()
	return v
}

// updateView replaces a view's content. Called with the lock held.
func (ws *Workspace) updateView(v *View, obj map[string]any) {
	ws.setView(v, obj)
	v.Updates++
	ws.touch()
}

// dropView closes a view and what lies on it. Called with the lock held.
func (ws *Workspace) dropView(v *View) {
	stacks := ws.views.stacks[v.User]
	i := stackOf(stacks, v)
	if i < 0 {
		return
	}
	at := slices.Index(stacks[i], v)
	for _, gone := range stacks[i][at:] {
		delete(ws.views.byID, gone.ID)
	}
	stacks[i] = stacks[i][:at]
	if len(stacks[i]) == 0 {
		ws.views.stacks[v.User] = slices.Delete(stacks, i, i+1)
	}
	ws.touch()
}

// dropStack closes every view of the stack that v is in. Called with the lock
// held.
func (ws *Workspace) dropStack(v *View) {
	stacks := ws.views.stacks[v.User]
	if i := stackOf(stacks, v); i >= 0 {
		ws.dropView(stacks[i][0])
	}
}

func stackOf(stacks [][]*View, v *View) int {
	return slices.IndexFunc(stacks, func(s []*View) bool { return slices.Contains(s, v) })
}

// OpenViews lists the modals a person has open; the one in front is last.
func (ws *Workspace) OpenViews(user string) []View {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	out := []View{}
	for _, stack := range ws.views.stacks[user] {
		for _, v := range stack {
			out = append(out, v.snapshot())
		}
	}
	return out
}

// Home returns what the app published to a person's Home tab.
func (ws *Workspace) Home(user string) (View, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if v := ws.views.homes[user]; v != nil {
		return v.snapshot(), true
	}
	return View{}, false
}

// View returns an open view by its id.
func (ws *Workspace) View(id string) (View, bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if v := ws.views.byID[id]; v != nil {
		return v.snapshot(), true
	}
	return View{}, false
}

// viewJSON writes a view in Slack's shape. Called with the lock held.
func (ws *Workspace) viewJSON(v *View) map[string]any {
	out := map[string]any{
		"id": v.ID, "team_id": ws.opt.TeamID, "type": v.Type, "blocks": v.blocks,
		"private_metadata": v.PrivateMetadata, "callback_id": v.CallbackID,
		"state": map[string]any{"values": v.state}, "hash": v.Hash,
		"title": v.raw["title"], "submit": v.raw["submit"], "close": v.raw["close"],
		"clear_on_close": v.ClearOnClose, "notify_on_close": v.NotifyOnClose,
		"previous_view_id": nil, "root_view_id": v.RootViewID, "external_id": v.ExternalID,
		"app_id": ws.opt.AppID, "app_installed_team_id": ws.opt.TeamID, "bot_id": ws.opt.BotID,
	}
	if v.blocks == nil {
		out["blocks"] = []any{}
	}
	if v.PreviousViewID != "" {
		out["previous_view_id"] = v.PreviousViewID
	}
	return out
}

// textOf reads the text of a text object.
func textOf(v any) string {
	obj, _ := v.(map[string]any)
	s, _ := obj["text"].(string)
	return s
}
