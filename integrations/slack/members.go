package slack

import (
	"context"
	"fmt"
	"strings"

	"breakglass/flows"

	slackgo "github.com/slack-go/slack"
)

// Members resolves users ("U…"), user groups by id ("S…") and by handle
// ("@sre-managers") to people, each once, in the order given. One that cannot be
// resolved fails all: a list that may lack somebody is not a list.
func (c *Client) Members(ctx context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	var out []flows.PersonID
	seen := map[string]bool{}
	for _, ref := range refs {
		users, err := c.expand(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("resolve %s: %w", ref, err)
		}
		for _, u := range users {
			if !seen[u] {
				seen[u] = true
				out = append(out, flows.Person(c.team, u))
			}
		}
	}
	return out, nil
}

func (c *Client) expand(ctx context.Context, ref flows.Principal) ([]string, error) {
	switch {
	case ref.IsUser():
		return []string{string(ref)}, nil
	case strings.HasPrefix(string(ref), "S"):
		return c.groupMembers(ctx, string(ref))
	case strings.HasPrefix(string(ref), "@"):
		id, err := c.groupID(ctx, strings.TrimPrefix(string(ref), "@"))
		if err != nil {
			return nil, err
		}
		return c.groupMembers(ctx, id)
	}
	return nil, &flows.Permanent{Err: fmt.Errorf("%q is neither a user (U…) nor a user group (S… or @handle)", string(ref))}
}

// groupID finds a user group by its handle.
func (c *Client) groupID(ctx context.Context, handle string) (string, error) {
	handles, err := c.handles.get(ctx, "all", false, c.readHandles)
	if err != nil {
		return "", err
	}
	id, ok := handles[handle]
	switch {
	case !ok:
		return "", &flows.Permanent{Err: fmt.Errorf("the workspace has no user group @%s, or it is disabled", handle)}
	case id == "":
		return "", &flows.Permanent{Err: fmt.Errorf("the workspace has two user groups @%s; name one by its id (S…)", handle)}
	}
	return id, nil
}

// readHandles maps the handles of user groups to ids; one that is not unique to "".
func (c *Client) readHandles(ctx context.Context) (map[string]string, error) {
	var groups []slackgo.UserGroup
	err := c.call(ctx, "usergroups.list", "", func(ctx context.Context, api *slackgo.Client) error {
		var err error
		groups, err = api.GetUserGroupsContext(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(groups))
	for _, g := range groups {
		if g.DateDelete != 0 || g.IsExternal || g.ID == "" {
			continue
		}
		if _, twice := out[g.Handle]; twice {
			out[g.Handle] = ""
			continue
		}
		out[g.Handle] = g.ID
	}
	return out, nil
}

// groupMembers lists the user ids of a group.
func (c *Client) groupMembers(ctx context.Context, id string) ([]string, error) {
	return c.members.get(ctx, id, false, func(ctx context.Context) ([]string, error) {
		var users []string
		err := c.call(ctx, "usergroups.users.list", "", func(ctx context.Context, api *slackgo.Client) error {
			var err error
			users, err = api.GetUserGroupMembersContext(ctx, id)
			return err
		})
		return users, err
	})
}
