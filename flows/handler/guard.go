package handler

import (
	"errors"
	"fmt"

	"go.starlark.net/starlark"
)

// Limits bound one evaluation; zero fields take the defaults.
//
// What they guarantee: Starlark counts steps, and every operation that could allocate
// or work more than a constant amount in one step goes through a hook that charges for
// it before it is done. So an evaluation allocates at most Bytes plus a small constant
// (under 100 bytes) a step, and no single step runs long: what a handler can hold is
// bounded by its code, whatever the machine. Answers of ports are not charged; their
// size is bounded by the vendors' clients.
type Limits struct {
	Steps uint64 // of the Starlark machine, with work charged by hooks; default 100,000
	Bytes int    // allocated in all, freed or not; default 8 MiB
	Calls int    // different host calls; default 100
}

func (l Limits) orDefaults() Limits {
	if l.Steps == 0 {
		l.Steps = 100_000
	}
	if l.Bytes == 0 {
		l.Bytes = 8 << 20
	}
	if l.Calls == 0 {
		l.Calls = 100
	}
	return l
}

// The limits on single values.
const (
	maxDepth   = 50      // of lists in lists
	maxIntBits = 512     // of integers; Python has no limit, and 10**1000000 is a bomb
	maxRange   = 100_000 // items
	maxPrints  = 50
	maxPrint   = 500 // bytes
)

var (
	errDeep = errors.New("the value is nested too deeply, or within itself")
	errInt  = fmt.Errorf("an integer of more than %d bits", maxIntBits)
)

// meter is what is left of the limits. Loading a file has one, each evaluation another.
type meter struct {
	limits Limits
	bytes  int // spent
	thread *starlark.Thread
}

// alloc charges for n bytes that are about to be allocated.
func (m *meter) alloc(n int) error {
	if n < 0 || n > m.limits.Bytes-m.bytes {
		return fmt.Errorf("out of memory: a handler may use %d KiB in all", m.limits.Bytes>>10)
	}
	m.bytes += n
	return nil
}

// left is how many bytes may still be allocated.
func (m *meter) left() int { return m.limits.Bytes - m.bytes }

// work charges for about n elementary operations within one step.
func (m *meter) work(n int) error {
	m.thread.Steps += uint64(n) / 4
	if m.thread.Steps >= m.limits.Steps {
		return fmt.Errorf("%s", m.limits.stepsMessage())
	}
	return nil
}

func (l Limits) stepsMessage() string {
	return fmt.Sprintf("the handler ran more than %d steps; is there a loop that does not end?", l.Steps)
}

// newThread is a Starlark thread under the meter; local is what the hooks find there.
func (m *meter) newThread(name string, local *evaluation) *starlark.Thread {
	m.thread = &starlark.Thread{Name: name}
	m.thread.SetMaxExecutionSteps(m.limits.Steps)
	m.thread.OnMaxSteps = func(t *starlark.Thread) { t.Cancel(m.limits.stepsMessage()) }
	m.thread.SetLocal(localKey, local)
	return m.thread
}

const localKey = "breakglass"

// sizer walks values with a limit, so that a list that holds another a thousand times,
// or itself, costs no more than the limit.
type sizer struct {
	left  int
	depth int
}

// size estimates the bytes of str(v), and bounds the work of walking v. It fails when
// that is more than limit.
func size(v starlark.Value, limit int) (int, error) {
	if s, ok := v.(starlark.String); ok {
		return len(s), nil
	}
	s := sizer{left: limit}
	err := s.add(v)
	return limit - s.left, err
}

func (s *sizer) take(n int) error {
	if s.left -= n; s.left < 0 {
		s.left = 0
		return errors.New("out of memory: the value is too large")
	}
	return nil
}

func (s *sizer) add(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.String:
		return s.take(4*len(v) + 8)
	case starlark.Bytes:
		return s.take(4*len(v) + 8)
	case starlark.Int:
		return s.take(maxIntBits / 3)
	case starlark.Tuple:
		return s.all(v)
	case *starlark.List:
		if err := s.down(v.Len()); err != nil {
			return err
		}
		for i := 0; i < v.Len(); i++ {
			if err := s.add(v.Index(i)); err != nil {
				return err
			}
		}
		s.depth--
		return nil
	case *starlark.Dict:
		if err := s.down(2 * v.Len()); err != nil {
			return err
		}
		for k, x := range v.Entries() {
			if err := s.add(k); err != nil {
				return err
			}
			if err := s.add(x); err != nil {
				return err
			}
		}
		s.depth--
		return nil
	}
	return s.take(64)
}

func (s *sizer) down(n int) error {
	if s.depth++; s.depth > maxDepth {
		return errDeep
	}
	return s.take(8 + 2*n)
}

func (s *sizer) all(t starlark.Tuple) error {
	if err := s.down(len(t)); err != nil {
		return err
	}
	for _, e := range t {
		if err := s.add(e); err != nil {
			return err
		}
	}
	s.depth--
	return nil
}

// tupleBytes is what a tuple that holds v is charged for it: 16 for the place, and for
// a tuple or text all that it holds. Since every tuple was charged when it was made,
// hashing, freezing or printing one never costs more than it was charged. It stops
// counting above limit.
func tupleBytes(v starlark.Value, limit int) int {
	n := 16
	switch v := v.(type) {
	case starlark.Tuple:
		n += 16
		for _, e := range v {
			if n += tupleBytes(e, limit-n); n > limit {
				break
			}
		}
	case starlark.String:
		n += len(v)
	case starlark.Bytes:
		n += len(v)
	}
	return n
}

// length is the number of items; 0 for what cannot be counted.
func length(v starlark.Value) int { return max(starlark.Len(v), 0) }

// itemBytes sums tupleBytes over the items of v.
func itemBytes(v starlark.Value, limit int) int {
	n := 0
	if it, ok := v.(starlark.Iterable); ok {
		iter := it.Iterate()
		defer iter.Done()
		var x starlark.Value
		for n <= limit && iter.Next(&x) {
			n += tupleBytes(x, limit-n)
		}
	}
	return n
}

// intBits is the size of an integer.
func intBits(i starlark.Int) int {
	if v, ok := i.Int64(); ok && v < 1<<62 && v > -1<<62 {
		n := 1
		if v < 0 {
			v = -v
		}
		for ; v > 0; v >>= 1 {
			n++
		}
		return n
	}
	return i.BigInt().BitLen()
}
