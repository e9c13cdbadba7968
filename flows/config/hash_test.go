package config_test

import (
	"reflect"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/flows/config"
)

// derived are fields that a hash cannot or need not hold: itself, and the hash of the
// source, which it takes from the source.
var derived = map[string]bool{"Flow.Hash": true, "Flow.SourceHash": true, "TargetSpec.Hash": true}

func fullFlow() *flows.Flow {
	return &flows.Flow{
		ID: "x", Targets: []flows.TargetID{"a"}, Source: []byte("s"), Requesters: []flows.Principal{"U1"},
		Durations: []time.Duration{time.Hour}, EndWith: []flows.EndCause{flows.EndShift},
		OnCall:   flows.OnCallLimits{Policies: []string{"P"}},
		Fallback: flows.Fallback{Approvers: []flows.Principal{"U2"}},
		Vars:     map[string]any{"a": "x"},
		Fields:   []flows.PromptField{{Name: "f", Choices: []string{"c"}}},
	}
}

func fullTarget() *flows.TargetSpec {
	return &flows.TargetSpec{
		ID: "x", Settings: map[string]any{"url": "u"},
		Secrets: map[string]flows.Secret{"secret": flows.NewSecret("s", nil)},
	}
}

// Every field of a flow, however deep, is in its hash: also one that is added later.
func TestEveryFieldOfAFlowIsHashed(t *testing.T) {
	t.Parallel()
	before := config.HashFlow(fullFlow())
	n := mutate(t, reflect.TypeFor[flows.Flow](), func() (reflect.Value, func() string) {
		f := fullFlow()
		return reflect.ValueOf(f).Elem(), func() string { return config.HashFlow(f) }
	}, before)
	if n < 35 {
		t.Errorf("only %d changes were tried", n)
	}
}

func TestEveryFieldOfATargetIsHashed(t *testing.T) {
	t.Parallel()
	before := config.HashTarget(fullTarget())
	n := mutate(t, reflect.TypeFor[flows.TargetSpec](), func() (reflect.Value, func() string) {
		s := fullTarget()
		return reflect.ValueOf(s).Elem(), func() string { return config.HashTarget(s) }
	}, before)
	if n < 7 {
		t.Errorf("only %d changes were tried", n)
	}
}

// What executes a target's grants, and where, is told from what only describes it.
func TestMeans(t *testing.T) {
	t.Parallel()
	before := config.HashMeans(fullTarget())
	for name, c := range map[string]struct {
		change func(*flows.TargetSpec)
		same   bool
	}{
		"kind":     {func(s *flows.TargetSpec) { s.Kind = "webhook" }, false},
		"address":  {func(s *flows.TargetSpec) { s.Settings["url"] = "v" }, false},
		"settings": {func(s *flows.TargetSpec) { s.Settings["allow_private"] = true }, false},
		"name":     {func(s *flows.TargetSpec) { s.ID = "y" }, false},
		"label":    {func(s *flows.TargetSpec) { s.Label = "L" }, true},
		"limit":    {func(s *flows.TargetSpec) { s.MaxDuration = 1 }, true},
		"secret":   {func(s *flows.TargetSpec) { s.Secrets["secret"] = flows.NewSecret("t", nil) }, true},
	} {
		s := fullTarget()
		c.change(s)
		if same := config.HashMeans(s) == before; same != c.same {
			t.Errorf("another %s: the same means is %v", name, same)
		}
	}
}

// mutate changes one leaf after the other, each on a fresh value, and wants another
// hash each time. It returns how many changes it tried.
func mutate(t *testing.T, typ reflect.Type, fresh func() (reflect.Value, func() string), before string) int {
	t.Helper()
	root, _ := fresh()
	paths := leaves(typ.Name(), root)
	for _, p := range paths {
		v, hash := fresh()
		p.change(v)
		if hash() == before {
			t.Errorf("%s was changed and the hash is the same", p.name)
		}
	}
	return len(paths)
}

// leaf is one place in a value and how to change it.
type leaf struct {
	name   string
	change func(root reflect.Value)
}

func leaves(name string, v reflect.Value) []leaf {
	at := func(root reflect.Value) reflect.Value { return root }
	return below(name, v, at)
}

func below(name string, v reflect.Value, at func(reflect.Value) reflect.Value) []leaf {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[flows.Secret]() {
			return []leaf{{name, func(r reflect.Value) { at(r).Set(reflect.ValueOf(flows.NewSecret("other", nil))) }}}
		}
		var out []leaf
		for i := range v.NumField() {
			field := name + "." + v.Type().Field(i).Name
			if !derived[field] {
				out = append(out, below(field, v.Field(i), func(r reflect.Value) reflect.Value { return at(r).Field(i) })...)
			}
		}
		return out
	case reflect.Slice:
		out := []leaf{{name + " (one more)", func(r reflect.Value) {
			s := at(r)
			s.Set(reflect.Append(s, reflect.Zero(s.Type().Elem())))
		}}}
		if v.Len() > 0 && v.Type().Elem().Kind() != reflect.Uint8 {
			out = append(out, below(name+"[0]", v.Index(0), func(r reflect.Value) reflect.Value { return at(r).Index(0) })...)
		}
		return out
	case reflect.Map:
		return []leaf{
			{name + " (one more)", func(r reflect.Value) {
				m := at(r)
				m.SetMapIndex(reflect.ValueOf("new"), m.MapIndex(m.MapKeys()[0]))
			}},
			{name + " (one less)", func(r reflect.Value) { at(r).Clear() }},
		}
	case reflect.String:
		return []leaf{{name, func(r reflect.Value) { at(r).SetString(at(r).String() + "x") }}}
	case reflect.Bool:
		return []leaf{{name, func(r reflect.Value) { at(r).SetBool(!at(r).Bool()) }}}
	case reflect.Int, reflect.Int64:
		return []leaf{{name, func(r reflect.Value) { at(r).SetInt(at(r).Int() + 1) }}}
	}
	panic("a kind of field that this test does not know: " + name + " " + v.Kind().String())
}

func TestCatalogHash(t *testing.T) {
	t.Parallel()
	fresh := func() *flows.Catalog {
		return &flows.Catalog{
			Team: "T1", World: flows.WorldReal, FlowOrder: []flows.FlowID{"a", "b"},
			Flows:   map[flows.FlowID]*flows.Flow{"a": {Hash: "1"}, "b": {Hash: "2"}},
			Targets: map[flows.TargetID]*flows.TargetSpec{"t": {Hash: "3"}},
			Links:   flows.NewLinks([]flows.Link{{Name: "dana", Person: "T1/U1", PagerDuty: "P1"}}),
			Admins:  []flows.Principal{"U1"}, Auditors: []flows.Principal{"U2"},
		}
	}
	before := config.HashCatalog(fresh())
	if config.HashCatalog(fresh()) != before {
		t.Fatal("the same catalog has two hashes")
	}
	for name, change := range map[string]func(*flows.Catalog){
		"team": func(c *flows.Catalog) { c.Team = "T2" }, "world": func(c *flows.Catalog) { c.World = flows.WorldSimulated },
		"console":  func(c *flows.Catalog) { c.Console = "https://elsewhere" },
		"flow":     func(c *flows.Catalog) { c.Flows["a"].Hash = "9" },
		"order":    func(c *flows.Catalog) { c.FlowOrder[0], c.FlowOrder[1] = "b", "a" },
		"target":   func(c *flows.Catalog) { c.Targets["t"].Hash = "9" },
		"adapter":  func(c *flows.Catalog) { c.Adapters = map[flows.AdapterID]*flows.Adapter{"a": {Hash: "1"}} },
		"admins":   func(c *flows.Catalog) { c.Admins = nil },
		"auditors": func(c *flows.Catalog) { c.Auditors = append(c.Auditors, "U3") },
		"name": func(c *flows.Catalog) {
			c.Links = flows.NewLinks([]flows.Link{{Name: "d", Person: "T1/U1", PagerDuty: "P1"}})
		},
		"link": func(c *flows.Catalog) {
			c.Links = flows.NewLinks([]flows.Link{{Name: "dana", Person: "T1/U1", PagerDuty: "P2"}})
		},
		"proposed": func(c *flows.Catalog) {
			c.Links = flows.NewLinks([]flows.Link{{Name: "dana", Person: "T1/U1", PagerDuty: "P1", Proposed: true}})
		},
	} {
		c := fresh()
		change(c)
		if config.HashCatalog(c) == before {
			t.Errorf("%s was changed and the hash is the same", name)
		}
	}
}

// A load gives the same hashes every time, and the handler's text is in them.
func TestHashesOfALoad(t *testing.T) {
	t.Parallel()
	dir := with(t, "")
	a, b := load(t, dir, config.Options{}), load(t, dir, config.Options{})
	dir["prod.py"].Data = []byte("x = 2\n")
	c := load(t, dir, config.Options{})
	if a.Catalog.Hash != b.Catalog.Hash || a.Catalog.Hash == c.Catalog.Hash {
		t.Errorf("catalog: %s, again %s, other handler %s", a.Catalog.Hash, b.Catalog.Hash, c.Catalog.Hash)
	}
	fa, fc := a.Catalog.Flows["base"], c.Catalog.Flows["base"]
	if fa.Hash == fc.Hash || fa.SourceHash == fc.SourceHash || len(fa.Hash) != 64 {
		t.Errorf("flow: %s and %s", fa.Hash, fc.Hash)
	}
}
