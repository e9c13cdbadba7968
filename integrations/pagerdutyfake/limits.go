package pagerdutyfake

import (
	"net/http"
	"strconv"
	"time"
)

// bucket counts requests in a window of one minute.
type bucket struct {
	since time.Time
	used  int
}

// limit is one of the limits that a request counts against.
type limit struct {
	id  string
	max int
}

// limitsOf are the key's general limit and the operation's own.
func (a *Account) limitsOf(k *Key, rt *route) []limit {
	var out []limit
	if a.opts.RequestsPerMinute > 0 {
		out = append(out, limit{k.limitID(), a.opts.RequestsPerMinute})
	}
	if rt == nil {
		return out
	}
	if rt.method == http.MethodGet && rt.pattern == "/oncalls" && a.opts.OnCallsPerMinute > 0 {
		out = append(out, limit{k.limitID() + " oncalls", a.opts.OnCallsPerMinute})
	}
	if rt.method != http.MethodGet && rt.pattern == "/incidents" && a.opts.IncidentWritesPerMinute > 0 {
		out = append(out, limit{k.limitID() + " " + rt.method + " incidents", a.opts.IncidentWritesPerMinute})
	}
	return out
}

// count takes the request off its limits and puts the headers for the limit
// nearest to exhaustion. A limited request takes nothing off.
func (a *Account) count(k *Key, rt *route, header http.Header) *apiError {
	now := a.opts.Now()
	limits := a.limitsOf(k, rt)
	var tightest *limit
	var least int
	for i, l := range limits {
		b := a.limits[l.id]
		if b == nil || now.Sub(b.since) >= time.Minute || now.Before(b.since) {
			b = &bucket{since: now}
			a.limits[l.id] = b
		}
		if left := l.max - b.used; tightest == nil || left < least {
			tightest, least = &limits[i], left
		}
	}
	if tightest == nil {
		return nil
	}
	limited := least <= 0
	if !limited {
		for _, l := range limits {
			a.limits[l.id].used++
		}
		least--
	}
	if !limited || !a.opts.QuietLimits {
		reset := time.Minute - now.Sub(a.limits[tightest.id].since)
		header.Set("ratelimit-limit", strconv.Itoa(tightest.max))
		header.Set("ratelimit-remaining", strconv.Itoa(max(least, 0)))
		header.Set("ratelimit-reset", strconv.Itoa(int((reset+time.Second-1)/time.Second)))
	}
	if limited {
		return fail(http.StatusTooManyRequests, codeRateLimit)
	}
	return nil
}
