package main

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// yaml is a file as paths and values: "services.bot.ports.0". It is as much of the
// language as our own files use: indented maps and lists, of texts on one line.
type yaml map[string]string

// under lists the keys right below a path.
func (y yaml) under(path string) []string {
	var keys []string
	for k := range y {
		if rest, ok := strings.CutPrefix(k, path+"."); ok {
			key, _, _ := strings.Cut(rest, ".")
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return slices.Compact(keys)
}

// list is a list of texts, in either form.
func (y yaml) list(path string) []string {
	var all []string
	if inline, ok := strings.CutPrefix(y[path], "["); ok {
		for item := range strings.SplitSeq(strings.TrimSuffix(inline, "]"), ", ") {
			all = append(all, strings.Trim(item, `"`))
		}
		return all
	}
	for i := range y.under(path) {
		all = append(all, y[path+"."+strconv.Itoa(i)])
	}
	return all
}

// readYAML reads a whole file, and refuses what it does not understand.
func readYAML(text string) (yaml, error) {
	r := &yamlReader{out: yaml{}}
	for i, line := range strings.Split(text, "\n") {
		body := strings.TrimLeft(line, " ")
		if body != "" && !strings.HasPrefix(body, "#") {
			r.lines = append(r.lines, yamlLine{number: i + 1, indent: len(line) - len(body), body: body})
		}
	}
	if err := r.block("", 0); err != nil {
		return nil, err
	}
	return r.out, nil
}

type yamlLine struct {
	number, indent int
	body           string
}

// yamlReader holds the lines that are still to read.
type yamlReader struct {
	lines []yamlLine
	out   yaml
}

var (
	yamlKey  = regexp.MustCompile(`^([A-Za-z0-9_-]+):(?: +(.*))?$`)
	yamlItem = regexp.MustCompile(`^- +(.*)$`)
)

// block reads the keys or items that stand at one indent.
func (r *yamlReader) block(path string, indent int) error {
	for items := 0; len(r.lines) > 0 && r.lines[0].indent >= indent; {
		line := r.lines[0]
		item, key := yamlItem.FindStringSubmatch(line.body), yamlKey.FindStringSubmatch(line.body)
		switch {
		case line.indent > indent:
			return fmt.Errorf("line %d is indented like nothing above it", line.number)
		case item != nil:
			if err := r.item(yamlPath(path, strconv.Itoa(items)), item[1]); err != nil {
				return err
			}
			items++
		case key != nil:
			r.lines = r.lines[1:]
			if err := r.value(yamlPath(path, key[1]), key[2], line); err != nil {
				return err
			}
		default:
			return fmt.Errorf("line %d is neither a key nor an item", line.number)
		}
	}
	return nil
}

// item reads what stands behind a hyphen: a text, or the first key of a map.
func (r *yamlReader) item(path, rest string) error {
	line := &r.lines[0]
	if yamlKey.MatchString(rest) {
		line.indent, line.body = line.indent+len(line.body)-len(rest), rest
		return r.block(path, line.indent)
	}
	r.lines = r.lines[1:]
	r.out[path] = strings.Trim(rest, `"`)
	return nil
}

// value reads what belongs to a key: a text behind it, lines as they are, or a block.
func (r *yamlReader) value(path, text string, at yamlLine) error {
	if _, twice := r.out[path]; twice || len(r.out.under(path)) > 0 {
		return fmt.Errorf("line %d says %s twice", at.number, path)
	}
	switch {
	case text == "|":
		for len(r.lines) > 0 && r.lines[0].indent > at.indent {
			r.lines = r.lines[1:]
		}
		r.out[path] = text
	case text != "":
		r.out[path] = text
	case len(r.lines) > 0 && r.lines[0].indent > at.indent:
		return r.block(path, r.lines[0].indent)
	default:
		r.out[path] = ""
	}
	return nil
}

func yamlPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
