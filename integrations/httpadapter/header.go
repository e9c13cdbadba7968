package httpadapter

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"breakglass/flows"
)

// passedOn are the headers of callers that upstreams get. No Range: what is asked for in
// pieces smaller than a credential cannot be searched for it.
var passedOn = [...]string{
	"Accept", "Accept-Language", "If-Match", "If-Modified-Since", "If-None-Match", "If-Unmodified-Since", "User-Agent", "X-Request-Id",
}

// passedBack are the headers of upstreams that callers get.
var passedBack = [...]string{
	"Accept-Ranges", "Content-Disposition", "Content-Language", "Content-Range", "Content-Type", "Deprecation", "Etag", "Last-Modified", "Link",
	"Ratelimit", "Ratelimit-Limit", "Ratelimit-Policy", "Ratelimit-Remaining", "Ratelimit-Reset", "Retry-After", "Sunset", "X-Request-Id",
	"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset",
}

// passes reports whether a header of the caller is sent on.
func (c *call) passes(name string) bool {
	return slices.Contains(passedOn[:], name) || slices.Contains(c.a.RequestHeaders, name)
}

// headers are what the upstream gets of the caller, and of ourselves; what the
// configuration sets is added when it is sent, and nothing else replaces it.
func (c *call) headers() http.Header {
	h := make(http.Header, 8+len(c.a.Headers))
	for name, values := range c.r.Header {
		if c.passes(name) {
			h[name] = values
		}
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", ownName)
	}
	switch {
	case len(c.body) > 0:
		h.Set("Content-Type", c.kind)
	case c.a.AWS == nil:
		h.Set("Content-Type", "application/json") // PagerDuty wants it of every call
	}
	if c.from != "" {
		h.Set("From", c.from)
	}
	h.Set("Accept-Encoding", "identity") // what is encoded could not be looked through
	h.Set("Via", "1.1 "+ownName)
	return h
}

// back puts what the caller gets of the upstream's headers into to, and says how often
// our credential stood there.
func (c *call) back(to, from http.Header, m *mask) (masked int) {
	for name, values := range from {
		if !slices.Contains(passedBack[:], name) && !slices.Contains(c.a.ResponseHeaders, name) {
			continue
		}
		for _, v := range values {
			text, n := m.text(v)
			masked += n
			to.Add(name, text)
		}
	}
	return masked
}

// location makes an address of the same upstream one of this adapter; false for any
// other, and for one that is ambiguous.
func (c *call) location(raw string, base *url.URL) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" || !u.IsAbs() && (u.Host != "" || !strings.HasPrefix(raw, "/")) {
		return "", false
	}
	if u.IsAbs() && (u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host)) {
		return "", false
	}
	path, below := strings.CutPrefix(u.EscapedPath(), base.EscapedPath())
	if !below || path != "" && path[0] != '/' {
		return "", false
	}
	here := Root + string(c.a.ID) + path
	if u.RawQuery != "" {
		here += "?" + u.RawQuery
	}
	if _, no := readPlace(here); no != nil {
		return "", false
	}
	return here, true
}

// set fills the headers of the configuration, one inside the other, and calls use with
// the values of all secrets; see flows.Filled.
func set(c *call, headers []flows.AdapterHeader, h http.Header, values []string, use func([]string) (bool, error)) (bool, error) {
	if len(headers) == 0 {
		return use(values)
	}
	first := headers[0]
	err := first.Value.Fill(c.r.Context(), func(text string, more []string) (bool, error) {
		if strings.ContainsAny(text, "\r\n\x00") {
			return false, &unfit{first.Name}
		}
		h[first.Name] = []string{text}
		return set(c, headers[1:], h, append(slices.Clip(values), more...), use)
	})
	return rejected(err)
}

// rejected tells a credential that was refused in every version from other errors.
func rejected(err error) (bool, error) {
	if isRejected(err) {
		return true, nil
	}
	return false, err
}

// unfit is a header whose value would be more than one line.
type unfit struct{ name string }

func (u *unfit) Error() string { return "the value of " + u.name + " has a line break in it" }
