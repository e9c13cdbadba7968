package app

import (
	"net/http"

	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/integrations/httpadapter"
)

// buildCalls makes the proxy of HTTP adapters; it opens nothing until it is called.
func (a *App) buildCalls() {
	a.calls = httpadapter.New(httpadapter.Options{
		Catalog: a.Catalog, Grants: a.store, Recorder: a.engine, Members: a.people, Clock: a.o.Clock, Random: a.o.IDs.Random,
		EndOnly: a.guard.reason, Ended: a.line.Ended, Log: a.log,
	})
	a.line.changed, a.line.gone = a.calls.Changed, a.calls.Cut
}

// callDoors are ANY /v1/apis/http/{adapter}/*: what the rules of the adapter let through,
// to whoever holds a pass for it.
func (a *App) callDoors() []web.Door {
	var all []web.Door
	for _, method := range flows.RuleMethods() {
		all = append(all, web.At(method, httpadapter.Root+"*", web.Calls, a.callAdapter))
	}
	return all
}

// callAdapter is ANY /v1/apis/http/{adapter}/*: who calls is whose token or session it
// is, whatever the call says.
func (a *App) callAdapter(w http.ResponseWriter, r *http.Request, c *doors.Caller) {
	a.calls.Serve(w, r, httpadapter.Caller{Actor: c.Actor(), Browser: c.Pass.Kind == flows.PassSession})
}
