package pagerdutyfake

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// page cuts a list as PagerDuty's classic pagination does: limit 25 unless
// asked, at most max, offset+limit at most 10,000, total only on request.
func page[T any](c *call, name string, all []T, usual, most int, show func(T) any) (answer, *apiError) {
	limit, offset, e := c.paging(usual, most)
	if e != nil {
		return answer{}, e
	}
	list := []any{}
	for i := offset; i < min(offset+limit, len(all)); i++ {
		list = append(list, show(all[i]))
	}
	body := obj{name: list, "limit": limit, "offset": offset, "more": offset+limit < len(all), "total": nil}
	if c.q.Get("total") == "true" {
		body["total"] = len(all)
	}
	return ok(body)
}

func (c *call) paging(usual, most int) (limit, offset int, e *apiError) {
	limit, e1 := c.number("limit", usual)
	offset, e2 := c.number("offset", 0)
	if e1 != nil || e2 != nil || limit < 1 || offset < 0 {
		return 0, 0, fail(400, codeInvalidInput, "limit and offset must be whole numbers")
	}
	if limit+offset > 10_000 {
		return 0, 0, fail(400, codeBadArguments, fmt.Sprintf("Offset+limit exceeds maximum allowed value of 10000. You provided %d", limit+offset))
	}
	if limit > most {
		c.violation(fmt.Sprintf("limit %d is above the maximum of %d and was cut", limit, most))
	}
	return min(limit, most), offset, nil
}

func (c *call) number(name string, usual int) (int, error) {
	v := c.q.Get(name)
	if v == "" {
		return usual, nil
	}
	return strconv.Atoi(v)
}

// list reads a multi-value parameter such as user_ids[].
func (c *call) list(name string) []string { return c.q[name+"[]"] }

// includes says whether include[] asks for a thing.
func (c *call) includes(name string) bool { return slices.Contains(c.list("include"), name) }

// onlyIncludes notes include[] values that the operation does not know.
func (c *call) onlyIncludes(known ...string) {
	for _, v := range c.list("include") {
		if !slices.Contains(known, v) {
			c.violation("include[] " + strconv.Quote(v) + " is not offered by this operation")
		}
	}
}

// period reads since and until; a missing one is zero.
func (c *call) period() (since, until time.Time, e *apiError) {
	for name, t := range map[string]*time.Time{"since": &since, "until": &until} {
		v := c.q.Get(name)
		if v == "" {
			continue
		}
		at, err := parseTime(v, c.loc)
		if err != nil {
			return since, until, fail(400, codeBadTimes, name+" is not a valid time")
		}
		*t = at
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return since, until, fail(400, codeBadTimes, "until cannot be before since")
	}
	return since, until, nil
}

func parseTime(v string, loc *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, v, loc); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not an ISO 8601 time", v)
}
