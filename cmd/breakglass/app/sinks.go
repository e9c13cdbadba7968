package app

import (
	"context"
	"fmt"
	"maps"
	"os"
	"sync"
	"time"

	"breakglass/flows/config"
	"breakglass/integrations/sink"
)

// streams are the sinks that entries flow to right now.
type streams struct {
	mu   sync.Mutex
	run  context.Context //nolint:containedctx // of the program; nil: not started
	live map[string]*running
}

// running is one stream and how it is stopped.
type running struct {
	spec   sink.Spec
	stream *sink.Stream
	stop   context.CancelFunc
	gone   chan struct{}
}

// startSinks begins to stream, until ctx ends.
func (a *App) startSinks(ctx context.Context) error {
	a.sinks.begin(ctx)
	return a.setSinks(a.conf().Settings.Sinks)
}

func (s *streams) begin(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run, s.live = ctx, map[string]*running{}
}

// setSinks streams to these sinks and no others. One that is as it was goes on.
func (a *App) setSinks(all []config.Sink) error {
	a.sinks.mu.Lock()
	defer a.sinks.mu.Unlock()
	wanted := map[string]sink.Spec{}
	made := map[string]sink.Sink{}
	for _, c := range all {
		spec := sinkSpec(c)
		wanted[spec.Name] = spec
		if was := a.sinks.live[spec.Name]; was != nil && sameSpec(was.spec, spec) {
			continue
		}
		host, _ := os.Hostname() // without one, syslog gets "-"
		s, err := sink.New(spec, sink.Options{Clock: a.o.Clock, Host: host})
		if err != nil {
			return err
		}
		made[spec.Name] = s
	}
	for name, was := range a.sinks.live {
		if spec, stays := wanted[name]; !stays || !sameSpec(was.spec, spec) {
			was.stop()
			<-was.gone // its turn and its file are free for the next one
			delete(a.sinks.live, name)
		}
	}
	for _, name := range sorted(made) {
		a.stream(wanted[name], made[name])
	}
	return nil
}

// sameSpec compares what sinks are made of. The secret is a handle; its value may
// change at any time.
func sameSpec(a, b sink.Spec) bool {
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

func sinkSpec(c config.Sink) sink.Spec {
	return sink.Spec{
		Name: c.Key(), Kind: sink.Kind(c.Kind), Openings: c.Openings, FromNow: c.FromNow, Path: c.Path, MaxBytes: c.MaxBytes,
		URL: c.URL, Secret: c.Secret, Address: c.Address,
	}
}

func (a *App) stream(spec sink.Spec, s sink.Sink) {
	ctx, stop := context.WithCancel(a.sinks.run)
	r := &running{spec: spec, stop: stop, gone: make(chan struct{}), stream: sink.NewStream(spec, s, sink.StreamOptions{
		Shelf: a.store, Cursors: a.store, Clock: a.o.Clock, Owner: a.o.Owner, Log: a.log,
	})}
	a.sinks.live[spec.Name] = r
	a.running.Go(func() {
		defer close(r.gone)
		r.stream.Run(ctx)
	})
}

// sinkStates is how each stream stands in this process, by name.
func (a *App) sinkStates() map[string]sink.State {
	a.sinks.mu.Lock()
	live := maps.Clone(a.sinks.live)
	a.sinks.mu.Unlock()
	out := map[string]sink.State{}
	for name, r := range live {
		out[name] = r.stream.State()
	}
	return out
}

// sinkHealth is how far each sink is behind, for the health pages.
func (a *App) sinkHealth() map[string]any {
	out := map[string]any{}
	for name, s := range a.sinkStates() {
		h := map[string]any{"behind": s.Behind}
		if s.Err != "" {
			h["failing_since"] = s.Since.Format(time.RFC3339)
		}
		out[name] = h
	}
	return out
}

// sinkWarnings say which sinks do not take entries, and why.
func (a *App) sinkWarnings(into map[string]string) map[string]string {
	for name, s := range a.sinkStates() {
		if s.Err != "" {
			into["sink."+name] = fmt.Sprintf("takes no entries since %s, %d wait in the database: %s", s.Since.Format(time.RFC3339), s.Behind, s.Err)
		}
	}
	return into
}
