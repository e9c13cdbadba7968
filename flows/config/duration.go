package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// longest is the longest length of time that is taken: what ends after more than a
// month is no emergency any more.
const longest = 31 * 24 * time.Hour

// parseDuration reads "90m" or "1h30m". Where s is none it returns the problem and
// what to write instead.
func parseDuration(s string) (d time.Duration, problem, suggestion string) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return 0, strconv.Quote(s) + " is not a length of time.", meantDuration(s)
	case d <= 0:
		return 0, strconv.Quote(s) + " is not longer than zero.", `Write it like "30m".`
	case d%time.Second != 0:
		return 0, strconv.Quote(s) + " is not in whole seconds.", `Write it like "30m".`
	case d > longest:
		return 0, strconv.Quote(s) + " is longer than 31 days.", ""
	}
	return d, "", ""
}

// spoken is how people write lengths of time elsewhere: "90 minutes", "1 day", "45".
var spoken = regexp.MustCompile(`^\s*([0-9]{1,5})\s*([a-zA-Z]*)\s*$`)

// units are the words for units, by their first letters.
var units = [...]struct {
	prefix string
	unit   time.Duration
}{
	{"s", time.Second}, {"mo", 0}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
}

func meantDuration(s string) string {
	m := spoken.FindStringSubmatch(s)
	if m == nil {
		return `Write it like "30m", "4h" or "1h30m".`
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return `Write it like "30m".`
	}
	word := strings.ToLower(m[2])
	if word == "" {
		return fmt.Sprintf(`Say the unit: "%dm" or "%dh".`, n, n)
	}
	for _, u := range units {
		if strings.HasPrefix(word, u.prefix) && u.unit > 0 {
			return "Write " + strconv.Quote(spell(time.Duration(n)*u.unit)) + "."
		}
		if strings.HasPrefix(word, u.prefix) {
			break
		}
	}
	return `Write it like "30m", "4h" or "1h30m".`
}

// spell is the shortest form that parses: "90m", "4h", "45s".
func spell(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + "h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + "m"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}
