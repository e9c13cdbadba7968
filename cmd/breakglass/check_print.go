package main

import (
	"fmt"
	"strings"
	"time"

	"breakglass/flows"
)

// mostNames is how many people are named in one line.
const mostNames = 12

// print says who would qualify, below what the flow means.
func (t today) print(p *printer, called names, f *flows.Flow) {
	row := func(head, format string, args ...any) { p.line("    %-10s %s", head, fmt.Sprintf(format, args...)) }
	p.line("  right now, %s", minute(t.At))
	row("may ask", "%s", t.MayAsk.words()+t.MayAsk.unlinked())
	for i, o := range t.Own {
		row(first(i, "own"), "%s", o.words(len(f.Targets)))
	}
	if len(t.Own) == 0 && len(t.Asked) > 0 && f.SelfApproval != flows.SelfNever {
		row("own", "nobody who may ask could approve their own request")
	}
	head := "asked"
	for _, a := range t.Asked {
		for _, line := range a.words(called, f) {
			row(head, "%s", line)
			head = ""
		}
	}
	row("fallback", "%s", t.Fallback.words())
}

func first(i int, head string) string {
	if i == 0 {
		return head
	}
	return ""
}

// words names the people who may, and then those who may not because of what they are.
func (c crowd) words() string {
	var may, barred []string
	for _, p := range c.People {
		if p.barred {
			barred = append(barred, p.Name+" ("+standingWord(p.Standing)+")")
		} else {
			may = append(may, p.Name)
		}
	}
	s := fmt.Sprintf("%d: %s", len(may), few(may))
	switch {
	case c.Unknown && len(may) == 0:
		s = "not known: Slack could not say"
	case len(may) == 0:
		s = "nobody"
	case c.Unknown:
		s += ", and whom else Slack could not say"
	}
	if len(barred) > 0 {
		s += "; not " + few(barred)
	}
	return s
}

// unlinked says how many of those who may are nobody to PagerDuty.
func (c crowd) unlinked() string {
	n := 0
	for _, p := range c.People {
		if !p.barred && !p.Linked {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("; %d without a link, so never on call", n)
}

// few names people, the first dozen of them.
func few(people []string) string {
	if len(people) <= mostNames {
		return and(people)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(people[:mostNames-1], ", "), len(people)-mostNames+1)
}

// words says by which shift somebody could approve their own request. all is how many
// targets the flow has.
func (o onDuty) words(all int) string {
	s := o.Name
	if len(o.Targets) < all {
		s += " (" + targets(o.Targets) + ")"
	}
	if o.Policy == "" && o.Schedule == "" {
		return s + ": because the flow lets them"
	}
	s += ": on call for " + clean(o.Policy)
	if o.Level > 0 {
		s += fmt.Sprintf(", level %d", o.Level)
	}
	if o.Schedule != "" {
		s += fmt.Sprintf(", by the schedule %q", clean(o.Schedule))
	}
	if o.Override {
		s += " (an override)"
	}
	if !o.Until.IsZero() {
		return s + ", until " + minute(o.Until)
	}
	return s + ", without an end"
}

// words says who is asked, stage by stage, and why.
func (a asking) words(called names, f *flows.Flow) []string {
	by := few(a.names) + " asks"
	if len(a.By) > 1 {
		by = few(a.names) + " ask"
	}
	if len(a.Targets) < len(f.Targets) {
		by += " for " + targets(a.Targets)
	}
	if a.Nobody != "" {
		return []string{by + ": nobody can decide. " + a.Nobody}
	}
	var out []string
	for i, s := range a.Stages {
		if i > 0 {
			out = append(out, "  then, after "+flows.Span(a.Stages[i-1].timeout)+": "+s.words(called))
			continue
		}
		out = append(out, fmt.Sprintf("%s: %s (%s)", by, s.words(called), strings.TrimSuffix(clean(a.Why), ".")))
	}
	return out
}

func (s stageRow) words(called names) string {
	var people []string
	for _, p := range s.Approvers {
		people = append(people, called.of(p))
	}
	text := few(people)
	if s.Fallback {
		text = "the fallback: " + text
	}
	if s.Channel != "" {
		text += ", in " + s.Channel
	} else {
		text += ", in a DM each"
	}
	if s.Quorum > 1 {
		text += fmt.Sprintf(", of whom %d must approve", s.Quorum)
	}
	return text
}

func targets(ids []flows.TargetID) string {
	words := make([]string, 0, len(ids))
	for _, id := range ids {
		words = append(words, string(id))
	}
	return and(words)
}

// clean is somebody else's text on a terminal.
func clean(s string) string { return terminal(flows.NewText(s)) }

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
