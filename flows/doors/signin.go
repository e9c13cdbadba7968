package doors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"breakglass/flows"
)

// SignIn makes a session for somebody whom a provider has just vouched for. It returns
// the session's secret. Where they came to approve a request, and the company's provider
// has asked them anew who they are, the session may confirm that, once. A person who may not come in, or whom nobody knows, is refused,
// and that is recorded.
func (d *Doors) SignIn(ctx context.Context, id flows.Identity, from string, about flows.RequestID) (secret string, p flows.Pass, err error) {
	who, err := d.whose(ctx, id)
	if err != nil {
		return "", p, d.refused(ctx, id, err)
	}
	if no := admit(d.o.Roll.Of(ctx, who.Person, true).Standing); no != nil {
		return "", p, d.refused(ctx, id, no)
	}
	now := d.o.Clock.Now()
	secret, hash := d.secret("bgs_")
	p = flows.Pass{
		ID: d.name("ses_"), Version: 1, Kind: flows.PassSession, Hash: hash, Holder: who.Person, By: who.Person, From: from,
		SignIn:    flows.SignIn{Provider: id.Provider, Issuer: id.Issuer, Subject: id.Subject, At: id.At, Confirmed: who.confirmed},
		CreatedAt: now, ExpiresAt: now.Add(SessionLife),
	}
	if about != "" && id.Provider == flows.SignInCompany && flows.Fresh(id.AuthTime, now) {
		p.Scopes = []flows.PassScope{flows.ToConfirm(about)}
	}
	by := flows.Actor{Person: who.Person, Door: flows.DoorWeb, Trace: "pass=" + p.ID}
	if !who.first {
		return secret, p, d.begin(ctx, "signed_in", by, p)
	}
	pin := flows.Pin{Issuer: id.Issuer, Subject: id.Subject, Person: who.Person, At: now}
	e := entry("sign_in_pinned", by, &p, map[string]any{"email": flows.Personal{About: who.Person, Value: id.Email}})
	err = d.o.Recorder.Record(ctx, chain, e, flows.Finish{Passes: []flows.Pass{p}, Pins: []flows.Pin{pin}, Also: d.announce(pin, who.name)})
	if errors.Is(err, flows.ErrConflict) {
		return "", p, d.refused(ctx, id, otherSubject(who.Person))
	}
	return secret, p, err
}

// owner is whose subject it is.
type owner struct {
	Person    flows.PersonID
	confirmed bool // by an admin, or by Slack itself
	name      string
	first     bool // nobody has signed in as this person before
}

// whose finds the person of an identity. An e-mail address only ever proposes, at the
// first sign-in; from then on the subject is the person.
func (d *Doors) whose(ctx context.Context, id flows.Identity) (owner, error) {
	if id.Provider == flows.SignInSlack {
		return owner{Person: id.Person, confirmed: true}, nil
	}
	links := d.o.Roll.Catalog().Links.All()
	for _, l := range links {
		if l.Subject != "" && l.Subject == id.Subject {
			return sound(l, owner{Person: l.Person, confirmed: true})
		}
	}
	pin, err := d.o.Store.PinOf(ctx, id.Issuer, id.Subject)
	if err == nil {
		return d.pinned(links, pin)
	}
	if !errors.Is(err, flows.ErrNotFound) {
		return owner{}, fmt.Errorf("look a pinned sign-in up: %w", err)
	}
	return d.proposed(ctx, links, id)
}

// pinned is the person of a pin, if the configuration still has them and says nothing
// else about them.
func (d *Doors) pinned(links []flows.Link, pin flows.Pin) (owner, error) {
	for _, l := range links {
		if l.Person != pin.Person {
			continue
		}
		if l.Subject != "" {
			return owner{}, otherSubject(l.Person)
		}
		return sound(l, owner{Person: l.Person})
	}
	return owner{}, stranger()
}

// proposed ties a subject to the person whose e-mail address the provider verified.
func (d *Doors) proposed(ctx context.Context, links []flows.Link, id flows.Identity) (owner, error) {
	_, domain, _ := strings.Cut(strings.ToLower(id.Email), "@")
	if id.Email == "" || !slices.Contains(d.o.Domains, domain) {
		return owner{}, stranger()
	}
	var found []flows.Link
	for _, l := range links {
		if strings.EqualFold(l.Email, id.Email) && !l.Proposed {
			found = append(found, l)
		}
	}
	if len(found) != 1 {
		return owner{}, stranger()
	}
	l := found[0]
	_, err := d.o.Store.PinFor(ctx, id.Issuer, l.Person)
	switch {
	case err == nil, l.Subject != "":
		return owner{}, otherSubject(l.Person)
	case !errors.Is(err, flows.ErrNotFound):
		return owner{}, fmt.Errorf("look a pinned sign-in up: %w", err)
	}
	return sound(l, owner{Person: l.Person, name: l.Name, first: true})
}

func sound(l flows.Link, o owner) (owner, error) {
	if l.Quarantined != "" {
		return owner{}, flows.Refuse(flows.RefusedNotAllowed, "The link of %s is not used for now: %s. You were not signed in.", l.Name, l.Quarantined).
			Then("Ask an admin.")
	}
	return o, nil
}

func stranger() error {
	return flows.Refuse(flows.RefusedNotAllowed, "This sign-in belongs to nobody whom Breakglass knows, so you were not signed in.").
		Then("Ask an admin to add you, with your e-mail address or subject, or sign in with Slack.")
}

func otherSubject(p flows.PersonID) error {
	return flows.Refuse(flows.RefusedNotAllowed, "%s has signed in with another account before, so you were not signed in.", flows.Mention(p)).
		Then("If the account was replaced, an admin writes its subject into the configuration.")
}

// refused records a refusal to sign in and returns it. A fault is returned as it is.
func (d *Doors) refused(ctx context.Context, id flows.Identity, err error) error {
	no, ok := flows.AsRefusal(err)
	if !ok {
		return err
	}
	facts := map[string]any{"provider": string(id.Provider), "issuer": id.Issuer, "subject": flows.Personal{About: id.Person, Value: id.Subject}}
	if id.Email != "" {
		facts["email"] = flows.Personal{About: id.Person, Value: id.Email}
	}
	e := flows.Entry{Verb: "sign_in_refused", Code: no.Code, Actor: flows.Actor{Person: id.Person, Door: flows.DoorWeb}, Facts: facts}
	if failed := d.o.Recorder.Record(ctx, chain, e, flows.Finish{}); failed != nil {
		return errors.Join(err, failed)
	}
	return no
}

// announce tells the operators of a first sign-in.
func (d *Doors) announce(pin flows.Pin, name string) func(flows.Outcome) []flows.Job {
	if d.o.Tell == "" {
		return nil
	}
	args, err := json.Marshal(flows.Notice{Channel: d.o.Tell, About: flows.AboutFault, Detail: name +
		" signed in at the console for the first time, known by their e-mail address. Write the account's subject into person " + name +
		" to let them approve their own requests there."})
	if err != nil {
		return nil // strings only
	}
	job := flows.Job{
		Kind: flows.JobNotice, Key: flows.JobKey(flows.JobNotice, "sign_in:"+string(pin.Person)+":"+pin.Subject), Subject: string(pin.Person),
		RunAt: d.o.Clock.Now(), Args: args,
	}
	return func(flows.Outcome) []flows.Job { return []flows.Job{job} }
}
