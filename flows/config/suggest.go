package config

import (
	"sort"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean is the sentence that names the closest candidate; empty if none is close.
func didYouMean(given string, candidates []string) string {
	if best := closest(given, candidates); best != "" {
		return "Did you mean " + strconv.Quote(best) + "?"
	}
	return ""
}

// closest is the candidate with the fewest typing mistakes, if those are few.
func closest(given string, candidates []string) string {
	best, least := "", 0
	for _, c := range candidates {
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(c), nil)
		if given == c || d > mistakes(len(c)) {
			continue
		}
		if best == "" || d < least {
			best, least = c, d
		}
	}
	return best
}

// mistakes is how many are few, in a word of n letters; two swapped letters are two.
func mistakes(n int) int {
	if n < 4 {
		return 1
	}
	return max(2, n/3)
}

// meanOrOneOf suggests the closest candidate, or lists them all.
func meanOrOneOf(given string, candidates []string) string {
	if s := didYouMean(given, candidates); s != "" {
		return s
	}
	return oneOf(candidates)
}

// oneOf lists what may be written.
func oneOf(candidates []string) string {
	switch len(candidates) {
	case 0:
		return ""
	case 1:
		return "Write " + strconv.Quote(candidates[0]) + "."
	}
	return "It is one of " + listOf(candidates, "or") + "."
}

// listOf is "a", "b" or "c".
func listOf(words []string, last string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return joinWords(quoted, last)
}

// joinWords is a, b or c.
func joinWords(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

func sorted(words []string) []string {
	out := append([]string(nil), words...)
	sort.Strings(out)
	return out
}
