package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// The callback ids of our modals.
const (
	callbackRequest = "bg:request"
	callbackDeny    = "bg:deny"
	callbackRevoke  = "bg:revoke"
	callbackAlarm   = "bg:alarm"
	callbackNote    = "bg:approve_note"
	callbackReview  = "bg:review"
)

// requestForm is everything the request form is drawn from.
type requestForm struct {
	cat       *flows.Catalog
	draft     draft
	looking   bool            // the skeleton: incidents are still being looked up
	typed     bool            // PagerDuty does not list them: the incident is typed
	chosen    *flows.Incident // shown as picked
	near      string          // the incident that the channel is named after
	nearby    bool            // chosen is that one
	recalled  bool            // the target is the one asked for last
	mine      bool            // chosen is one the requester acknowledged
	notes     []string        // what the person should know, escaped
	foreseen  string          // who would be asked now; empty: as the configuration says
	targetGen string          // see blockID
}

// view draws the form as Block Kit JSON.
func (f requestForm) view() json.RawMessage {
	blocks := []slack.Block{f.targetBlock()}
	for _, n := range f.notes {
		blocks = append(blocks, section(":information_source: %s", n))
	}
	if !f.draft.offer.none() {
		who := f.foreseen
		if who == "" {
			who = whoDecides(f.draft.offer.flow)
		}
		blocks = append(blocks, section(":busts_in_silhouette: %s", who))
	}
	blocks = append(blocks, f.durationBlocks()...)
	blocks = append(blocks, f.incidentBlock(), f.reasonBlock())
	if !f.draft.offer.none() {
		for _, p := range f.draft.offer.flow.Fields {
			blocks = append(blocks, fieldBlock(f.draft.offer.flow.ID, p, f.draft.answers[p.Name]))
		}
	}
	if f.cat.World == flows.WorldSimulated {
		blocks = append(blocks, contextLine("*SIMULATED*: nothing here is real"))
	}
	return modal(callbackRequest, f.draft.extends.String(), "Request access", "Ask", blocks)
}

// modal puts a view together.
func modal(callback, metadata, title, submit string, blocks []slack.Block) json.RawMessage {
	m := slack.ModalViewRequest{
		Type: slack.VTModal, Title: plainObject(title, 24), Close: plainObject("Close", 24),
		CallbackID: callback, PrivateMetadata: metadata, Blocks: slack.Blocks{BlockSet: blocks},
	}
	if submit != "" {
		m.Submit, m.Close = plainObject(submit, 24), plainObject("Back", 24)
	}
	v, err := json.Marshal(m)
	if err != nil {
		panic(err) // our own block values always encode
	}
	return v
}

// plainObject is plain text of at most limit characters; Slack takes no empty one.
func plainObject(s string, limit int) *slack.TextBlockObject {
	if strings.TrimSpace(s) == "" {
		s = "–"
	}
	return slack.NewTextBlockObject(slack.PlainTextType, cut(s, limit), false, false)
}

func option(label, value string) *slack.OptionBlockObject {
	return slack.NewOptionBlockObject(value, plainObject(label, maxOption), nil)
}

// input is one question. hint may be empty.
func input(id, label, hint string, element slack.BlockElement, optional bool) *slack.InputBlock {
	in := slack.NewInputBlock(id, plainObject(label, 2000), nil, element)
	if hint != "" {
		in.Hint = plainObject(hint, 2000)
	}
	in.Optional = optional
	return in
}

// searched is a menu whose options we are asked for as the person types.
func searched(action, placeholder string) *slack.SelectBlockElement {
	s := slack.NewOptionsSelectBlockElement(slack.OptTypeExternal, plainObject(placeholder, 150), action)
	none := 0
	s.MinQueryLength = &none
	return s
}

func (f requestForm) targetBlock() slack.Block {
	s := searched(askTarget, "Search by name")
	if o := f.draft.offer; !o.none() {
		s.InitialOption = option(o.label(), o.value())
	} else {
		s.FocusOnLoad = true
	}
	hint := ""
	if f.recalled {
		hint = "You asked for this last."
	}
	in := input(blockID(askTarget, f.targetGen), "What do you need access to?", hint, s, false)
	in.DispatchAction = true
	return in
}

func (f requestForm) durationBlocks() []slack.Block {
	o, want := f.draft.offer, f.draft.length()
	var options []*slack.OptionBlockObject
	var initial *slack.OptionBlockObject
	all := presets(o, want)
	for _, d := range all[:min(len(all), 100)] {
		opt := option(flows.Span(d), flows.Span(d))
		options = append(options, opt)
		if d == want || initial == nil && want == 0 && !o.none() {
			initial = opt
		}
	}
	version, hint := "", "For example 45m or 1h30m. It goes before the choice above."
	if !o.none() {
		if !slices.Contains(presets(o, 0), want) { // else Slack keeps what was picked while this was drawn
			version = o.value()
		}
		hint = fmt.Sprintf("For example 45m or 1h30m; at most %s here. It goes before the choice above.", flows.Span(o.flow.Ceiling(o.target)))
	}
	custom := slack.NewPlainTextInputBlockElement(nil, askCustom)
	custom.MaxLength = 20
	if initial == nil {
		initial = options[min(1, len(options)-1)]
		if want > 0 {
			custom.InitialValue = flows.Span(want) // over the ceiling: shown, and refused with the ceiling
		}
	}
	pick := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, askDuration, options...)
	pick.InitialOption = initial
	return []slack.Block{
		input(blockID(askDuration, version), "For how long?", "", pick, false),
		input(blockID(askCustom), "Another length", hint, custom, true),
	}
}

func (f requestForm) incidentBlock() slack.Block {
	if f.looking {
		return contextLine(":hourglass_flowing_sand: Looking up your PagerDuty incidents…")
	}
	policy := f.policy()
	hint := f.incidentHint(policy)
	if f.typed {
		el := slack.NewPlainTextInputBlockElement(nil, askIncident)
		el.InitialValue, el.MaxLength = cut(f.draft.incident, 200), 200
		switch none := flows.SaysNone(f.draft.incident); {
		case policy == flows.IncidentRequired && none:
			el.InitialValue = ""
		case policy != flows.IncidentRequired && f.draft.incident == "":
			el.InitialValue = flows.NoIncident
		}
		return input(incidentBlockID(policy, "typed"), "PagerDuty incident", hint, el, false)
	}
	s := searched(askIncident, "Search by number or title")
	switch {
	case f.chosen != nil:
		s.InitialOption = option(incidentLabel(*f.chosen), string(f.chosen.ID))
	case policy != flows.IncidentRequired:
		s.InitialOption = option(noneLabel(policy), flows.NoIncident)
	}
	return input(incidentBlockID(policy), "PagerDuty incident", hint, s, false)
}

func (f requestForm) reasonBlock() slack.Block {
	el := slack.NewPlainTextInputBlockElement(nil, askReason)
	el.Multiline, el.MaxLength = true, flows.MaxText
	el.InitialValue = f.draft.reason.Raw()
	el.FocusOnLoad = !f.draft.offer.none() && f.draft.reason.Empty()
	return input(blockID(askReason), "Why?", "Approvers read it now, auditors later.", el, false)
}

// fieldBlock is one of the flow's own questions.
func fieldBlock(flow flows.FlowID, p flows.PromptField, value string) slack.Block {
	if value == "" {
		value = p.Default
	}
	id := blockID(askField, p.Name, string(flow))
	return input(id, p.Label, p.Hint, fieldElement(p, value), !p.Required)
}

func fieldElement(p flows.PromptField, value string) slack.BlockElement {
	switch {
	case len(p.Choices) > 0:
		return choiceElement(p.Choices, value)
	case p.Type == flows.FieldBool:
		yes, no := option("Yes", "true"), option("No", "false")
		el := slack.NewRadioButtonsBlockElement(askField, yes, no)
		switch value {
		case "true":
			el.InitialOption = yes
		case "false":
			el.InitialOption = no
		}
		return el
	case p.Type == flows.FieldInt:
		el := slack.NewNumberInputBlockElement(nil, askField, false)
		el.InitialValue = value
		return el
	case p.Type == flows.FieldUser:
		el := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plainObject("Pick a person", 150), askField)
		el.InitialUser = value
		return el
	case p.Type == flows.FieldUsers:
		el := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, plainObject("Pick people", 150), askField)
		el.InitialUsers = splitIDs(value)
		return el
	}
	el := slack.NewPlainTextInputBlockElement(nil, askField)
	el.InitialValue = cut(value, flows.MaxText)
	if p.Type == flows.FieldDuration {
		el.Placeholder = plainObject("30m, 2h", 150)
	}
	return el
}

func choiceElement(choices []string, value string) slack.BlockElement {
	var options []*slack.OptionBlockObject
	var initial *slack.OptionBlockObject
	for _, c := range choices[:min(len(choices), 100)] {
		opt := option(c, optionValue(c))
		options = append(options, opt)
		if c == value || optionValue(c) == value {
			initial = opt
		}
	}
	el := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plainObject("Pick one", 150), askField, options...)
	el.InitialOption = initial
	return el
}

// joinIDs is the canonical form of an answer that names several people.
func joinIDs(ids []string) string { return strings.Join(ids, ",") }

func splitIDs(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// whoDecides says before the submit, from the configuration alone, who will be asked.
func whoDecides(f *flows.Flow) string {
	fallback := "If they cannot be found out, the fallback decides: " + fallbackNames(f) + "."
	switch f.SelfApproval {
	case flows.SelfOnCall:
		return "If you are on call within the flow’s limits, you may approve this yourself, and that is recorded. " +
			"Otherwise the people this flow names right now are asked. " + fallback
	case flows.SelfAlways:
		return "This flow may let you approve this yourself, and that is recorded. Otherwise the people it names right now are asked. " + fallback
	}
	return "The people this flow names right now are asked; you cannot approve this yourself. " + fallback
}

func fallbackNames(f *flows.Flow) string {
	var names []string
	for _, p := range f.Fallback.Approvers {
		if p.IsUser() {
			names = append(names, "<@"+string(p)+">")
		} else {
			names = append(names, escape(string(p)))
		}
	}
	if len(names) == 0 {
		return "nobody is named"
	}
	return strings.Join(names, ", ")
}

// workingView is what a submitted form turns into until the request is routed.
func workingView(o offer, length time.Duration) json.RawMessage {
	return modal("", "", "Asking…", "", []slack.Block{
		section(":hourglass_flowing_sand: *%s* for %s\nYour request is stored. Finding out who decides…", escape(o.label()), flows.Span(length)),
		contextLine("You may close this: you will hear in your messages with Breakglass."),
	})
}
