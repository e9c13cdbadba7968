package source

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Text is a text in which values of environment variables are filled, as Atlas writes
// it: "Token token=${{ NAME }}".
type Text []Part

// Part is either as it stands, or the value of a variable.
type Part struct {
	Literal  string
	Variable string
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseText takes a text apart. The error shows nothing of the text but names.
func ParseText(s string) (Text, error) {
	var out Text
	if strings.ContainsAny(s, "\r\n\x00") {
		return nil, fmt.Errorf("it has a line break in it")
	}
	for s != "" {
		before, rest, found := strings.Cut(s, "${{")
		if before != "" {
			out = append(out, Part{Literal: before})
		}
		if !found {
			return out, nil
		}
		name, after, closed := strings.Cut(rest, "}}")
		name = strings.TrimSpace(name)
		if !closed {
			return nil, fmt.Errorf("a ${{ in it is not closed by }}")
		}
		if !variableName.MatchString(name) {
			return nil, fmt.Errorf("what stands between ${{ and }} is not the name of an environment variable")
		}
		out = append(out, Part{Variable: name})
		s = after
	}
	return out, nil
}

// Variables are the names of the variables in the text.
func (t Text) Variables() []string {
	var out []string
	for _, p := range t {
		if p.Variable != "" {
			out = append(out, p.Variable)
		}
	}
	return out
}

var (
	// credentialHeader are names of headers whose values are credentials.
	credentialHeader = regexp.MustCompile(`(?i)^(proxy-)?authorization$|^cookie$|(^|-)(auth|key|password|secret|token)$`)
	knownCredential  = regexp.MustCompile(`(^|[^A-Za-z0-9])(xox[a-z]-|xapp-|sk_|pk_|rk_|gh[a-z]_|github_pat_|glpat-|AKIA|ASIA|eyJ|bg[tls]_|u\+)`)
	longWord         = regexp.MustCompile(`[A-Za-z0-9+_=-]{16,}`)
	letters          = regexp.MustCompile(`[A-Za-z]`)
	digits           = regexp.MustCompile(`[0-9]`)
)

// HoldsSecret reports whether a header's value seems to have a credential in it, which
// must not stand in a configuration.
func (t Text) HoldsSecret(header string) bool {
	if credentialHeader.MatchString(header) && len(t.Variables()) == 0 {
		return true
	}
	for _, p := range t {
		if LooksSecret(p.Literal) {
			return true
		}
	}
	return false
}

// LooksSecret reports whether a text has something in it that looks like a credential:
// a known beginning, or a long word of letters and digits.
func LooksSecret(s string) bool {
	if knownCredential.MatchString(s) {
		return true
	}
	for _, w := range longWord.FindAllString(s, -1) {
		if letters.MatchString(w) && digits.MatchString(w) {
			return true
		}
	}
	return false
}

// Quoted reports whether the text begins and ends with quotes, which would be part of
// it: some of Atlas's examples have them by mistake.
func (t Text) Quoted() bool {
	n := len(t)
	return n > 0 && strings.HasPrefix(t[0].Literal, `"`) && strings.HasSuffix(t[n-1].Literal, `"`) && (n > 1 || len(t[0].Literal) > 1)
}

// Unquoted is the text without them.
func (t Text) Unquoted() Text {
	out := slices.Clone(t)
	out[0].Literal = strings.TrimPrefix(out[0].Literal, `"`)
	last := len(out) - 1
	out[last].Literal = strings.TrimSuffix(out[last].Literal, `"`)
	return slices.DeleteFunc(out, func(p Part) bool { return p == Part{} })
}

// write is the text as the configuration has it, with secrets by their names.
func (t Text) write(secrets map[string]string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, p := range t {
		if p.Variable != "" {
			b.WriteString("${secret." + secrets[p.Variable] + "}")
			continue
		}
		b.WriteString(escape(p.Literal))
	}
	b.WriteByte('"')
	return b.String()
}

// quote writes a text that stands for itself.
func quote(s string) string { return `"` + escape(s) + `"` }

func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{", "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s)
}

// secretName is what a secret that is read from a variable is called.
func secretName(variable string) string {
	name := strings.ToLower(strings.TrimLeft(variable, "_"))
	if name == "" || name[0] < 'a' || name[0] > 'z' {
		name = "env_" + name
	}
	return name[:min(len(name), 60)]
}
