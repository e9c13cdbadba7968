// Package config reads the configuration language: one directory with
// breakglass.hcl (and other *.hcl files) and the handler files beside them. It
// checks everything at once, says for each mistake where it is and what to write
// instead, and produces an immutable *flows.Catalog and the Settings of the program.
//
// It imports package flows, HCL and the standard library; it opens no connection
// and reads no secret. Read first: this file, fields.go (how attributes are read),
// flow.go (the longest block), diagnostic.go (what a mistake looks like).
package config

import (
	"io/fs"
	"maps"
	"os"
	"strings"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
)

// MainFile is the file that every configuration directory has.
const MainFile = "breakglass.hcl"

// Options are what loading needs from outside.
type Options struct {
	// Variables are values for variable blocks, by name, as text.
	Variables map[string]string
	// CheckHandler finds the problems of a handler file; nil checks nothing.
	CheckHandler func(name string, src []byte) []Problem
	// Secrets makes the reader behind a secret block; nil leaves handles that have a
	// name and no value, which is enough to check a configuration offline.
	Secrets func(SecretSpec) (flows.SecretReader, error)
}

// Problem is what Options.CheckHandler finds in a handler file.
type Problem struct {
	Line       int // from 1; 0: the whole file
	Column     int // from 1; 0: the whole line
	Message    string
	Suggestion string
}

// Config is a configuration without mistakes. Immutable.
type Config struct {
	Catalog  *flows.Catalog
	Settings Settings

	names  map[flows.PersonID]string
	places map[string]hcl.Range
	found  Diagnostics // of the load; knows the sources
}

// Load reads the configuration in dir. The Config is nil when the Diagnostics have
// errors; warnings alone leave it usable.
func Load(dir string, opts Options) (*Config, Diagnostics) {
	return LoadFS(os.DirFS(dir), opts)
}

// LoadFS is Load on a file system whose root is the configuration directory.
func LoadFS(fsys fs.FS, opts Options) (*Config, Diagnostics) {
	ld := newLoader(fsys, opts)
	if ld.parse() {
		ld.declare()
		ld.evaluateScope()
		ld.decode()
		ld.checkUse()
	}
	ld.diags.sort()
	if ld.diags.HasErrors() {
		return nil, ld.diags
	}
	return ld.result(), ld.diags
}

// Where says where a block or an attribute of one stands: "flow.prod",
// "integration.slack.main", "flow.prod.channel". The line is 0 where there is none.
func (c *Config) Where(name string) (file string, line int) {
	r := c.places[name]
	return r.Filename, r.Start.Line
}

// Finding is what somebody else found out about a configuration that has no mistakes
// of its own, by asking Slack and PagerDuty.
type Finding struct {
	Severity   Severity
	At         string // as in Where; an attribute that is not there stands for its block
	Message    string
	Suggestion string
}

// Report puts findings into the form of diagnostics, each at its place.
func (c *Config) Report(findings []Finding) Diagnostics {
	ds := Diagnostics{sources: c.found.sources, hidden: c.found.hidden}
	for _, f := range findings {
		at, ok := c.places[f.At]
		for name := f.At; !ok && strings.Contains(name, "."); {
			name = name[:strings.LastIndexByte(name, '.')]
			at, ok = c.places[name]
		}
		if !ok {
			at = hcl.Range{Filename: MainFile}
		}
		ds.add(f.Severity, at, f.Message, f.Suggestion)
	}
	ds.sort()
	return ds
}

// PersonName is how the configuration calls a person; the Slack user id where no
// person block names them.
func (c *Config) PersonName(p flows.PersonID) string {
	if n, ok := c.names[p]; ok {
		return n
	}
	return p.User()
}

// WithLinks is the configuration with the links of the store besides its own, and their
// names; conflicts are those that it contradicts.
func (c *Config) WithLinks(stored []flows.StoredLink) (*Config, []flows.LinkConflict) {
	out := *c
	var conflicts []flows.LinkConflict
	out.Catalog, conflicts = c.Catalog.WithLinks(stored, nil)
	out.names = maps.Clone(c.names)
	for _, l := range out.Catalog.Links.All() {
		out.names[l.Person] = l.Name
	}
	return &out, conflicts
}

// result builds the Config of a load without errors.
func (ld *loader) result() *Config {
	cat := &flows.Catalog{
		Team: ld.slack.Team, World: ld.world(), Console: ld.server.ConsoleURL, Links: flows.NewLinks(ld.links),
		Flows: map[flows.FlowID]*flows.Flow{}, Targets: map[flows.TargetID]*flows.TargetSpec{},
		Admins: ld.roles.admins, Auditors: ld.roles.auditors, Adapters: ld.adapters, AdapterTargets: ld.adapterTargets,
	}
	for _, a := range ld.adapters {
		a.Hash = HashAdapter(a)
	}
	for _, t := range ld.targets {
		t.Means = HashMeans(t)
		t.Hash = HashTarget(t)
		cat.Targets[t.ID] = t
	}
	for _, f := range ld.flows {
		f.Hash = HashFlow(f)
		cat.Flows[f.ID] = f
		cat.FlowOrder = append(cat.FlowOrder, f.ID)
	}
	cat.Hash = HashCatalog(cat)
	c := &Config{
		Catalog: cat,
		Settings: Settings{
			Server: ld.server, Slack: *ld.slack, PagerDuty: *ld.pagerduty,
			Environments: ld.environments, Audit: ld.audit, Secrets: ld.secretSpecs, SignIns: ld.signIns, ProposeFrom: ld.proposeFrom, Sinks: ld.sinks,
		},
		names: map[flows.PersonID]string{}, places: map[string]hcl.Range{}, found: ld.diags,
	}
	for _, l := range ld.links {
		c.names[l.Person] = l.Name
	}
	for _, d := range ld.order {
		c.places[d.key] = d.block.DefRange()
		for name, a := range d.block.Body.Attributes {
			c.places[d.key+"."+name] = a.Expr.Range()
		}
	}
	return c
}
