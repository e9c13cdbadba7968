package slack

import (
	"context"
	"fmt"
	"slices"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

var _ flows.Directory = (*Client)(nil)

// Profile reads a person: at most 60 s old, or read now when fresh is asked for. A
// person of another team is foreign without asking Slack. Errors mean unknown.
func (c *Client) Profile(ctx context.Context, p flows.PersonID, fresh bool) (flows.Profile, error) {
	unknown := flows.Profile{Person: p, Standing: flows.StandingUnknown}
	if p.Team() != c.team || p.User() == "" {
		return flows.Profile{Person: p, Standing: flows.StandingForeign}, nil
	}
	profile, err := c.profiles.get(ctx, p.User(), fresh, func(ctx context.Context) (flows.Profile, error) {
		return c.readProfile(ctx, p)
	})
	if err != nil {
		return unknown, fmt.Errorf("read the Slack profile of %s: %w", p, err)
	}
	return profile, nil
}

// Forget drops what is remembered about a person, because Slack said that it
// changed (user_change).
func (c *Client) Forget(p flows.PersonID) { c.profiles.forget(p.User()) }

func (c *Client) readProfile(ctx context.Context, p flows.PersonID) (flows.Profile, error) {
	const method = "users.info"
	var u *slackgo.User
	err := c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		u, err = api.GetUserInfoContext(ctx, p.User(), slackgo.GetUserInfoOptionIncludeLocale(false))
		return err
	})
	if err != nil {
		return flows.Profile{}, err
	}
	if u.ID != p.User() {
		return flows.Profile{}, &flows.Temporary{Err: &Error{Method: method, Code: codeMalformed, Messages: []string{"about somebody else"}}}
	}
	return c.profile(u), nil
}

func (c *Client) profile(u *slackgo.User) flows.Profile {
	out := flows.Profile{Person: flows.Person(c.team, u.ID), Standing: c.standing(u), Name: u.Profile.DisplayName, TimeZone: u.TZ}
	if out.Name == "" {
		out.Name = u.RealName
	}
	if u.IsEmailConfirmed {
		out.Email = u.Profile.Email
	}
	return out
}

// peoplePerPage and maxPeoplePages bound the walk through the workspace's people.
const (
	peoplePerPage  = 500
	maxPeoplePages = 400
)

// People reads everybody in the workspace, those who left and bots too, in as many calls
// as there are pages. A list that is not whole is an error.
func (c *Client) People(ctx context.Context) (map[flows.PersonID]flows.Profile, error) {
	const method = "users.list"
	all := map[flows.PersonID]flows.Profile{}
	cursor := ""
	for range maxPeoplePages {
		var page slackgo.UserPagination
		err := c.call(ctx, method, "", func(ctx context.Context, api *slackgo.Client) error {
			var err error
			page, err = api.GetUsersPaginated(slackgo.GetUsersOptionLimit(peoplePerPage), slackgo.GetUsersOptionCursor(cursor)).Next(ctx)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the people in Slack: %w", err)
		}
		for i := range page.Users {
			profile := c.profile(&page.Users[i])
			all[profile.Person] = profile
		}
		switch page.Cursor {
		case "":
			return all, nil
		case cursor:
			return nil, &flows.Temporary{Err: &Error{Method: method, Code: codeMalformed, Messages: []string{"the pages go in a circle"}}}
		}
		cursor = page.Cursor
	}
	return nil, &flows.Permanent{Err: fmt.Errorf("the workspace has more than %d people; they were not listed", peoplePerPage*maxPeoplePages)}
}

// standing denies by default: a member is somebody whose every flag says so.
// is_app_user is not looked at: it marks people who authorised the app, not bots.
func (c *Client) standing(u *slackgo.User) flows.Standing {
	switch {
	case u.Deleted:
		return flows.StandingDeleted
	case u.IsBot, u.IsWorkflowBot, u.IsConnectorBot, u.ID == "USLACKBOT":
		return flows.StandingBot
	case u.IsStranger:
		return flows.StandingStranger
	case !c.ours(u):
		return flows.StandingForeign
	case u.IsRestricted, u.IsUltraRestricted, u.IsInvitedUser:
		return flows.StandingGuest
	}
	return flows.StandingMember
}

// ours reports whether the account belongs to the configured team: by its home, or
// by the organisation's list of teams it is in.
func (c *Client) ours(u *slackgo.User) bool {
	if u.TeamID == c.team {
		return true
	}
	if c.org == "" || u.Enterprise.EnterpriseID != c.org {
		return false
	}
	return slices.Contains(u.Enterprise.Teams, c.team)
}
