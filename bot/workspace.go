package bot

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"breakglass/flows"
)

// home is the workspace's address, with which permalinks begin. It is asked for from the
// start on, beside everything else, and a decision reads what is known.
type home struct {
	ask   func(context.Context) (string, error) // nil: not known, ever
	clock flows.Clock
	log   *slog.Logger

	mu      sync.Mutex
	url     string
	asking  chan struct{} // of the question under way, closed when it is over; nil: there is none
	awaited bool          // a decision has waited for that in vain
}

// homeWithin bounds what a decision waits for a question under way: a Slack that does not
// answer keeps none back for longer, and the message's ids are recorded anyway. Between
// two questions are homeAgain at first, twice as long each time, and homeRarely at the most.
const (
	homeWithin = time.Second
	homeAgain  = time.Second
	homeRarely = time.Minute
)

// newHome is one that is not known yet: the first question counts as under way, since
// nobody can decide before the start and many may right after it.
func newHome(o Options) *home {
	h := &home{ask: o.Workspace, clock: o.Clock, log: o.Log}
	if h.ask != nil {
		h.asking = make(chan struct{})
	}
	return h
}

// LearnWorkspace asks for the address of the workspace until it is known, or ctx ends.
// Decisions made before that are recorded without their permalink.
func (b *Bot) LearnWorkspace(ctx context.Context) {
	if b.home.ask == nil {
		return
	}
	for pause := homeAgain; !b.home.learn(ctx); pause = min(2*pause, homeRarely) {
		again, stop := flows.After(b.home.clock, pause)
		select {
		case <-again:
		case <-ctx.Done():
			stop()
			return
		}
	}
}

// learn asks once.
func (h *home) learn(ctx context.Context) (known bool) {
	h.mu.Lock()
	if h.asking == nil {
		h.asking, h.awaited = make(chan struct{}), false
	}
	h.mu.Unlock()
	url, err := h.ask(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.asking)
	h.asking = nil
	if err == nil {
		h.url = strings.TrimSuffix(url, "/")
	}
	if h.url == "" && ctx.Err() == nil {
		h.log.WarnContext(ctx, "Slack did not give the address of the workspace, so decisions are recorded without their permalink for now", "error", err)
	}
	return h.url != ""
}

// permalink is the address of a message, as Slack writes it; empty where it is not known.
func (h *home) permalink(ctx context.Context, channel, ts string) string {
	if channel == "" || ts == "" {
		return ""
	}
	url := h.known(ctx)
	if url == "" {
		return ""
	}
	return url + "/archives/" + channel + "/p" + strings.ReplaceAll(ts, ".", "")
}

// known is the address. Who asks while Slack is being asked waits for the answer, but not
// after somebody has waited for it as long as anybody may.
func (h *home) known(ctx context.Context) string {
	url, asking := h.stands()
	if asking == nil {
		return url
	}
	waits, cancel := context.WithTimeout(ctx, homeWithin)
	defer cancel()
	select {
	case <-asking:
	case <-waits.Done():
		if ctx.Err() == nil {
			h.vain(asking)
		}
	}
	url, _ = h.stands()
	return url
}

// stands is what is known, and the question under way that is worth waiting for.
func (h *home) stands() (url string, asking <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asking == nil || h.awaited {
		return h.url, nil
	}
	return h.url, h.asking
}

// vain keeps others from waiting for a question as long as somebody has.
func (h *home) vain(asking <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.asking == asking {
		h.awaited = true
	}
}
