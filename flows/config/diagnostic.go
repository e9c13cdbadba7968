package config

import (
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
)

// Severity says whether a diagnostic stops the configuration from being used.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
)

// Diagnostic is one mistake: where, what, and what to write instead.
type Diagnostic struct {
	Severity   Severity `json:"severity"`
	File       string   `json:"file"`
	Line       int      `json:"line"`   // from 1; 0: the whole file
	Column     int      `json:"column"` // from 1; 0: the whole line
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`

	width int // characters that are underlined, within the line
}

// String is the diagnostic on one line: "breakglass.hcl:12:3: error: …".
func (d Diagnostic) String() string {
	s := fmt.Sprintf("%s: %s: %s", d.place(), d.Severity, d.Message)
	if d.Suggestion != "" {
		s += " " + d.Suggestion
	}
	return s
}

func (d Diagnostic) place() string {
	switch {
	case d.Line == 0:
		return d.File
	case d.Column == 0:
		return fmt.Sprintf("%s:%d", d.File, d.Line)
	}
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}

// Diagnostics is everything that loading found, in the order of the files.
type Diagnostics struct {
	list    []Diagnostic
	sources map[string][]byte
	hidden  map[string]map[int]bool // lines that may hold a secret and are never shown
}

// All lists them by file and position.
func (ds Diagnostics) All() []Diagnostic { return append([]Diagnostic(nil), ds.list...) }

// HasErrors reports whether one of them is an error.
func (ds Diagnostics) HasErrors() bool { return ds.count(SeverityError) > 0 }

// Err is nil without errors, and otherwise names the first one and how many there are.
func (ds Diagnostics) Err() error {
	n := ds.count(SeverityError)
	for _, d := range ds.list {
		if d.Severity != SeverityError {
			continue
		}
		if n == 1 {
			return fmt.Errorf("the configuration has an error: %s", d)
		}
		return fmt.Errorf("the configuration has %d errors; the first: %s", n, d)
	}
	return nil
}

func (ds Diagnostics) count(s Severity) int {
	n := 0
	for _, d := range ds.list {
		if d.Severity == s {
			n++
		}
	}
	return n
}

func (ds *Diagnostics) sort() {
	sort.SliceStable(ds.list, func(i, j int) bool {
		a, b := ds.list[i], ds.list[j]
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Column < b.Column
	})
}

func (ds *Diagnostics) add(s Severity, r hcl.Range, message, suggestion string) {
	width := r.End.Column - r.Start.Column
	if r.End.Line != r.Start.Line || width < 1 {
		width = 1
	}
	ds.list = append(ds.list, Diagnostic{
		Severity: s, File: r.Filename, Line: r.Start.Line, Column: r.Start.Column,
		Message: message, Suggestion: suggestion, width: width,
	})
}

// addHCL takes over what HCL itself found.
func (ds *Diagnostics) addHCL(all hcl.Diagnostics) {
	for _, d := range all {
		var r hcl.Range
		if d.Subject != nil {
			r = *d.Subject
		}
		ds.add(SeverityError, r, d.Summary+".", d.Detail)
	}
}

// hide keeps the lines of r out of everything that is printed.
func (ds *Diagnostics) hide(r hcl.Range) {
	lines := ds.hidden[r.Filename]
	if lines == nil {
		lines = map[int]bool{}
		ds.hidden[r.Filename] = lines
	}
	for n := r.Start.Line; n <= r.End.Line; n++ {
		lines[n] = true
	}
}
