// Package web is the door for browsers and programs: sign-in, the console's pages and
// the JSON API. What is decided here goes through the same engine as a click in Slack.
// It imports package flows, flows/doors, chi and huma; who vouches for people and where
// things are stored come in as ports.
//
// Read first: door.go (what a door is), entry.go (who may enter), caller.go (who is
// asking), page.go (how a page is made). The list of all doors stands in
// cmd/breakglass/app/routes.go.
package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// Engine carries out commands.
type Engine interface {
	Do(ctx context.Context, cmd flows.Command, fin flows.Finish) (flows.Result, error)
	Load(ctx context.Context, id flows.RequestID) (flows.Record, error)
	NewRequestID() flows.RequestID
}

// Finder lists requests.
type Finder interface {
	Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error)
	// OpenReviews lists those that are still to be reviewed.
	OpenReviews(ctx context.Context, n int) ([]flows.Request, error)
}

// Provider lets people sign in: the company's, or Slack's.
type Provider interface {
	// Name is how it is called in addresses.
	Name() flows.SignInProvider
	// Begin is where the browser is sent. secret is the browser's alone.
	Begin(ctx context.Context, secret string, fresh bool) (string, error)
	// Finish turns what the browser brought back into an identity.
	Finish(ctx context.Context, secret string, answer url.Values) (flows.Identity, error)
}

// Options are what a Web works with; all but Owner, Providers and Log are required.
type Options struct {
	Doors     *doors.Doors
	Owner     func(*http.Request) *doors.Caller // the owner of the process, where a call is theirs; else nil
	Engine    Engine
	Requests  Finder
	Archive   Archive  // the past, for the pages under /audit
	Adapters  Adapters // as the page of adapters tries them
	Recorder  Recorder // of who looked
	Emergency Emergency
	Reviews   func(context.Context, *flows.Request, flows.PersonID) bool // whose review it is, besides auditors' and admins'
	Live      func(context.Context) (int, error)                         // how many accesses there are now
	Catalog   func() *flows.Catalog
	Name      func(flows.PersonID) string // how the configuration calls people
	Providers []Provider
	Clock     flows.Clock
	Random    func([]byte)
	Console   func() string // the console's address, "https://host"
	Version   string
	Log       *slog.Logger
}

// Web is the console and the API.
type Web struct {
	o   Options
	log *slog.Logger
	api huma.API

	looks              history.Looks
	callers, strangers *limiter
}

// New makes a Web.
func New(o Options) *Web {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Web{
		o: o, log: o.Log, callers: newLimiter(o.Clock.Now, perPass), strangers: newLimiter(o.Clock.Now, perAddress),
	}
}

// secure reports whether browsers reach the console over https.
func (w *Web) secure() bool { return strings.HasPrefix(w.o.Console(), "https://") }

// name is how a person is called on pages.
func (w *Web) name(p flows.PersonID) string {
	if p.IsService() {
		return "service " + p.User()
	}
	if gone(p) {
		return "erased " + p.User()[:min(6, len(p.User()))]
	}
	if p.Team() == string(p) { // as sentences name people
		p = flows.Person(w.o.Catalog().Team, string(p))
	}
	return w.o.Name(p)
}

// names are several people, as a sentence has them.
func (w *Web) names(all []flows.PersonID) string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, w.name(p))
	}
	return strings.Join(out, " and ")
}

// plain is a sentence of the domain, as people read it.
func (w *Web) plain(s string) string { return sentence(s, w.name) }

// gone reports whether an id stands for somebody who was erased.
func gone(p flows.PersonID) bool { return p.Team() == "erased" }

// provider finds a provider by its name in an address.
func (w *Web) provider(name string) Provider {
	for _, p := range w.o.Providers {
		if string(p.Name()) == name {
			return p
		}
	}
	return nil
}

// local is a path of the console to go to after sign-in; anything else becomes "/".
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// from is the network address of a request, without its port.
func from(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}
