package sink

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"breakglass/flows"
)

// Shelf is where the entries lie, in the order of the tree.
type Shelf interface {
	// Sequence gives at most limit of the entries that wait their places.
	Sequence(ctx context.Context, limit int) (taken int, err error)
	// Leaves are the entries at the places from ≤ i < to that have one.
	Leaves(ctx context.Context, from, to int64) ([]flows.Leaf, error)
	// Depth is how many entries have their places, and how many wait for one.
	Depth(ctx context.Context) (placed, waiting int64, err error)
}

// Cursors remember how far each sink is, and whose turn it is to send.
type Cursors interface {
	// SinkAt is the place of the entry that a sink goes on with, and whether it is
	// somebody else's turn than owner's at now. flows.ErrNotFound for a new sink.
	SinkAt(ctx context.Context, name, owner string, now time.Time) (next int64, taken bool, err error)
	// ClaimSink makes it owner's turn until then, unless it is somebody else's; a new
	// sink begins at the place start.
	ClaimSink(ctx context.Context, name, owner string, start int64, now, until time.Time) (next int64, mine bool, err error)
	// AdvanceSink says that everything before next was taken, and makes the turn last
	// until then; zero ends it. flows.ErrLeaseLost when it is not owner's turn any more.
	AdvanceSink(ctx context.Context, name, owner string, next int64, until time.Time) error
}

// StreamOptions are what a Stream works with. Log, Every and Batch may be zero.
type StreamOptions struct {
	Shelf   Shelf
	Cursors Cursors
	Clock   flows.Clock
	Owner   string // this process's name on turns; must differ between replicas
	Log     *slog.Logger
	Every   time.Duration // how often new entries are looked for; 1 s unless set
	Batch   int           // entries at a time; 256 unless set
}

// A turn is longer than one batch may take, and clocks may differ.
const (
	turn    = 40 * time.Second
	sending = 20 * time.Second
	closing = 5 * time.Second

	slowest = time.Minute // between two tries
)

// Stream carries entries to one sink. It reads a batch at a time, so that a sink that
// is down costs nothing but the place where it stands, and nobody waits for it.
type Stream struct {
	o    StreamOptions
	spec Spec
	sink Sink

	batch int       // entries at a time, less where the receiver takes no more
	tries int       // failed in a row
	until time.Time // of our turn; zero: it is not
	next  int64     // when it is: the place to go on with

	mu    sync.Mutex
	state State
}

// State is how a stream stands in this process.
type State struct {
	Sent    int64     // entries that were taken, since the start
	Failed  int64     // tries that failed, since the start
	Err     string    // why the last try failed; empty when it did not
	Since   time.Time // when the first of the failed tries in a row was
	Working bool      // the last turn was ours
	Behind  int64     // entries that were not taken when it was looked last
}

// NewStream ties a sink to the entries; Run moves them.
func NewStream(spec Spec, s Sink, o StreamOptions) *Stream {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.Batch <= 0 {
		o.Batch = 256
	}
	return &Stream{o: o, spec: spec, sink: s, batch: o.Batch}
}

// Name is how the configuration calls the sink.
func (s *Stream) Name() string { return s.spec.Name }

// State is how the stream stands.
func (s *Stream) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Run carries entries until ctx ends, then lets go of the sink and of the turn.
func (s *Stream) Run(ctx context.Context) {
	defer s.stop(ctx)
	for {
		more, err := s.step(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := s.note(ctx, err)
		if more {
			continue
		}
		tick, stop := flows.After(s.o.Clock, wait)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-tick:
		}
	}
}

func (s *Stream) stop(ctx context.Context) {
	if err := errors.Join(s.sink.Close(), s.yield(ctx)); err != nil {
		s.o.Log.WarnContext(ctx, "let go of a sink", "sink", s.spec.Name, "error", err)
	}
}

// yield ends our turn, so that another replica may try, which may reach what this one
// does not.
func (s *Stream) yield(ctx context.Context) error {
	if s.until.IsZero() {
		return nil
	}
	s.until = time.Time{}
	err := s.advance(ctx)
	if errors.Is(err, flows.ErrLeaseLost) {
		return nil
	}
	return err
}

// advance stores how far we are. It does not end with ctx: half done is no answer.
func (s *Stream) advance(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	return s.o.Cursors.AdvanceSink(ctx, s.spec.Name, s.o.Owner, s.next, s.until)
}

// step carries one batch; more says that there may be another one right now. While
// there is nothing to send, nothing is written.
func (s *Stream) step(ctx context.Context) (more bool, err error) {
	batch, err := s.find(ctx)
	if err != nil || len(batch) == 0 {
		return false, err
	}
	late, cancel := context.WithTimeout(ctx, sending)
	defer cancel()
	err = s.sink.Send(late, batch)
	if errors.Is(err, ErrTooLarge) && len(batch) > 1 {
		s.batch = len(batch) / 2
		return true, nil
	}
	if err == nil {
		s.next, s.until = batch[len(batch)-1].Index+1, s.o.Clock.Now().Add(turn)
		err = s.advance(ctx)
	}
	if err != nil {
		return false, errors.Join(err, s.yield(ctx))
	}
	s.sent(len(batch))
	s.batch = min(s.batch*2, s.o.Batch)
	return true, nil
}

// find is the next batch if it is this process's turn to send it.
func (s *Stream) find(ctx context.Context) ([]flows.Leaf, error) {
	now := s.o.Clock.Now()
	next, taken, err := s.o.Cursors.SinkAt(ctx, s.spec.Name, s.o.Owner, now)
	if errors.Is(err, flows.ErrNotFound) {
		next, taken, err = s.begin(ctx, now)
	}
	if err != nil {
		return nil, err
	}
	size, waiting, err := s.o.Shelf.Depth(ctx)
	if s.stands(!taken, size+waiting-next); err != nil || taken {
		return nil, err
	}
	if size <= next && waiting > 0 { // nobody waits for the next growth of the tree
		placed, err := s.o.Shelf.Sequence(ctx, s.o.Batch)
		if err != nil {
			return nil, err
		}
		size += int64(placed)
	}
	batch, err := s.read(ctx, next, size)
	if err != nil || len(batch) == 0 {
		return nil, err
	}
	if now.Add(sending + closing).Before(s.until) {
		return batch, nil
	}
	at, mine, err := s.claim(ctx, next, now)
	if err != nil || !mine || at != next { // somebody else was there in between
		return nil, err
	}
	if batch[0].Index != next {
		s.o.Log.ErrorContext(ctx, "entries are gone from the database; the others are sent", "sink", s.spec.Name, "from", next, "to", batch[0].Index-1)
	}
	return batch, nil
}

// begin makes a new sink's cursor.
func (s *Stream) begin(ctx context.Context, now time.Time) (next int64, taken bool, err error) {
	if s.spec.FromNow {
		placed, waiting, err := s.o.Shelf.Depth(ctx)
		if err != nil {
			return 0, false, err
		}
		next = placed + waiting
	}
	next, mine, err := s.claim(ctx, next, now)
	return next, !mine, err
}

func (s *Stream) claim(ctx context.Context, start int64, now time.Time) (next int64, mine bool, err error) {
	s.until = time.Time{}
	next, mine, err = s.o.Cursors.ClaimSink(ctx, s.spec.Name, s.o.Owner, start, now, now.Add(turn))
	if err == nil && mine {
		s.next, s.until = next, now.Add(turn)
	}
	return next, mine, err
}

// read takes the next entries there are from next on.
func (s *Stream) read(ctx context.Context, next, size int64) ([]flows.Leaf, error) {
	for ; next < size; next += int64(s.batch) {
		batch, err := s.o.Shelf.Leaves(ctx, next, min(next+int64(s.batch), size))
		if err != nil || len(batch) > 0 {
			return batch, err
		}
	}
	return nil, nil
}

func (s *Stream) stands(working bool, behind int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Working, s.state.Behind = working, max(behind, 0)
}

func (s *Stream) sent(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Sent += int64(n)
	s.state.Behind = max(s.state.Behind-int64(n), 0)
}

// note keeps what became of a step and says how long to wait before the next one.
func (s *Stream) note(ctx context.Context, err error) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		if s.state.Err != "" && s.state.Working {
			s.o.Log.InfoContext(ctx, "the sink takes entries again", "sink", s.spec.Name)
		}
		if s.state.Working {
			s.tries, s.state.Err, s.state.Since = 0, "", time.Time{}
		}
		return s.o.Every
	case s.state.Err == "":
		s.state.Since = s.o.Clock.Now()
		s.o.Log.ErrorContext(ctx, "the sink does not take entries; they stay in the database and are sent later", "sink", s.spec.Name, "error", err)
	}
	s.tries++
	s.state.Err = err.Error()
	s.state.Failed++
	wait := min(s.o.Every<<min(s.tries-1, 16), slowest)
	if t, ok := errors.AsType[*flows.Temporary](err); ok {
		wait = max(wait, time.Duration(t.After)*time.Second)
	}
	return wait
}
