package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// review keeps where the review of the request stands.
func (p *change) review(ctx context.Context, q queries) error {
	if p.Request == nil || p.Request.ReviewIs() == flows.ReviewNone {
		return nil
	}
	is := p.Request.ReviewIs()
	was, err := q.ReviewState(ctx, p.request.ID)
	switch {
	case errors.Is(err, sql.ErrNoRows) && is == flows.ReviewOpen:
		_, err = q.OpenReview(ctx, postgresdb.OpenReviewParams{Request: p.request.ID, DueAt: millis(p.Request.Review.DueAt), SubmittedAt: p.request.SubmittedAt})
	case err == nil && was != string(is):
		if is != flows.ReviewClosed {
			return fmt.Errorf("the review of %s cannot become %s: it is %s", p.request.ID, is, was)
		}
		_, err = q.CloseReview(ctx, p.request.ID)
	}
	if err != nil {
		return fmt.Errorf("keep the review of %s: %w", p.request.ID, err)
	}
	return nil
}

// OpenReviews lists the requests that are still to be reviewed, those that are due first
// before the others, at most n.
func (s *Store) OpenReviews(ctx context.Context, n int) ([]flows.Request, error) {
	docs, err := s.tx.direct().OpenReviews(ctx, int64(n))
	if err != nil {
		return nil, fmt.Errorf("list the reviews that are open: %w", err)
	}
	return decodeRequests(docs)
}
