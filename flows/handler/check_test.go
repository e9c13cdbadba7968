package handler

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const header = "from breakglass import pagerduty, reducer, slack\n"

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"nothing there", "", []string{"1:1 there is no get_approvers (write def get_approvers(evt): and return slack.user(…) or slack.group(…))"}},
		{"renamed", "def get_approver(evt):\n    pass\n", []string{"1:5 there is no get_approvers (rename get_approver to get_approvers)"}},
		{"not a function", "get_approvers = 1\n", []string{"1:1 get_approvers is not a function (write def get_approvers(evt):)"}},
		{"two parameters", "def get_approvers(a, b):\n    pass\n", []string{"1:1 get_approvers is called with one argument, the event (write def get_approvers(evt):)"}},
		{"no parameter", "def get_approvers():\n    pass\n", []string{"1:1 get_approvers is called with one argument, the event (write def get_approvers(evt):)"}},
		{"a default is fine", "def get_approvers(evt, *, x=1):\n    pass\n", nil},
		{"stars are fine", "def get_approvers(*args, **kwargs):\n    pass\n", nil},
		{"keyword-only is not", "def get_approvers(evt, *, x):\n    pass\n", []string{"1:1 get_approvers is called with one argument, the event (write def get_approvers(evt):)"}},
		{"module", "import breakglas\nimport requests\nimport json\nimport foo\n" + fine, []string{
			"1:8 there is no module \"breakglas\" (did you mean breakglass?)",
			"2:8 there is no module \"requests\" (a handler reaches nothing but the modules of breakglass; leave it out)",
			"3:8 there is no module \"json\" (Python's own modules are not supported yet; leave it out)",
			"4:8 there is no module \"foo\" (there are breakglass, breakglass.pagerduty, breakglass.slack, sym.sdk, sym.sdk.annotations, sym.sdk.integrations, sym.sdk.integrations.pagerduty, sym.sdk.integrations.slack)",
		}},
		{"import star", "from breakglass import *\n" + fine, []string{"1:24 import * is not supported (name what you use: from breakglass import pagerduty, reducer, slack)"}},
		{"dotted import", "import sym.sdk.integrations\n" + fine, []string{"1:8 a module with dots is imported with from (write from sym.sdk import integrations)"}},
		{"dotted import with as", "import sym.sdk.integrations as i\nX = i.slack\n" + fine, nil},
		{"function of a module", header + "def get_approvers(evt):\n    return slack.gruop(pagerduty.users_for_schedule(), [slack.x])\n", []string{
			"3:18 slack has no \"gruop\" (did you mean group?)",
			"3:34 pagerduty has no \"users_for_schedule\" (it is not supported yet; users_on_call(schedule_name=…) has who is on call now)",
			"3:63 slack has no \"x\"",
		}},
		{"a shadowed module is not checked", header + "def get_approvers(evt):\n    slack = {}\n    return slack.get('x')\n", nil},
		{"argument of a function", "from breakglass.pagerduty import is_on_call\n" + header + "def get_approvers(evt):\n    is_on_call(evt.user, policy='x')\n    slack.user(evt.user, alow_self=True)\n", []string{
			"4:26 pagerduty.is_on_call has no argument \"policy\"",
			"5:26 slack.user has no argument \"alow_self\" (did you mean allow_self?)",
		}},
		{"attribute of the event", "def get_approvers(request):\n    return request.usr, request.payload, request.get_actor()\n", []string{
			"2:20 the event has no \"usr\" (did you mean user?)",
			"2:50 the event has no \"get_actor\"",
		}},
		{"an event that is replaced is not checked", "def get_approvers(evt):\n    evt = slack_of(evt)\n    return evt.anything\n\ndef slack_of(e):\n    return e\n", nil},
		{"undefined names", "def get_approvers(evt):\n    users = []\n    return usres + map(f, set(users)) + open('x')\n", []string{
			"3:12 the name \"usres\" is not defined (did you mean users?)",
			"3:20 the name \"map\" is not defined (write [f(x) for x in xs])",
			"3:24 the name \"f\" is not defined",
			"3:27 the name \"set\" is not defined (write a list, or a dict with True as values)",
			"3:41 the name \"open\" is not defined (a handler has no files)",
		}},
		{"hooks cannot be named", "def get_approvers(evt):\n    return hash(bytes(dir(1)))\n", []string{
			"2:12 the name \"hash\" is not defined",
			"2:17 the name \"bytes\" is not defined (write text, with plain quotes)",
			"2:23 the name \"dir\" is not defined (see the stubs of breakglass flow stubs)",
		}},
		{"not yet", "class A:\n    pass\ndef get_approvers(evt):\n    with a as b:\n        pass\n    try:\n        raise b\n    except A as e:\n        del e\n    global x\n    for i in []:\n        pass\n    else:\n        pass\n    y = {1, 2}\n    z = {q for q in y}\n    return f'{z:>3}'\n", []string{
			"1:1 classes are not supported yet (write functions, and keep data in a dict)",
			"4:5 with is not supported yet (call the functions one after the other)",
			"4:10 the name \"a\" is not defined",
			"6:5 try is not supported yet (leave try out: an error already stops the handler, and the flow's fallback decides)",
			"7:9 raise is not supported yet (write fail(\"what went wrong\"))",
			"9:9 del is not supported yet (for an entry of a dict or list, write d.pop(key))",
			"10:5 global is not supported: what is at the top of the file cannot change later (return the value from the function)",
			"11:5 a for with an else is not supported (set a variable in the loop and test it afterwards)",
			"15:9 sets are not supported yet (write a list [a, b], or a dict {a: True, b: True})",
			"16:9 sets are not supported yet (write a list comprehension [… for …])",
			"17:15 format specs in f-strings are not supported yet (round or pad the value first, and put it in without the part after the colon)",
		}},
		{"comparisons", "def get_approvers(evt):\n    return 1 < len([]) < 3, evt is 'x', evt is None\n", []string{
			"2:16 a chained comparison needs a name or a plain value in the middle (give the middle a name first, on a line of its own)",
			"2:33 \"is\" is for None, True and False only (to compare values, write == or !=)",
		}},
		{"targets", "def get_approvers(evt):\n    evt.user = 1\n    a = [1]\n    a[0:1] = [2]\n    b, *c = a\n    return lambda *d: d\n", []string{
			"2:9 attributes cannot be assigned to (keep values in variables or in a dict)",
			"4:6 slices cannot be assigned to (build a new list)",
			"5:8 * in an assignment is not supported (take the parts by index: first = xs[0], rest = xs[1:])",
			"6:19 a lambda with *d is not supported (write a def)",
		}},
		{"fails while it is loaded", "X = {}\nY = X['a']\n" + fine, []string{"2:6 key \"a\" not in dict"}},
		{"break outside", "def get_approvers(evt):\n    break\n", []string{"2:5 break not in a loop"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, p := range Check("prod.py", []byte(c.src)) {
				got = append(got, strings.TrimPrefix(strings.Replace(p.Error(), ": ", " ", 1), "prod.py:"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

const fine = "def get_approvers(evt):\n    pass\n"

// TestExamples holds that what operators copy can run.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("examples/*.py")
	if err != nil || len(files) < 5 {
		t.Fatalf("found %d examples: %v", len(files), err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if problems := Check(filepath.Base(file), source); problems != nil {
			t.Errorf("%v", problems)
		}
	}
}

// TestSourceBombs holds that a file cannot cost more by being read than by being run.
// It is not parallel: it measures.
func TestSourceBombs(t *testing.T) {
	n := 128 << 10
	for name, src := range map[string]string{
		"lists":      "x = [" + strings.Repeat("[],", n/3-10) + "]",
		"dicts":      "x = [" + strings.Repeat("{},", n/3-10) + "]",
		"lambdas":    "x = [" + strings.Repeat("lambda:0,", n/9-10) + "]",
		"names":      "x = [" + strings.Repeat("a,", n/2-10) + "]",
		"texts":      "x = [" + strings.Repeat("'',", n/3-10) + "]",
		"statements": strings.Repeat("a=1\n", n/4-10),
		"functions":  strings.Repeat("def f():0\n", n/10-10),
		"conditions": strings.Repeat("if 1:0\n", n/7-10),
		"chains":     strings.Repeat("a"+strings.Repeat("+a", 390)+"\n", n/800),
		"arguments":  strings.Repeat("print("+strings.Repeat("a,", 250)+")\n", n/520),
		"imports":    strings.Repeat("from a import b\n", n/16-10),
		"mistakes":   strings.Repeat("x = )\n", n/6-10),
		"typos":      strings.Repeat("abcdefghijklmnop\n", n/17-10),
		"f-strings":  strings.Repeat("f'{a}{a}{a}'\n", n/13-10),
		"targets":    strings.Repeat("a[0]+=1\n", n/8-10),
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			began, peak := time.Now(), watchHeap(t)
			problems := Check("prod.py", []byte(src))
			grown, took := int64(peak())-int64(before.HeapAlloc), time.Since(began)
			if len(problems) == 0 {
				t.Error("no problem was told")
			}
			if grown > maxHeap {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
			if took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			t.Logf("%s; heap +%d KiB; %d problems", took.Round(time.Millisecond), grown>>10, len(problems))
		})
	}
}

// FuzzCheck holds that no file makes the checker panic or hang: reading, lowering,
// resolving, compiling and loading. What has no problem must also run, to a route or a
// fault.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"examples/*.py", "testdata/programs/*.py", "testdata/bombs/*.py"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		began := time.Now()
		problems := Check("prod.py", src)
		for _, p := range problems {
			if p.Line < 1 || p.Col < 1 || p.Message == "" || strings.Contains(p.Error(), "$") && !strings.Contains(string(src), "$") {
				t.Errorf("%+v", p)
			}
		}
		if problems == nil {
			got := New(Options{OnCall: testRota()}).Reduce(t.Context(), testInput(string(src), dana))
			if got.Fault != "" && !strings.HasPrefix(got.Fault, "prod.py:") {
				t.Errorf("fault without a place: %s", got.Fault)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
