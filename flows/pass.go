package flows

import (
	"slices"
	"strings"
	"time"
)

// Pass is what lets somebody in at the doors besides Slack: a browser's session, a
// machine's login, a token. Its secret is known to who holds it; here is the hash.
type Pass struct {
	ID      string // its name in lists and audit entries: "ses_…", "tok_…"; opens nothing
	Version int64
	Kind    PassKind
	Hash    string      // SHA-256 of the secret, hex
	Holder  PersonID    // who it acts as; empty for a device that nobody has confirmed
	Name    string      // what its maker calls it, or where it was made
	By      PersonID    // who made it
	Scopes  []PassScope // of a token: what it may be used for
	SignIn  SignIn      // how its maker had shown who they are
	Code    string      // of a device: SHA-256 of the code that its person compares, hex
	Key     string      // of a login: the machine's public key, base64
	From    string      // network address it was made from

	CreatedAt time.Time
	UsedAt    time.Time // to the minute
	ExpiresAt time.Time
	EndedAt   time.Time
	EndedBy   PersonID
}

// PassKind is a kind of pass.
type PassKind string

// The kinds of passes.
const (
	PassSession  PassKind = "session"  // a browser, after sign-in
	PassDevice   PassKind = "device"   // a machine that waits to be confirmed; opens nothing
	PassLogin    PassKind = "login"    // a machine whose person confirmed it
	PassPersonal PassKind = "personal" // a token that acts as its maker
	PassService  PassKind = "service"  // a token that acts for itself, and never decides
)

// PassScope is one thing that a token may be used for.
type PassScope string

// The scopes. A session and a login have all of them.
const (
	ScopeRead   PassScope = "read"   // requests and grants that it may see, and the audit where its holder may
	ScopeAsk    PassScope = "ask"    // ask, and end what it asked for
	ScopeDecide PassScope = "decide" // approve, deny, revoke; never for a service
	ScopeCall   PassScope = "call"   // call adapters, as far as their rules and its holder's grants go
)

// confirms begins the scope of a session that was made by signing in anew to approve
// one request.
const confirms = "confirm:"

// ToConfirm is the scope to approve that request after a fresh sign-in, once.
func ToConfirm(id RequestID) PassScope { return PassScope(confirms + string(id)) }

// Confirms is the request that the scope is for; empty where it is for none.
func (s PassScope) Confirms() RequestID {
	id, is := strings.CutPrefix(string(s), confirms)
	if !is {
		return ""
	}
	return RequestID(id)
}

// May reports whether the pass may be used for that.
func (p *Pass) May(what PassScope) bool {
	switch p.Kind {
	case PassSession, PassLogin:
		return true
	case PassPersonal:
		return slices.Contains(p.Scopes, what)
	case PassService:
		return what != ScopeDecide && slices.Contains(p.Scopes, what)
	}
	return false
}

// Live reports whether the pass is good at now.
func (p *Pass) Live(now time.Time) bool { return p.EndedAt.IsZero() && now.Before(p.ExpiresAt) }

// SignIn is how somebody showed who they are.
type SignIn struct {
	Provider  SignInProvider
	Issuer    string
	Subject   string
	At        time.Time
	Confirmed bool // an admin's word, or Slack's, ties the subject to the person, not an e-mail address
}

// SignInProvider is who vouches for a person at sign-in.
type SignInProvider string

// The providers.
const (
	SignInCompany SignInProvider = "company" // the company's OpenID Connect provider
	SignInSlack   SignInProvider = "slack"   // Sign in with Slack
)

// Identity is what a provider says about somebody who just signed in, verified.
type Identity struct {
	Provider SignInProvider
	Issuer   string
	Subject  string
	Email    string   // as the provider verified it; empty where it did not
	Person   PersonID // Sign in with Slack: the Slack team and user
	At       time.Time
	AuthTime time.Time // when the provider itself last looked who it is; zero: it does not say
}

// Pin ties a subject of a provider to a person, from the first sign-in on.
type Pin struct {
	Issuer  string
	Subject string
	Person  PersonID
	At      time.Time
}

// serviceTeam stands where a person has their Slack team.
const serviceTeam = "service"

// Service is the person that a service token acts as: "service/ci".
func Service(name string) PersonID { return Person(serviceTeam, name) }

// IsService reports whether p is a service: nobody to write to, and nobody who decides.
func (p PersonID) IsService() bool { return strings.HasPrefix(string(p), serviceTeam+"/") }
