package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/config"
)

func now() time.Time { return app.SystemClock{}.Now() }

// terminal is the one seam through which typed text gets onto a terminal: one line,
// no control characters (flows.NewText took those away), cut to a readable length.
func terminal(t flows.Text) string {
	s := strings.Join(strings.Fields(t.Raw()), " ")
	if r := []rune(s); len(r) > 300 {
		return string(r[:299]) + "…"
	}
	return s
}

var (
	slackDate    = regexp.MustCompile(`<!date\^\d+\^[^|>]*\|([^>]*)>`)
	slackMention = regexp.MustCompile(`<@([A-Z0-9]+)>`)
)

// plainWords turns the markers of sentences (Slack's dates and mentions) into words.
func plainWords(s string) string { return names{}.plainWords(s) }

// plainWords does the same, with the names that people have.
func (n names) plainWords(s string) string {
	return slackMention.ReplaceAllStringFunc(slackDate.ReplaceAllString(s, "$1"), func(m string) string {
		return n.user(m[2 : len(m)-1])
	})
}

// names is how people are called on a terminal: as the configuration calls them.
type names struct {
	cfg  *config.Config
	also map[flows.PersonID]string // people without a person block
}

// of names a person; the Slack user id where no configuration is at hand, or it has
// no person block for them.
func (n names) of(p flows.PersonID) string {
	if name, ok := n.also[p]; ok {
		return name
	}
	if n.cfg == nil {
		return p.User()
	}
	return n.cfg.PersonName(p)
}

func (n names) user(id string) string {
	if n.cfg == nil {
		return id
	}
	return n.of(flows.Person(n.cfg.Catalog.Team, id))
}

// id finds the person that somebody typed: TEAM/USER, a Slack user id or a name.
func (n names) id(typed string) (flows.PersonID, error) {
	if strings.Contains(typed, "/") {
		return flows.PersonID(typed), nil
	}
	if n.cfg == nil {
		return "", misused("--person %s: write TEAM/USER, for example T0123ABC/U0DANA; names are known where the configuration is", typed)
	}
	if p := flows.Principal(typed); p.IsUser() && strings.ToUpper(typed) == typed {
		return flows.Person(n.cfg.Catalog.Team, typed), nil
	}
	var known []string
	for _, l := range n.cfg.Catalog.Links.All() {
		if l.Name == typed {
			return l.Person, nil
		}
		known = append(known, l.Name)
	}
	return "", misspelt("--person "+typed+": the configuration has no person of that name", typed, known, "--person %s")
}

// and joins words: "a, b and c".
func and(words []string) string { return join(words, "and") }

// either joins words: "a, b or c".
func either(words []string) string { return join(words, "or") }

func join(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// count is a number with its word: "1 person", "3 people".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// long reads a length of time; days are allowed: "36h", "30d".
func long(flag, s string) (time.Duration, error) {
	if days, err := strconv.Atoi(strings.TrimSuffix(s, "d")); err == nil && strings.HasSuffix(s, "d") && days >= 0 {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, misused("--%s %s: write a length of time, for example 24h or 30d", flag, s)
	}
	return d, nil
}

// stamp is a moment on a terminal; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// printer writes lines until one fails.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, plainLine(fmt.Sprintf(format, args...))+"\n")
	}
}

// plainLine is what may be written to a terminal: whatever a server, a database or Slack says
// neither moves the cursor nor turns what is beside it around.
func plainLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func (p *printer) pair(name, value string) { p.line("  %-11s %s", name, value) }

// json writes v as indented JSON.
func (p *printer) json(v any) error {
	enc := json.NewEncoder(p.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
