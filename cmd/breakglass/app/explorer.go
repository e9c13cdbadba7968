package app

import (
	"context"
	"net/http"

	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/integrations/httpadapter"
)

// explorer is the proxy of adapters, as the console's page uses it.
type explorer struct{ a *App }

func callerOf(c *doors.Caller) httpadapter.Caller {
	return httpadapter.Caller{Actor: c.Actor(), Browser: c.Pass.Kind == flows.PassSession}
}

// Ahead implements web.Adapters.
func (e explorer) Ahead(ctx context.Context, c *doors.Caller, method, uri string) web.Verdict {
	return web.Verdict(e.a.calls.Ahead(ctx, method, uri, callerOf(c)))
}

// Serve implements web.Adapters.
func (e explorer) Serve(w http.ResponseWriter, r *http.Request, c *doors.Caller) {
	e.a.calls.Serve(w, r, callerOf(c))
}
