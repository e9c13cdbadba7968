package bot

import (
	"slices"
	"strings"
	"time"

	"breakglass/flows"
)

// draft is a request while its form is filled in.
type draft struct {
	offer    offer
	duration time.Duration
	custom   string // a length as typed; it goes before duration
	incident string // an id, or what was typed
	reason   flows.Text
	answers  map[string]string // to the flow's own questions
	extends  extending
}

// extending is what a form carries on, while it asks for the same target: the request
// and the offer, as the form keeps them. The zero value is nothing.
type extending struct {
	id    flows.RequestID
	offer string
}

// String is how a form keeps it.
func (e extending) String() string {
	if e.id == "" {
		return ""
	}
	return string(e.id) + " " + e.offer
}

// readExtending reads it back; the engine looks whether it is so.
func readExtending(s string) extending {
	id, offer, _ := strings.Cut(cut(s, 160), " ")
	return extending{id: flows.RequestID(id), offer: offer}
}

// The parts of a block id in the form: what it asks for, then what tells its
// versions apart, so that Slack shows a new block as new and keeps what was entered
// in an old one.
const (
	askTarget   = "target"
	askDuration = "duration"
	askCustom   = "custom"
	askIncident = "incident"
	askReason   = "reason"
	askField    = "field"
)

// blockID names a block of the form.
func blockID(parts ...string) string { return cut(strings.Join(parts, "/"), 255) }

// readDraft reads what was entered. Everything in it comes from outside: a target
// that is not offered is none.
func readDraft(cat *flows.Catalog, entered values) draft {
	d := draft{answers: map[string]string{}}
	for id, byAction := range entered {
		ask, rest, _ := strings.Cut(id, "/")
		for _, a := range byAction {
			switch ask {
			case askTarget:
				d.offer, _ = offerOf(cat, a.text())
			case askDuration:
				d.duration, _ = time.ParseDuration(a.text())
			case askCustom:
				d.custom = strings.TrimSpace(a.text())
			case askIncident:
				d.incident = strings.TrimSpace(a.text())
			case askReason:
				d.reason = flows.NewText(a.text())
			case askField:
				name, _, _ := strings.Cut(rest, "/")
				d.answers[name] = a.text()
			}
		}
	}
	return d
}

// length is the duration that was asked for; zero when none can be read.
func (d draft) length() time.Duration {
	if d.custom == "" {
		return d.duration
	}
	return lengthIn(d.custom)
}

// lengthIn reads a length as people type it: "1h", "90m", "1h30m", "2 h", "1d".
func lengthIn(s string) time.Duration {
	s = strings.ToLower(strings.Join(strings.Fields(s), ""))
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		if n, ok := digits(days); ok && n < 366 {
			return time.Duration(n) * 24 * time.Hour
		}
		return 0
	}
	t, err := time.ParseDuration(s)
	if err != nil || t < 0 {
		return 0
	}
	return t
}

// content is what is asked for, by whom.
func (b *Bot) content(cat *flows.Catalog, who flows.PersonID, d draft) flows.Content {
	c := flows.Content{
		Flow: d.offer.flow.ID, Target: d.offer.target.ID, Requester: who, Beneficiary: who,
		Duration: d.length(), Reason: d.reason,
	}
	if d.extends.offer == d.offer.value() {
		c.Extends = d.extends.id
	}
	if flows.SaysNone(d.incident) {
		d.incident = ""
	}
	if id, ok := incidentIn(d.incident); ok {
		c.Incident = b.open.ref(cat, who, id)
	} else if d.incident != "" {
		c.Incident = flows.IncidentRef{ID: flows.IncidentID(cut(d.incident, 64))}
	}
	for _, f := range d.offer.flow.Fields {
		c.Fields = append(c.Fields, flows.FieldValue{Name: f.Name, Value: flows.NewText(pickedChoice(f, d.answers[f.Name]))})
	}
	return c
}

// presets are the durations to pick from, within the ceiling.
func presets(o offer, also time.Duration) []time.Duration {
	ceiling := 4 * time.Hour
	choices := []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour}
	if !o.none() {
		ceiling = o.flow.Ceiling(o.target)
		if len(o.flow.Durations) > 0 {
			choices = o.flow.Durations
		}
	}
	var out []time.Duration
	for _, c := range append(slices.Clone(choices), also) {
		if c > 0 && c <= ceiling && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		out = append(out, ceiling)
	}
	slices.Sort(out)
	return out
}

// pickedChoice is the choice that an option's value stands for; what is none stays as
// it came, and is refused by Content.Check.
func pickedChoice(f flows.PromptField, value string) string {
	for _, c := range f.Choices {
		if value != "" && optionValue(c) == value {
			return c
		}
	}
	return value
}
