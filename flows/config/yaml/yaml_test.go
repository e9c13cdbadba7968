package yaml_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	other "go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"breakglass/flows/config/yaml"
)

// good are documents in every form that people and programs write.
var good = map[string]string{
	"nothing":          "",
	"comments only":    "# nothing\n\n# here\n",
	"map":              "a: 1\nb: two words  # comment\nc:\nd: ~\n",
	"nested":           "a:\n  b:\n    c: d\n  e: f\ng: h\n",
	"list below key":   "a:\n- 1\n- 2\nb:\n  - 3\n",
	"list of maps":     "- name: x\n  value: y\n-   name: z\n    value: w\n-\n  name: v\n",
	"list in list":     "- - a\n  - b\n- - - c\n-\n- d\n",
	"quotes":           "a: 'it''s'\nb: \"tab\\there \\u00e9 \\x41 \\U0001F600\"\n\"key: x\": 1\n'k y' : 2\n",
	"quotes on lines":  "a: \"one\n  two\n\n  three\\\n    four \\\n  five\"\nb: 'x\n  y'\n",
	"plain on lines":   "a: one\n  two\n\n  three\nb: c\n",
	"plain at the top": "one\ntwo\n",
	"colons and marks": "url: https://api.pagerduty.com\ntime: 12:30\ncomment: a#b\nx: a,b\ny: -1\nz: ?x\n",
	"flow":             "a: [1, 'two', \"three\", four five, [6], {x: y}]\nb: {}\nc: []\nd: {a: 1, b: , c, \"d\":e, f: {g: [h]}}\n",
	"flow on lines":    "a: [\n  one, # first\n  two\n]\nb: {\n  c: d,\n  e: 'f'\n}\nc: x\n",
	"literal":          "a: |\n  one\n   two\n\n  three\n\n\nb: |-\n  x\nc: |+\n  y\n\nd: |2\n    z\n",
	"folded":           "a: >\n  one\n  two\n\n  three\n    code\n    more\n  four\n\n\nb: >-\n\n  lead\n  x\n",
	"literal in list":  "- |\n  a\n  # no comment\n- >-\n  b\n  c\n- x\n",
	"literal of none":  "a: |\nb: x\n",
	"documents":        "---\na: 1\n---\nb: 2\n...\n---\n- c\n",
	"after the mark":   "--- # comment\na: 1\n",
	"windows":          "a: 1\r\nb:\r\n  - x\r\n  - \"y\r\n    z\"\r\nc: |\r\n  t\r\n",
	"atlas":            "spec:\n  baseUrl: https://api.pagerduty.com\n  headers:\n  - name: Authorization\n    value: Token token=${{ PAGERDUTY_ACCOUNT_TOKEN }}\n",
	"json":             `{"a": [1, 2, {"b": null}], "c\n": "d\u00e9", "e":true}`,
	"json on lines":    "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {\n    \"c\": \"d\"\n  }\n}\n",
	"further comments": "a:\n  # of b\n  b: 1\n # odd\nc: 2\n",
	"bom":              "\ufeffa: b\n",
	"no last break":    "a: |\n  x",
	"deep keys":        "a.b/c-d_e{f}: 1\n/incidents/{id}:\n  get:\n    summary: x\n",
}

func TestReadsAsOthersDo(t *testing.T) {
	t.Parallel()
	for name, src := range good {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := yaml.Parse([]byte(src))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(theirs(t, src), ours(got)); diff != "" {
				t.Errorf("the other reader has -, ours +:\n%s", diff)
			}
		})
	}
}

// ours and theirs bring both readers' nodes into one form.
func ours(docs []*yaml.Node) []any {
	var out []any
	for _, n := range docs {
		out = append(out, plainOf(n))
	}
	return out
}

func plainOf(n *yaml.Node) any {
	switch n.Kind {
	case yaml.List:
		out := []any{"list"}
		for _, i := range n.Items {
			out = append(out, plainOf(i))
		}
		return out
	case yaml.Map:
		out := []any{"map"}
		for _, p := range n.Pairs {
			out = append(out, p.Key, plainOf(p.Value))
		}
		return out
	}
	if n.Null() {
		return nil
	}
	return n.Text
}

func theirs(t *testing.T, src string) []any {
	t.Helper()
	out, err := otherReader(src)
	if err != nil {
		t.Fatalf("the other reader does not take it: %v", err)
	}
	return out
}

func otherReader(src string) (out []any, err error) {
	dec := other.NewDecoder(bytes.NewReader([]byte(src)))
	for {
		var n other.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		if len(n.Content) > 0 && n.Content[0].ShortTag() == "!!null" && n.Content[0].Value == "" {
			continue // a document without a value
		}
		out = append(out, otherPlain(&n))
	}
}

func otherPlain(n *other.Node) any {
	switch n.Kind {
	case other.DocumentNode:
		return otherPlain(n.Content[0])
	case other.SequenceNode:
		out := []any{"list"}
		for _, c := range n.Content {
			out = append(out, otherPlain(c))
		}
		return out
	case other.MappingNode:
		out := []any{"map"}
		for i := 0; i < len(n.Content); i += 2 {
			out = append(out, n.Content[i].Value, otherPlain(n.Content[i+1]))
		}
		return out
	}
	if n.ShortTag() == "!!null" {
		return nil
	}
	return n.Value
}

// JSON writes letters beyond 16 bits as two escapes.
func TestPairsOfEscapes(t *testing.T) {
	t.Parallel()
	docs, err := yaml.Parse([]byte(`{"a": "\ud83d\ude00"}`))
	if err != nil || docs[0].Get("a").Text != "😀" {
		t.Errorf("it is read as %v (%v)", ours(docs), err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src  string
		line int
		says string
	}{
		"alias":             {"a: 1\nb: *x\n", 2, "aliases are not read"},
		"anchor":            {"a: &x 1\n", 1, "anchors"},
		"anchor in a list":  {"- &x 1\n", 1, "anchors"},
		"alias in brackets": {"a: [*x, *x]\n", 1, "aliases"},
		"merge":             {"a: 1\n<<: {b: 2}\n", 2, "merge keys"},
		"tag":               {"a: !!binary x\n", 1, "tags"},
		"the same twice":    {"a: 1\nb: 2\na: 3\n", 3, "the second time; the first is in line 1"},
		"twice in brackets": {"x: {a: 1, \"a\": 2}\n", 1, "the second time"},
		"explicit key":      {"? a\n: b\n", 1, "begin with ?"},
		"tab":               {"a:\n\tb: 1\n", 2, "tab"},
		"further out":       {"a:\n    b: 1\n  c: 2\n", 3, "indented"},
		"no key":            {"a: 1\nwords\n", 2, "indented"},
		"colon":             {"a: b: c\n", 1, "colon"},
		"open quote":        {"a: \"b\nc: d\n", 2, "further out"},
		"open quote at end": {"a: 'b\n", 1, "closing"},
		"open bracket":      {"a: [b,\n c\n", 3, "missing"},
		"after a quote":     {"a: 'b' c\n", 1, "nothing else"},
		"no comma":          {"a: ['b' 'c']\n", 1, "comma"},
		"bad escape":        {`a: "\q"`, 1, "escape"},
		"half a letter":     {`a: "\ud800"`, 1, "no letter"},
		"not text":          {"a: b\nc: \xff\n", 2, "UTF-8"},
		"control":           {"a: \x1b[31m\n", 1, "UTF-8"},
		"reserved":          {"a: @b\n", 1, "in quotes"},
		"map as a key":      {"{{a: b}: c}\n", 1, "a key must be a text"},
		"list as a key":     {"{[a]: c}\n", 1, "a key must be a text"},
		"deep lists":        {strings.Repeat("- ", 200) + "x\n", 1, "nested more than 100 deep"},
		"deep brackets":     {strings.Repeat("[", 30000), 1, "nested more than 100 deep"},
		"deep maps":         {deep(150), 101, "nested more than 100 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs, err := yaml.Parse([]byte(c.src))
			stop, ok := errors.AsType[*yaml.Error](err)
			if !ok {
				t.Fatalf("it is read as %v (%v)", ours(docs), err)
			}
			if stop.Line != c.line || !strings.Contains(stop.Message, c.says) {
				t.Errorf("it is refused with %q, not in line %d with %q", stop, c.line, c.says)
			}
		})
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// What would be gigabytes when written out is refused, and what is merely long is read
// in time that grows with its length.
func TestHostileFilesAreHarmless(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+", ", 9) + "x]\n"
	}
	if _, err := yaml.Parse([]byte(bomb)); err == nil {
		t.Error("a file of aliases is read")
	}
	for name, src := range map[string]string{
		"one text of many lines":   "a: \"" + strings.Repeat(" x\n", 60000) + " \"\n",
		"many texts":               strings.Repeat("- x\n", 60000),
		"one line":                 "a: [" + strings.Repeat("x,", 60000) + "]\n",
		"many documents":           strings.Repeat("---\nx\n", 30000),
		"one text without quotes":  "a: x\n" + strings.Repeat("  x\n", 60000),
		"one text of empty lines":  "a: |\n" + strings.Repeat("\n", 150000) + "  x\n",
		"quotes that go on":        "a: [" + strings.Repeat("\"x\ny\",", 30000) + "]\n",
		"many keys that are a few": strings.Repeat("\n", 150000) + "a: b\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := yaml.Parse([]byte(src)); err != nil && !strings.Contains(err.Error(), "further out") {
				t.Error(err)
			}
		})
	}
}

// What another program writes is read as it was meant.
func TestReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := value(t, 3)
		src, err := other.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := otherReader(string(src))
		if err != nil {
			t.Skip("it does not read what it has written itself")
		}
		docs, err := yaml.Parse(src)
		if err != nil {
			t.Fatalf("%v\n%s", err, src)
		}
		if diff := cmp.Diff(theirs, ours(docs)); diff != "" {
			t.Errorf("the other reader has -, ours +:\n%s\n%s", diff, src)
		}
	})
}

func value(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 2).Draw(t, "kind")
	if depth == 0 {
		kind = 0
	}
	n := rapid.IntRange(0, 4).Draw(t, "size")
	switch kind {
	case 1:
		out := []any{}
		for range n {
			out = append(out, value(t, depth-1))
		}
		return out
	case 2:
		out := map[string]any{}
		for range n {
			out[key(t)] = value(t, depth-1)
		}
		return out
	}
	return text(t)
}

// key is a text that programs write as a key on one line.
func key(t *rapid.T) string {
	return strings.NewReplacer("\n", " ", "long words ", "w").Replace(text(t))
}

func text(t *rapid.T) string {
	words := []string{"a", "two words", "", " ", "  lead", "trail  ", "\n", "x\ny\n", "\tt", "#", " # c", ": ", "k: v", "- i", "'", "\"", "\\", "é", "*a", "&b", "{", "]", ",", "null", "12", "---", "|", ">", "?", "%", "<<", "\n\n", strings.Repeat("long words ", 12)}
	var b strings.Builder
	for range rapid.IntRange(1, 4).Draw(t, "parts") {
		b.WriteString(rapid.SampledFrom(words).Draw(t, "part"))
	}
	return strings.ReplaceAll(b.String(), "<<", "< ") // a key that is << alone merges
}

// Whatever comes in ends soon, without harm; what is read twice is read the same.
func FuzzParse(f *testing.F) {
	for _, src := range good {
		f.Add([]byte(src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		docs, err := yaml.Parse(src)
		if err != nil {
			if _, ok := errors.AsType[*yaml.Error](err); !ok {
				t.Errorf("it is refused without a line: %v", err)
			}
			return
		}
		again, _ := yaml.Parse(src)
		if diff := cmp.Diff(ours(docs), ours(again)); diff != "" {
			t.Error(diff)
		}
	})
}
