package handler

import (
	"os"
	"testing"
)

// BenchmarkReduce is a reducer with two host calls, answered from memory: compiled
// once, run per request.
func BenchmarkReduce(b *testing.B) {
	source, err := os.ReadFile("examples/on_call_or_managers.py")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		calls int
	}{{"managers", 2}, {"self", 1}} {
		who := sam
		if c.name == "self" {
			who = dana
		}
		b.Run(c.name, func(b *testing.B) {
			r := New(Options{OnCall: quiet{testRota()}})
			in := testInput(string(source), who)
			if got := r.Reduce(b.Context(), in); got.Fault != "" || len(got.Calls) != c.calls {
				b.Fatalf("%+v", got)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Reduce(b.Context(), in)
			}
		})
	}
}

// BenchmarkCompile is what a new revision of a handler costs, once.
func BenchmarkCompile(b *testing.B) {
	source, err := os.ReadFile("examples/incident_commander.py")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := compile("prod.py", source, Limits{}.orDefaults()); problems != nil {
			b.Fatal(problems)
		}
	}
}
