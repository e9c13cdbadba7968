package company

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/integrations/slackfake"
)

// Until waits until cond holds or ctx ends; what names it in the error. It looks when
// something changed in Slack, and by itself less and less often: many tests wait side by
// side, and what they ask costs more than the wait.
func (c *Company) Until(ctx context.Context, what string, cond func() bool) error {
	pause := time.Millisecond
	tick := time.NewTimer(pause)
	defer tick.Stop()
	for {
		changed := c.Slack.Changed()
		if cond() {
			return nil
		}
		select {
		case <-changed:
		case <-tick.C:
			pause = min(2*pause, 30*time.Millisecond)
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %w\n%s", what, ctx.Err(), c.Messages())
		}
		tick.Reset(pause)
	}
}

// Quiet waits until nothing is left to do now: no job is due or in hand. A payload that
// waits has its job, which may be due later: it is tried again.
func (c *Company) Quiet(ctx context.Context) error {
	var busy string
	err := c.Until(ctx, "quiet", func() bool {
		st, err := c.App.Store().Stats(ctx)
		if busy = fmt.Sprint(err); err != nil {
			return false
		}
		busy = fmt.Sprintf("%d payloads wait", st.Unhandled)
		quiet := true
		for _, j := range st.Jobs {
			if j.Due > 0 || j.Leased > 0 {
				busy += fmt.Sprintf(", %d jobs %s are due, %d in hand", j.Due, j.Kind, j.Leased)
				quiet = false
			}
		}
		return quiet
	})
	if err != nil {
		return fmt.Errorf("%s: %w", busy, err)
	}
	return nil
}

// Form waits for the modal in front of a person to have the named field.
func (c *Company) Form(ctx context.Context, user, field string) (slackfake.View, error) {
	var view slackfake.View
	err := c.Until(ctx, user+"'s form with the field "+field, func() bool {
		v, open := c.Slack.User(user).Front()
		view = v
		if !open {
			return false
		}
		for _, e := range v.Elements() {
			if e.BlockID == field || e.ActionID == field {
				return true
			}
		}
		return false
	})
	return view, err
}

// redrawn waits until the form says who decides about the target that was picked.
func (c *Company) redrawn(ctx context.Context, user string) (slackfake.View, error) {
	var view slackfake.View
	err := c.Until(ctx, user+"'s form to be redrawn for the target", func() bool {
		v, open := c.Slack.User(user).Front()
		view = v
		return open && strings.Contains(v.Shown(), ":busts_in_silhouette:")
	})
	return view, err
}

// Ask has a person fill the form that "/access" opens, and submit it.
func (c *Company) Ask(ctx context.Context, user, target, reason string, more slackfake.Values) error {
	who := c.Slack.User(user)
	if _, err := who.Slash("/access", ""); err != nil {
		return fmt.Errorf("%s types /access: %w", user, err)
	}
	view, err := c.Form(ctx, user, "target")
	if err != nil {
		return err
	}
	if _, err := who.Fill(view, "target", target); err != nil {
		return fmt.Errorf("%s picks %q: %w", user, target, err)
	}
	if _, err = c.redrawn(ctx, user); err != nil {
		return err
	}
	if view, err = c.Form(ctx, user, "incident"); err != nil { // she sees for which incident she asks
		return err
	}
	values := slackfake.Values{"reason": reason}
	for k, v := range more {
		values[k] = v
		if view, err = c.Form(ctx, user, k); err != nil { // the form fills in while she reads it
			return err
		}
	}
	if _, err := who.Submit(view, values); err != nil {
		return fmt.Errorf("%s submits: %w", user, err)
	}
	if v, open := who.Front(); open && len(v.Errors) > 0 {
		return fmt.Errorf("%s submits: %v", user, v.Errors)
	}
	return nil
}

// See waits for a message that shows every one of the texts: in a channel (its id),
// or in the DM of a person with Breakglass (a user id).
func (c *Company) See(ctx context.Context, where string, texts ...string) (slackfake.Message, error) {
	list := func() []slackfake.Message { return c.Slack.Messages(where) }
	if strings.HasPrefix(where, "U") {
		list = c.Slack.User(where).DM
	}
	return c.find(ctx, where, list, texts)
}

// Told waits for a message that only this person sees.
func (c *Company) Told(ctx context.Context, user string, texts ...string) (slackfake.Message, error) {
	return c.find(ctx, "what only "+user+" sees", c.Slack.User(user).Ephemerals, texts)
}

func (c *Company) find(ctx context.Context, where string, list func() []slackfake.Message, texts []string) (slackfake.Message, error) {
	var found slackfake.Message
	err := c.Until(ctx, where+" to show "+strings.Join(texts, ", "), func() bool {
		all := list()
		for _, m := range slices.Backward(all) {
			if Shows(m, texts...) {
				found = m
				return true
			}
		}
		return false
	})
	return found, err
}

// Shows reports whether a message, as it is read, has every one of the texts.
func Shows(m slackfake.Message, texts ...string) bool {
	all := m.Shown()
	for _, t := range texts {
		if !strings.Contains(all, t) {
			return false
		}
	}
	return true
}

// Messages shows every conversation, for failures.
func (c *Company) Messages() string {
	var b strings.Builder
	for _, ch := range c.Slack.Channels() {
		for _, m := range c.Slack.Messages(ch.ID) {
			fmt.Fprintf(&b, "%s %s: %s\n", ch.ID+ch.Name, m.TS, m.Shown())
		}
	}
	for _, u := range c.Slack.Users() {
		for _, m := range c.Slack.User(u.ID).Ephemerals() {
			fmt.Fprintf(&b, "only %s sees: %s\n", u.ID, m.Shown())
		}
	}
	return b.String()
}
