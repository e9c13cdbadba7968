package app

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"

	"breakglass/bot/web"
)

// publicRoutes is everything the internet can reach: Slack and PagerDuty, by their
// signatures. Anything else is 404.
func (a *App) publicRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(a.recovered)
	r.Post("/slack/commands", a.bot.Commands)         // Slack's signature
	r.Post("/slack/interactions", a.bot.Interactions) // Slack's signature
	r.Post("/slack/options", a.bot.Options)           // Slack's signature
	r.Post("/slack/events", a.bot.Events)             // Slack's signature
	r.Post("/pagerduty/webhooks", a.webhook)          // PagerDuty's signature
	return r
}

// internalDoors are the doors on the operator's network; loopback unless set. Each names
// who may enter.
func (a *App) internalDoors() []web.Door {
	w := a.web
	return []web.Door{
		web.At("GET", "/healthz", web.Anybody, web.Plain(a.healthz)),
		web.At("GET", "/readyz", web.Anybody, web.Plain(a.readyz)),
		web.At("GET", "/metrics", web.Anybody, web.Plain(a.metrics().ServeHTTP)), // numbers only

		web.At("GET", "/sign-in", web.Anybody, w.SignInPage),
		web.At("GET", "/sign-in/{provider}", web.Anybody, w.SignInBegin),
		web.At("GET", "/sign-in/{provider}/callback", web.Anybody, w.SignInFinish),
		web.At("GET", "/assets/{file}", web.Anybody, w.Asset),

		web.At("GET", "/", web.Signed, w.Home),
		web.At("GET", "/requests/{id}", web.Signed, w.RequestPage),
		web.At("POST", "/requests/{id}", web.Signed, w.RequestAct),
		web.At("GET", "/login", web.Signed, w.LoginPage),
		web.At("POST", "/login", web.Signed, w.LoginConfirm),
		web.At("GET", "/sessions", web.Signed, w.PassesPage),
		web.At("POST", "/sessions/{id}/end", web.Signed, w.PassEnd),
		web.At("POST", "/sign-out", web.Signed, w.SignOut),
	}
}

// internalRoutes mounts them. Nothing changes by a form or script of another site. The
// owner of the process, by the door file, ends requests there too.
func (a *App) internalRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(a.recovered, http.NewCrossOriginProtection().Handler, a.ownersLook)
	a.web.Mount(r, a.internalDoors())
	a.web.Mount(r, a.auditDoors())
	r.Post("/v1/requests/{id}/end", a.local(a.endRequest)) // the owner of the process, by the door file
	r.Post("/v1/reload", a.local(a.reloadNow))             // likewise
	r.Post("/v1/audit/looks", a.local(a.recordLook))       // likewise: a command looked by itself
	r.Post("/v1/end", a.local(a.endMany))                  // likewise
	r.Post("/v1/freeze", a.local(a.freeze))                // likewise
	r.Post("/v1/unfreeze", a.local(a.unfreeze))            // likewise
	return r
}

// healthz says whether the process lives, and by name what is wrong with it.
func (a *App) healthz(w http.ResponseWriter, r *http.Request) {
	reasons := a.guard.reasons()
	status := "ok"
	if len(reasons) > 0 {
		status = "end-only"
	}
	answer(w, http.StatusOK, map[string]any{"status": status, "reasons": reasons, "warnings": a.sinkWarnings(a.warnings()), "sinks": a.sinkHealth(), "world": a.Catalog().World, "config": a.Catalog().Hash})
}

// readyz says whether traffic may be sent here.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	ready := a.ready
	a.mu.Unlock()
	if !ready {
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "stopping"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"status": "ready", "audit": a.auditReady(r), "sinks": a.sinkHealth()})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}
