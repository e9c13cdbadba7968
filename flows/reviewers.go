package flows

import (
	"context"
	"errors"
	"slices"
	"time"
)

// mostReviewers bounds who is asked one by one.
const mostReviewers = 20

// reviewer reads what says whether who acts may review.
func (g *gathering) reviewer(ctx context.Context) {
	roll := Roll{Catalog: func() *Catalog { return g.f.Catalog }, Directory: g.e.o.Directory}
	g.f.Auditor = roll.Auditor(ctx, g.cmd.Actor.Person)
	if flow := g.f.flow(&g.content); flow != nil {
		people, err := g.e.o.Directory.Members(ctx, flow.Fallback.Approvers)
		g.f.Fallback, g.f.FallbackOK = people, err == nil
		return
	}
	g.f.FallbackOK = true // there is none any more
}

// AskReview is the handler of JobReview.
func (e *Engine) AskReview(ctx context.Context, j Job) error {
	rec, err := e.Load(ctx, RequestID(j.Subject))
	if errors.Is(err, ErrNotFound) {
		return &Permanent{Err: err}
	}
	if err != nil {
		return err
	}
	people, err := e.reviewers(ctx, &rec.Request)
	if err != nil {
		return &Temporary{After: 60, Err: err} // nor could it be told to anybody
	}
	_, err = e.Aside(ctx, rec.Request.ID, Finish{Job: &j}, func(r Request, f Facts, now time.Time) Outcome {
		f.Reviewers = people
		return AskReview(r, f, now)
	})
	return err
}

// reviewers are who is asked one by one: nobody where a channel is asked; else the
// fallback without who had a part in it; else the admins.
func (e *Engine) reviewers(ctx context.Context, r *Request) ([]PersonID, error) {
	cat := e.o.Catalog()
	flow := cat.Flows[r.Content.Flow]
	if flow != nil && flow.Fallback.Destination != "" {
		return nil, nil
	}
	asked := [][]Principal{cat.Admins}
	if flow != nil {
		asked = [][]Principal{flow.Fallback.Approvers, cat.Admins}
	}
	for _, group := range asked {
		people, err := e.o.Directory.Members(ctx, group)
		if err != nil {
			return nil, err
		}
		people = slices.DeleteFunc(slices.Clone(people), func(p PersonID) bool { return !r.ReviewableBy(p) })
		if len(people) > 0 {
			return people[:min(len(people), mostReviewers)], nil
		}
	}
	return nil, nil
}
