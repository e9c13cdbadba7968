package bot

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"breakglass/flows"
)

// The action ids of buttons on cards. A button's value is a random token; what it is
// about stands in the database only.
const (
	ActionApprove = "bg:approve"
	ActionDeny    = "bg:deny"
	ActionCancel  = "bg:cancel"
	ActionDone    = "bg:done"
	ActionRevoke  = "bg:revoke"
	ActionForward = "bg:forward"
	ActionReview  = "bg:review" // opens the form that asks for the verdict

	ActionLinkYes  = "bg:link_yes"  // the person: that is me
	ActionLinkNo   = "bg:link_no"   // the person: it is not
	ActionLinkKeep = "bg:link_keep" // an admin: the link is right
	ActionLinkDrop = "bg:link_drop" // an admin: take it away

	ActionApproveNote = "bg:approve_note" // opens the form that asks for the note
	ActionMore        = "bg:more"
	ActionExtend      = "bg:extend"
	ActionFull        = "bg:full"
	ActionMenu        = "bg:menu"
	ActionNothing     = "bg:noop"
)

// blockActions begins the block id of a card's buttons; the request's id follows.
const blockActions = "bg:actions:"

// Slack's limits on what is built here (Block Kit reference).
const (
	maxSection = 3000
	maxField   = 2000
)

func section(format string, args ...any) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, cut(fmt.Sprintf(format, args...), maxSection), false, false), nil, nil)
}

// fields is a two-column list of bold labels and values.
func fields(pairs ...string) slack.Block {
	var objs []*slack.TextBlockObject
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			objs = append(objs, slack.NewTextBlockObject(slack.MarkdownType, cut("*"+pairs[i]+"*\n"+pairs[i+1], maxField), false, false))
		}
	}
	return slack.NewSectionBlock(nil, objs, nil)
}

// quote shows typed text as a quotation without any markup of its own.
func quote(t flows.Text, limit int) slack.Block {
	return slack.NewRichTextBlock("", &slack.RichTextQuote{
		Type:     slack.RTEQuote,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(cut(t.Raw(), limit), nil)},
	})
}

func contextLine(format string, args ...any) slack.Block {
	return slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, cut(fmt.Sprintf(format, args...), maxField), false, false))
}

// button is one action; label is at most 75 characters (a Slack limit).
func button(action, token, label string, style slack.Style) *slack.ButtonBlockElement {
	b := slack.NewButtonBlockElement(action, token, slack.NewTextBlockObject(slack.PlainTextType, label, false, false))
	if style != slack.StyleDefault {
		b.WithStyle(style)
	}
	return b
}

// confirmed asks once more before a button acts.
func confirmed(b *slack.ButtonBlockElement, title, text, yes string) *slack.ButtonBlockElement {
	return b.WithConfirm(slack.NewConfirmationBlockObject(
		slack.NewTextBlockObject(slack.PlainTextType, title, false, false),
		slack.NewTextBlockObject(slack.PlainTextType, cut(text, 300), false, false),
		slack.NewTextBlockObject(slack.PlainTextType, yes, false, false),
		slack.NewTextBlockObject(slack.PlainTextType, "Back", false, false),
	))
}

// message puts blocks and the sentence for push notifications together.
func message(text string, blocks ...slack.Block) Message {
	b, err := json.Marshal(blocks)
	if err != nil {
		panic(err) // our own block values always encode
	}
	return Message{Text: cut(text, 3900), Blocks: b}
}

// at shows an instant in the reader's own time zone.
func at(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} at {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// utc shows an instant where Slack does not translate (push notifications).
func utc(t time.Time) string { return t.UTC().Format("15:04 UTC") }

func mention(p flows.PersonID) string { return flows.Mention(p) }

func mentions(people []flows.PersonID) string {
	const most = 8
	out := ""
	for i, p := range people {
		switch {
		case i == most:
			return out + fmt.Sprintf(" and %d more", len(people)-most)
		case i > 0:
			out += ", "
		}
		out += mention(p)
	}
	return out
}
