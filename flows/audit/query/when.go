package query

import (
	"strconv"
	"strings"
	"time"
)

// last reads a length of time up to now: 90m, 24h, 30d, 2w, 1y.
func (p *parser) last(v string) error {
	units := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}
	unit, known := units[v[len(v)-1]]
	n, err := strconv.Atoi(v[:len(v)-1])
	if !known || err != nil || n <= 0 || n > int(100*units['y']/unit) {
		return wrong(timeHint, "%q is no length of time.", v)
	}
	return p.from(p.o.Now.Add(-time.Duration(n) * unit))
}

func (p *parser) since(v string) error {
	from, _, err := span(v)
	if err != nil {
		return err
	}
	return p.from(from)
}

func (p *parser) from(t time.Time) error {
	if !p.q.Since.IsZero() {
		return wrong("Leave one out.", "The beginning of the time is given twice.")
	}
	p.q.Since = t.UTC().Truncate(time.Millisecond)
	return nil
}

// until includes the whole day, month or year that is named.
func (p *parser) until(v string) error {
	_, to, err := span(v)
	if err != nil {
		return err
	}
	if !p.q.Until.IsZero() {
		return wrong("Leave one out.", "The end of the time is given twice.")
	}
	p.q.Until = to
	return nil
}

// span is what a date names, from its beginning to just behind its end, UTC unless it
// says another zone.
func span(v string) (from, to time.Time, err error) {
	for _, form := range []struct {
		layout       string
		years, month int
		days         int
		exact        time.Duration
	}{
		{layout: "2006", years: 1}, {layout: "2006-01", month: 1}, {layout: time.DateOnly, days: 1},
		{layout: "2006-01-02T15:04", exact: time.Minute}, {layout: "2006-01-02T15:04Z07:00", exact: time.Minute},
		{layout: "2006-01-02T15:04:05", exact: time.Second}, {layout: time.RFC3339, exact: time.Millisecond},
	} {
		t, bad := time.Parse(form.layout, strings.ToUpper(v))
		if bad != nil || t.Year() < 1970 || t.Year() > 9000 {
			continue
		}
		t = t.UTC()
		return t, t.AddDate(form.years, form.month, form.days).Add(form.exact), nil
	}
	return from, to, wrong(timeHint, "%q is no date.", v)
}
