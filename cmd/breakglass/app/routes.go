package app

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"breakglass/bot/web"
	"breakglass/flows"
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
	return slices.Concat([]web.Door{
		web.At("GET", "/healthz", web.Anybody, web.Plain(a.healthz)),
		web.At("GET", "/readyz", web.Anybody, web.Plain(a.readyz)),
		web.At("GET", "/metrics", web.Anybody, web.Plain(a.metrics().ServeHTTP)), // numbers only

		web.At("GET", "/sign-in", web.Anybody, w.SignInPage),
		web.At("GET", "/sign-in/{provider}", web.Newcomer, w.SignInBegin),
		web.At("GET", "/sign-in/{provider}/callback", web.Newcomer, w.SignInFinish),
		web.At("GET", "/assets/{file}", web.Anybody, w.Asset),

		web.At("GET", "/", web.Signed, w.Home),
		web.At("GET", "/requests/{id}", web.Signed, w.RequestPage),
		web.At("POST", "/requests/{id}", web.Signed, w.RequestAct),
		web.At("GET", "/login", web.Signed, w.LoginPage),
		web.At("POST", "/login", web.Signed, w.LoginConfirm),
		web.At("GET", "/sessions", web.Signed, w.PassesPage),
		web.At("POST", "/sessions/{id}/end", web.Signed, w.PassEnd),
		web.At("GET", "/adapters", web.Signed, w.AdaptersPage),
		web.At("POST", "/adapters", web.Signed, w.AdapterCall), // judged and recorded like any call
		web.At("GET", "/pages", web.Signed, w.PageAsks),
		web.At("POST", "/pages", web.Signed, w.PageLetIn),
		web.At("POST", "/sign-out", web.Signed, w.SignOut),

		web.At("GET", "/audit", web.Signed, w.AuditPage), // here and below: what the person may see of the past
		web.At("GET", "/audit/requests/{id}", web.Signed, w.StoryPage),
		web.At("GET", "/audit/requests/{id}/calls", web.Signed, w.CallsPage),
		web.At("GET", "/audit/incidents/{id}", web.Signed, w.IncidentPage),
		web.At("GET", "/audit/people/{id}", web.Signed, w.PersonPage),
		web.At("GET", "/audit/charts", web.Signed.As(flows.RoleAuditor, flows.RoleAdmin), w.ChartsPage),
		web.At("GET", "/audit/evidence", web.Signed.As(flows.RoleAuditor, flows.RoleAdmin), w.EvidencePage),

		web.At("GET", "/v1/openapi.json", web.Anybody, w.OpenAPI),
		web.Operation("GET", "/v1/me", web.Reads, "Who you are here", w.WhoAmI),
		web.Creation("POST", "/v1/requests", web.Asks, "Ask for access", w.AskFor),
		web.Operation("GET", "/v1/requests", web.Reads, "List requests, newest first", w.Requests),
		web.Operation("GET", "/v1/requests/{id}", web.Reads, "Show a request", w.Request),
		web.Creation("POST", "/v1/requests/{id}/extensions", web.Asks, "Ask for access to go on", w.Extend),
		web.Operation("POST", "/v1/requests/{id}/decisions", web.Decides, "Approve or deny", w.Decide),
		web.Operation("POST", "/v1/requests/{id}/review", web.Decides, "Say whether access that its requester approved was in order", w.Review),
		web.Operation("POST", "/v1/requests/{id}/cancel", web.Asks, "Withdraw a request", w.Cancel),
		web.Operation("POST", "/v1/requests/{id}/done", web.Asks, "Hand access back", w.Done),
		web.Operation("POST", "/v1/requests/{id}/end", web.Asks, "End or withdraw, whichever it needs", w.End), // by the door file: see ownersEnd
		web.At("GET", "/v1/requests/{id}/events", web.Reads, w.Events),                                         // server-sent
		web.Operation("GET", "/v1/grants", web.Reads, "List the access that there is now", w.Grants),

		web.InLines("POST", "/v1/end", web.Stops, "End everything of a person, target, flow or incident, or all", w.EndMany), // these three by the door file, too
		web.Operation("POST", "/v1/freeze", web.Stops, "Stop everything that gives access", w.Freeze),
		web.Operation("POST", "/v1/unfreeze", web.Stops, "Let access be given again", w.Unfreeze),

		web.Operation("POST", "/v1/login", web.Newcomer, "Begin a machine's login", w.LoginBegin),
		web.Creation("POST", "/v1/tokens", web.Owns, "Make a token", w.TokenCreate),
		web.Operation("GET", "/v1/tokens", web.Owns, "List your sessions, logins and tokens", w.TokenList),
		web.Operation("DELETE", "/v1/tokens/{id}", web.Owns, "End a session, login or token", w.TokenEnd),

		web.Operation("POST", "/events/request", web.Asks, "Sym's way to ask", w.SymAsk),
		web.Operation("POST", "/events/deescalate", web.Asks, "Sym's way to end", w.SymDeescalate),
		web.Operation("GET", "/events/{id}", web.Reads, "Sym's way to see how an event went", w.SymEventOf),
		web.Operation("GET", "/runs/{id}", web.Reads, "Sym's way to see how things stand", w.SymRunOf),

		web.At("POST", "/v1/reload", web.Owner, web.Plain(a.local(a.reloadNow))),
		web.At("POST", "/v1/audit/looks", web.Owner, web.Plain(a.local(a.recordLook))),        // a command looked by itself
		web.At("POST", "/v1/audit/erasures", web.Owner, web.Plain(a.local(a.proposeErasure))), // admins confirm in Slack
		web.At("POST", "/v1/people/import", web.Owner, web.Plain(a.local(a.importPeople))),
		web.At("POST", "/v1/people/confirm", web.Owner, web.Plain(a.local(a.confirmPerson))),
		web.At("POST", "/v1/people/moved", web.Owner, web.Plain(a.local(a.movePeople))),
		web.At("POST", "/v1/people/unlink", web.Owner, web.Plain(a.local(a.unlinkPerson))),
		web.At("POST", "/v1/restore/report", web.Owner, web.Plain(a.local(a.reportUngoverned))),
		web.At("POST", "/v1/restore/accept", web.Owner, web.Plain(a.local(a.acceptEarlier))),
	}, a.auditDoors(), a.callDoors())
}

// internalRoutes mounts them. Nothing changes by a form or script of another site.
func (a *App) internalRoutes() http.Handler {
	return a.web.Routes(a.internalDoors(), a.recovered, a.web.FromPages(http.NewCrossOriginProtection().Handler), a.ownersEnd)
}

// healthz says whether the process lives, and by name what is wrong with it.
func (a *App) healthz(w http.ResponseWriter, r *http.Request) {
	reasons := a.guard.reasons()
	status := "ok"
	if len(reasons) > 0 {
		status = "end-only"
	}
	answer(w, http.StatusOK, map[string]any{"status": status, "reasons": reasons, "warnings": a.heldWarning(a.sinkWarnings(a.warnings())), "sinks": a.sinkHealth(), "world": a.Catalog().World, "config": a.Catalog().Hash})
}

// readyz says whether traffic may be sent here.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	ready, outside := a.ready, a.outside
	a.mu.Unlock()
	if !ready {
		answer(w, http.StatusServiceUnavailable, map[string]any{"status": "stopping"})
		return
	}
	answer(w, http.StatusOK, map[string]any{"status": "ready", "audit": a.auditReady(r), "published": outside, "sinks": a.sinkHealth()})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller has gone
}
