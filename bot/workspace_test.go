package bot

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"breakglass/flows"
)

// learned is a home in a synctest bubble whose Slack answers as a test says, and when it
// was asked.
type learned struct {
	*home
	mu    sync.Mutex
	asked []time.Duration // since the start
	log   strings.Builder
}

// learns starts to learn; answer gets the number of the question, from 1.
func learns(t *testing.T, answer func(ctx context.Context, n int) (string, error)) *learned {
	l, begin := &learned{}, time.Now()
	ask := func(ctx context.Context) (string, error) {
		l.mu.Lock()
		l.asked = append(l.asked, time.Since(begin))
		n := len(l.asked)
		l.mu.Unlock()
		return answer(ctx, n)
	}
	l.home = newHome(Options{Workspace: ask, Clock: bubbleClock{}, Log: slog.New(slog.NewTextHandler(&l.log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { (&Bot{home: l.home}).LearnWorkspace(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return l
}

// times is when Slack was asked.
func (l *learned) times() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// bubbleClock is the time of a bubble.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time { return time.Now() }

func (bubbleClock) At(at time.Time) (<-chan struct{}, func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(time.Until(at), func() { close(done) })
	return done, func() { timer.Stop() }
}

// link is a permalink of a message, and how long it took.
func (l *learned) link(ctx context.Context) (string, time.Duration) {
	began := time.Now()
	return l.permalink(ctx, "D0MARA", "1795316400.000100"), time.Since(began)
}

const linked = "https://acme.slack.com/archives/D0MARA/p1795316400000100"

// However long Slack takes, who decides once it has answered waits for nothing.
func TestTheWorkspaceIsLearnedBeforeTheFirstDecision(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := learns(t, func(context.Context, int) (string, error) {
			time.Sleep(9 * time.Second)
			return "https://acme.slack.com/", nil
		})
		time.Sleep(9*time.Second - time.Millisecond)
		if link, took := l.link(t.Context()); link != linked || took != time.Millisecond {
			t.Errorf("while it is on the way: %q after %s", link, took)
		}
		if link, took := l.link(t.Context()); link != linked || took != 0 {
			t.Errorf("once it is known: %q after %s", link, took)
		}
		for _, none := range [][2]string{{"", "1.2"}, {"D0MARA", ""}} {
			if link := l.permalink(t.Context(), none[0], none[1]); link != "" {
				t.Errorf("of no message: %q", link)
			}
		}
		time.Sleep(time.Hour)
		if asked := l.times(); len(asked) != 1 || l.log.Len() > 0 {
			t.Errorf("asked at %v; logged: %s", asked, l.log.String())
		}
	})
}

// A Slack that does not answer keeps one decision back for a second, and the next none.
func TestASlackThatHangsKeepsNoDecisionBackForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := learns(t, func(ctx context.Context, n int) (string, error) {
			wait := 10 * time.Second // as the client gives up
			if n == 3 {
				wait = time.Second / 2
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			if n < 3 {
				return "", errors.New("no answer")
			}
			return "https://acme.slack.com", nil
		})
		gone, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if link, took := l.link(gone); link != "" || took != 100*time.Millisecond {
			t.Errorf("who is gone gets %q after %s", link, took)
		}
		for i, want := range []time.Duration{time.Second, 0} {
			if link, took := l.link(t.Context()); link != "" || took != want {
				t.Errorf("decision %d: %q after %s, want it after %s", i, link, took, want)
			}
		}
		time.Sleep(9500 * time.Millisecond) // the first question was over at 10 s, and the next is at 11
		if link, took := l.link(t.Context()); link != "" || took != 0 {
			t.Errorf("between two questions: %q after %s", link, took)
		}
		time.Sleep(time.Second) // the second is under way
		if _, took := l.link(t.Context()); took != time.Second {
			t.Errorf("a new question is waited for %s", took)
		}
		time.Sleep(10600 * time.Millisecond) // the third, which is answered half a second later
		if link, took := l.link(t.Context()); link != linked || took == 0 || took > time.Second {
			t.Errorf("an answer on the way: %q after %s", link, took)
		}
	})
}

// It is asked for again, ever less often, until it is there; an answer without it is none.
func TestTheWorkspaceIsAskedForUntilItIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := learns(t, func(_ context.Context, n int) (string, error) {
			switch {
			case n == 10:
				return "https://acme.slack.com/", nil
			case n%2 == 0:
				return "", nil
			}
			return "", &flows.Temporary{Err: errors.New("ratelimited")}
		})
		time.Sleep(time.Hour)
		var want []time.Duration
		for _, s := range []int{0, 1, 3, 7, 15, 31, 63, 123, 183, 243} {
			want = append(want, time.Duration(s)*time.Second)
		}
		if asked := l.times(); !slices.Equal(asked, want) {
			t.Errorf("asked at %v, want %v", asked, want)
		}
		if link, _ := l.link(t.Context()); link != linked {
			t.Errorf("in the end it is %q", link)
		}
		if n := strings.Count(l.log.String(), "level=WARN"); n != 9 {
			t.Errorf("%d warnings for 9 answers without it:\n%s", n, l.log.String())
		}
	})
	none := newHome(Options{})
	(&Bot{home: none}).LearnWorkspace(t.Context())
	if link := none.permalink(t.Context(), "D0MARA", "1.2"); link != "" {
		t.Errorf("where nobody can be asked: %q", link)
	}
}
