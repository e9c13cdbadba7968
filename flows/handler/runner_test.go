package handler

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/flows/handler/python"
)

const asksOnce = header + "def get_approvers(evt):\n    return slack.group(pagerduty.users_on_call())\n"

func TestCompiledOncePerRevision(t *testing.T) {
	t.Parallel()
	var compiled atomic.Int32
	r := New(Options{OnCall: testRota(), Programs: 4, Log: func(string, string) { compiled.Add(1) }})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got := r.Reduce(t.Context(), testInput(asksOnce, dana)); got.Fault != "" || len(got.Proposal.Stages) != 1 {
					t.Errorf("%+v", got)
				}
			}
		})
	}
	wg.Wait()
	if n := compiled.Load(); n != 1 {
		t.Errorf("compiled %d times", n)
	}
	for i := range 20 {
		r.Reduce(t.Context(), testInput(fmt.Sprintf("%s# revision %d\n", asksOnce, i), dana))
		r.Reduce(t.Context(), testInput(asksOnce, dana))
	}
	if n := compiled.Load(); n != 21 {
		t.Errorf("compiled %d times; the one in use must stay", n)
	}
	if len(r.compiled) > 4 {
		t.Errorf("%d programs are kept", len(r.compiled))
	}
}

func TestQueryCarriesAgeAndClick(t *testing.T) {
	t.Parallel()
	oncall := testRota()
	in := testInput(header+"def get_approvers(evt):\n    pagerduty.is_on_call(evt.user, escalation_policy_name='a', schedule_id='b')\n", dana)
	in.MaxAge, in.Click = 42*time.Second, true
	New(Options{OnCall: oncall}).Reduce(t.Context(), in)
	want := []flows.OnCallQuery{{Policy: "a", Schedule: "b", MaxAge: 42 * time.Second, Click: true}}
	if diff := cmp.Diff(want, oncall.asked); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestOneReadPerPlace holds that two questions about one part of the rota cost one read.
func TestOneReadPerPlace(t *testing.T) {
	t.Parallel()
	oncall := testRota()
	in := testInput(header+"def get_approvers(evt):\n    pagerduty.is_on_call(evt.user)\n    pagerduty.users_on_call(max_level=1)\n    pagerduty.users_on_call()\n", dana)
	got := New(Options{OnCall: oncall}).Reduce(t.Context(), in)
	if len(oncall.asked) != 1 || len(got.Calls) != 3 {
		t.Errorf("%d reads for %d calls", len(oncall.asked), len(got.Calls))
	}
}

// TestPastShiftsDoNotCount holds that an entry of a cached answer whose shift is over
// at this moment is not on call.
func TestPastShiftsDoNotCount(t *testing.T) {
	t.Parallel()
	oncall := &testOnCall{entries: []flows.OnCallEntry{{User: "PDANA", PolicyName: "prod", Level: 1, ScheduleID: "S", End: testNow.Add(-time.Second)}}}
	in := testInput(header+"def get_approvers(evt):\n    if pagerduty.is_on_call(evt.user):\n        return slack.user(evt.user)\n", dana)
	if got := New(Options{OnCall: oncall}).Reduce(t.Context(), in); got.Proposal != nil || got.Calls[0].Result != flows.No {
		t.Errorf("%+v", got)
	}
}

// stuck is an on-call port that answers when the context is over.
type stuck struct{}

func (stuck) OnCall(ctx context.Context, _ flows.OnCallQuery) flows.OnCallAnswer {
	<-ctx.Done()
	return flows.OnCallAnswer{Why: ctx.Err().Error()}
}

func TestTimeoutEndsHostCalls(t *testing.T) {
	t.Parallel()
	got := New(Options{OnCall: stuck{}, Timeout: 20 * time.Millisecond}).Reduce(t.Context(), testInput(asksOnce, dana))
	if !got.Tainted || got.Proposal != nil || !strings.Contains(got.Fault, "deadline exceeded") {
		t.Errorf("%+v", got)
	}
}

func TestTimeoutEndsLoops(t *testing.T) {
	t.Parallel()
	o := Options{OnCall: testRota(), Timeout: 20 * time.Millisecond, Limits: Limits{Steps: 1 << 60}}
	got := New(o).Reduce(t.Context(), testInput("def get_approvers(evt):\n    while True:\n        pass\n", dana))
	if got.Proposal != nil || !strings.Contains(got.Fault, "did not end within 20ms") {
		t.Errorf("%+v", got)
	}
}

func TestCancelledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := New(Options{OnCall: stuck{}}).Reduce(ctx, testInput(asksOnce, dana))
	if got.Proposal != nil || got.Fault == "" {
		t.Errorf("%+v", got)
	}
}

func TestTookComesFromTheClock(t *testing.T) {
	t.Parallel()
	clock := flows.NewHandClock(testNow)
	o := Options{OnCall: testRota(), Now: func() time.Time { clock.Push(time.Second); return clock.Now() }}
	if got := New(o).Reduce(t.Context(), testInput(asksOnce, dana)); got.Took != time.Second {
		t.Errorf("took %s", got.Took)
	}
}

// TestBadFileIsAFault holds that a file with problems routes nothing and says where.
func TestBadFileIsAFault(t *testing.T) {
	t.Parallel()
	got := reduce(t, "def get_approvers(evt)\n    pass\n", dana)
	if got.Proposal != nil || got.Tainted || !strings.HasPrefix(got.Fault, `prod.py:1:23: expected ":"`) {
		t.Errorf("%+v", got)
	}
}

// TestRepeatable holds that the same facts give the same outcome, byte for byte: maps
// and caches do not show.
func TestRepeatable(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/programs/event.py")
	if err != nil {
		t.Fatal(err)
	}
	first := outcome(runScene(t, string(source)))
	for range 20 {
		if again := outcome(runScene(t, string(source))); again != first {
			t.Fatal(cmp.Diff(first, again))
		}
	}
}

// TestStubs holds the stubs for editors against the modules: the same functions with
// the same parameters.
func TestStubs(t *testing.T) {
	t.Parallel()
	for file, m := range map[string]*module{
		"stubs/breakglass/pagerduty.pyi": theLanguage().modules["breakglass.pagerduty"],
		"stubs/breakglass/slack.pyi":     theLanguage().modules["breakglass.slack"],
		"stubs/breakglass/__init__.pyi":  theLanguage().modules["sym.sdk.annotations"],
	} {
		b, err := fs.ReadFile(Files, file)
		if err != nil {
			t.Fatal(err)
		}
		tree, _ := python.Parse(b) // relative imports are not for handlers
		stub := map[string][]string{}
		for _, s := range tree.Body {
			switch s := s.(type) {
			case *python.FuncDef:
				stub[s.Name.ID] = []string{}
				for _, p := range s.Params {
					if p.Stars == 0 {
						stub[s.Name.ID] = append(stub[s.Name.ID], p.Name.ID)
					}
				}
			case *python.ClassDef:
				if s.Name.ID == "Event" {
					checkEventStub(t, b)
				}
			}
		}
		for name, v := range m.members {
			f := v.(*function)
			want := f.params
			if f.open {
				want = stub[name] // takes anything
			}
			if got, there := stub[name]; !there || !slices.Equal(got, want) {
				t.Errorf("%s: %s(%v) stands there as %v", file, name, f.params, got)
			}
			delete(stub, name)
		}
		if len(stub) > 0 {
			t.Errorf("%s: %v are not there", file, keys(stub))
		}
	}
}

func checkEventStub(t *testing.T, b []byte) {
	t.Helper()
	_, body, _ := strings.Cut(string(b), "class Event:")
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^    (\w+):`).FindAllStringSubmatch(body, -1) {
		got = append(got, m[1])
	}
	slices.Sort(got)
	if diff := cmp.Diff(eventAttrs, got); diff != "" {
		t.Errorf("-code +stub:\n%s", diff)
	}
}

// TestReadme holds that the handlers in the README can run.
func TestReadme(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```python\n(.*?)```").FindAllStringSubmatch(string(b), -1)
	if len(blocks) == 0 {
		t.Fatal("no handler in the README")
	}
	for _, m := range blocks {
		if problems := Check("README.md", []byte(m[1])); problems != nil {
			t.Errorf("%v", problems)
		}
	}
}

func TestNoPagerDuty(t *testing.T) {
	t.Parallel()
	got := New(Options{}).Reduce(t.Context(), testInput(asksOnce, dana))
	if !got.Tainted || got.Proposal != nil || !strings.Contains(got.Fault, "no PagerDuty integration") {
		t.Errorf("%+v", got)
	}
}
