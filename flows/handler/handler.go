package handler

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.starlark.net/starlark"

	"breakglass/flows"
)

// Options are what a Runner asks and how far it lets a handler go.
type Options struct {
	OnCall    flows.OnCall           // nil: every question about the rota is an error
	Incidents flows.Incidents        // nil: pagerduty.get_incidents is an error
	Directory flows.Directory        // nil: names come from links, user groups are an error
	Limits    Limits                 // zero fields take the defaults
	Timeout   time.Duration          // of one evaluation with its host calls; default 10 s
	Now       func() time.Time       // for Evaluation.Took; nil leaves it zero
	Programs  int                    // compiled handlers kept; default 64
	Log       func(msg, file string) // told about every compilation; may be nil
}

// Runner runs handlers. It is safe for concurrent use.
type Runner struct {
	opts Options

	mu       sync.Mutex
	compiled map[programKey]*slot
	turn     uint64
}

type programKey struct{ hash, file string }

// slot is one place of the cache: compiled once, by whoever comes first.
type slot struct {
	once     sync.Once
	prog     *program
	problems []Problem
	used     uint64
}

var _ flows.Reducer = (*Runner)(nil)

// New makes a Runner.
func New(o Options) *Runner {
	o.Limits = o.Limits.orDefaults()
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Programs == 0 {
		o.Programs = 64
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	return &Runner{opts: o, compiled: map[programKey]*slot{}}
}

// Reduce implements flows.Reducer: it runs get_approvers of the flow's handler.
func (r *Runner) Reduce(ctx context.Context, in flows.ReduceInput) flows.Evaluation {
	began := r.opts.Now()
	e := &evaluation{lang: theLanguage(), opts: &r.opts, in: in}
	var out flows.Evaluation
	if p, problems := r.program(in.Flow); problems != nil {
		out.Fault = problems[0].Error()
		if len(problems) > 1 {
			out.Fault += fmt.Sprintf("; %d more, which breakglass check tells", len(problems)-1)
		}
	} else {
		out.Proposal, out.Fault = e.run(ctx, p)
	}
	out.Calls, out.Prints, out.Tainted = e.calls, e.prints, e.tainted
	out.Took = r.opts.Now().Sub(began)
	return out
}

// program is the compiled handler of the flow.
func (r *Runner) program(f *flows.Flow) (*program, []Problem) {
	r.mu.Lock()
	key := programKey{f.SourceHash, f.Handler}
	s := r.compiled[key]
	if s == nil {
		r.evict()
		s = &slot{}
		r.compiled[key] = s
	}
	r.turn++
	s.used = r.turn
	r.mu.Unlock()
	s.once.Do(func() {
		s.prog, s.problems = compile(f.Handler, f.Source, r.opts.Limits)
		if r.opts.Log != nil {
			r.opts.Log("compiled a handler", f.Handler)
		}
	})
	return s.prog, s.problems
}

// evict makes room for one more: the one that was used longest ago goes. The caller
// holds the lock.
func (r *Runner) evict() {
	for len(r.compiled) >= r.opts.Programs {
		var oldest programKey
		least := r.turn + 1
		for k, s := range r.compiled {
			if s.used < least {
				oldest, least = k, s.used
			}
		}
		delete(r.compiled, oldest)
	}
}

// run calls get_approvers on a thread of its own and reads what it returned.
func (e *evaluation) run(ctx context.Context, p *program) (proposal *flows.Proposal, fault string) {
	ctx, cancel := context.WithTimeout(ctx, e.opts.Timeout)
	defer cancel()
	e.ctx, e.meter.limits = ctx, e.opts.Limits
	thread := e.newThread(e.in.Flow.Handler, e)
	stop := context.AfterFunc(ctx, func() {
		thread.Cancel(fmt.Sprintf("the handler did not end within %s", e.opts.Timeout))
	})
	defer stop()
	file := p.entry.Position().Filename()
	v, err := starlark.Call(thread, p.entry, starlark.Tuple{&event{e: e}}, nil)
	if err != nil {
		return nil, evalProblem(file, err).Error()
	}
	if proposal, err = e.proposal(v); err != nil {
		pos := p.entry.Position()
		return nil, Problem{File: file, Line: int(pos.Line), Col: int(pos.Col), Message: err.Error()}.Error()
	}
	return proposal, ""
}
