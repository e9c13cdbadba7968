package httpadapter_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// attack is one hostile request, as bytes on the wire. Some may be sent on, if what the
// upstream gets is exactly what a rule names.
type attack struct {
	name, raw string
	sent      bool // it may arrive
}

// get is a request as it is written on the wire, with more lines of header.
func get(line string, more ...string) string {
	return line + " HTTP/1.1\r\nHost: breakglass\r\nAuthorization: Bearer " + token + "\r\nConnection: close\r\n" + strings.Join(more, "") + "\r\n"
}

func traversals() (out []attack) {
	for _, dots := range []string{
		"..", "%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "%25252e%25252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%uff0e%uff0e", "%ef%bc%8e%ef%bc%8e",
		"..%00", "..%0a", "..%20", "..%09", "..;", "..;a=b", "%2e%2e;x", "..\\", "..%5c", "..%5C..", "..%2f..", "..%2F", "..%252f", ".", "%2e", "%252e", "...", ". .", "%e2%80%a5", "..%c0%af", "..%ef%bc%8f", "..%3f", "..%23",
	} {
		for _, path := range []string{"/incidents/%s/users", "/%s/users", "/incidents/%s/%[1]s/users", "/incidents/%s", "/incidents/P1/%s/notes"} {
			out = append(out, attack{name: "traversal " + dots + " in " + path, raw: get("GET " + httpadapter.Root + "pd" + fmt.Sprintf(path, dots))})
		}
	}
	return out
}

func paths() (out []attack) {
	for _, p := range []string{
		"//incidents", "/incidents/", "/incidents//P1", "///", "/incidents%2fP1", "/incidents%2FP1%2Fnotes", "/incidents%5cP1", "/incidents/P1%00", "/%00", "/incidents/P1%0d%0aX:%20y",
		"/incidents/P1;jsessionid=1", "/incidents;a=b/P1", "/incidents/P1%3bx", "/incidents/P1#/users", "/incidents/P1%23", "/incidents/P1%3f/users", "/incidents/P1%252fnotes", "/incidents/%", "/incidents/%4", "/incidents/%zz", "/incidents/P1\\notes",
		"/incidents/\xff", "/incidents/%ff", "/incidents/%c3%a9", "/incidents/\xc3\xa9", "/incidents/<x>", "/incidents/{id}", "/incidents/`x`", "/incidents/|", "/incidents/^", "/incidents/\"", "/incidents/%7f", "/incidents/%80", "/Incidents", "/INCIDENTS", "/incidents.json",
		"/users", "/incidents/P1/users", "/incidents/P1/notes/N1", "/schedules", "", "/", "/incidents/ ", "/incidents/%20", "/%69ncidents/..", "/*",
	} {
		out = append(out, attack{name: "path " + p, raw: get("GET " + httpadapter.Root + "pd" + p)})
	}
	for _, target := range []string{
		"http://breakglass/v1/apis/http/pd/incidents", "http://evil.example/v1/apis/http/pd/incidents", "https://evil.example/users", "//evil.example/v1/apis/http/pd/incidents", "*", "evil.example:443",
		"/v1/apis/http//pd/incidents", "/v1/apis/http/pd%2fincidents", "/v1/apis/http/../http/pd/incidents", "/v1/%61pis/http/pd/incidents", "/V1/apis/http/pd/incidents", "/v1/apis/http/PD/incidents", "/v1/apis/http/pd@evil/incidents",
		"/v1/apis/http/pd:80/incidents", "/v1/apis/http/p%64/incidents", "/v1/apis/http/.pd/incidents", "/v1/apis/http/pd./incidents", "/v1/apis/http/%2e%2e/pd/incidents", "http:/v1/apis/http/pd/incidents", "/v1/apis/http/", "/v1/apis/http",
	} {
		out = append(out, attack{name: "target " + target, raw: get("GET " + target)})
	}
	for _, q := range []string{
		"a;b=c", "a=%zz", "a=%0d%0aX:y", "a=%00", "_method=DELETE", "_METHOD=put", "%5fmethod=DELETE", "x=1&_method=PUT", "X-HTTP-Method-Override=DELETE", "x-method-override=PUT", "a=b#c", "a=\\", "a=<", "a=" + token, token + "=a",
		"a=" + url.QueryEscape(token), "a=%ff", "access_token=" + token, "a=" + strings.Repeat("x", 20000),
	} {
		out = append(out, attack{name: "query " + q[:min(30, len(q))], raw: get("GET " + httpadapter.Root + "pd/incidents?" + q)})
	}
	return out
}

func methods() (out []attack) {
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "Get", "GETX", "LOCK", "PURGE", "LINK", "M-SEARCH", "BREW", "HEADX"} {
		out = append(out, attack{name: "method " + m, raw: get(m + " " + httpadapter.Root + "pd/incidents")})
	}
	for _, h := range []string{"X-HTTP-Method-Override", "X-Http-Method", "X-Method-Override", "x-http-method-override", "X_HTTP_METHOD_OVERRIDE", "X-Original-Method", "X-Rewrite-Url", "X-Original-Url", "X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Path", "X-Forwarded-Prefix", "X-Real-Ip", "Forwarded", "X-Amz-Target", "X-Accel-Redirect", "X-Sendfile"} {
		out = append(out, attack{name: "override by " + h, raw: get("GET "+httpadapter.Root+"pd/incidents", h+": DELETE\r\n"), sent: true})
	}
	return out
}

func headers() (out []attack) {
	for _, h := range []string{
		"Connection: Authorization", "Connection: close, authorization, via", "Connection: keep-alive, From", "Keep-Alive: timeout=9", "TE: trailers", "TE: gzip", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic x",
		"Cookie: a=b", "Cookie: breakglass_session=" + token, "X-Authorization: x", "Authorization : x", "Host: evil.example", "X-Host: evil.example", "X-Forwarded-Host: evil.example", "X-Forwarded-For: 127.0.0.1", "From: boss@acme.example",
		"User_Agent: x", "Accept_: x", "accept-encoding: gzip", "Accept-Encoding: br;q=1", "Via: 1.1 somebody", "Via: 1.1 breakglass", "Max-Forwards: 0", "Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade", "HTTP2-Settings: AAMAAABkAAQAAP__",
		"Trailer: Authorization", "Expect: 100-continue", "Expect: 200-ok", "Content-Encoding: gzip", "Transfer-Encoding: identity", "X-Api-Key: " + token, "User-Agent: " + token, "Accept: " + token, "Referer: https://a/?t=" + token, "Range: bytes=0-" + token,
		"Accept: a\r\n b", "X: y\r\n\tz", "Accept: a\nX: y", "Accept: a\rX: y", "Bad Name: x", ": x", "X", "Accept: \x00", "Accept: a\x0bb", "Authorization: Token token=other",
	} {
		refused := strings.HasPrefix(h, "Upgrade") || h == "Connection: Upgrade"
		out = append(out, attack{name: "header " + h[:min(40, len(h))], raw: get("GET "+httpadapter.Root+"pd/incidents", h+"\r\n"), sent: !refused})
	}
	return out
}

func smuggling() (out []attack) {
	const hidden = "DELETE /base/users HTTP/1.1\r\nHost: x\r\n\r\n"
	at := "POST " + httpadapter.Root + "pd/incidents/P1/notes HTTP/1.1\r\nHost: breakglass\r\nAuthorization: Bearer " + token + "\r\nContent-Type: application/json\r\nConnection: close\r\n"
	for _, h := range []string{
		"Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 4", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked", "Transfer-Encoding: chunked, identity",
		"Transfer-Encoding: identity, chunked", "Transfer-Encoding:\tchunked", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked;x=y", "X: y\r\n Transfer-Encoding: chunked", "Content-Length: 4\r\nContent-Length: 5", "Content-Length: 4, 4", "Content-Length: +4",
		"Content-Length: 0x4", "Content-Length: -1", "Content-Length: 4 ", "Content-Length: 99999999999999999999", "Content_Length: 4", "Content-Length: ", "Content-Length: 4\x00",
	} {
		for _, body := range []string{"0\r\n\r\n" + hidden, "{}\r\n" + hidden} {
			out = append(out, attack{name: "smuggle " + h + " with " + body[:2], raw: at + h + "\r\n\r\n" + body, sent: true})
		}
	}
	for _, chunk := range []string{"2;ext=\"\r\n\"\r\n{}\r\n0\r\n\r\n", "2\n{}\n0\n\n", "0002\r\n{}\r\n0\r\n\r\n", "2\r\n{}X\r\n0\r\n\r\n", "2\r\n{}\r\n0\r\nAuthorization: x\r\n\r\n", "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n", " 2\r\n{}\r\n0\r\n\r\n"} {
		out = append(out, attack{name: "chunks " + chunk[:5], raw: at + "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n" + chunk + hidden, sent: true})
	}
	return out
}

func bodies() (out []attack) {
	post := func(kind, body string, more ...string) string {
		return get("POST "+httpadapter.Root+"pd/incidents/P1/notes", append(more, fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body)))...) + body
	}
	for name, raw := range map[string]string{
		"form":                   post("application/x-www-form-urlencoded", "_method=DELETE"),
		"multipart":              post("multipart/form-data; boundary=x", "--x\r\n\r\n--x--"),
		"text":                   post("text/plain", "{}"),
		"no type":                get("POST "+httpadapter.Root+"pd/incidents/P1/notes", "Content-Length: 2\r\n") + "{}",
		"two types":              post("application/json", "{}", "Content-Type: text/plain\r\n"),
		"broken type":            post("application/json; charset", "{}"),
		"type with a line break": post("application/json;\r\n charset=\"a\"", "{}"),
		"json in a list":         post("application/json, text/html", "{}"),
		"xml":                    post("application/xml", "<a/>"),
		"a token inside":         post("application/json", `{"a":"`+token+`"}`),
		"huge":                   post("application/json", strings.Repeat("x", 2<<20)),
		"huge by its word":       get("POST "+httpadapter.Root+"pd/incidents/P1/notes", "Content-Type: application/json\r\nContent-Length: 9999999999\r\n") + "{}",
		"less than it says":      get("POST "+httpadapter.Root+"pd/incidents/P1/notes", "Content-Type: application/json\r\nContent-Length: 99\r\n") + "{}",
		"encoded":                post("application/json", "\x1f\x8b", "Content-Encoding: gzip\r\n"),
		"of a GET":               get("GET "+httpadapter.Root+"pd/incidents", "Content-Type: application/json\r\nContent-Length: 2\r\n") + "{}",
		"of a HEAD":              get("HEAD "+httpadapter.Root+"pd/incidents", "Content-Type: application/json\r\nContent-Length: 2\r\n") + "{}",
	} {
		out = append(out, attack{name: "body " + name, raw: raw, sent: strings.HasPrefix(name, "type with")})
	}
	return out
}

// None of them reaches a place that no rule names, and none carries what it should not.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	all := slices.Concat(traversals(), paths(), methods(), headers(), smuggling(), bodies())
	if len(all) < 300 {
		t.Fatalf("only %d requests", len(all))
	}
	t.Logf("%d requests", len(all))
	w := open(t, func(w *world, _ *flows.Adapter, _ *httpadapter.Options) { w.patience = time.Second })
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	allowed := slices.Concat(w.catalog.Adapters["pd"].Allow, w.catalog.AdapterTargets["pd"][0].Allow)
	for _, a := range all {
		out := w.raw(a.raw)
		got := w.took()
		if len(got) > 0 && !a.sent {
			t.Errorf("%s: was sent on as %s %s", a.name, got[0].method, got[0].uri)
		}
		if len(got) > 1 {
			t.Errorf("%s: became %d calls: %+v", a.name, len(got), got)
		}
		for _, s := range got {
			if wrong := w.strange(s, allowed); wrong != "" {
				t.Errorf("%s: %s: %+v", a.name, wrong, s)
			}
		}
		if bytes.Contains(out, []byte("s3cr3t")) {
			t.Errorf("%s: the answer holds the credential: %s", a.name, out)
		}
		for _, status := range statuses(out) {
			if status < 200 || status == 200 && len(got) == 0 || status >= 500 && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
				t.Errorf("%s: answered %d: %s", a.name, status, out)
			}
		}
	}
	if got := w.call("GET", "pd/incidents", ""); got.status != 200 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
}

// strange says what is wrong with a call that arrived.
func (w *world) strange(s sent, allowed []flows.Rule) string {
	rest, ok := strings.CutPrefix(s.uri, "/base/")
	path, query, _ := strings.Cut(rest, "?")
	var segments []string
	for raw := range strings.SplitSeq(path, "/") {
		seg, err := url.PathUnescape(raw)
		if err != nil {
			return "a path that cannot be read"
		}
		segments = append(segments, seg)
	}
	switch {
	case !ok || !slices.ContainsFunc(allowed, func(r flows.Rule) bool { return r.Match(s.method, segments, "P1") }):
		return "no rule names it"
	case s.host != strings.TrimPrefix(w.upstream.URL, "http://"):
		return "another host"
	case !slices.Equal(s.header["Authorization"], []string{"Token token=" + secret}):
		return "another credential"
	case strings.Contains(strings.ToLower(query), "method"):
		return "another method in the query"
	}
	known := []string{"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Length", "Content-Type", "User-Agent", "Via"}
	for name, values := range s.header {
		if !slices.Contains(known, name) {
			return "a header " + name
		}
		if name != "Authorization" && strings.Contains(strings.Join(values, " "), token) {
			return "the caller's token"
		}
	}
	if strings.Contains(s.body, token) || strings.Contains(s.uri, token) {
		return "the caller's token"
	}
	return ""
}

// A caller that takes its time with a body is not waited for, and holds up nobody.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	w := open(t, func(w *world, _ *flows.Adapter, _ *httpadapter.Options) { w.patience = time.Second })
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	slow := get("POST "+httpadapter.Root+"pd/incidents/P1/notes", "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") + "1\r\n{\r\n"
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { w.raw(slow) })
	}
	if got := w.call("GET", "pd/incidents", ""); got.status != 200 {
		t.Errorf("beside slow bodies: %d %s", got.status, got.body)
	}
	wg.Wait()
	for _, s := range w.took() {
		if s.method != "GET" {
			t.Errorf("half a body was sent: %+v", s)
		}
	}
}
