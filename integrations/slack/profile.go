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
	out := flows.Profile{Person: p, Standing: c.standing(u), Name: u.Profile.DisplayName, TimeZone: u.TZ}
	if out.Name == "" {
		out.Name = u.RealName
	}
	if u.IsEmailConfirmed {
		out.Email = u.Profile.Email
	}
	return out, nil
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
