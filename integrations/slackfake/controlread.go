package slackfake

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// stateJSON is the workspace without its messages: what a page needs to show
// names and places.
type stateJSON struct {
	Version  int64       `json:"version"`
	Now      time.Time   `json:"now"`
	Team     idJSON      `json:"team"`
	Domain   string      `json:"domain"`
	App      appJSON     `json:"app"`
	Users    []User      `json:"users"`
	Groups   []UserGroup `json:"groups"`
	Channels []Channel   `json:"channels"`
	LastSeq  int64       `json:"last_seq"`
	Wrong    int         `json:"violations"`
}

// appJSON is the installed app.
type appJSON struct {
	ID        string    `json:"id"`
	BotUser   string    `json:"bot_user"`
	Name      string    `json:"name"`
	Commands  []string  `json:"commands"`
	Scopes    []string  `json:"scopes"`
	Endpoints Endpoints `json:"endpoints"`
}

func (ws *Workspace) controlState() stateJSON {
	users, groups, channels := ws.Users(), ws.UserGroups(), ws.Channels()
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return stateJSON{
		Version: ws.version, Now: ws.opt.Now(), Team: idJSON{ws.opt.TeamID}, Domain: ws.opt.TeamDomain,
		App: appJSON{
			ID: ws.opt.AppID, BotUser: ws.opt.BotUserID, Name: ws.opt.BotName, Commands: ws.opt.Commands,
			Scopes: ws.tokens[ws.opt.BotToken].Scopes, Endpoints: ws.endpoints,
		},
		Users: users, Groups: groups, Channels: channels,
		LastSeq: ws.ledger.seq, Wrong: len(ws.violations),
	}
}

// screenJSON is everything one person can see.
type screenJSON struct {
	Version    int64       `json:"version"`
	User       User        `json:"user"`
	Channels   []placeJSON `json:"channels"`
	Views      []View      `json:"views"` // open modals, the one in front last
	Home       *View       `json:"home"`
	Ephemerals []Message   `json:"ephemerals"`
	Notices    []Notice    `json:"notices"`
}

// placeJSON is a conversation with its messages.
type placeJSON struct {
	Channel
	Messages []Message `json:"messages"`
}

func (ws *Workspace) controlScreen(w http.ResponseWriter, r *http.Request) {
	screen, ok := ws.screen(r.PathValue("id"))
	if !ok {
		writeError(w, http.StatusNotFound, fmt.Errorf("no user %q", r.PathValue("id")))
		return
	}
	writeJSON(w, http.StatusOK, screen)
}

func (ws *Workspace) screen(user string) (screenJSON, bool) {
	ws.mu.Lock()
	u := ws.people.users[user]
	if u == nil {
		ws.mu.Unlock()
		return screenJSON{}, false
	}
	out := screenJSON{Version: ws.version, User: *u, Channels: []placeJSON{}}
	ws.openDM(user)
	for _, id := range ws.people.channelOrder {
		if ch := ws.people.channels[id]; ch.isMember(user) {
			out.Channels = append(out.Channels, placeJSON{*ch, copyMessages(ws.messages.byChannel[id])})
		}
	}
	ws.mu.Unlock()
	actor := ws.User(user)
	out.Views, out.Ephemerals, out.Notices = actor.OpenViews(), actor.Ephemerals(), actor.Notices()
	if home, ok := actor.Home(); ok {
		out.Home = &home
	}
	return out, true
}

func (ws *Workspace) controlMessages(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, ws.Messages(r.PathValue("chan")))
}

func (ws *Workspace) controlLedger(w http.ResponseWriter, r *http.Request) {
	since, err := numberParam(r, "since", 0)
	if err != nil {
		writeError(w, http.StatusBadRequest, err)
		return
	}
	writeJSON(w, http.StatusOK, ws.LedgerSince(since))
}

// numberParam reads a number of the query.
func numberParam(r *http.Request, name string, def int64) (int64, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is not a number: %q", name, s)
	}
	return n, nil
}

// versionJSON says how many changes there were.
type versionJSON struct {
	Version int64 `json:"version"`
}

// maxPoll is how long a long poll waits at most.
const maxPoll = 30 * time.Second

// controlChanges answers as soon as the version is above "since", or after
// "timeout_ms" with what it is then.
func (ws *Workspace) controlChanges(w http.ResponseWriter, r *http.Request) {
	since, err := numberParam(r, "since", -1)
	timeout, err2 := numberParam(r, "timeout_ms", maxPoll.Milliseconds())
	if err != nil || err2 != nil {
		writeError(w, http.StatusBadRequest, fmt.Errorf("since and timeout_ms are numbers: %w", firstError(err, err2)))
		return
	}
	over := make(chan struct{})
	cancel := ws.opt.After(min(maxPoll, time.Duration(timeout)*time.Millisecond), func() { close(over) })
	defer cancel()
	for {
		changed := ws.Changed()
		if ws.Version() > since {
			break
		}
		select {
		case <-changed:
			continue
		case <-over:
		case <-r.Context().Done():
		case <-ws.life.Done():
		}
		break
	}
	writeJSON(w, http.StatusOK, versionJSON{ws.Version()})
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// controlStream sends the version as a server-sent event at every change, for
// pages.
func (ws *Workspace) controlStream(w http.ResponseWriter, r *http.Request) {
	flush := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	for {
		changed := ws.Changed()
		if _, err := fmt.Fprintf(w, "event: change\ndata: {\"version\":%d}\n\n", ws.Version()); err != nil {
			return
		}
		if err := flush.Flush(); err != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		case <-ws.life.Done():
			return
		}
	}
}
