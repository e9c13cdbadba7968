package source

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Adapter is an http_adapter block to be written.
type Adapter struct {
	Name    string
	BaseURL string
	Headers []Header
	Allow   []string
	Callers []string
	Private bool // the upstream is inside the own network
}

// ReadsOf are the calls that an adapter begins with, where its API is known: to see
// incidents. Nil for others.
func ReadsOf(baseURL string) []string {
	switch strings.ToLower(strings.TrimRight(baseURL, "/")) {
	case "https://api.pagerduty.com", "https://api.eu.pagerduty.com":
		return []string{"GET /incidents", "GET /incidents/{id}"}
	}
	return nil
}

// Header is a header that it sets.
type Header struct {
	Name  string
	Value Text
}

// Variables are the environment variables that the adapter needs, each once.
func (a *Adapter) Variables() []string {
	var out []string
	for _, h := range a.Headers {
		for _, v := range h.Value.Variables() {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// AddAdapter adds an adapter, and a secret block for each variable that has none. Where
// the adapter stands there already, as it should be, nothing is changed; where it is
// another one, that is an error which says what differs.
func (d *Dir) AddAdapter(a *Adapter) error {
	secrets, missing := d.secretsFor(a.Variables())
	if differs, found := d.compare(a, secrets); found {
		if len(differs) == 0 {
			return nil
		}
		return fmt.Errorf("there is an http_adapter %q already, with another %s", a.Name, strings.Join(differs, ", "))
	}
	for _, v := range missing {
		d.added[v] = secrets[v]
		d.insertAfter("secret", quoteBlock("secret", secrets[v])+"  source = \"env\"\n  name   = "+quote(v)+"\n}\n")
	}
	d.insertAfter("http_adapter", a.block(secrets))
	return nil
}

// Blocks is the adapter with its secrets, to be written into a new file. The secrets are
// those that were written before, by variable.
func (a *Adapter) Blocks(secrets map[string]string) string {
	var b strings.Builder
	for _, v := range a.Variables() {
		if secrets[v] == "" {
			secrets[v] = free(secretName(v), func(name string) bool { return taken(secrets, name) })
			b.WriteString(quoteBlock("secret", secrets[v]) + "  source = \"env\"\n  name   = " + quote(v) + "\n}\n\n")
		}
	}
	return b.String() + a.block(secrets)
}

// block is the block's text.
func (a *Adapter) block(secrets map[string]string) string {
	var b strings.Builder
	b.WriteString(quoteBlock("http_adapter", a.Name))
	rows := [][2]string{{"base_url", quote(a.BaseURL)}}
	if len(a.Headers) > 0 {
		wide := 0
		for _, h := range a.Headers {
			wide = max(wide, len(key(h.Name)))
		}
		var in strings.Builder
		in.WriteString("{\n")
		for _, h := range a.Headers {
			fmt.Fprintf(&in, "    %-*s = %s\n", wide, key(h.Name), h.Value.write(secrets))
		}
		rows = append(rows, [2]string{"headers", in.String() + "  }"})
	}
	rows = append(rows, [2]string{"allow", list(a.Allow, "  ")})
	if len(a.Callers) > 0 {
		rows = append(rows, [2]string{"callers", list(a.Callers, "  ")})
	}
	if a.Private {
		rows = append(rows, [2]string{"allow_private", "true"})
	}
	for i, r := range rows {
		fmt.Fprintf(&b, "  %-*s = %s\n", width(rows, i), r[0], r[1])
	}
	b.WriteString("}\n")
	return b.String()
}

// width is how far the names of a row and its neighbours are filled up, as the formatter
// of the language does it: a value over several lines stands alone.
func width(rows [][2]string, i int) int {
	long := func(j int) bool { return strings.Contains(rows[j][1], "\n") }
	wide := len(rows[i][0])
	if long(i) {
		return wide
	}
	for j := i - 1; j >= 0 && !long(j); j-- {
		wide = max(wide, len(rows[j][0]))
	}
	for j := i + 1; j < len(rows) && !long(j); j++ {
		wide = max(wide, len(rows[j][0]))
	}
	return wide
}

func key(name string) string {
	if hclsyntax.ValidIdentifier(name) {
		return name
	}
	return quote(name)
}

// secretsFor finds the secrets that are read from variables, and names those that there
// are none of yet.
func (d *Dir) secretsFor(variables []string) (names map[string]string, missing []string) {
	names, used := map[string]string{}, map[string]string{}
	for v, name := range d.added {
		used[name] = name
		if slices.Contains(variables, v) {
			names[v] = name
		}
	}
	d.each("secret", func(_ string, _ *file, b *hclsyntax.Block) {
		if len(b.Labels) != 1 {
			return
		}
		used[b.Labels[0]] = b.Labels[0]
		source, _ := literal(b, "source")
		variable, ok := literal(b, "name")
		if ok && source == "env" && names[variable] == "" && slices.Contains(variables, variable) && len(b.Body.Attributes) == 2 {
			names[variable] = b.Labels[0]
		}
	})
	for _, v := range variables {
		if names[v] == "" {
			names[v] = free(secretName(v), func(name string) bool { return taken(used, name) })
			used[names[v]] = names[v]
			missing = append(missing, v)
		}
	}
	return names, missing
}

func taken(in map[string]string, name string) bool {
	for _, n := range in {
		if n == name {
			return true
		}
	}
	return false
}

// free is a name that nothing has yet.
func free(name string, taken func(string) bool) string {
	for n := 2; ; n++ {
		if !taken(name) {
			return name
		}
		name = fmt.Sprintf("%s_%d", strings.TrimSuffix(name, fmt.Sprintf("_%d", n-1)), n)
	}
}

// literal is an attribute's text where it is written plainly.
func literal(b *hclsyntax.Block, name string) (string, bool) {
	a := b.Body.Attributes[name]
	if a == nil || len(a.Expr.Variables()) > 0 {
		return "", false
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return v.AsString(), true
}

// compare finds an adapter of that name and says what is different in it.
func (d *Dir) compare(a *Adapter, secrets map[string]string) (differs []string, found bool) {
	b, f := d.adapter(a.Name)
	if b == nil {
		return nil, false
	}
	if url, _ := literal(b, "base_url"); strings.TrimRight(url, "/") != strings.TrimRight(a.BaseURL, "/") {
		differs = append(differs, "base_url")
	}
	if a.Private && b.Body.Attributes["allow_private"] == nil {
		differs = append(differs, "allow_private")
	}
	has := map[string]string{}
	if at := b.Body.Attributes["headers"]; at != nil {
		pairs, _ := hcl.ExprMap(at.Expr)
		for _, p := range pairs {
			name, _ := p.Key.Value(nil)
			if !name.IsNull() && name.IsKnown() && name.Type() == cty.String {
				has[textproto.CanonicalMIMEHeaderKey(name.AsString())] = string(p.Value.Range().SliceBytes(f.src))
			}
		}
	}
	for _, h := range a.Headers {
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		if has[name] != h.Value.write(secrets) {
			differs = append(differs, name)
		}
	}
	return differs, true
}

// adapter finds an http_adapter block.
func (d *Dir) adapter(name string) (found *hclsyntax.Block, in *file) {
	d.each("http_adapter", func(_ string, f *file, b *hclsyntax.Block) {
		if len(b.Labels) == 1 && b.Labels[0] == name && found == nil {
			found, in = b, f
		}
	})
	return found, in
}

// Adapters are the names of the adapters.
func (d *Dir) Adapters() []string {
	var out []string
	d.each("http_adapter", func(_ string, _ *file, b *hclsyntax.Block) {
		if len(b.Labels) == 1 {
			out = append(out, b.Labels[0])
		}
	})
	return out
}

// SetAllow writes what an adapter or a target allows, in the place of what it says now.
// The kind is "http_adapter" or "target".
func (d *Dir) SetAllow(kind, name string, rules []string) error {
	var block *hclsyntax.Block
	where := ""
	d.each(kind, func(file string, _ *file, b *hclsyntax.Block) {
		if len(b.Labels) == 1 && b.Labels[0] == name && block == nil {
			block, where = b, file
		}
	})
	if block == nil {
		return fmt.Errorf("there is no %s %q", kind, name)
	}
	d.name = where
	src := d.files[where].src
	text := list(rules, "  ")
	if a := block.Body.Attributes["allow"]; a != nil {
		r := a.Expr.Range()
		if string(r.SliceBytes(src)) != text {
			d.edits = append(d.edits, edit{from: r.Start.Byte, to: r.End.Byte, text: text})
		}
		return nil
	}
	at := block.CloseBraceRange.Start.Byte
	line := "  allow = " + text + "\n"
	if block.OpenBraceRange.End.Line == block.CloseBraceRange.Start.Line {
		line = "\n" + line
	}
	d.edits = append(d.edits, edit{from: at, to: at, text: line})
	return nil
}

// Requesters are who may ask by the flows, as far as it is written plainly.
func (d *Dir) Requesters() []string {
	var out []string
	d.each("flow", func(_ string, _ *file, b *hclsyntax.Block) {
		a := b.Body.Attributes["requesters"]
		if a == nil {
			return
		}
		items, diags := hcl.ExprList(a.Expr)
		if diags.HasErrors() {
			return
		}
		for _, it := range items {
			v, bad := it.Value(nil)
			if !bad.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String && !slices.Contains(out, v.AsString()) {
				out = append(out, v.AsString())
			}
		}
	})
	return out
}
