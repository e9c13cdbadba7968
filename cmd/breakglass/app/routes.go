package app

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"
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

// internalRoutes is for the operator's network; loopback unless set.
func (a *App) internalRoutes() http.Handler {
	r := chi.NewRouter()
	r.Use(a.recovered)
	r.Get("/healthz", a.healthz)                           // anybody on the operator's network
	r.Get("/readyz", a.readyz)                             // likewise
	r.Method("GET", "/metrics", a.metrics())               // likewise; numbers only
	r.Post("/v1/requests/{id}/end", a.local(a.endRequest)) // the owner of the process, by the door file
	r.Post("/v1/reload", a.local(a.reloadNow))             // likewise
	r.Post("/v1/audit/looks", a.local(a.recordLook))       // likewise: a command looked by itself
	return r
}

// healthz says whether the process lives, and by name what is wrong with it.
func (a *App) healthz(w http.ResponseWriter, r *http.Request) {
	reasons := a.guard.reasons()
	status := "ok"
	if len(reasons) > 0 {
		status = "end-only"
	}
	answer(w, http.StatusOK, map[string]any{"status": status, "reasons": reasons, "warnings": a.warnings(), "world": a.Catalog().World, "config": a.Catalog().Hash})
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
	answer(w, http.StatusOK, map[string]any{"status": "ready"})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}
