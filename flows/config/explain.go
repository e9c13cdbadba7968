package config

import (
	"fmt"
	"io"
	"strings"
	"time"

	"breakglass/flows"
)

// Explain writes a flow for people: who may ask, who decides, within which limits.
func (c *Config) Explain(w io.Writer, id flows.FlowID) error {
	f, ok := c.Catalog.Flows[id]
	if !ok {
		words := make([]string, 0, len(c.Catalog.FlowOrder))
		for _, o := range c.Catalog.FlowOrder {
			words = append(words, string(o))
		}
		return fmt.Errorf("there is no flow %q. %s", id, meanOrOneOf(string(id), words))
	}
	file, line := c.Where("flow." + string(id))
	p := &page{}
	p.line(fmt.Sprintf("flow %s: %s (%s:%d)", f.ID, f.Label, file, line))
	row := func(head, format string, args ...any) {
		p.line(fmt.Sprintf("  %-10s %s", head, fmt.Sprintf(format, args...)))
	}
	row("targets", "%s", strings.Join(c.targetLines(f), "\n             "))
	row("may ask", "%s%s; at most %d open at a time", c.people(f.Requesters), guests(f), f.MaxOpen)
	row("how long", "%s; at most %s, %s with extensions", spans(f.Durations), spell(f.MaxDuration), spell(f.MaxTotal))
	row("incident", "%s", incidentLine(f))
	row("decides", "whoever %s says (sha256 %.12s); %s", f.Handler, f.SourceHash, plural(f.Quorum, "approval")+" at least")
	row("own", "%s", selfLine(f))
	row("waiting", "%s", waitingLine(f))
	row("otherwise", "%s decide, %s", c.people(f.Fallback.Approvers), shownAt(f.Fallback.Destination))
	row("shown in", "%s; faults in %s", f.Channel, f.ErrorsTo)
	for _, q := range f.Fields {
		row("question", "%s", fieldLine(q))
	}
	_, err := w.Write(p.Bytes())
	return err
}

func (c *Config) targetLines(f *flows.Flow) []string {
	var out []string
	for _, id := range f.Targets {
		t := c.Catalog.Targets[id]
		s := fmt.Sprintf("%s: %s (%s)", id, t.Label, t.Kind)
		if t.MaxDuration > 0 {
			s += ", at most " + spell(t.MaxDuration)
		}
		if t.HighRisk {
			s += ", high risk"
		}
		if t.Kind == KindHTTPAdapter {
			rules, _ := t.Settings["allow"].([]string)
			s += fmt.Sprintf(", by adapter %v: %s", t.Settings["adapter"], strings.Join(rules, ", "))
		}
		out = append(out, s)
	}
	return out
}

// people names principals, with the names of those whom the configuration knows.
func (c *Config) people(all []flows.Principal) string {
	words := make([]string, 0, len(all))
	for _, p := range all {
		word := string(p)
		if name, ok := c.names[flows.Person(c.Catalog.Team, word)]; ok {
			word = name + " (" + word + ")"
		}
		words = append(words, word)
	}
	return joinWords(words, "and")
}

func guests(f *flows.Flow) string {
	if f.AllowGuests {
		return ", guests too"
	}
	return ""
}

func spans(all []time.Duration) string {
	words := make([]string, 0, len(all))
	for _, d := range all {
		words = append(words, spell(d))
	}
	return joinWords(words, "or")
}

func incidentLine(f *flows.Flow) string {
	s := map[flows.IncidentRule]string{
		flows.IncidentOptional: "may be named",
		flows.IncidentRequired: "must be named",
		flows.IncidentCreate:   "is named, or a new one is created",
	}[f.Incident]
	for _, cause := range f.EndWith {
		switch cause {
		case flows.EndIncident:
			s += "; access ends after it is resolved"
		case flows.EndShift:
			s += "; access ends with the shift"
		}
	}
	return s
}

// selfLine says when a requester may approve herself.
func selfLine(f *flows.Flow) string {
	switch f.SelfApproval {
	case flows.SelfNever:
		return "nobody approves their own request"
	case flows.SelfAlways:
		return "people approve their own request whenever " + f.Handler + " says so" + reviewLine(f)
	}
	l, limits := f.OnCall, []string{}
	if len(l.Policies) > 0 {
		limits = append(limits, "for "+joinWords(l.Policies, "or"))
	}
	if l.MaxLevel > 0 {
		limits = append(limits, fmt.Sprintf("up to level %d", l.MaxLevel))
	}
	if l.ScheduleOnly {
		limits = append(limits, "by a schedule")
	}
	if l.MinShiftAge > 0 {
		limits = append(limits, "in a shift that began at least "+spell(l.MinShiftAge)+" ago")
	}
	if l.Overrides == flows.OverridesDeny {
		limits = append(limits, "not by an override")
	}
	s := "people approve their own request while they are on call"
	if len(limits) > 0 {
		s += ": " + strings.Join(limits, ", ")
	}
	return s + reviewLine(f)
}

func reviewLine(f *flows.Flow) string {
	if f.Review != flows.ReviewSelf {
		return ""
	}
	return "; somebody else reviews that within " + spell(f.ReviewWithin) + " of its end"
}

func waitingLine(f *flows.Flow) string {
	if f.RemindAfter == 0 {
		return "no reminder, the next people after " + spell(f.StageTimeout)
	}
	return "a reminder after " + spell(f.RemindAfter) + ", the next people after " + spell(f.StageTimeout)
}

func shownAt(channel string) string {
	if channel == "" {
		return "each asked in a DM"
	}
	return "asked in " + channel
}

func fieldLine(q flows.PromptField) string {
	s := fmt.Sprintf("%s (%s, %s", q.Label, q.Name, strings.ReplaceAll(string(q.Type), "_", " "))
	if !q.Required {
		s += ", optional"
	}
	if len(q.Choices) > 0 {
		s += ": " + strings.Join(q.Choices, ", ")
	}
	if q.Default != "" {
		s += ", " + q.Default + " unless changed"
	}
	return s + ")"
}
