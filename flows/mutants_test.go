package flows_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/flowtest"
)

type decideFunc = func(*flows.Request, flows.Command, flows.Facts, time.Time) flows.Outcome

// mutant wraps deciding with a bug.
func mutant(wrap func(decideFunc) decideFunc) func(*history) {
	return func(h *history) { h.engine.Mutate(wrap) }
}

// believing is a bug that changes facts or command before the decision.
func believing(change func(*flows.Request, *flows.Command, *flows.Facts)) func(*history) {
	return mutant(func(decide decideFunc) decideFunc {
		return func(r *flows.Request, c flows.Command, f flows.Facts, now time.Time) flows.Outcome {
			change(r, &c, &f)
			return decide(r, c, f, now)
		}
	})
}

// concluding is a bug that changes what follows from a decision.
func concluding(change func(*flows.Request, flows.Command, *flows.Outcome)) func(*history) {
	return mutant(func(decide decideFunc) decideFunc {
		return func(r *flows.Request, c flows.Command, f flows.Facts, now time.Time) flows.Outcome {
			out := decide(r, c, f, now)
			change(r, c, &out)
			return out
		}
	})
}

func withoutJobs(kind flows.JobKind) func(*history) {
	return concluding(func(_ *flows.Request, _ flows.Command, out *flows.Outcome) {
		var kept []flows.Job
		for _, j := range out.Jobs {
			if j.Kind != kind {
				kept = append(kept, j)
			}
		}
		out.Jobs = kept
	})
}

// bugs are mistakes that a developer could make; each must be found by the histories.
var bugs = map[string]func(*history){
	"the swap dropped":       func(h *history) { h.mem.NoSwap = true },
	"the revoke job missing": withoutJobs(flows.JobRevoke),
	"the lapse job missing, and the sweep": func(h *history) {
		withoutJobs(flows.JobLapse)(h)
		h.mem.Alter = func(c *flows.Change) {
			if c.Request != nil && c.Request.State.Undecided() {
				c.Request.LapsesAt = time.Time{}
			}
		}
	},
	"the revoke job too late": concluding(func(_ *flows.Request, _ flows.Command, out *flows.Outcome) {
		for i := range out.Jobs {
			if out.Jobs[i].Kind == flows.JobRevoke {
				out.Jobs[i].RunAt = out.Jobs[i].RunAt.Add(time.Hour)
			}
		}
	}),
	"the re-check at the click dropped": func(h *history) {
		first := map[flows.RequestID]flows.Evaluation{}
		believing(func(r *flows.Request, _ *flows.Command, f *flows.Facts) {
			if r == nil || f.Evaluation == nil {
				return
			}
			if ev, ok := first[r.ID]; ok {
				f.Evaluation = &ev
			} else {
				first[r.ID] = *f.Evaluation
			}
		})(h)
	},
	"unknown on call taken for yes": func(h *history) {
		believing(func(r *flows.Request, _ *flows.Command, f *flows.Facts) {
			if r == nil || f.Evaluation == nil || !f.Evaluation.Tainted || f.Link == nil {
				return
			}
			f.Evaluation = &flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{r.Content.Requester}}}}}
			f.OnCall = &flows.OnCallAnswer{Known: true, ReadAt: h.Clock.Now(), Entries: []flows.OnCallEntry{{User: f.Link.PagerDuty, PolicyName: "primary", Level: 1, ScheduleID: "S"}}}
		})(h)
	},
	"an empty answer taken for approval": mutant(func(decide decideFunc) decideFunc {
		return func(r *flows.Request, c flows.Command, f flows.Facts, now time.Time) flows.Outcome {
			if c.Verb == flows.VerbApprove && f.Evaluation != nil && f.Evaluation.Tainted {
				ev := flows.Evaluation{Proposal: &flows.Proposal{Stages: []flows.ProposedStage{{People: []flows.PersonID{c.Actor.Person}}}}}
				f.Evaluation = &ev
			}
			return decide(r, c, f, now)
		}
	}),
	"guests let in": believing(func(_ *flows.Request, c *flows.Command, f *flows.Facts) {
		c.Actor.Standing, f.Requester = flows.StandingMember, flows.StandingMember
	}),
	"a requester who left let through": believing(func(_ *flows.Request, _ *flows.Command, f *flows.Facts) {
		f.Requester = flows.StandingMember
	}),
	"the requester counted as approver": func(h *history) {
		concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
			if r != nil && c.Verb == flows.VerbApprove && out.Refusal != nil && out.Refusal.Code == flows.RefusedOwnRequest {
				vote(r, c, out, h.Clock.Now())
			}
		})(h)
	},
	"anybody in the channel counted": func(h *history) {
		concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
			if r != nil && c.Verb == flows.VerbApprove && out.Refusal != nil && out.Refusal.Code == flows.RefusedNotEligible {
				vote(r, c, out, h.Clock.Now())
			}
		})(h)
	},
	"a double vote": func(h *history) {
		concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
			if r != nil && out.Refusal != nil && out.Refusal.Code == flows.RefusedAlreadyVoted {
				vote(r, c, out, h.Clock.Now())
			}
		})(h)
	},
	"the quorum forgotten": func(h *history) {
		believing(func(_ *flows.Request, _ *flows.Command, f *flows.Facts) {
			two := *f.Catalog.Flows["two"]
			two.Quorum = 1
			c := *f.Catalog
			c.Flows = map[flows.FlowID]*flows.Flow{"prod": f.Catalog.Flows["prod"], "two": &two}
			f.Catalog = &c
		})(h)
	},
	"the content hash not looked at": believing(func(r *flows.Request, c *flows.Command, _ *flows.Facts) {
		if r != nil {
			h := c.Hash
			r.Hash, c.Hash = h, h
		}
	}),
	"approval after the lapse": believing(func(r *flows.Request, c *flows.Command, _ *flows.Facts) {
		if r != nil && c.Verb == flows.VerbApprove {
			r.LapsesAt = r.LapsesAt.Add(24 * time.Hour)
		}
	}),
	"a resolved incident not looked at": believing(func(_ *flows.Request, c *flows.Command, f *flows.Facts) {
		if c.Verb == flows.VerbApprove && f.Incident != nil {
			inc := *f.Incident
			inc.Status = flows.IncidentTriggered
			f.Incident = &inc
		}
	}),
	"an end that grows": concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
		if r != nil && c.Verb == flows.VerbGranted && out.Refusal == nil {
			out.Request.EndsAt = r.LatestEnd.Add(time.Minute)
		}
	}),
	"ended without the target": func(h *history) { h.Target.Mode = flowtest.TargetDown; h.jobs.Targets = forgetful{h} },
	"a late grant":             func(h *history) { h.jobs.Targets = slow{h, map[string]flows.Order{}} },
	"fences not raised": concluding(func(r *flows.Request, _ flows.Command, out *flows.Outcome) {
		if r != nil && out.Holding != nil && len(out.Holding.Holders) == 0 {
			h := *out.Holding
			h.Holders = []flows.Holder{{Request: r.ID}}
			out.Holding = &h
		}
	}),
	"an entry missing": concluding(func(_ *flows.Request, c flows.Command, out *flows.Outcome) {
		if c.Verb == flows.VerbGranted && len(out.Entries) > 0 {
			out.Entries[0].Verb, out.Entries[0].To = "note", out.Entries[0].From
		}
	}),
	"refusals not recorded": concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
		if r != nil && out.Refusal != nil && len(out.Entries) == 1 && c.Actor.Door == flows.DoorSlack {
			*out = flows.Outcome{Request: *r, Refusal: out.Refusal}
		}
	}),
	"a step that is not in the table": concluding(func(_ *flows.Request, c flows.Command, out *flows.Outcome) {
		if c.Verb == flows.VerbDeny && out.Refusal == nil && len(out.Entries) == 1 {
			out.Entries[0].To, out.Request.State = flows.StateEnded, flows.StateEnded
		}
	}),
	"the reason in the open": concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
		for i := range out.Entries {
			out.Entries[i].Facts["why"] = c.Reason.Raw()
		}
	}),
	"an inbox row handled twice": func(h *history) {
		h.mem.Alter = func(c *flows.Change) {
			if c.Done != nil && c.Done.Kind == flows.JobInbox {
				c.Done = nil
			}
		}
	},
	"a final state that changes": concluding(func(r *flows.Request, c flows.Command, out *flows.Outcome) {
		if r != nil && r.State == flows.StateCancelled && c.Verb == flows.VerbApprove && len(out.Entries) == 1 {
			out.Request.State, out.Entries[0].To = flows.StatePending, flows.StatePending
		}
	}),
	"the review not opened": reviewed(concluding(func(_ *flows.Request, c flows.Command, out *flows.Outcome) {
		if c.Verb == flows.VerbRevoked && out.Refusal == nil {
			out.Request.Review = nil
		}
	})),
	"the review by the holder": reviewed(believing(func(r *flows.Request, c *flows.Command, _ *flows.Facts) {
		if c.Verb == flows.VerbReview && r.Own(c.Actor.Person) {
			r.Content.Requester, r.Content.Beneficiary, r.DecidedBy, r.Votes, c.Actor.Admin = noor, noor, noor, nil, true
		}
	})),
	"the review by anybody": reviewed(believing(func(_ *flows.Request, c *flows.Command, _ *flows.Facts) {
		c.Actor.Admin = c.Actor.Admin || c.Verb == flows.VerbReview
	})),
	"the review done twice": reviewed(believing(func(r *flows.Request, c *flows.Command, _ *flows.Facts) {
		if c.Verb == flows.VerbReview && r.ReviewIs() == flows.ReviewClosed {
			again := *r.Review
			again.State = flows.ReviewOpen
			r.Review = &again
		}
	})),
	"the reminder of the review missing": reviewed(withoutJobs(flows.JobReview)),
}

// reviewed is a bug in a world with reviews.
func reviewed(bug func(*history)) func(*history) {
	return func(h *history) { h.reviews = true; bug(h) }
}

// vote is how a careless program would count an approval.
func vote(r *flows.Request, c flows.Command, out *flows.Outcome, now time.Time) {
	out.Refusal = nil
	out.Request.Votes = append(append([]flows.Vote(nil), r.Votes...), flows.Vote{By: c.Actor.Person, At: now, Hash: r.Hash})
}

// forgetful confirms revocations that it never made.
type forgetful struct{ h *history }

func (f forgetful) Target(string) (flows.Target, bool) { return f, true }
func (f forgetful) Grant(ctx context.Context, o flows.Order) (flows.Receipt, error) {
	return f.h.World.Target.Grant(ctx, o)
}
func (f forgetful) Revoke(context.Context, flows.Order) error { return nil }
func (f forgetful) Read(context.Context, flows.Order) (flows.Reading, error) {
	return flows.Reading{Has: flows.No}, nil
}

// slow lets a grant land after the revocation that followed it, with its old fence,
// at a target that does not look at fences.
type slow struct {
	h    *history
	late map[string]flows.Order
}

func (s slow) Target(string) (flows.Target, bool) { return s, true }
func (s slow) Grant(ctx context.Context, o flows.Order) (flows.Receipt, error) {
	s.h.World.Target.NoFence = true
	if s.h.Seed.IntN(2) == 0 {
		s.late[string(o.Request)] = o
	}
	return s.h.World.Target.Grant(ctx, o)
}
func (s slow) Revoke(ctx context.Context, o flows.Order) error {
	err := s.h.World.Target.Revoke(ctx, o)
	if late, ok := s.late[string(o.Request)]; ok && err == nil {
		delete(s.late, string(o.Request))
		late.Key += "/late"
		_, err = s.h.World.Target.Grant(ctx, late)
	}
	return err
}
func (s slow) Read(context.Context, flows.Order) (flows.Reading, error) {
	return flows.Reading{Has: flows.No}, nil
}

// TestHistoriesFindSeededBugs shows that the histories are worth something: each
// seeded bug must be found within a few thousand of them.
func TestHistoriesFindSeededBugs(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("each history is played by one goroutine, and a tenth of the time went here; the plain run finds them")
	}
	if len(bugs) < 20 {
		t.Fatalf("%d seeded bugs, at least 20 are wanted", len(bugs))
	}
	for name, bug := range bugs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const most = 5_000
			for seed := uint64(1); seed <= most; seed++ {
				if err := play(seed, 24, bug); err != nil {
					t.Logf("found after %d histories: %v", seed, strings.SplitN(err.Error(), "\n", 2)[0])
					return
				}
			}
			t.Errorf("not found in %d histories", most)
		})
	}
}
