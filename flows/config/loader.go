package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxFile is the most bytes that are read of one file.
const maxFile = 1 << 20

// loader is one load: what was read, what was declared, what was decoded so far.
type loader struct {
	fsys  fs.FS
	opts  Options
	diags Diagnostics

	blocks  []*hclsyntax.Block
	order   []*decl
	byKey   map[string]*decl
	used    map[string]bool // keys that some expression refers to
	scope   scope
	sources map[string][]byte // handler files, read once; nil where one is missing

	secretSpecs  []SecretSpec
	handles      map[string]flows.Secret
	slack        *Slack
	pagerduty    *PagerDuty
	environments []Environment
	roles        struct{ admins, auditors []flows.Principal }
	server       Server
	signIns      []SignIn
	proposeFrom  []string
	audit        Audit
	sinks        []Sink
	adapters     map[flows.AdapterID]*flows.Adapter
	targets      []*flows.TargetSpec
	links        []flows.Link
	flows        []*flows.Flow

	adapterTargets map[flows.AdapterID][]flows.AdapterTarget
}

// decl is one declared block: "secret.x", "integration.slack.main", "flow.prod".
type decl struct {
	key   string
	kind  string // "secret", "integration.slack", "flow", …
	name  string
	block *hclsyntax.Block
}

func newLoader(fsys fs.FS, opts Options) *loader {
	return &loader{
		fsys: fsys, opts: opts,
		diags: Diagnostics{sources: map[string][]byte{}, hidden: map[string]map[int]bool{}},
		byKey: map[string]*decl{}, used: map[string]bool{}, sources: map[string][]byte{},
		handles: map[string]flows.Secret{}, adapters: map[flows.AdapterID]*flows.Adapter{}, adapterTargets: map[flows.AdapterID][]flows.AdapterTarget{},
	}
}

func (ld *loader) errorf(r hcl.Range, suggestion, format string, args ...any) {
	ld.diags.add(SeverityError, r, fmt.Sprintf(format, args...), suggestion)
}

func (ld *loader) warnf(r hcl.Range, suggestion, format string, args ...any) {
	ld.diags.add(SeverityWarning, r, fmt.Sprintf(format, args...), suggestion)
}

// parse reads every .hcl file of the directory. It is false where one is missing or
// no HCL: what else is wrong cannot be said then.
func (ld *loader) parse() bool {
	names, err := fs.Glob(ld.fsys, "*.hcl")
	if err != nil {
		ld.errorf(hcl.Range{Filename: MainFile}, "", "The directory cannot be listed: %v.", err)
		return false
	}
	if _, err := fs.Stat(ld.fsys, MainFile); err != nil {
		ld.errorf(hcl.Range{Filename: MainFile}, "Create it, or name the directory that has it.",
			"The configuration directory has no %s.", MainFile)
		return false
	}
	good := true
	for _, name := range names {
		src, ok := ld.read(name, hcl.Range{Filename: name})
		good = ok && ld.parseFile(name, src) && good
	}
	return good
}

func (ld *loader) parseFile(name string, src []byte) bool {
	if i := badUTF8(src); i >= 0 {
		ld.errorf(placeAt(src, name, i), "Save the file as UTF-8.", "%s is not text in UTF-8.", name)
		return false
	}
	if at, deep := tooDeep(src, name); deep {
		ld.errorf(at, "Take it apart with locals.", "%s is nested too deeply here, or has too many operators.", name)
		return false
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	ld.diags.addHCL(diags)
	if file == nil || diags.HasErrors() {
		return false
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return false
	}
	for _, a := range sortedAttrs(body.Attributes) {
		ld.errorf(a.NameRange, meanBlock(a.Name), "%q stands outside of any block.", a.Name)
	}
	ld.blocks = append(ld.blocks, body.Blocks...)
	return true
}

// badUTF8 is where src stops to be UTF-8; -1 where it does not.
func badUTF8(src []byte) int {
	for i := 0; i < len(src); {
		r, n := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// placeAt is the place of the byte i of a file.
func placeAt(src []byte, name string, i int) hcl.Range {
	line := src[bytes.LastIndexByte(src[:i], '\n')+1 : i]
	pos := hcl.Pos{Line: bytes.Count(src[:i], []byte{'\n'}) + 1, Column: utf8.RuneCount(line) + 1, Byte: i}
	return hcl.Range{Filename: name, Start: pos, End: pos}
}

// read reads one file beside the configuration; at is where a problem is reported.
func (ld *loader) read(name string, at hcl.Range) ([]byte, bool) {
	f, err := ld.fsys.Open(name)
	if err != nil {
		ld.unreadable(name, at, err)
		return nil, false
	}
	defer f.Close() //nolint:errcheck // only read
	if info, err := f.Stat(); err == nil && info.Size() > maxFile {
		ld.errorf(at, "Split it into several files.", "%s is larger than 1 MiB.", name)
		return nil, false
	}
	src, err := fs.ReadFile(ld.fsys, name)
	if err != nil {
		ld.unreadable(name, at, err)
		return nil, false
	}
	ld.diags.sources[name] = src
	return src, true
}

func (ld *loader) unreadable(name string, at hcl.Range, err error) {
	if !errors.Is(err, fs.ErrNotExist) {
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err // the path alone, without the machine's directories
		}
		ld.errorf(at, "", "%s cannot be read: %v.", name, err)
		return
	}
	beside, _ := fs.Glob(ld.fsys, "*"+path.Ext(name))
	suggestion := didYouMean(name, beside)
	if suggestion == "" {
		suggestion = "Create it beside " + MainFile + "."
	}
	ld.errorf(at, suggestion, "There is no file %q in the configuration directory.", name)
}

// meanBlock helps where an attribute stands at the top of a file.
func meanBlock(name string) string {
	for _, k := range topBlocks {
		if k.word == name {
			return "Write it as a block: " + k.form + " { … }."
		}
	}
	return "Put it into a block, or its value into locals { … }."
}

// place is file and line for the middle of a sentence.
func place(r hcl.Range) string {
	return fmt.Sprintf("%s:%d", strings.TrimPrefix(r.Filename, "./"), r.Start.Line)
}
