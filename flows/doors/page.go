package doors

import (
	"context"
	"strings"
	"time"

	"breakglass/flows"
)

// PageLife is how long a page of another origin may call adapters as somebody.
const PageLife = 15 * time.Minute

// PageToken makes a token with which the page of an origin calls adapters as the person
// of a session, who has just said so. It opens nothing else, and nothing from elsewhere.
func (d *Doors) PageToken(ctx context.Context, by Caller, origin string) (secret string, p flows.Pass, err error) {
	switch {
	case by.Pass.Kind != flows.PassSession:
		return "", p, flows.Refuse(flows.RefusedNotAllowed, "A page is let in from a browser, after signing in there. It was not let in.")
	case !by.Is(flows.RoleMember):
		return "", p, flows.Refuse(flows.RefusedNotAllowed, "Only members of the company let pages in. It was not let in.")
	}
	secret, hash := d.secret("bgt_")
	now := d.o.Clock.Now()
	p = flows.Pass{
		ID: d.name("tok_"), Version: 1, Kind: flows.PassPersonal, Hash: hash, Holder: by.Person, Name: "page", By: by.Person, From: origin,
		Scopes: []flows.PassScope{flows.ScopeCall}, SignIn: by.Pass.SignIn, CreatedAt: now, ExpiresAt: now.Add(PageLife),
	}
	return secret, p, d.begin(ctx, "token_created", by.Actor(), p)
}

// PageOf is the origin of the page that a pass was made for; empty for any other pass.
func PageOf(p *flows.Pass) string {
	if p.Kind == flows.PassPersonal && strings.Contains(p.From, "://") {
		return p.From
	}
	return ""
}
