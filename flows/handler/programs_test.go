package handler

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
)

var update = flag.Bool("update", false, "write what the programs of testdata/programs give as what they should give")

// TestPrograms runs every file of testdata/programs and compares the outcome with the
// comment at its end. A comment at its top sets the scene: "# scene: who=sam, down".
func TestPrograms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/programs/*.py")
	if err != nil || len(files) < 30 {
		t.Fatalf("found %d programs: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".py"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source, want, _ := strings.Cut(string(b), "# want:\n")
			got := outcome(runScene(t, source))
			if *update {
				if err := os.WriteFile(file, []byte(source+"# want:\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// runScene evaluates a program in the scene that its first line sets.
func runScene(t *testing.T, source string) flows.Evaluation {
	t.Helper()
	in, oncall := testInput(source, dana), testRota()
	o := Options{OnCall: oncall, Directory: testDirectory{}, Incidents: testIncidents{}}
	c := &in.Request.Content
	c.Incident = flows.IncidentRef{ID: "Q1", Number: 4711, Title: flows.NewText("db is slow"), URL: "https://acme.pagerduty.com/incidents/Q1"}
	in.Flow.Vars = map[string]any{"policy": "mgr_on_call", "hours": int64(4), "strict": true, "people": []string{"U0SAM", "U0MARA"}}
	in.Flow.Fields = []flows.PromptField{
		{Name: "ticket", Type: flows.FieldString}, {Name: "count", Type: flows.FieldInt}, {Name: "urgent", Type: flows.FieldBool},
		{Name: "wait", Type: flows.FieldDuration}, {Name: "lead", Type: flows.FieldUser}, {Name: "team", Type: flows.FieldUsers}, {Name: "left", Type: flows.FieldInt},
	}
	for _, f := range [][2]string{{"ticket", "CHG-77"}, {"count", "3"}, {"urgent", "true"}, {"wait", "30m"}, {"lead", "U0MARA"}, {"team", "U0SAM,U0MARA"}} {
		c.Fields = append(c.Fields, flows.FieldValue{Name: f[0], Value: flows.NewText(f[1])})
	}
	if first, _, _ := strings.Cut(source, "\n"); strings.HasPrefix(first, "# scene: ") {
		for word := range strings.SplitSeq(strings.TrimPrefix(first, "# scene: "), ", ") {
			switch word {
			case "who=sam", "who=nils", "who=ghost":
				c.Requester = flows.Person("T1", "U0"+strings.ToUpper(strings.TrimPrefix(word, "who=")))
				c.Beneficiary = c.Requester
			case "for=sam":
				c.Beneficiary = sam
			case "down":
				oncall.unknown = "time-out after 2s"
			case "no directory":
				o.Directory = nil
			case "no incident":
				c.Incident = flows.IncidentRef{}
			case "calls=2":
				o.Limits.Calls = 2
			default:
				t.Fatalf("unknown scene %q", word)
			}
		}
	}
	got := New(o).Reduce(t.Context(), in)
	for _, call := range got.Calls {
		if _, err := flows.Canonical(canonical(call.Answer)); err != nil {
			t.Errorf("answer of %s: %v", call.Name, err)
		}
	}
	return got
}

// outcome is an evaluation as comment lines.
func outcome(ev flows.Evaluation) string {
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, "# "+format+"\n", args...) }
	for _, p := range ev.Prints {
		say("print: %s", p)
	}
	for _, c := range ev.Calls {
		var args []string
		for _, a := range c.Args {
			args = append(args, fmt.Sprintf("%s=%v", a.Name, a.Value))
		}
		say("call: %s(%s) -> %s %v%s", c.Name, strings.Join(args, ", "), c.Result, c.Answer, c.Error)
	}
	if ev.Tainted {
		say("tainted")
	}
	switch {
	case ev.Fault != "":
		say("fault: %s", ev.Fault)
	case ev.Proposal == nil:
		say("no route")
	default:
		for _, s := range ev.Proposal.Stages {
			line := fmt.Sprint("stage: people=", s.People)
			for name, v := range map[string]any{"unlinked": s.Unlinked, "channel": s.Channel} {
				if fmt.Sprint(v) != "" && fmt.Sprint(v) != "[]" {
					line += fmt.Sprintf(" %s=%v", name, v)
				}
			}
			if s.AllowSelf != nil {
				line += fmt.Sprint(" allow_self=", *s.AllowSelf)
			}
			if s.Quorum > 0 {
				line += fmt.Sprint(" quorum=", s.Quorum)
			}
			if s.Timeout > 0 {
				line += fmt.Sprint(" timeout=", s.Timeout)
			}
			say("%s: %s", line, s.Why)
		}
	}
	return b.String()
}

// canonical replaces Personal, as sealing an entry does.
func canonical(v any) any {
	switch v := v.(type) {
	case flows.Personal:
		return map[string]any{"commit": "sha256:…"}
	case []any:
		out := []any{}
		for _, x := range v {
			out = append(out, canonical(x))
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = canonical(x)
		}
		return out
	}
	return v
}
