package doors

import (
	"context"
	"regexp"
	"slices"
	"time"

	"breakglass/flows"
)

// Wish is a token that somebody wants.
type Wish struct {
	Name    string // what it is for; of a service, the service's name
	Service bool   // acts for itself instead of as its maker
	Scopes  []flows.PassScope
	Life    time.Duration
}

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// CreateToken makes a token and returns its secret, which is shown this once. It acts
// as its maker or as a service, never as somebody else.
func (d *Doors) CreateToken(ctx context.Context, by Caller, w Wish) (secret string, p flows.Pass, err error) {
	if no := mayCreate(by, &w); no != nil {
		return "", p, no
	}
	secret, hash := d.secret("bgt_")
	now := d.o.Clock.Now()
	p = flows.Pass{
		ID: d.name("tok_"), Version: 1, Kind: flows.PassPersonal, Hash: hash, Holder: by.Person, Name: cutName(w.Name), By: by.Person,
		Scopes: w.Scopes, SignIn: by.Pass.SignIn, CreatedAt: now, ExpiresAt: now.Add(w.Life),
	}
	if w.Service {
		p.Kind, p.Holder = flows.PassService, flows.Service(w.Name)
	}
	return secret, p, d.begin(ctx, "token_created", by.Actor(), p)
}

func mayCreate(by Caller, w *Wish) *flows.Refusal {
	refuse := func(format string, args ...any) *flows.Refusal {
		return flows.Refuse(flows.RefusedInput, format+" No token was made.", args...)
	}
	slices.Sort(w.Scopes)
	w.Scopes = slices.Compact(w.Scopes)
	switch {
	case by.Pass.Kind != flows.PassSession && by.Pass.Kind != flows.PassLogin:
		return flows.Refuse(flows.RefusedNotAllowed, "A token cannot make tokens. No token was made.").Then("Sign in, or run breakglass login.")
	case !by.Is(flows.RoleMember):
		return flows.Refuse(flows.RefusedNotAllowed, "Only members of the company make tokens. No token was made.")
	case w.Service && !by.Is(flows.RoleAdmin):
		return flows.Refuse(flows.RefusedNotAllowed, "Only an admin makes tokens of services. No token was made.").Then("A token of your own acts as you.")
	case w.Service && !serviceName.MatchString(w.Name):
		return refuse("A service is called like \"ci\" or \"nightly-backup\".")
	case cutName(w.Name) == "":
		return refuse("Say what the token is for.")
	case w.Life < time.Minute || w.Life > TokenLife:
		return refuse("A token lives at least a minute and at most %d days.", int(TokenLife/(24*time.Hour)))
	case len(w.Scopes) == 0:
		return refuse("Say what it may be used for: read, ask, decide or call.")
	}
	for _, s := range w.Scopes {
		switch {
		case s != flows.ScopeRead && s != flows.ScopeAsk && s != flows.ScopeDecide && s != flows.ScopeCall:
			return refuse("There is no scope %q; there are read, ask, decide and call.", string(s))
		case s == flows.ScopeDecide && w.Service:
			return refuse("A service never decides.")
		}
	}
	return nil
}
