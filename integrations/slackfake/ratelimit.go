package slackfake

import (
	"math"
	"time"
)

// RateLimits says how Slack's rate limits are kept. The zero value keeps them
// as Slack documents them, per method and per channel.
type RateLimits struct {
	// Off keeps none.
	Off bool `json:"off"`
	// PerMinute overrides single methods.
	PerMinute map[string]int `json:"per_minute"`
	// PostBurst is how many messages a channel takes at once before the limit
	// of one a second bites. Default: 10.
	PostBurst int `json:"post_burst"`
}

// Slack's tiers, in calls a minute per method and workspace.
const (
	tier1       = 1
	tier2       = 20
	tier3       = 50
	tier4       = 100
	tierPost    = 300 // "several hundred" messages a minute per workspace
	tierSpecial = 600
)

// bucket is a token bucket on the workspace's clock.
type bucket struct {
	tokens float64
	at     time.Time
}

// take takes one token and returns zero, or says how long until there is one.
func (b *bucket) take(now time.Time, size, perSecond float64) time.Duration {
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = math.Min(size, b.tokens+elapsed*perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / perSecond * float64(time.Second))
	}
	b.tokens--
	return 0
}

// limited counts a call and returns for how many seconds the app has to stay
// away; 0 lets it through. Called with the lock held.
func (ws *Workspace) limited(name string, perMinute int, args args) int {
	limits := ws.opt.RateLimits
	if limits.Off {
		return 0
	}
	if n, ok := limits.PerMinute[name]; ok {
		perMinute = n
	}
	if wait := ws.takeFrom(name, float64(perMinute), float64(perMinute)/60); wait > 0 {
		return wait
	}
	if name != "chat.postMessage" {
		return 0
	}
	burst := limits.PostBurst
	if burst == 0 {
		burst = 10
	}
	return ws.takeFrom("post to "+args.str("channel"), float64(burst), 1)
}

// takeFrom takes from a named bucket, full at first. Called with the lock held.
func (ws *Workspace) takeFrom(name string, size, perSecond float64) int {
	now := ws.opt.Now()
	b := ws.buckets[name]
	if b == nil {
		b = &bucket{tokens: size, at: now}
		ws.buckets[name] = b
	}
	return int(math.Ceil(b.take(now, size, perSecond).Seconds()))
}

// SetRateLimits changes how rate limits are kept, and forgets what was used.
func (ws *Workspace) SetRateLimits(limits RateLimits) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.opt.RateLimits = limits
	ws.buckets = map[string]*bucket{}
}
