package audit

import (
	"fmt"
	"slices"
	"strings"
)

// Finding is one thing that is not as it was signed.
type Finding struct {
	From, To int64  // places in the tree; the same where the place is exact, -1 where there is none
	Entry    string // "entry 3 of req_…"; empty where it is not one
	What     string
	Beside   bool `json:",omitempty"` // the log itself stands: something that has to follow from it does not
}

// String names the place and what is wrong there.
func (f Finding) String() string {
	where := "the log"
	switch {
	case f.Beside:
		where = "the database"
	case f.Entry != "" && f.From >= 0:
		where = fmt.Sprintf("%s (place %d)", f.Entry, f.To)
	case f.Entry != "":
		where = f.Entry
	case f.From >= 0 && f.From == f.To:
		where = fmt.Sprintf("place %d", f.From)
	case f.From >= 0:
		where = fmt.Sprintf("places %d to %d", f.From, f.To)
	}
	return where + ": " + f.What
}

// maxFindings is how many findings a report lists; the rest is counted.
const maxFindings = 50

// Report is what a verification came to.
type Report struct {
	Entries     int64 // that were read
	Checkpoints int64 // that were read
	Signed      int64 // entries under the newest checkpoint that holds
	Witnessed   int64 // entries under the newest checkpoint from outside that holds
	Openings    int64 // that open their commitment
	Erased      map[string]int64
	Findings    []Finding // the first ones, in the order of the tree
	More        int64     // findings that are not listed
	Waiting     int       // entries that had no place in the tree yet, and so were not read
	Unended     []string  `json:"-"` // chains that have fewer entries in the tree than their heads say: they wait, or are gone
	Headless    bool      `json:"-"` // a chain ends otherwise than any head says
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Beside reports whether all that was found is beside the log, which itself stands.
func (r *Report) Beside() bool {
	return !r.OK() && !slices.ContainsFunc(r.Findings, func(f Finding) bool { return !f.Beside })
}

// First is the first thing that was altered, removed, inserted or reordered.
func (r *Report) First() Finding {
	if r.OK() {
		return Finding{From: -1, To: -1}
	}
	return r.Findings[0]
}

// Find adds a finding of whoever verified something beside the tree.
func (r *Report) Find(f Finding) {
	if len(r.Findings) == maxFindings && f.rank() >= r.Findings[maxFindings-1].rank() {
		r.More++
		return
	}
	at, _ := slices.BinarySearchFunc(r.Findings, f, func(have, f Finding) int {
		if have.rank() <= f.rank() {
			return -1
		}
		return 1
	})
	r.Findings = slices.Insert(r.Findings, at, f)
	if len(r.Findings) > maxFindings {
		r.Findings, r.More = r.Findings[:maxFindings], r.More+1
	}
}

// rank orders findings by place: a range by its end, and what names one place before
// what only says that it is among others; those without a place come last.
func (f Finding) rank() int64 {
	switch {
	case f.From < 0:
		return 1<<62 - 1
	case f.From == f.To:
		return 2 * f.To
	}
	return 2*f.To + 1
}

// Limits says what the verification cannot know, for people.
func (r *Report) Limits() []string {
	var out []string
	if r.Waiting > 0 {
		out = append(out, fmt.Sprintf("The newest entries were not read, %d of them: they have no place in the log yet, which a server that runs gives them within a minute. Verify again then.", r.Waiting))
	}
	switch young := r.Entries - r.Signed; {
	case r.Signed == 0 && r.Entries > 0:
		out = append(out, "No checkpoint was checked against a key: whoever could write the database could have made all of it.")
	case young > 0:
		out = append(out, fmt.Sprintf("The last %d entries are younger than the last checkpoint: they are linked, but nothing signed fixes them yet.", young))
	}
	switch {
	case r.Witnessed == 0 && r.Signed > 0:
		out = append(out, "No checkpoint from outside was compared (--checkpoint, --live): whoever holds both the database and the signing key could have made this anew.")
	case r.Witnessed < r.Signed:
		out = append(out, fmt.Sprintf("The last %d signed entries are younger than the last witnessed checkpoint: whoever holds the database and the signing key could have changed them.", r.Signed-r.Witnessed))
	}
	return append(out, "That the server wrote the truth in the first place is not something a log can prove.")
}

// erasures sums up what was erased, for people.
func (r *Report) erasures() string {
	var parts []string
	for by, n := range r.Erased {
		parts = append(parts, fmt.Sprintf("%d by %s", n, by))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// Summary is the report in a few lines, for people.
func (r *Report) Summary() []string {
	lines := []string{fmt.Sprintf("%d entries, %d checkpoints, %d values opened.", r.Entries, r.Checkpoints, r.Openings)}
	if len(r.Erased) > 0 {
		lines = append(lines, "Values that were erased: "+r.erasures()+".")
	}
	if r.Signed > 0 {
		lines = append(lines, fmt.Sprintf("The first %d entries are fixed by a checkpoint that the key signed.", r.Signed))
	}
	if r.Witnessed > 0 {
		lines = append(lines, fmt.Sprintf("The first %d entries are fixed by a checkpoint from outside.", r.Witnessed))
	}
	return lines
}
