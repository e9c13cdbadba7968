package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"breakglass/flows"
)

// author is the PagerDuty user that notes and incidents are written as: the one whose
// login is Options.From. It is looked up once; its address is then only sent.
type author struct {
	c *Client

	mu    sync.Mutex
	id    flows.PagerDutyUser
	write flows.Tri // whether the token may write, as far as a write has shown
}

// user is the id of the author; anew asks again.
func (a *author) user(ctx context.Context, anew bool) (flows.PagerDutyUser, error) {
	if a.c.from == "" {
		return "", &flows.Permanent{Err: errors.New("no author is configured; set from to the login e-mail of a PagerDuty user")}
	}
	a.mu.Lock()
	id := a.id
	a.mu.Unlock()
	if id != "" && !anew {
		return id, nil
	}
	u, err := a.c.UserByEmail(ctx, a.c.from)
	if errors.Is(err, flows.ErrNotFound) {
		err = &flows.Permanent{Err: fmt.Errorf("from: %w; set it to the login e-mail of a PagerDuty user", err)}
	}
	if err != nil {
		return "", err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.id = u.ID
	return u.ID, nil
}

// learn remembers what a write showed about the token, and forgets the author when
// PagerDuty no longer knows it.
func (a *author) learn(err error) {
	var e *vendorError
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err == nil:
		a.write = flows.Yes
	case errors.As(err, &e) && e.status == 403:
		a.write = flows.No
	case errors.As(err, &e) && (e.code == 1008 || e.code == 1028):
		a.id = ""
	}
}

func (a *author) mayWrite() flows.Tri {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.write
}
