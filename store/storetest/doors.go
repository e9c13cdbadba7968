package storetest

import (
	"context"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// passes is the part of a store that the doors besides Slack use.
type passes interface {
	Pass(ctx context.Context, id string) (flows.Pass, error)
	PassByHash(ctx context.Context, hash string) (flows.Pass, error)
	PassByCode(ctx context.Context, hash string) (flows.Pass, error)
	Passes(ctx context.Context, holder flows.PersonID, now time.Time) ([]flows.Pass, error)
	TouchPass(ctx context.Context, id string, at time.Time) error
	AddDevice(ctx context.Context, p flows.Pass, most int, now time.Time) error
	PurgePasses(ctx context.Context, before time.Time, most int) (int, error)
	PinOf(ctx context.Context, issuer, subject string) (flows.Pin, error)
	PinFor(ctx context.Context, issuer string, p flows.PersonID) (flows.Pin, error)
}

func doorCases() []contractCase {
	return []contractCase{
		{"Doors/RoundTrip", doorsRoundTrip},
		{"Doors/Swap", doorsSwap},
		{"Doors/EndedStaysEnded", doorsEnded},
		{"Doors/List", doorsList},
		{"Doors/Devices", doorsDevices},
		{"Doors/ConfirmedOnce", doorsConfirmedOnce},
		{"Doors/Pins", doorsPins},
		{"Doors/Purge", doorsPurge},
		{"Doors/Schema", doorsSchema},
	}
}

// passes is the store's part, or the test is skipped.
func (f *fixture) passes() passes {
	f.Helper()
	s, ok := f.s.(passes)
	if !ok {
		f.Skip("this store keeps no passes")
	}
	return s
}

// hex64 is a hash that is told from others by one letter.
func hex64(letter string) string { return strings.Repeat(letter, 64) }

func pass(id, letter string, holder flows.PersonID) flows.Pass {
	return flows.Pass{
		ID: id, Version: 1, Kind: flows.PassSession, Hash: hex64(letter), Holder: holder, By: holder, Name: "n", From: "::1",
		Scopes: []flows.PassScope{flows.ScopeRead}, Key: "k", CreatedAt: noon, UsedAt: noon, ExpiresAt: noon.Add(time.Hour),
		SignIn: flows.SignIn{Provider: flows.SignInCompany, Issuer: "i", Subject: "s", At: noon, Confirmed: true},
	}
}

func device(id, letter string) flows.Pass {
	p := pass(id, letter, "")
	p.Kind, p.Code = flows.PassDevice, hex64("c" + letter)[:64]
	return p
}

// keepPass writes passes with an entry, as the doors do.
func (f *fixture) keepPass(all ...flows.Pass) {
	f.Helper()
	f.apply(flows.Change{Passes: all})
}

func doorsRoundTrip(f *fixture) {
	s := f.passes()
	want := pass("ses_1", "a", "T/UDANA")
	f.keepPass(want)
	for _, read := range []func() (flows.Pass, error){
		func() (flows.Pass, error) { return s.Pass(f.ctx, "ses_1") },
		func() (flows.Pass, error) { return s.PassByHash(f.ctx, hex64("a")) },
	} {
		got, err := read()
		f.is(err, nil)
		f.same(want, got)
	}
	_, err := s.Pass(f.ctx, "ses_2")
	f.is(err, flows.ErrNotFound)
	_, err = s.PassByHash(f.ctx, hex64("A"))
	f.is(err, flows.ErrNotFound)
	_, err = s.PassByCode(f.ctx, "")
	f.is(err, flows.ErrNotFound)
	f.is(s.TouchPass(f.ctx, "ses_1", noon.Add(time.Minute)), nil)
	f.is(s.TouchPass(f.ctx, "ses_1", noon), nil) // never back
	want.UsedAt = noon.Add(time.Minute)
	got, err := s.Pass(f.ctx, "ses_1")
	f.is(err, nil)
	f.same(want, got)
}

func doorsSwap(f *fixture) {
	s := f.passes()
	p := pass("ses_1", "a", "T/UDANA")
	f.keepPass(p)
	p.Version, p.Name = 2, "other"
	f.keepPass(p)
	f.refused(flows.Change{Passes: []flows.Pass{p}}, flows.ErrConflict) // version 2 again
	got, err := s.Pass(f.ctx, "ses_1")
	f.is(err, nil)
	f.same("other", got.Name)
}

func doorsEnded(f *fixture) {
	s := f.passes()
	p := pass("ses_1", "a", "T/UDANA")
	f.keepPass(p)
	p.Version, p.EndedAt, p.EndedBy = 2, noon.Add(time.Minute), "T/UDANA"
	f.keepPass(p)
	p.Version, p.EndedAt = 3, time.Time{}
	f.refused(flows.Change{Passes: []flows.Pass{p}}, flows.ErrConflict)
	f.is(s.TouchPass(f.ctx, "ses_1", noon.Add(2*time.Minute)), nil)
	got, err := s.Pass(f.ctx, "ses_1")
	f.is(err, nil)
	f.same(noon, got.UsedAt)
	f.same(false, got.Live(noon.Add(2*time.Minute)))
}

func doorsList(f *fixture) {
	s := f.passes()
	old := pass("ses_0", "e", "T/UDANA")
	old.ExpiresAt = noon.Add(time.Minute)
	f.keepPass(old, pass("ses_1", "a", "T/UDANA"), pass("ses_2", "b", "T/UDANA"), pass("ses_3", "c", "T/USAM"))
	f.is(s.AddDevice(f.ctx, device("log_1", "d"), 10, noon), nil)
	ids := func(holder flows.PersonID) (out []string) {
		all, err := s.Passes(f.ctx, holder, noon.Add(time.Minute))
		f.is(err, nil)
		for _, p := range all {
			out = append(out, p.ID)
		}
		return out
	}
	f.same([]string{"ses_2", "ses_1"}, ids("T/UDANA"))
	f.same([]string{"ses_3", "ses_2", "ses_1"}, ids(""))
}

func doorsDevices(f *fixture) {
	s := f.passes()
	f.is(s.AddDevice(f.ctx, device("log_1", "1"), 2, noon), nil)
	f.is(s.AddDevice(f.ctx, device("log_2", "2"), 2, noon), nil)
	f.is(s.AddDevice(f.ctx, device("log_3", "3"), 2, noon), flows.ErrCrowded)
	got, err := s.PassByCode(f.ctx, device("", "2").Code)
	f.is(err, nil)
	f.same("log_2", got.ID)
	later := device("log_3", "3") // the first two are too old by then
	later.CreatedAt, later.UsedAt, later.ExpiresAt = noon.Add(2*time.Hour), noon.Add(2*time.Hour), noon.Add(3*time.Hour)
	f.is(s.AddDevice(f.ctx, later, 1, noon.Add(2*time.Hour)), nil)
	_, err = s.PassByCode(f.ctx, device("", "2").Code)
	f.is(err, flows.ErrNotFound)
}

// doorsConfirmedOnce: of many who confirm a device, one does.
func doorsConfirmedOnce(f *fixture) {
	s := f.passes()
	f.is(s.AddDevice(f.ctx, device("log_1", "1"), 2, noon), nil)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			p := device("log_1", "1")
			p.Version, p.Kind, p.Code, p.Holder = 2, flows.PassLogin, "", flows.PersonID("T/U"+string(rune('A'+i)))
			_, errs[i] = f.s.Apply(f.ctx, flows.Change{Passes: []flows.Pass{p}})
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

func doorsPins(f *fixture) {
	s := f.passes()
	pin := flows.Pin{Issuer: "i", Subject: "s", Person: "T/UDANA", At: noon}
	f.apply(flows.Change{Pins: []flows.Pin{pin}})
	for _, other := range []flows.Pin{
		pin,
		{Issuer: "i", Subject: "s", Person: "T/USAM", At: noon},
		{Issuer: "i", Subject: "t", Person: "T/UDANA", At: noon},
	} {
		f.refused(flows.Change{Pins: []flows.Pin{other}, Passes: []flows.Pass{pass("ses_1", "a", "T/UDANA")}}, flows.ErrConflict)
	}
	_, err := s.Pass(f.ctx, "ses_1") // nothing of a refused change is left
	f.is(err, flows.ErrNotFound)
	f.apply(flows.Change{Pins: []flows.Pin{{Issuer: "j", Subject: "s", Person: "T/USAM", At: noon}, {Issuer: "i", Subject: "S", Person: "T/UNOOR", At: noon}}})
	got, err := s.PinOf(f.ctx, "i", "s")
	f.is(err, nil)
	f.same(pin, got)
	got, err = s.PinFor(f.ctx, "i", "T/UDANA")
	f.is(err, nil)
	f.same(pin, got)
	_, err = s.PinFor(f.ctx, "j", "T/UDANA")
	f.is(err, flows.ErrNotFound)
}

// long is when passes were made that were over long ago, whatever the database's clock.
var long = time.Date(2001, time.May, 1, 12, 0, 0, 0, time.UTC)

// lasting is a pass with a time of its own.
func lasting(id, letter string, from time.Time, life time.Duration) flows.Pass {
	p := pass(id, letter, "T/UDANA")
	p.CreatedAt, p.UsedAt, p.ExpiresAt, p.SignIn.At = from, from, from.Add(life), from
	return p
}

// doorsPurge: what was over first goes first, a few at a time; what is good stays, however
// late the caller believes it is.
func doorsPurge(f *fixture) {
	s := f.passes()
	never := long.AddDate(200, 0, 0)
	ended := lasting("tok_1", "1", long, 72*time.Hour)
	good := lasting("tok_5", "5", long, never.Sub(long)) // made long ago, and good for long
	over := lasting("tok_6", "6", long, never.Sub(long)) // ended early: its date decides
	f.keepPass(ended, lasting("tok_2", "2", long, time.Hour), lasting("tok_3", "3", long, 2*time.Hour), lasting("tok_4", "4", long, 96*time.Hour), good, over)
	ended.Version, ended.EndedAt, over.Version, over.EndedAt = 2, long.Add(time.Hour), 2, long.Add(time.Hour)
	f.keepPass(ended, over)
	waits := device("log_1", "7")
	waits.CreatedAt, waits.UsedAt, waits.ExpiresAt = long, long, long.Add(time.Minute)
	f.is(s.AddDevice(f.ctx, waits, 1, long), nil)
	left := func() (ids []string) {
		for _, id := range []string{"tok_1", "tok_2", "tok_3", "tok_4", "tok_5", "tok_6", "log_1"} {
			if _, err := s.Pass(f.ctx, id); err == nil {
				ids = append(ids, id)
			} else {
				f.is(err, flows.ErrNotFound)
			}
		}
		return ids
	}
	for _, step := range []struct {
		before time.Time
		most   int
		want   int
		left   []string
	}{
		{long.Add(time.Hour), 10, 0, []string{"tok_1", "tok_2", "tok_3", "tok_4", "tok_5", "tok_6", "log_1"}},
		{long.Add(90 * time.Hour), 2, 2, []string{"tok_1", "tok_4", "tok_5", "tok_6", "log_1"}},
		{long.Add(90 * time.Hour), 2, 1, []string{"tok_4", "tok_5", "tok_6", "log_1"}},
		{never.AddDate(1, 0, 0), 500, 1, []string{"tok_5", "tok_6", "log_1"}},
		{never.AddDate(1, 0, 0), 500, 0, []string{"tok_5", "tok_6", "log_1"}},
	} {
		n, err := s.PurgePasses(f.ctx, step.before, step.most)
		f.is(err, nil)
		f.same(step.want, n)
		f.same(step.left, left())
	}
	_, err := s.PassByHash(f.ctx, hex64("2"))
	f.is(err, flows.ErrNotFound)
	got, err := s.PassByHash(f.ctx, hex64("5"))
	f.is(err, nil)
	f.same(good, got)
}

// doorsSchema is what no program may do to passes, and what it is told.
func doorsSchema(f *fixture) {
	f.passes()
	db := f.raw()
	f.keepPass(lasting("ses_1", "a", long, long.AddDate(200, 0, 0).Sub(long)))
	for statement, why := range map[string]string{
		"UPDATE passes SET holder = 'T/UEVE', version = version + 1":           "its holder",
		"UPDATE passes SET hash = '" + hex64("f") + "', version = version + 1": "its secret",
		"UPDATE passes SET expires_at = expires_at + 1, version = version + 1": "never lives longer",
		"UPDATE passes SET kind = 'service', version = version + 1":            "keeps",
		"UPDATE passes SET doc = '{}'":                                         "exactly one",
		"UPDATE passes SET used_at = used_at - 1":                              "keeps",
		"DELETE FROM passes":                    "not deleted until",
		"DELETE FROM passes WHERE id = 'ses_1'": "not deleted until",
		"INSERT INTO passes (id, version, kind, hash, code, holder, created_at, used_at, expires_at, ended_at, doc) VALUES ('x', 2, 'session', '" + hex64("b") + "', '', 'T/UEVE', 1, 1, 2, 0, '{}')": "version 1",
		"INSERT INTO passes (id, version, kind, hash, code, holder, created_at, used_at, expires_at, ended_at, doc) VALUES ('x', 1, 'session', '" + hex64("b") + "', '', '', 1, 1, 2, 0, '{}')":       "check",
		"INSERT INTO passes (id, version, kind, hash, code, holder, created_at, used_at, expires_at, ended_at, doc) VALUES ('x', 1, 'session', 'plain', '', 'T/UEVE', 1, 1, 2, 0, '{}')":              "check",
	} {
		err := undone(f, db, statement)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), why) {
			f.Errorf("%s\n\t%v, want it refused with %q", statement, err, why)
		}
	}
}
