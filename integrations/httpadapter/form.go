package httpadapter

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"breakglass/flows"
	"breakglass/integrations/httpadapter/place"
)

// form refuses calls of a form that is not passed on: what the proxy and an upstream,
// or something between them, could take for different things.
func (c *call) form() *refusal {
	r := c.r
	no := func(why string) *refusal { return refuse(CodeForm, "The call was not sent: %s.", why) }
	switch {
	case r.URL.IsAbs() || r.URL.Host != "" || r.URL.User != nil:
		return no("its target is a whole address, not a path")
	case !slices.Contains(flows.RuleMethods(), r.Method):
		return no("its method is none that an adapter passes on")
	case r.Header.Get("Upgrade") != "" || hasToken(r.Header["Connection"], "upgrade"):
		return no("it asks for another protocol")
	case len(r.Trailer) > 0 || r.Header.Get("Trailer") != "":
		return no("it has trailers")
	case len(r.Header["Content-Encoding"]) > 0:
		return no("its body is encoded")
	case len(r.Header["Content-Type"]) > 1 || len(r.Header["Host"]) > 0:
		return no("it has a header twice that may stand once")
	case slices.ContainsFunc(r.Header["Via"], func(v string) bool { return strings.Contains(v, ownName) }):
		return no("it came from an adapter, so it would go round in a circle")
	case c.by.Browser && !sameOrigin(r):
		return refuse(CodeForeign, "This is a browser's session, and the call does not come from a page of this console. The call was not sent.").then("Programs call with a token.")
	case c.carriesPass():
		return no("it carries a token of Breakglass where the upstream would see it")
	}
	return nil
}

// ownName is how the proxy calls itself to upstreams.
const ownName = "breakglass"

// sameOrigin reports whether a browser says that one of our own pages makes the call. A
// page of another site, and a link that somebody follows, is none.
func sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin":
		return true
	case "":
		origin, err := url.Parse(r.Header.Get("Origin"))
		return err == nil && origin.Host != "" && strings.EqualFold(origin.Host, r.Host)
	}
	return false
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(textproto.TrimString(t), token) {
				return true
			}
		}
	}
	return false
}

// carriesPass reports whether a secret of a session, a login or a token stands in what
// would be sent.
func (c *call) carriesPass() bool {
	if slices.ContainsFunc(c.to.Segments, looksLikePass[string]) {
		return true
	}
	for _, q := range c.to.Query {
		if looksLikePass(q.Key) || looksLikePass(q.Value) {
			return true
		}
	}
	for name, values := range c.r.Header {
		if name == "Authorization" || name == "Cookie" || !c.passes(name) {
			continue
		}
		if slices.ContainsFunc(values, looksLikePass[string]) {
			return true
		}
	}
	return false
}

// looksLikePass reports whether a text holds the secret of a pass.
func looksLikePass[T string | []byte](text T) bool { return passAt(string(text)) >= 0 }

// passLength is how long the secret of a pass is: its prefix and 43 characters.
const passLength = 47

// passAt is where the secret of a pass begins in a text; -1: nowhere.
func passAt(s string) int {
	for at := 0; ; at += 2 {
		i := strings.Index(s[at:], "bg")
		if i < 0 || len(s) < at+i+passLength {
			return -1
		}
		at += i
		if c := s[at+2]; strings.IndexByte("tsld", c) >= 0 && s[at+3] == '_' && !strings.ContainsFunc(s[at+4:at+passLength], notInSecret) {
			return at
		}
	}
}

// withoutPass is a text as it may be kept: the secret of a pass is covered.
func withoutPass(s string) string {
	for i := passAt(s); i >= 0; i = passAt(s) {
		s = s[:i+4] + "…" + s[i+passLength:]
	}
	return s
}

func notInSecret(r rune) bool { return r > 0x7f || !place.Unreserved(byte(r)) }

// The bodies of all calls that are held at a time.
const mostHeld = 128 << 20

// held counts bytes of bodies.
type held struct{ n atomic.Int64 }

func (h *held) take(n int64) bool {
	if h.n.Add(n) > mostHeld {
		h.n.Add(-n)
		return false
	}
	return true
}

// readBody reads the body whole: it is recorded by its hash before it is sent, and sent
// with its length, so that nothing is left of how the caller delimited it.
func (c *call) readBody() *refusal {
	limit, n := c.a.Limits.Request, c.r.ContentLength
	if n > limit {
		return tooLarge(limit)
	}
	if n == 0 {
		return c.bodyOver()
	}
	if !c.p.gate.bodies.take(room(n, limit)) {
		return refuse(CodeTooMany, "The bodies of too many calls are in hand. The call was not sent.").then("Try again in a moment.")
	}
	c.taken = room(n, limit)
	var buf bytes.Buffer
	if n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	got, err := io.Copy(&buf, io.LimitReader(c.r.Body, limit+1))
	switch {
	case err != nil:
		return refuse(CodeForm, "The body of the call did not arrive whole, or not in time. The call was not sent.")
	case got > limit:
		return tooLarge(limit)
	case len(c.r.Trailer) > 0:
		return refuse(CodeForm, "The call was not sent: it has trailers.")
	}
	c.body = buf.Bytes()
	return c.bodyOver()
}

// room is what a body takes of the memory; one of unknown length may be as large as any.
func room(n, limit int64) int64 {
	if n < 0 {
		return limit
	}
	return n
}

func tooLarge(limit int64) *refusal {
	return refuse(CodeForm, "The body is larger than %d bytes, which is all that this adapter takes. The call was not sent.", limit)
}

// release gives back what the body took.
func (c *call) release() {
	if c.taken > 0 {
		c.p.gate.bodies.n.Add(-c.taken)
		c.taken = 0
	}
}

// bodyOver judges a body that was read.
func (c *call) bodyOver() *refusal {
	if len(c.body) == 0 {
		return nil
	}
	if m := c.r.Method; m == http.MethodGet || m == http.MethodHead || m == http.MethodOptions {
		return refuse(CodeForm, "The call was not sent: a %s has no body.", m)
	}
	kind, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !isJSON(kind) && !slices.Contains(c.a.ContentTypes, kind) {
		return refuse(CodeForm, "The call was not sent: its body is not JSON, by its Content-Type.").then("Send JSON, with Content-Type: application/json.")
	}
	if kind == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(c.body))
		if err != nil {
			return refuse(CodeForm, "The call was not sent: its body is no form.")
		}
		for key := range values {
			if place.Overrides(key) {
				return refuse(CodeForm, "The call was not sent: its body asks for another method.")
			}
		}
	}
	if looksLikePass(c.body) {
		return refuse(CodeForm, "The call was not sent: it carries a token of Breakglass where the upstream would see it.")
	}
	if c.kind = mime.FormatMediaType(kind, params); c.kind == "" {
		c.kind = kind
	}
	return nil
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}
