package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"breakglass/flows"
)

// mrkdwn is the one seam through which typed text gets into Slack's mrkdwn: markup
// characters lose their meaning, links and mentions cannot be made, line breaks
// become spaces. limit is in runes; what is cut ends in an ellipsis.
func mrkdwn(t flows.Text, limit int) string {
	s := strings.Join(strings.Fields(t.Raw()), " ")
	return escape(cut(s, limit))
}

// marker is what our own sentences may hold of Slack's markup: a person, a time.
var marker = regexp.MustCompile(`<@[UW][A-Z0-9]+>|<!date\^[0-9]+\^[^<>|^]*\|[^<>|]*>`)

// trusted is a sentence of ours with names of others in it (of policies, schedules,
// groups): its markers stay, anything else cannot become a link or a mention.
func trusted(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range marker.FindAllStringIndex(s, -1) {
		b.WriteString(angles.Replace(s[at:m[0]]))
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	b.WriteString(angles.Replace(s[at:]))
	return b.String()
}

var angles = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// plain is typed text for a plain_text object, which has no markup.
func plain(t flows.Text, limit int) string {
	return cut(strings.Join(strings.Fields(t.Raw()), " "), limit)
}

// escaper keeps `& < >` from being markup, as Slack asks, and takes the markup
// characters of mrkdwn apart with a zero-width joiner's harmless cousin, U+2060.
var escaper = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"*", "\u2060*\u2060", "_", "\u2060_\u2060", "~", "\u2060~\u2060", "`", "\u02cb", "@", "@\u2060",
)

func escape(s string) string { return escaper.Replace(s) }

// cut shortens s to at most limit runes.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	runes := []rune(s)
	return string(runes[:limit-1]) + "…"
}
