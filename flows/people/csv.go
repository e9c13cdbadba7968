package people

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Columns are those of an import; slack and pagerduty are needed.
func Columns() []string { return []string{"slack", "pagerduty", "email", "name", "subject"} }

// Listed are the columns that a listing has besides; an import takes no notice of them,
// so that what was listed can be imported.
func Listed() []string {
	return []string{"state", "source", "quarantined", "made_by", "made_at", "confirmed_by", "confirmed_at"}
}

// mostLines is how many people one import may have.
const mostLines = 50_000

// ReadCSV reads the wishes of an import, and says everything that is wrong with its form.
func ReadCSV(r io.Reader) ([]Wish, []Mistake) {
	raw, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, []Mistake{{Says: "the file cannot be read: " + err.Error()}}
	}
	text := strings.TrimPrefix(string(raw), "\ufeff") // spreadsheets write it
	if !utf8.ValidString(text) {
		return nil, []Mistake{{Says: "the file is not text in UTF-8; save it as CSV UTF-8"}}
	}
	in := csv.NewReader(strings.NewReader(text))
	in.FieldsPerRecord, in.TrimLeadingSpace = -1, true
	if head, _, _ := strings.Cut(text, "\n"); strings.Count(head, ";") > strings.Count(head, ",") {
		in.Comma = ';' // as spreadsheets write it in some countries
	}
	head, err := in.Read()
	if err != nil {
		return nil, []Mistake{{Line: 1, Says: "there is no line with the names of the columns: " + strings.Join(Columns(), ",")}}
	}
	at, mistakes := columns(head)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return readLines(in, len(head), at)
}

// columns says where each column stands.
func columns(head []string) (at map[string]int, mistakes []Mistake) {
	at = map[string]int{}
	for i, name := range head {
		name = strings.ToLower(strings.TrimSpace(name))
		_, twice := at[name]
		switch {
		case twice:
			mistakes = append(mistakes, Mistake{1, "there are two columns " + quote(name)})
		case slices.Contains(Columns(), name):
			at[name] = i
		case !slices.Contains(Listed(), name):
			mistakes = append(mistakes, Mistake{1, fmt.Sprintf("there is no column %s; there are %s", quote(name), strings.Join(Columns(), ", "))})
		}
	}
	for _, need := range Columns()[:2] {
		if _, ok := at[need]; !ok {
			mistakes = append(mistakes, Mistake{1, "the column " + need + " is missing"})
		}
	}
	return at, mistakes
}

func readLines(in *csv.Reader, width int, at map[string]int) (wishes []Wish, mistakes []Mistake) {
	for {
		cells, err := in.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if len(wishes) == 0 && len(mistakes) == 0 {
				mistakes = append(mistakes, Mistake{Says: "there is nobody in the file"})
			}
			return wishes, mistakes
		case errors.As(err, &broken):
			return wishes, append(mistakes, Mistake{broken.Line, "this line and those after it cannot be read: " + broken.Err.Error()})
		case len(wishes) == mostLines:
			return wishes, append(mistakes, Mistake{Says: fmt.Sprintf("there are more than %d people; import them in parts", mostLines)})
		}
		line, _ := in.FieldPos(0)
		if len(cells) != width {
			mistakes = append(mistakes, Mistake{line, fmt.Sprintf("it has %d cells, not %d as the first line has", len(cells), width)})
			continue
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok {
				return cells[i]
			}
			return ""
		}
		w := Wish{Line: line, Slack: cell("slack"), PagerDuty: cell("pagerduty"), Email: cell("email"), Name: cell("name"), Subject: cell("subject")}.clean()
		if bad := w.Mistakes(); len(bad) > 0 {
			mistakes = append(mistakes, bad...)
			continue
		}
		wishes = append(wishes, w)
	}
}
