package slackfake

import (
	"errors"
	"net/http"
	"time"
)

// idJSON is the answer of what makes or replaces something.
type idJSON struct {
	ID string `json:"id"`
}

func (ws *Workspace) controlUser(r *http.Request, u User) (idJSON, error) {
	u.ID = r.PathValue("id")
	return idJSON{ws.AddUser(u)}, nil
}

func (ws *Workspace) controlGroup(r *http.Request, g UserGroup) (idJSON, error) {
	g.ID = r.PathValue("id")
	return idJSON{ws.AddUserGroup(g)}, nil
}

func (ws *Workspace) controlChannel(r *http.Request, c Channel) (idJSON, error) {
	c.ID = r.PathValue("id")
	return idJSON{ws.AddChannel(c)}, nil
}

func (ws *Workspace) controlEndpoints(_ *http.Request, e Endpoints) (none, error) {
	ws.SetEndpoints(e)
	return none{}, nil
}

func (ws *Workspace) controlRateLimits(_ *http.Request, l RateLimits) (none, error) {
	ws.SetRateLimits(l)
	return none{}, nil
}

// tokenJSON is a token and what it may do.
type tokenJSON struct {
	Value string `json:"value"`
	Token
}

func (ws *Workspace) controlToken(_ *http.Request, t tokenJSON) (none, error) {
	if t.Value == "" || t.Kind != BotToken && t.Kind != AppToken {
		return none{}, errors.New(`a token needs a value, and "bot" or "app" as its kind`)
	}
	ws.SetToken(t.Value, t.Token)
	return none{}, nil
}

func (ws *Workspace) controlSecret(_ *http.Request, s struct {
	Secret string `json:"secret"`
}) (none, error) {
	if s.Secret == "" {
		return none{}, errors.New("an empty signing secret signs nothing")
	}
	ws.RotateSigningSecret(s.Secret)
	return none{}, nil
}

// faultJSON is a Fault with its time in milliseconds.
type faultJSON struct {
	Fault
	DelayMS int64 `json:"delay_ms"`
}

func (ws *Workspace) controlFail(_ *http.Request, f faultJSON) (none, error) {
	if f.Method == "" {
		return none{}, errors.New(`a fault needs a method, "response_url" or "*"`)
	}
	f.Fault.Delay = time.Duration(f.DelayMS) * time.Millisecond
	ws.Fail(f.Fault)
	return none{}, nil
}

// deliveryFaultJSON is a DeliveryFault with its times in milliseconds.
type deliveryFaultJSON struct {
	DeliveryFault
	DelayMS int64 `json:"delay_ms"`
	StaleMS int64 `json:"stale_ms"`
}

func (ws *Workspace) controlFailDelivery(_ *http.Request, f deliveryFaultJSON) (none, error) {
	if f.Kind == "" {
		return none{}, errors.New(`a delivery fault needs a kind, or "*"`)
	}
	f.DeliveryFault.Delay = time.Duration(f.DelayMS) * time.Millisecond
	f.DeliveryFault.Stale = time.Duration(f.StaleMS) * time.Millisecond
	ws.FailDelivery(f.DeliveryFault)
	return none{}, nil
}

// faultsJSON is every fault in force.
type faultsJSON struct {
	Calls      []faultJSON         `json:"calls"`
	Deliveries []deliveryFaultJSON `json:"deliveries"`
}

func (ws *Workspace) controlFaults() faultsJSON {
	out := faultsJSON{Calls: []faultJSON{}, Deliveries: []deliveryFaultJSON{}}
	for _, f := range ws.Faults() {
		out.Calls = append(out.Calls, faultJSON{f, f.Delay.Milliseconds()})
	}
	for _, f := range ws.DeliveryFaults() {
		out.Deliveries = append(out.Deliveries, deliveryFaultJSON{f, f.Delay.Milliseconds(), f.Stale.Milliseconds()})
	}
	return out
}

func (ws *Workspace) controlReplay(_ *http.Request, req struct {
	Seq int64 `json:"seq"`
}) (Exchange, error) {
	return ws.Replay(req.Seq)
}

func (ws *Workspace) controlEmit(_ *http.Request, event map[string]any) (idJSON, error) {
	if kind, _ := event["type"].(string); kind == "" {
		return idJSON{}, errors.New("an event needs a type")
	}
	return idJSON{ws.Emit(event)}, nil
}
