package bot

import (
	"slices"
	"strings"

	"breakglass/flows"
)

// wish is what somebody typed behind /access.
type wish struct {
	draft
	unsure  bool   // whether the person may ask for the target is not known yet
	near    string // the incident that the channel is named after; empty: none
	unknown string // a word that means nothing to us; nothing else is then set
}

// readWish reads "TARGET 1h 4711 reason…": target, length and incident in any order,
// the rest is the reason. It asks nobody.
func (b *Bot) readWish(cat *flows.Catalog, who flows.PersonID, text string) wish {
	var w wish
	w.answers = map[string]string{}
	rest := strings.TrimSpace(unquote.Replace(text))
	for rest != "" {
		word, after, _ := strings.Cut(rest, " ")
		after = strings.TrimSpace(after)
		if o, n := b.offerAt(cat, who, rest); n > 0 && w.offer.none() {
			w.offer, w.unsure = o, b.asks.peek(o.flow, who) == flows.Unknown
			rest = strings.TrimSpace(rest[n:])
			continue
		}
		if d := lengthIn(word); d > 0 && w.duration == 0 {
			w.duration, rest = d, after
			continue
		}
		if id, ok := incidentIn(word); ok && w.incident == "" {
			w.incident, rest = id, after
			continue
		}
		if strings.EqualFold(word, "for") && after != "" {
			rest = after
			continue
		}
		break
	}
	word, more, _ := strings.Cut(rest, " ")
	nothing := w.offer.none() && w.duration == 0 && w.incident == ""
	if nothing && word != "" && (more == "" || nearest(word, b.knownWords(cat, who)) != "") {
		return wish{unknown: cut(word, 60)}
	}
	w.reason = flows.NewText(strings.Trim(rest, `"'`))
	return w
}

// unquote takes the typographic quotes that phones write, and line breaks.
var unquote = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "\n", " ", "\t", " ", "\u00a0", " ")

// offerAt finds the offer whose name s begins with, and how long it is there: an id,
// "flow/target", or a label, the longest that fits. What the person is known not to
// be allowed does not exist here.
func (b *Bot) offerAt(cat *flows.Catalog, who flows.PersonID, s string) (best offer, length int) {
	for _, o := range offers(cat) {
		if b.asks.peek(o.flow, who) == flows.No {
			continue
		}
		for _, name := range o.names() {
			if n := startsWith(s, name); n > length {
				best, length = o, n
			}
		}
	}
	return best, length
}

// names is how an offer may be typed.
func (o offer) names() []string {
	names := []string{string(o.target.ID), string(o.flow.ID) + "/" + string(o.target.ID), o.target.Label}
	if len(o.flow.Targets) == 1 {
		names = append(names, string(o.flow.ID), o.flow.Label)
	}
	return names
}

// startsWith says how much of s is name as whole words, quoted or not; 0: it is not.
// "-" and "_" are the same, as are capitals and small letters.
func startsWith(s, name string) int {
	if name == "" {
		return 0
	}
	quoted := 0
	if strings.HasPrefix(s, `"`) {
		quoted = 1
	}
	end := quoted + len(name)
	if len(s) < end || !strings.EqualFold(dashes(s[quoted:end]), dashes(name)) {
		return 0
	}
	if quoted == 1 && len(s) > end && s[end] == '"' {
		end++
	}
	if len(s) > end && s[end] != ' ' {
		return 0
	}
	return end
}

func dashes(s string) string { return strings.ReplaceAll(s, "-", "_") }

// knownWords is what may stand behind /access.
func (b *Bot) knownWords(cat *flows.Catalog, who flows.PersonID) []string {
	words := []string{"help", "list", "done", "cancel", "end", "freeze", "unfreeze", "erase"}
	for _, o := range offers(cat) {
		if b.asks.peek(o.flow, who) == flows.Yes && !slices.Contains(words, string(o.target.ID)) {
			words = append(words, string(o.target.ID))
		}
	}
	return words
}

// nearest is the known word that was probably meant; empty when none is close.
func nearest(word string, known []string) string {
	best, least := "", max(1, min(len(word)/2, 3))+1
	for _, k := range known {
		if d := edits(strings.ToLower(word), strings.ToLower(k)); d < least {
			best, least = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance of two short words.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	above := make([]int, len(y)+1)
	for j := range above {
		above[j] = j
	}
	for i, r := range x {
		diagonal := above[0]
		above[0] = i + 1
		for j, c := range y {
			cost := diagonal
			if r != c {
				cost++
			}
			diagonal = above[j+1]
			above[j+1] = min(cost, above[j]+1, above[j+1]+1)
		}
	}
	return above[len(y)]
}
