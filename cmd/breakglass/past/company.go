package past

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"breakglass/flows"
)

// How large the company is.
const (
	team     = "T0GEN"
	staff    = len(firstNames) * len(lastNames)
	managers = 48 // the last of the staff, who decide
	desks    = 6  // policies of managers
	services = 60
	targets  = 500
)

// company is who and what there is. It is never changed, and is the directory.
type company struct {
	from     time.Time
	people   []flows.PersonID
	profiles map[flows.PersonID]flows.Profile
	pager    []flows.PagerDutyUser // of people
	links    flows.Links
	policies []policy // of the teams, then of the managers
	services []service
	configs  configs
}

type service struct{ id, name, team string }

func newCompany(from time.Time) *company {
	r := rand.New(rand.NewPCG(4711, 1))
	c := &company{from: from, profiles: make(map[flows.PersonID]flows.Profile, staff)}
	var links []flows.Link
	for i := range staff {
		first, last := firstNames[i%len(firstNames)], lastNames[(i/len(firstNames)+i)%len(lastNames)]
		name := strings.ToLower(first + "." + last)
		p := flows.Person(team, "U0"+code(r, 7))
		c.people, c.pager = append(c.people, p), append(c.pager, flows.PagerDutyUser("P"+code(r, 6)))
		email := strings.ReplaceAll(name, "á", "a") + "@gen.example"
		c.profiles[p] = flows.Profile{Person: p, Standing: flows.StandingMember, Name: first + " " + last, Email: email, TimeZone: "Europe/Berlin"}
		links = append(links, flows.Link{Name: name, Person: p, PagerDuty: c.pager[i], Email: email})
	}
	c.links = flows.NewLinks(links)
	for _, name := range teams {
		c.policies = append(c.policies, teamPolicy(r, name))
	}
	for i := range desks {
		c.policies = append(c.policies, managerPolicy(r, i))
	}
	for i := range services {
		owner := teams[i%len(teams)]
		c.services = append(c.services, service{"P" + code(r, 6), owner + " " + things[i%len(things)], owner})
	}
	c.configs.declare(c, r)
	return c
}

// Profile implements flows.Directory.
func (c *company) Profile(_ context.Context, p flows.PersonID, _ bool) (flows.Profile, error) {
	known, ok := c.profiles[p]
	if !ok {
		return flows.Profile{}, fmt.Errorf("%s: %w", p, flows.ErrNotFound)
	}
	return known, nil
}

// Members implements flows.Directory: of the groups that there are.
func (c *company) Members(_ context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	var all []flows.PersonID
	for _, ref := range refs {
		switch {
		case ref == everybody:
			return c.people, nil
		case ref.IsUser():
			all = append(all, flows.Person(team, string(ref)))
		default: // the managers of a desk
			for i := range desks {
				if ref == deskGroup(i) {
					all = append(all, c.people[staff-managers+i*managers/desks:][:3]...)
				}
			}
		}
	}
	return all, nil
}

// everybody is the group of who may ask.
const everybody = flows.Principal("@engineering")

func deskGroup(i int) flows.Principal { return flows.Principal("@" + teams[i] + "-managers") }
