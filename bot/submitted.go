package bot

import (
	"sync"
	"time"

	"breakglass/flows"
)

// submittedViews remembers which forms were sent: what is still being looked up for one
// may not draw it again over "working…". Slack tells of a form that was changed, not by
// whom. Another replica's are not known here; the receipt comes later in any case.
type submittedViews struct {
	clock flows.Clock
	mu    sync.Mutex
	at    map[string]time.Time
}

// viewLife is longer than anything that is looked up for a form.
const viewLife = time.Minute

func newSubmittedViews(clock flows.Clock) *submittedViews {
	return &submittedViews{clock: clock, at: map[string]time.Time{}}
}

func (s *submittedViews) add(view string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	for id, at := range s.at { // few: forms of one minute
		if now.Sub(at) > viewLife {
			delete(s.at, id)
		}
	}
	s.at[view] = now
}

func (s *submittedViews) has(view string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.at[view]
	return is
}
