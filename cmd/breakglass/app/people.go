package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// directory is the directory that the whole program asks: Slack, and services, which Slack
// does not know. While Slack is silent, the company's own sign-in vouches: who has a
// link in the configuration and signed in there within half a day, and was nothing but a
// member when Slack was last heard, counts as a member.
type directory struct {
	flows.Directory // Slack
	catalog         func() *flows.Catalog
	passes          interface {
		Passes(ctx context.Context, holder flows.PersonID, now time.Time) ([]flows.Pass, error)
	}
	clock flows.Clock
	saw   func(flows.Profile) // what Slack says may set a link aside

	mu   sync.Mutex
	last map[flows.PersonID]flows.Standing // what Slack said last
}

// Profile implements flows.Directory.
func (d *directory) Profile(ctx context.Context, p flows.PersonID, fresh bool) (flows.Profile, error) {
	if p.IsService() {
		return flows.Profile{Person: p, Standing: flows.StandingMember, Name: p.User()}, nil
	}
	profile, err := d.Directory.Profile(ctx, p, fresh)
	if err == nil {
		d.saw(profile)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.last[p] = profile.Standing
		return profile, nil
	}
	if was, heard := d.last[p]; heard && was != flows.StandingMember {
		return profile, err
	}
	if name, ok := d.vouched(ctx, p); ok {
		return flows.Profile{Person: p, Standing: flows.StandingMember, Name: name}, nil
	}
	return profile, err
}

// vouched reports whether the company's sign-in vouches for a linked person.
func (d *directory) vouched(ctx context.Context, p flows.PersonID) (name string, ok bool) {
	link, linked := d.catalog().Links.Of(p)
	if !linked || link.Proposed {
		return "", false
	}
	all, err := d.passes.Passes(ctx, p, d.clock.Now())
	if err != nil {
		return "", false
	}
	for _, pass := range all {
		if s := pass.Kind; (s == flows.PassSession || s == flows.PassLogin) && pass.SignIn.Provider == flows.SignInCompany {
			return link.Name, true
		}
	}
	return "", false
}

// service is how the configuration names a service among those who may ask.
const service = "service:"

// Members implements flows.Directory.
func (d *directory) Members(ctx context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	var services []flows.PersonID
	var others []flows.Principal
	for _, ref := range refs {
		if name, is := strings.CutPrefix(string(ref), service); is {
			services = append(services, flows.Service(name))
		} else {
			others = append(others, ref)
		}
	}
	if len(others) == 0 {
		return services, nil
	}
	members, err := d.Directory.Members(ctx, others)
	return append(services, members...), err
}
