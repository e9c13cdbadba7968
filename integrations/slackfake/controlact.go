package slackfake

import (
	"errors"
	"net/http"
)

// surfaceJSON names a message (channel and ts) or a view.
type surfaceJSON struct {
	Channel string `json:"channel,omitempty"`
	TS      string `json:"ts,omitempty"`
	View    string `json:"view,omitempty"`
}

func (s surfaceJSON) ref() surfaceRef { return surfaceRef{channel: s.Channel, ts: s.TS, view: s.View} }

// actJSON is what a person does; each door reads the fields it needs.
type actJSON struct {
	Channel    string      `json:"channel"`     // slash, say: where
	Command    string      `json:"command"`     // slash
	Text       string      `json:"text"`        // slash, say
	On         surfaceJSON `json:"on"`          // click, dismiss, fill, suggest, submit, close, message_shortcut
	Key        string      `json:"key"`         // which element: action_id, block_id/action_id, or a button's text
	Value      any         `json:"value"`       // fill
	Query      string      `json:"query"`       // suggest
	Values     Values      `json:"values"`      // submit
	All        bool        `json:"all"`         // close: the whole stack
	CallbackID string      `json:"callback_id"` // shortcuts
}

func (ws *Workspace) actor(r *http.Request) *Actor { return ws.User(r.PathValue("id")) }

func (ws *Workspace) actSlash(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).In(a.Channel).Slash(a.Command, a.Text)
}

func (ws *Workspace) actClick(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).Click(a.On, a.Key)
}

func (ws *Workspace) actDismiss(r *http.Request, a actJSON) (*Confirm, error) {
	return ws.actor(r).Dismiss(a.On, a.Key)
}

func (ws *Workspace) actFill(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).Fill(a.On, a.Key, a.Value)
}

// optionsJSON is what a menu offers.
type optionsJSON struct {
	Options []Option `json:"options"`
}

func (ws *Workspace) actSuggest(r *http.Request, a actJSON) (optionsJSON, error) {
	found, err := ws.actor(r).Suggest(a.On, a.Key, a.Query)
	return optionsJSON{found}, err
}

func (ws *Workspace) actSubmit(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).Submit(View{ID: a.On.View}, a.Values)
}

func (ws *Workspace) actClose(r *http.Request, a actJSON) (Outcome, error) {
	v, ok := ws.View(a.On.View)
	if !ok {
		return Outcome{}, errors.New("no such view is open")
	}
	if a.All {
		return ws.actor(r).CloseAll(v)
	}
	return ws.actor(r).CloseView(v)
}

func (ws *Workspace) actShortcut(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).Shortcut(a.CallbackID)
}

func (ws *Workspace) actMessageShortcut(r *http.Request, a actJSON) (Outcome, error) {
	return ws.actor(r).MessageShortcut(a.CallbackID, Message{Channel: a.On.Channel, TS: a.On.TS})
}

func (ws *Workspace) actHome(r *http.Request, _ none) (none, error) {
	return none{}, ws.actor(r).OpenHome()
}

func (ws *Workspace) actSay(r *http.Request, a actJSON) (Message, error) {
	return ws.actor(r).Say(a.Channel, a.Text)
}
