package pagerduty

import (
	"errors"
	"strconv"
)

var errBadID = errors.New("not a PagerDuty id; nothing was asked")

// isID reports whether s has the form of PagerDuty's ids. Only what passes is ever
// put into a path: the client library would send anything as it stands.
func isID(s string) bool {
	if len(s) < 6 || len(s) > 20 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isNumber reports whether s can be the number of an incident.
func isNumber(s string) bool {
	if len(s) == 0 || len(s) > 18 {
		return false
	}
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && s[0] != '+' && s[0] != '0'
}
