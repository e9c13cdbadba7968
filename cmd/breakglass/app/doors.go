package app

import (
	"context"
	"net/url"
	"time"

	"breakglass/bot/web"
	"breakglass/flows"
	"breakglass/flows/doors"
	"breakglass/integrations/oidc"
)

// firstPurge is how long after a start old sessions, tokens and payloads are deleted.
const firstPurge = 10 * time.Minute

// buildWeb makes the doors besides Slack: who comes in, and the console and API.
func (a *App) buildWeb() {
	s := a.conf().Settings
	a.roll = flows.Roll{Catalog: a.Catalog, Directory: a.people}
	var domains []string
	var providers []web.Provider
	for _, in := range s.SignIns {
		domains = append(domains, in.EmailDomains...)
		p := oidc.New(oidc.Options{
			Provider: in.Provider, Issuer: in.Issuer, ClientID: in.ClientID, Secret: in.ClientSecret, Clock: a.o.Clock,
			Redirect: func() string { return a.console() + "/sign-in/" + string(in.Provider) + "/callback" },
		})
		providers = append(providers, provider{p})
		a.stops = append(a.stops, stop{"sign-in " + string(in.Provider), func(context.Context) error { return p.Close() }})
	}
	d := doors.New(doors.Options{
		Store: a.store, Recorder: a.engine, Roll: a.roll, Clock: a.o.Clock, IDs: a.o.IDs, Domains: domains, Tell: a.errorsTo(),
	})
	a.web = web.New(web.Options{
		Doors: d, Owner: a.ownerCalls, Engine: a.engine, Requests: a.store, Archive: a.store, Adapters: explorer{a}, Recorder: a.engine, Emergency: killSwitch{a}, Reviews: a.reviews,
		Live: a.liveAccess, Catalog: a.Catalog, Name: a.nameOf, Providers: providers,
		Clock: a.o.Clock, Random: a.o.IDs.Random, Console: a.console, Version: a.o.Version, Log: a.log,
	})
}

// liveAccess is how many accesses there are at the targets now.
func (a *App) liveAccess(ctx context.Context) (int, error) {
	s, err := a.store.Stats(ctx)
	return s.Requests[flows.StateActive] + s.Requests[flows.StateEnding], err
}

// console is the address under which people reach the internal listener.
func (a *App) console() string {
	if set := a.conf().Settings.Server.ConsoleURL; set != "" {
		return set
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.consoleURL
}

// provider makes attempts of the secrets that browsers keep.
type provider struct{ p *oidc.Provider }

// Name implements web.Provider.
func (p provider) Name() flows.SignInProvider { return p.p.Name() }

// Begin implements web.Provider.
func (p provider) Begin(ctx context.Context, secret string, fresh bool) (string, error) {
	return p.p.Begin(ctx, oidc.NewAttempt(p.p.Name(), secret), fresh)
}

// Finish implements web.Provider.
func (p provider) Finish(ctx context.Context, secret string, answer url.Values) (flows.Identity, error) {
	return p.p.Finish(ctx, oidc.NewAttempt(p.p.Name(), secret), answer)
}
