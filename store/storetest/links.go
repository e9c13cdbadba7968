package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"breakglass/flows"
)

// links is the part of a store that keeps who is who.
type links interface {
	Links(ctx context.Context) ([]flows.StoredLink, error)
	LinksVersion(ctx context.Context) (int64, error)
	Pins(ctx context.Context) ([]flows.Pin, error)
}

func linkCases() []contractCase {
	return []contractCase{
		{"Links/RoundTrip", linksRoundTrip},
		{"Links/Unique", linksUnique},
		{"Links/Replaced", linksReplaced},
		{"Links/Unpinned", linksUnpinned},
		{"Links/Race", linksRace},
		{"Links/Schema", linksSchema},
	}
}

// links is the store's part, or the test is skipped.
func (f *fixture) links() links {
	f.Helper()
	s, ok := f.s.(links)
	if !ok {
		f.Skip("this store keeps no links")
	}
	return s
}

func link(person flows.PersonID, pager flows.PagerDutyUser) flows.StoredLink {
	return flows.StoredLink{
		Person: person, Version: 1, State: flows.LinkConfirmed, PagerDuty: pager, Name: strings.ToLower(person.User()), Email: "x@acme.example",
		Seen:   flows.Seen{Standing: flows.StandingMember, Email: "x@acme.example", Login: "x@acme.example"},
		Source: flows.LinkByImport, By: "T/UADMIN", At: noon, Confirmer: "T/UADMIN", Confirmed: noon, Ask: "a", Tell: "t",
	}
}

func (f *fixture) linked(want ...flows.StoredLink) {
	f.Helper()
	got, err := f.links().Links(f.ctx)
	f.is(err, nil)
	if len(want) == 0 {
		want = []flows.StoredLink{}
	}
	f.same(want, got)
}

func linksRoundTrip(f *fixture) {
	s := f.links()
	f.linked()
	before, err := s.LinksVersion(f.ctx)
	f.is(err, nil)
	dana, sam := link("T/UDANA", "PDANA"), link("T/USAM", "PSAM")
	sam.State, sam.Subject = flows.LinkProposed, "sub-sam"
	f.apply(flows.Change{Links: []flows.StoredLink{sam, dana}})
	f.linked(dana, sam)
	sam.Version, sam.State, sam.Held, sam.HeldAt = 2, flows.LinkClaimed, "because", noon
	f.apply(flows.Change{Links: []flows.StoredLink{sam}})
	f.refused(flows.Change{Links: []flows.StoredLink{sam}}, flows.ErrConflict) // version 2 again
	f.reopen()
	f.linked(dana, sam)
	f.apply(flows.Change{Unlinks: []flows.StoredLink{sam}})
	f.refused(flows.Change{Unlinks: []flows.StoredLink{sam}}, flows.ErrConflict)
	f.linked(dana)
	after, err := f.links().LinksVersion(f.ctx)
	f.is(err, nil)
	f.same(before+3, after)
}

// linksUnique: a side of a link is nobody else's.
func linksUnique(f *fixture) {
	dana := link("T/UDANA", "PDANA")
	dana.Subject = "sub-dana"
	f.links()
	f.apply(flows.Change{Links: []flows.StoredLink{dana}})
	person, pager, subject := link("T/UDANA", "POTHER"), link("T/USAM", "PDANA"), link("T/USAM", "PSAM")
	subject.Subject = "sub-dana"
	for _, l := range []flows.StoredLink{person, pager, subject} {
		f.refused(flows.Change{Links: []flows.StoredLink{link("T/UNOOR", "PNOOR"), l}}, flows.ErrConflict)
	}
	f.linked(dana)
	seen := flows.StoredLink{Person: "T/USAM", Version: 1, State: flows.LinkWatched}
	other := flows.StoredLink{Person: "T/UNOOR", Version: 1, State: flows.LinkWatched}
	f.apply(flows.Change{Links: []flows.StoredLink{seen, other}}) // nothing is nobody's
}

// linksReplaced: in one change a link goes and another takes its sides.
func linksReplaced(f *fixture) {
	dana, sam := link("T/UDANA", "PONE"), link("T/USAM", "PTWO")
	f.links()
	f.apply(flows.Change{Links: []flows.StoredLink{dana, sam}})
	f.apply(flows.Change{Unlinks: []flows.StoredLink{dana, sam}, Links: []flows.StoredLink{link("T/UDANA", "PTWO"), link("T/USAM", "PONE")}})
	f.linked(link("T/UDANA", "PTWO"), link("T/USAM", "PONE"))
}

func linksUnpinned(f *fixture) {
	s := f.links()
	dana, sam := flows.Pin{Issuer: "i", Subject: "s", Person: "T/UDANA", At: noon}, flows.Pin{Issuer: "i", Subject: "t", Person: "T/USAM", At: noon}
	f.apply(flows.Change{Pins: []flows.Pin{dana, sam}})
	f.refused(flows.Change{Unpins: []flows.Pin{{Issuer: "i", Subject: "s", Person: "T/USAM"}}}, flows.ErrConflict)
	f.apply(flows.Change{Unpins: []flows.Pin{dana}})
	got, err := s.Pins(f.ctx)
	f.is(err, nil)
	f.same([]flows.Pin{sam}, got)
	dana.Subject = "another"
	f.apply(flows.Change{Pins: []flows.Pin{dana}})
}

// linksRace: of many who want one PagerDuty user, one gets it.
func linksRace(f *fixture) {
	f.links()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			l := link(flows.PersonID(fmt.Sprintf("T/U%d", i)), "PONE")
			_, errs[i] = f.s.Apply(f.ctx, flows.Change{Links: []flows.StoredLink{l}})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		f.is(err, flows.ErrConflict)
	}
	f.same(1, won)
}

// linksSchema is what no program may do to links.
func linksSchema(f *fixture) {
	f.links()
	db := f.raw()
	f.apply(flows.Change{Links: []flows.StoredLink{link("T/UDANA", "PDANA")}})
	const into = "INSERT INTO links (person, version, state, pagerduty, subject, held, doc) VALUES "
	for statement, why := range map[string]string{
		"UPDATE links SET pagerduty = 'PEVE', version = version + 1": "keeps who it ties",
		"UPDATE links SET person = 'T/UEVE', version = version + 1":  "keeps who it ties",
		"UPDATE links SET held = 'x'":                                "exactly one",
		"UPDATE links SET state = 'claimed', version = version + 1":  "never goes back",
		"UPDATE links SET state = 'proposed', version = version + 1": "never goes back",
		into + "('T/UEVE', 2, 'confirmed', 'PEVE', '', '', '{}')":    "version 1",
		into + "('T/UEVE', 1, 'confirmed', 'PDANA', '', '', '{}')":   "unique",
		into + "('T/UEVE', 1, 'confirmed', '', '', '', '{}')":        "check",
		into + "('T/UEVE', 1, 'watched', 'PEVE', '', '', '{}')":      "check",
		into + "('UEVE', 1, 'confirmed', 'PEVE', '', '', '{}')":      "check",
		into + "('T/UEVE', 1, 'trusted', 'PEVE', '', '', '{}')":      "check",
		into + "('T/UDANA', 1, 'confirmed', 'POTHER', '', '', '{}')": "unique",
	} {
		err := undone(f, db, statement)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), why) {
			f.Errorf("%s\n\t%v, want it refused with %q", statement, err, why)
		}
	}
}
