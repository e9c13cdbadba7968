package pagerduty

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"breakglass/flows"
)

// UserByEmail finds the user whose login is exactly that address, whatever the case.
// PagerDuty's search also matches names, which people choose themselves.
// flows.ErrNotFound when nobody has it.
func (c *Client) UserByEmail(ctx context.Context, email string) (flows.PagerDutyProfile, error) {
	var found []flows.PagerDutyProfile
	err := c.users(ctx, url.Values{"query": {email}}, wholePages, func(u flows.PagerDutyProfile) {
		if strings.EqualFold(u.Email, email) {
			found = append(found, u)
		}
	})
	if err != nil {
		return flows.PagerDutyProfile{}, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return flows.PagerDutyProfile{}, fmt.Errorf("PagerDuty has no user with the login %s: %w", email, flows.ErrNotFound)
	}
	return flows.PagerDutyProfile{}, &flows.Permanent{Err: fmt.Errorf("PagerDuty has %d users with the login %s; nobody was chosen", len(found), email)}
}

// User reads one user. flows.ErrNotFound where there is none (any more).
func (c *Client) User(ctx context.Context, id flows.PagerDutyUser) (flows.PagerDutyProfile, error) {
	if !isID(string(id)) {
		return flows.PagerDutyProfile{}, fmt.Errorf("PagerDuty user %q: %w: %w", tame(string(id)), errBadID, flows.ErrNotFound)
	}
	r := get("/users/"+string(id), nil, false)
	doc, _, err := c.one(ctx, r)
	if isNoSuch(err) {
		return flows.PagerDutyProfile{}, fmt.Errorf("PagerDuty user %s: %w", id, flows.ErrNotFound)
	}
	if err != nil {
		return flows.PagerDutyProfile{}, fmt.Errorf("read PagerDuty user %s: %w", id, err)
	}
	v := doc.at("user")
	u := readUser(v)
	if u.ID != id {
		v.fail("is not the one that was asked for")
	}
	if doc.err() != nil {
		return flows.PagerDutyProfile{}, fmt.Errorf("read PagerDuty user %s: %w", id, c.garbled(r, doc.err()))
	}
	return u, nil
}

// Users reads everybody of the account, in as many calls as there are pages.
func (c *Client) Users(ctx context.Context) (map[flows.PagerDutyUser]flows.PagerDutyProfile, error) {
	all := map[flows.PagerDutyUser]flows.PagerDutyProfile{}
	err := c.users(ctx, nil, lastRow/perPage, func(u flows.PagerDutyProfile) { all[u.ID] = u })
	if err != nil {
		return nil, fmt.Errorf("list the people at PagerDuty: %w", err)
	}
	return all, nil
}

func (c *Client) users(ctx context.Context, q url.Values, pages int, each func(flows.PagerDutyProfile)) error {
	_, err := c.list(ctx, get("/users", q, false), "users", pages, func(v value, _ time.Time) { each(readUser(v)) })
	return err
}

func readUser(v value) flows.PagerDutyProfile {
	return flows.PagerDutyProfile{ID: flows.PagerDutyUser(v.at("id").id()), Name: v.maybe("name").maybeText(), Email: v.at("email").maybeText()}
}
