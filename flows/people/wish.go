package people

import (
	"fmt"
	"regexp"
	"strings"

	"breakglass/flows"
)

// Wish is a link that an admin wants: a line of an import, or what a command says.
type Wish struct {
	Line      int    `json:"line,omitempty"` // of the file, from 1; 0: of no file
	Slack     string `json:"slack"`          // "U0DANA"
	PagerDuty string `json:"pagerduty"`      // "PDANA01"
	Email     string `json:"email,omitempty"`
	Name      string `json:"name,omitempty"`
	Subject   string `json:"subject,omitempty"` // at the company's sign-in
}

// Mistake is what is wrong with a wish.
type Mistake struct {
	Line int    `json:"line,omitempty"`
	Says string `json:"says"`
}

// String is the mistake as a line of text.
func (m Mistake) String() string {
	if m.Line == 0 {
		return m.Says
	}
	return fmt.Sprintf("line %d: %s", m.Line, m.Says)
}

// What a cell may hold. It is strict, so that nothing in it means anything to a terminal,
// a spreadsheet, Slack or a page.
var (
	goodSlack   = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)
	goodPager   = regexp.MustCompile(`^[A-Z][A-Z0-9]{2,20}$`)
	goodEmail   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{0,63}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	goodName    = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._'’-]{0,63}$`)
	goodSubject = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:|@/-]{0,254}$`)
)

// clean takes the space around the cells away.
func (w Wish) clean() Wish {
	for _, cell := range []*string{&w.Slack, &w.PagerDuty, &w.Email, &w.Name, &w.Subject} {
		*cell = strings.TrimSpace(*cell)
	}
	return w
}

// Mistakes says what is wrong with the form of a wish.
func (w Wish) Mistakes() []Mistake {
	var out []Mistake
	check := func(value, column string, good *regexp.Regexp, needed bool, form string) {
		switch {
		case value == "" && needed:
			out = append(out, Mistake{w.Line, column + " is empty; " + form})
		case value != "" && !good.MatchString(value):
			out = append(out, Mistake{w.Line, fmt.Sprintf("%s %s is not one; %s", column, quote(value), form)})
		}
	}
	check(w.Slack, "slack", goodSlack, true, "it is a member id, like U0DANA")
	check(w.PagerDuty, "pagerduty", goodPager, true, "it is a user's id, like PDANA01")
	check(w.Email, "email", goodEmail, false, "it is an address, like dana@acme.example")
	check(w.Name, "name", goodName, false, "it begins with a letter or digit and has only letters, digits, spaces and . _ ' -")
	check(w.Subject, "subject", goodSubject, false, "it is what the company's sign-in calls the account")
	return out
}

// quote shows a cell that is not what it should be, without what it could do.
func quote(s string) string {
	r := []rune(s)
	if len(r) > 40 {
		r = append(r[:39], '…')
	}
	return fmt.Sprintf("%+q", string(r))
}

// name is what the person is called where nobody said it.
func (w Wish) name(taken func(string) bool) string {
	local, _, _ := strings.Cut(w.Email, "@")
	if goodName.MatchString(local) && !taken(local) {
		return local
	}
	return w.Slack
}

func (w Wish) person(team string) flows.PersonID { return flows.Person(team, w.Slack) }
