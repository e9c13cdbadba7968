package people

import (
	"context"
	"fmt"

	"breakglass/flows"
)

// Unlink takes a person's link away, with the accounts of the company's sign-in that were
// pinned to them, and ends whatever they opened: who they are is not certain any more.
func (p *People) Unlink(ctx context.Context, who flows.PersonID, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	return p.unlink(ctx, func(l flows.StoredLink) bool { return l.Person == who }, by, fin)
}

func (p *People) unlink(ctx context.Context, is func(flows.StoredLink) bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error) {
	if no, err := p.admin(ctx, by, fin); no != nil || err != nil {
		return no, err
	}
	return p.changing(ctx, fin, by, func(all []flows.StoredLink) (flows.Relinking, *flows.Refusal, error) {
		l, ok := find(all, is)
		if !ok || !l.Ties() {
			return flows.Relinking{}, flows.Refuse(flows.RefusedInput, "No link of this person is stored. Nothing was changed.").
				Then("A person block is taken out of the configuration."), nil
		}
		r := flows.Relinking{Unlinks: []flows.StoredLink{l}, Entries: []flows.Entry{entry("person_unlinked", by, l, nil)}}
		if err := p.shutOut(ctx, &r, l.Person, by, func(flows.Pass) bool { return true }); err != nil {
			return r, nil, err
		}
		r.Jobs = append(p.cards(l), p.tell("unlinked", by, fmt.Sprintf("unlinked %s; %d of their sessions and tokens ended", flows.Mention(l.Person), len(r.Passes)))...)
		if p.o.Domains != nil && len(p.o.Domains()) > 0 { // else they would be asked again, and come back by their own word
			l.Version++
			l.State, l.PagerDuty, l.Subject, l.Held = flows.LinkDeclined, "", "", ""
			r.Unlinks, r.Links = nil, []flows.StoredLink{l}
		}
		return r, nil, nil
	})
}

// Unpin takes away which accounts of the company's sign-in somebody has come in with, and
// ends what they opened by them. The next sign-in is looked at like a first one.
func (p *People) Unpin(ctx context.Context, who flows.PersonID, by flows.Actor) (*flows.Refusal, error) {
	if no, err := p.admin(ctx, by, flows.Finish{}); no != nil || err != nil {
		return no, err
	}
	var no *flows.Refusal
	err := p.o.Recorder.Relink(ctx, flows.Finish{}, func(ctx context.Context) (flows.Relinking, error) {
		r, err := p.unpinning(ctx, who, by)
		if err != nil {
			return r, err
		}
		if no = nil; len(r.Entries) == 0 {
			no = flows.Refuse(flows.RefusedInput, "No sign-in of this person is pinned or written down here. Nothing was changed.")
		}
		return r, nil
	})
	if err != nil {
		return nil, err
	}
	return no, p.o.Book.Refresh(ctx)
}

func (p *People) unpinning(ctx context.Context, who flows.PersonID, by flows.Actor) (r flows.Relinking, err error) {
	all, err := p.o.Store.Links(ctx)
	if err != nil {
		return r, err
	}
	if l, ok := of(all, who); ok && l.Subject != "" {
		was := l.Subject
		l.Version++
		l.Subject = ""
		r.Links = append(r.Links, l)
		r.Entries = append(r.Entries, entry("person_linked", by, l, map[string]any{"did": string(DoChange), "before": flows.Personal{About: who, Value: was}}))
	}
	if err := p.shutOut(ctx, &r, who, by, func(pass flows.Pass) bool { return pass.SignIn.Provider == flows.SignInCompany }); err != nil {
		return r, err
	}
	if len(r.Entries) == 0 {
		return r, nil
	}
	r.Jobs = p.tell("unpinned", by, fmt.Sprintf("took the company sign-in of %s away; %d of their sessions and tokens ended", flows.Mention(who), len(r.Passes)))
	return r, nil
}

// shutOut takes away the pinned accounts of somebody, and ends those of their sessions and
// tokens that which says.
func (p *People) shutOut(ctx context.Context, r *flows.Relinking, who flows.PersonID, by flows.Actor, which func(flows.Pass) bool) error {
	pins, err := p.o.Store.Pins(ctx)
	if err != nil {
		return err
	}
	for _, pin := range pins {
		if pin.Person != who {
			continue
		}
		r.Unpins = append(r.Unpins, pin)
		r.Entries = append(r.Entries, flows.Entry{Verb: "sign_in_unpinned", Actor: by, Facts: map[string]any{
			"person": flows.Personal{About: who, Value: string(who)}, "issuer": pin.Issuer, "subject": flows.Personal{About: who, Value: pin.Subject},
		}})
	}
	passes, err := p.o.Store.Passes(ctx, who, p.o.Clock.Now())
	if err != nil {
		return err
	}
	for _, pass := range passes {
		if !which(pass) {
			continue
		}
		pass.Version++
		pass.EndedAt, pass.EndedBy = p.o.Clock.Now(), by.Person
		r.Passes = append(r.Passes, pass)
		r.Entries = append(r.Entries, flows.Entry{Verb: "token_revoked", Actor: by, Facts: map[string]any{
			"pass": pass.ID, "kind": string(pass.Kind), "holder": flows.Personal{About: who, Value: string(who)},
		}})
	}
	return nil
}
