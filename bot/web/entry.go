package web

import (
	"slices"
	"time"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Entry is who may enter by a door. The zero value is nobody.
type Entry struct {
	Name  string // for the table of doors and the API's description
	open  bool   // no pass is needed
	slow  bool   // and callers are counted by their address
	own   bool   // what is behind it looks for itself who comes in
	owner bool   // Options.Owner lets in, too
	page  bool   // for browsers: who has no session is sent to the sign-in
	kinds []flows.PassKind
	scope flows.PassScope // what a token must be for; empty: any
	roles []flows.Role    // one of them; empty: any
	fresh time.Duration   // how long ago a session's person signed in at most; zero: any
	most  int64           // bytes of a body that a machine's proof is over; zero: maxBody
	free  bool            // what is behind it counts the calls itself
}

// The entries. A role is asked for besides: Signed.As(flows.RoleAuditor).
var (
	// Anybody needs no pass: sign-in itself, and what the operator's network may see.
	Anybody = Entry{Name: "anybody on the operator's network", open: true}
	// Newcomer needs no pass either, and is counted: what begins a sign-in.
	Newcomer = Entry{Name: "anybody on the operator's network, so often a minute", open: true, slow: true}
	// Owner is the owner of the process; what is behind the door checks the door file.
	Owner = Entry{Name: "the owner of the process, by the door file", open: true, own: true}
	// Signed is a person in a browser, after sign-in.
	Signed = Entry{Name: "a person who signed in", page: true, kinds: []flows.PassKind{flows.PassSession}}
	// Reads, Asks and Decides are who holds a session, a login or a token for it.
	Reads   = Entry{Name: "a person or service that may read", kinds: everyPass, scope: flows.ScopeRead}
	Asks    = Entry{Name: "a person or service that may ask", kinds: everyPass, scope: flows.ScopeAsk}
	Decides = Entry{Name: "a person, never a service", kinds: personal, scope: flows.ScopeDecide}
	// Stops is who may use the kill switch: an admin, whose session is young.
	Stops = Entry{Name: "an admin, never a service, and in a browser within the hour after sign-in", kinds: personal, scope: flows.ScopeDecide, roles: []flows.Role{flows.RoleAdmin}, fresh: time.Hour}
	// Calls are who holds a session, a login or a token for calling adapters; the adapter
	// says whose calls it takes, and how many.
	Calls = Entry{Name: "a person or service that may call adapters", kinds: everyPass, scope: flows.ScopeCall, most: maxCall, free: true}
	// Owns is a person by a session or a login, for what tokens may not do.
	Owns = Entry{Name: "a person by session or login, not by a token", kinds: []flows.PassKind{flows.PassSession, flows.PassLogin}}
)

var (
	personal  = []flows.PassKind{flows.PassSession, flows.PassLogin, flows.PassPersonal}
	everyPass = []flows.PassKind{flows.PassSession, flows.PassLogin, flows.PassPersonal, flows.PassService}
)

// As asks for one of the roles besides.
func (e Entry) As(roles ...flows.Role) Entry {
	e.roles = roles
	e.Name += ", as"
	for i, r := range roles {
		if i > 0 {
			e.Name += " or"
		}
		e.Name += " " + string(r)
	}
	return e
}

// OrOwner lets the owner of the process in besides.
func (e Entry) OrOwner() Entry {
	e.owner = true
	e.Name += ", or the owner of the process by the door file"
	return e
}

// Open reports whether nobody is asked who they are.
func (e Entry) Open() bool { return e.open && !e.own }

// admits says no to a caller whom the door is not for.
func (e Entry) admits(c *doors.Caller, now time.Time) *flows.Refusal {
	switch {
	case !slices.Contains(e.kinds, c.Pass.Kind):
		return flows.Refuse(flows.RefusedNotAllowed, "This door is for %s. Nothing was done.", e.Name)
	case e.scope != "" && !c.May(e.scope):
		return flows.Refuse(flows.RefusedNotAllowed, "This token may not be used to %s. Nothing was done.", e.scope)
	case e.fresh > 0 && c.Pass.Kind == flows.PassSession && now.Sub(c.Pass.SignIn.At) > e.fresh:
		return flows.Refuse(flows.RefusedNotAllowed, "You signed in more than %s ago, which is too long for this. Nothing was done.", flows.Span(e.fresh)).
			Then("Sign in again.")
	case len(e.roles) == 0:
		return nil
	}
	if slices.ContainsFunc(e.roles, c.Is) {
		return nil
	}
	return flows.Refuse(flows.RefusedNotAllowed, "This door is for %s. Nothing was done.", e.Name)
}
