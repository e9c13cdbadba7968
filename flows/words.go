package flows

import (
	"fmt"
	"time"
)

// Mention is how a sentence names a person: the marker that each front door turns
// into its own form (Slack shows a mention, a terminal the display name).
func Mention(p PersonID) string {
	if p == "" {
		return "Breakglass"
	}
	return "<@" + p.User() + ">"
}

// Ago is a short age for sentences: "12 s", "4 min", "3 h", "2 days".
func Ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(max(d, 0)/time.Second))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d/(24*time.Hour)))
}

// Span is a length as it is asked for: "30m", "1h", "1h30m".
func Span(d time.Duration) string {
	h, m, s := int(d/time.Hour), int(d/time.Minute)%60, int(d/time.Second)%60
	out := ""
	if h > 0 {
		out += fmt.Sprintf("%dh", h)
	}
	if m > 0 {
		out += fmt.Sprintf("%dm", m)
	}
	if s > 0 || out == "" {
		out += fmt.Sprintf("%ds", s)
	}
	return out
}
