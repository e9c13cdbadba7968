package main_test

import (
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	obeys(t, links)
	catches(t, links, map[string]string{
		"README.md": strings.Join(list(
			"# The thing: what it *is*",
			"[ok](a/b.md), [folder](a), ![picture](a/p.svg \"A title\"), [out](https://example.com/x), [mail](mailto:a@b.example)",
			"[here](#the-thing-what-it-is), [again](#twice-1), [there](a/b.md#some-code--a-link), <a href=\"a/none.html\">h</a>",
			"[gone](a/gone.md)",
			"[no such heading](#nowhere) [nor there](a/b.md#nowhere)",
			"[above](../secret.md) [absolute](/etc/passwd)",
			"`[code](none.md)` ``[code](`none.md)``",
			"```md", "[code](none.md)", "# Not a heading", "```",
			"[not a heading](#not-a-heading)",
			"[by name][ref] and [case](A/b.md)",
			"[spare] and [x] are text",
			"## Twice", "## Twice",
			"[ref]: a/lost.md",
		), "\n"),
		"a/b.md":             "Some `code` & a [link](../README.md)\n---\n[up](../README.md#twice)\n[bad](b.txt)",
		"a/p.svg":            "",
		"a/testdata/none.md": "[not looked at](gone)",
	}, "README.md:12: #not-a-heading", "README.md:13: A/b.md", "README.md:17: a/lost.md", "README.md:3: a/none.html", "README.md:4: a/gone.md",
		"README.md:5: #nowhere", "README.md:5: a/b.md#nowhere", "README.md:6: ../secret.md", "README.md:6: /etc/passwd", "a/b.md:4: b.txt")
}

var (
	inlineLink    = regexp.MustCompile(`\]\(\s*<?([^)>\s]+)>?(?:\s+["'(][^)]*)?\)`)
	definedLink   = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s+<?([^>\s]+)`)
	htmlLink      = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	inlineCode    = regexp.MustCompile("(`+)[^`]+(?:`[^`]+)*?(`+)")
	atxHeading    = regexp.MustCompile(`^ {0,3}#{1,6}\s+(.*?)\s*#*$`)
	underline     = regexp.MustCompile(`^ {0,3}(=+|-{2,})\s*$`)
	linkInHeading = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// links wants every link of a Markdown page that does not leave the project to lead
// somewhere: to a file, a folder or a heading.
func links(tr *tree) []string {
	var found []string
	err := walk(tr.fsys, func(name string) error {
		if path.Ext(name) != ".md" {
			return nil
		}
		text, err := fs.ReadFile(tr.fsys, name)
		if err != nil {
			return err
		}
		for i, line := range prose(string(text)) {
			line = inlineCode.ReplaceAllString(line, "")
			for _, pattern := range []*regexp.Regexp{inlineLink, definedLink, htmlLink} {
				for _, m := range pattern.FindAllStringSubmatch(line, -1) {
					if wrong := leadsNowhere(tr.fsys, name, m[1]); wrong != "" {
						found = append(found, name+":"+strconv.Itoa(i+1)+": "+m[1]+" "+wrong)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		found = append(found, err.Error())
	}
	return found
}

// leadsNowhere says what is wrong with a link on a page, or nothing.
func leadsNowhere(fsys fs.FS, page, target string) string {
	u, err := url.Parse(target)
	switch {
	case err != nil:
		return "is no address"
	case u.Scheme != "":
		return "" // other people's pages are looked after by them
	}
	file := page
	if u.Path != "" {
		file = path.Join(path.Dir(page), u.Path)
	}
	if _, err := fs.Stat(fsys, file); err != nil || strings.HasPrefix(u.Path, "/") {
		return "leads to no file of the project"
	}
	if u.Fragment == "" || path.Ext(file) != ".md" {
		return ""
	}
	text, err := fs.ReadFile(fsys, file)
	if err != nil || !anchors(string(text))[u.Fragment] {
		return "leads to no heading of " + file
	}
	return ""
}

// prose is a page's lines, with those of code blocks empty.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	fence := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
			lines[i] = ""
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence, lines[i] = trimmed[:3], ""
		}
	}
	return lines
}

// anchors are the names that a forge gives to a page's headings.
func anchors(text string) map[string]bool {
	names := map[string]bool{}
	lines := prose(text)
	for i, line := range lines {
		var heading string
		if m := atxHeading.FindStringSubmatch(line); m != nil {
			heading = m[1]
		} else if underline.MatchString(line) && i > 0 && lines[i-1] != "" {
			heading = lines[i-1]
		} else {
			continue
		}
		slug := slugOf(heading)
		name := slug
		for n := 1; names[name]; n++ {
			name = slug + "-" + strconv.Itoa(n)
		}
		names[name] = true
	}
	return names
}

// slugOf is a heading in small letters, without punctuation, joined by hyphens.
func slugOf(heading string) string {
	heading = linkInHeading.ReplaceAllString(heading, "$1")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}
