package bot

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// auditView is a page of answers.
type auditView struct {
	cat      *flows.Catalog
	question string
	q        query.Query
	found    flows.Found
	asker    history.Asker
	recorded bool
}

// longMention is a mention as Slack writes it into a command.
var longMention = regexp.MustCompile(`<@([UW][A-Z0-9]+)\|[^<>]*>`)

func (v auditView) message() told {
	n := len(v.found.Requests)
	head := "*What was decided*"
	if v.question != "" {
		head += ": " + trusted(longMention.ReplaceAllString(v.question, "<@$1>"))
	}
	t := told{text: fmt.Sprintf("What was decided: %d requests, newest first.", n)}
	if n == 1 {
		t.text = "What was decided: 1 request."
	}
	t.blocks = append(t.blocks, section("%s", head))
	if n == 0 {
		t.text = "No request answers that."
		t.blocks = append(t.blocks, section("No request answers that."))
	}
	for i := range v.found.Requests {
		r := &v.found.Requests[i]
		row := section("%s", auditRow(v.cat, r)).(*slack.SectionBlock)
		details := button(ActionAuditShow, string(r.ID), "Details", slack.StyleDefault)
		details.AccessibilityLabel = cut("Details of request "+r.ID.Short(), 75)
		row.Accessory = slack.NewAccessory(details)
		t.blocks = append(t.blocks, row)
	}
	if v.found.Next.ID != "" {
		older := button(ActionAuditNext, query.Cursor(v.found.Next)+" "+v.question, "Older", slack.StyleDefault)
		t.blocks = append(t.blocks, slack.NewActionBlock("bg:audit", older))
	}
	if notes := v.notes(); notes != "" {
		t.blocks = append(t.blocks, contextLine("%s", notes))
	}
	return t
}

// notes are what a reader must know about the answer.
func (v auditView) notes() string {
	var notes []string
	if v.cat.World == flows.WorldSimulated {
		notes = append(notes, "Simulated.")
	}
	if v.q.Narrowed {
		notes = append(notes, "Words were looked for since "+at(v.q.Since)+"; `since:` goes further back.")
	}
	if !v.asker.All {
		notes = append(notes, "You see what you had a part in; auditors see everything.")
	}
	notes = append(notes, lookNote(v.recorded))
	if v.cat.Console != "" {
		notes = append(notes, "<"+v.cat.Console+"/audit?q="+url.QueryEscape(v.question)+"|The same in the console>")
	}
	return strings.Join(notes, " ")
}

func lookNote(recorded bool) string {
	if recorded {
		return "That you looked is recorded."
	}
	return ":warning: That you looked could not be recorded."
}

// auditRow is a request in two lines: what became of it, and why it was asked for.
func auditRow(cat *flows.Catalog, r *flows.Request) string {
	c := &r.Content
	line := fmt.Sprintf("%s *%s* for %s · %s", glyph(r.State), escape(targetLabel(cat, c.Target)), flows.Span(c.Duration), mention(c.Beneficiary))
	if c.Requester != c.Beneficiary {
		line += " (asked by " + mention(c.Requester) + ")"
	}
	line += " · " + outcome(r)
	if w := r.ReviewWord(); w != "" {
		line += " · *" + w + "*"
	}
	line += "\n" + at(r.SubmittedAt) + " · `" + r.ID.Short() + "`"
	if ref := r.IncidentRef(); ref.Number > 0 {
		line += fmt.Sprintf(" · incident #%d", ref.Number)
	} else if r.Incident() == "" {
		line += " · no incident"
	}
	if !c.Reason.Empty() {
		line += " · " + mrkdwn(c.Reason, 140)
	}
	return line
}

func targetLabel(cat *flows.Catalog, id flows.TargetID) string {
	if t := cat.Targets[id]; t != nil && t.Label != "" {
		return t.Label
	}
	return string(id)
}

func glyph(s flows.State) string {
	switch s {
	case flows.StateDenied:
		return ":x:"
	case flows.StateLapsed, flows.StateCancelled:
		return ":heavy_minus_sign:"
	case flows.StateFailed:
		return ":warning:"
	case flows.StateSubmitted, flows.StatePending:
		return ":hourglass_flowing_sand:"
	case flows.StateEnded:
		return ":white_check_mark:"
	}
	return ":unlock:"
}

// outcome says what became of a request, and by whom.
func outcome(r *flows.Request) string {
	by := " by " + mentions(r.Approvers())
	if r.SelfMade {
		by = " by themselves"
	}
	switch r.State {
	case flows.StateDenied:
		if r.DecidedBy == "" {
			return "refused, nobody may decide it"
		}
		return "denied by " + mention(r.DecidedBy)
	case flows.StateLapsed:
		if !r.DecidedAt.IsZero() {
			return "approved" + by + ", but not begun in time"
		}
		return "lapsed, nobody decided"
	case flows.StateCancelled:
		return "withdrawn"
	case flows.StateFailed:
		return "approved" + by + ", but the access could not be given"
	case flows.StateSubmitted, flows.StatePending:
		return "waits for a decision"
	case flows.StateEnded:
		return "approved" + by + ", ended " + at(r.EndedAt)
	case flows.StateActive:
		return "approved" + by + ", until " + at(r.EndsAt)
	}
	return "approved" + by
}

// storyView is one request with everything that is recorded about it.
type storyView struct {
	cat      *flows.Catalog
	r        *flows.Request
	events   []history.Event
	recorded bool
}

// maxSteps is how many steps a story shows in Slack; the newest ones.
const maxSteps = 40

func (v storyView) message() told {
	r := v.r
	t := told{text: "Request " + r.ID.Short() + ": " + string(r.State) + "."}
	t.blocks = append(t.blocks, section("%s", auditRow(v.cat, r)), quote(r.Content.Reason, 600))
	pairs := []string{"Flow", escape(string(r.Content.Flow)), "Content hash", "`" + cut(r.Hash, 16) + "`"}
	if ref := r.IncidentRef(); ref.ID != "" {
		pairs = append(pairs, "Incident", fmt.Sprintf("#%d %s", ref.Number, mrkdwn(ref.Title, 150)))
	} else {
		pairs = append(pairs, "Incident", "No incident")
	}
	if r.Route != nil {
		pairs = append(pairs, "Who was asked, and why", trusted(cut(r.Route.Why, 300)))
	}
	if p := r.Proof; p != nil {
		pairs = append(pairs, "On call", fmt.Sprintf("%s, level %d, read %s", trusted(escapeName(p.Entry.PolicyName)), p.Entry.Level, at(p.ReadAt)))
	}
	if !r.DenyWhy.Empty() {
		pairs = append(pairs, "Why not", mrkdwn(r.DenyWhy, 300))
	}
	if !r.EndWhy.Empty() {
		pairs = append(pairs, "Why it was ended", mrkdwn(r.EndWhy, 300))
	}
	if r.ReviewIs() == flows.ReviewClosed {
		pairs = append(pairs, "Review", cardView{req: *r}.reviewed())
	}
	t.blocks = append(t.blocks, fields(pairs...), section("%s", v.steps()))
	notes := "`breakglass audit show " + r.ID.Short() + "` shows the evidence of each step. " + lookNote(v.recorded)
	if v.cat.Console != "" {
		notes = "<" + v.cat.Console + "/audit/requests/" + string(r.ID) + "|The evidence of each step, in the console>. " + lookNote(v.recorded)
	}
	if v.cat.World == flows.WorldSimulated {
		notes = "Simulated. " + notes
	}
	t.blocks = append(t.blocks, contextLine("%s", notes))
	return t
}

func escapeName(s string) string { return escape(cut(s, 100)) }

// steps lists what happened, in order.
func (v storyView) steps() string {
	events := v.events
	var lines []string
	if cutOff := len(events) - maxSteps; cutOff > 0 {
		events = events[cutOff:]
		lines = append(lines, fmt.Sprintf("…after %d earlier steps", cutOff))
	}
	for i := range events {
		e := &events[i]
		line := fmt.Sprintf("%d. %s · %s", e.Seq, at(e.At), escape(strings.ReplaceAll(e.Verb, "_", " ")))
		if e.Code != "" {
			line += " (" + e.Code + ")"
		}
		if who := e.Who(); who == history.Erased {
			line += " by " + history.Erased
		} else if who != "" {
			line += " by " + mention(flows.PersonID(who))
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
