package pagerduty

import (
	"context"
	"fmt"
	"slices"
	"time"

	"breakglass/flows"
)

// OnCall implements flows.OnCall: from the snapshot where that is young enough, else
// from PagerDuty, now. Whatever goes wrong makes the answer unknown.
func (c *Client) OnCall(ctx context.Context, q flows.OnCallQuery) flows.OnCallAnswer {
	c.stats.questions.Add(1)
	a, err := c.answer(ctx, q)
	if err != nil {
		c.stats.unknown.Add(1)
		return flows.OnCallAnswer{Why: err.Error()}
	}
	return a
}

func (c *Client) answer(ctx context.Context, q flows.OnCallQuery) (flows.OnCallAnswer, error) {
	if ctx.Err() != nil {
		return flows.OnCallAnswer{}, waiting(ctx)
	}
	began := c.clock.Now()
	policy, schedule, err := c.resolve(ctx, q, false)
	if err != nil {
		return flows.OnCallAnswer{}, err
	}
	r, err := c.board.read(ctx, keyOf(policy, schedule), ageOf(q), q.Click)
	if err != nil {
		return flows.OnCallAnswer{}, err
	}
	if renamed(r.rows, policy, schedule, q) {
		if policy, schedule, err = c.resolve(ctx, q, true); err != nil {
			return flows.OnCallAnswer{}, err
		}
		if r, err = c.board.read(ctx, keyOf(policy, schedule), ageOf(q), q.Click); err != nil {
			return flows.OnCallAnswer{}, err
		}
	}
	if now := c.clock.Now(); !r.until.IsZero() && !now.Before(r.until) {
		// A hand-off came between the read and here: what was read is already history.
		if r, err = c.board.read(ctx, keyOf(policy, schedule), 0, q.Click); err != nil {
			return flows.OnCallAnswer{}, err
		}
	}
	if age := began.Sub(r.asked); q.MaxAge > 0 && age > ageOf(q) {
		return flows.OnCallAnswer{}, fmt.Errorf("PagerDuty's newest answer is dated %s before now, and %s is allowed; a cache in between may have answered",
			age.Round(time.Second), ageOf(q))
	}
	return c.compose(ctx, r, policy, schedule, q), nil
}

// resolve turns the policy and the schedule of a question into things that exist.
func (c *Client) resolve(ctx context.Context, q flows.OnCallQuery, anew bool) (policy, schedule thing, err error) {
	if q.Policy != "" {
		if policy, err = c.names.find(ctx, aPolicy, q.Policy, anew); err != nil {
			return thing{}, thing{}, err
		}
	}
	if q.Schedule != "" {
		if schedule, err = c.names.find(ctx, aSchedule, q.Schedule, anew); err != nil {
			return thing{}, thing{}, err
		}
	}
	return policy, schedule, nil
}

// keyOf is the part of the snapshot that has the answer: a question for a schedule
// within a policy is answered from the policy's.
func keyOf(policy, schedule thing) key {
	switch {
	case policy.id != "":
		return key{ofPolicy, thing{id: policy.id}}
	case schedule.id != "":
		return key{ofSchedule, thing{id: schedule.id, v3: schedule.v3}}
	}
	return key{}
}

// renamed reports whether PagerDuty now calls what was asked for by name something
// else: the name may belong to another by now.
func renamed(rows []row, policy, schedule thing, q flows.OnCallQuery) bool {
	return slices.ContainsFunc(rows, func(r row) bool {
		byPolicyName := q.Policy != "" && q.Policy != policy.id
		byScheduleName := q.Schedule != "" && q.Schedule != schedule.id
		return byPolicyName && r.PolicyID == policy.id && r.PolicyName != "" && r.PolicyName != q.Policy ||
			byScheduleName && r.ScheduleID == schedule.id && r.Schedule != "" && r.Schedule != q.Schedule
	})
}

func (c *Client) compose(ctx context.Context, r *reading, policy, schedule thing, q flows.OnCallQuery) flows.OnCallAnswer {
	a := flows.OnCallAnswer{Known: true, ReadAt: r.asked, Pages: r.pages, Digest: r.digest, Entries: []flows.OnCallEntry{}}
	tell := q.Click || c.readOverrides()
	for _, one := range r.rows {
		if schedule.id != "" && one.ScheduleID != schedule.id {
			continue
		}
		e := one.OnCallEntry
		if tell {
			e.Override = c.overrides.judge(ctx, one, r.asked, q.Click)
		}
		if policy.id != "" && e.PolicyName == "" {
			e.PolicyName = policy.name
		}
		a.Entries = append(a.Entries, e)
	}
	return a
}
