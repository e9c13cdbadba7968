package httpadapter_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// echoes are the ways in which a server may give back what it got.
func echoes() map[string]func(string) string {
	shifted := func(enc *base64.Encoding, n int) func(string) string {
		return func(s string) string { return enc.EncodeToString([]byte(strings.Repeat("p", n) + s + "tail")) }
	}
	each := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&b, format, c)
			}
			return b.String()
		}
	}
	out := map[string]func(string) string{
		"as it is": func(s string) string { return s }, "in small letters": strings.ToLower, "in capitals": strings.ToUpper,
		"json":         func(s string) string { b, _ := json.Marshal(map[string]string{"a": s}); return string(b) },
		"json in json": func(s string) string { b, _ := json.Marshal(s); return strings.ReplaceAll(string(b), "/", `\/`) },
		"html":         html.EscapeString, "query": url.QueryEscape, "path": url.PathEscape,
		"query in small letters": func(s string) string {
			return regexp.MustCompile("%..").ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
		},
		"hex":     func(s string) string { return hex.EncodeToString([]byte(s)) },
		"HEX":     func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"percent": each("%%%02x"), "PERCENT": each("%%%02X"), "unicode": each(`\u%04x`), "UNICODE": each(`\u%04X`),
		"backwards": func(s string) string {
			b := []byte(s)
			for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
				b[i], b[j] = b[j], b[i]
			}
			return string(b)
		},
		"twice": func(s string) string { return s + s },
	}
	for n := range 3 {
		out[fmt.Sprintf("base64 after %d", n)] = shifted(base64.StdEncoding, n)
		out[fmt.Sprintf("base64 for addresses after %d", n)] = shifted(base64.URLEncoding, n)
	}
	return out
}

// Whatever an upstream does with the header that it got, the caller does not get the
// credential: not in the body, not in a header, and not in pieces.
func TestEchoingUpstreams(t *testing.T) {
	t.Parallel()
	w := open(t)
	for name, encode := range echoes() {
		echo := encode(secret)
		w.answers(func(rw http.ResponseWriter, r *http.Request) {
			text := encode(strings.TrimPrefix(r.Header.Get("Authorization"), "Token token="))
			rw.Header().Set("X-Request-Id", text)
			rw.Header().Set("Etag", `"`+text+`"`)
			rw.Header().Set("Set-Cookie", "a="+text)
			rw.Header().Set("X-Debug", text)
			for i := range text { // a piece at a time
				_, _ = io.WriteString(rw, text[i:i+1])
				if i%7 == 0 {
					_ = http.NewResponseController(rw).Flush()
				}
			}
			_, _ = io.WriteString(rw, " and s3c more "+text+" s3cr3t/KE")
		})
		got := w.call("GET", "pd/incidents", "")
		all := got.body + sprint(got.header)
		// Between the ends of what base64 mixes with its neighbours, nothing is left.
		if core := echo[4 : len(echo)-8]; got.status != 200 || strings.Contains(all, core) || strings.Contains(all, core[:len(core)*2/3]) {
			t.Errorf("%s: %d %q %v", name, got.status, got.body, got.header)
		}
		if !strings.Contains(got.body, " and s3c more ") || !strings.HasSuffix(got.body, " s3cr3t/KE") || len(got.body) != 2*len(echo)+len(" and s3c more ")+len(" s3cr3t/KE") {
			t.Errorf("%s: what is no credential is lost: %q", name, got.body)
		}
	}
	all := w.written(httpadapter.Chain("pd"), len(echoes())+1)
	for _, e := range all {
		calls, _ := e.facts["calls"].([]any)
		for _, c := range calls {
			if one, _ := c.(map[string]any); one["masked"] == nil {
				t.Errorf("the record does not say that something was covered: %v", one)
			}
		}
	}
}

// Redirects are followed by nobody; those below the adapter's own base lead back to it.
func TestRedirects(t *testing.T) {
	t.Parallel()
	var thief atomic.Int32
	other := func(rw http.ResponseWriter, _ *http.Request) { thief.Add(1) }
	evil := newServer(t, other)
	w := open(t)
	for to, want := range map[string]string{
		"/base/incidents/P2": "/v1/apis/http/pd/incidents/P2", w.upstream.URL + "/base/incidents?a=b": "/v1/apis/http/pd/incidents?a=b", "/base": "/v1/apis/http/pd",
		evil + "/": "", "//" + strings.TrimPrefix(evil, "http://") + "/": "", "/other": "", "/basement": "", "/base/../users": "", "/base/%2e%2e/users": "", "/base//x": "",
		w.upstream.URL + "@evil.example/base": "", "https://" + strings.TrimPrefix(w.upstream.URL, "http://") + "/base/x": "", "javascript:alert(1)": "", "incidents": "", "/base/a#b": "", "/base/a;b": "", "\\\\evil": "", "http:/base/x": "", "/base/x?a;b": "",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			w.answers(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Location"] = []string{to}
				rw.WriteHeader(status)
			})
			got := w.call("GET", "pd/incidents", "")
			switch {
			case want == "" && (got.status != 502 || got.problem().Code != httpadapter.CodeAnswer || got.header.Get("Location") != ""):
				t.Errorf("%d to %s: %d %v", status, to, got.status, got.header["Location"])
			case want != "" && (got.status != status || got.header.Get("Location") != want):
				t.Errorf("%d to %s: %d to %v, want %s", status, to, got.status, got.header["Location"], want)
			}
		}
	}
	if n := len(w.took()); n != 19*5 || thief.Load() != 0 {
		t.Errorf("%d calls, and %d elsewhere", n, thief.Load())
	}
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Location", evil)
		rw.WriteHeader(http.StatusCreated)
	})
	if got := w.call("GET", "pd/incidents", ""); got.status != 201 || got.header.Get("Location") != "" {
		t.Errorf("created elsewhere: %d %v", got.status, got.header)
	}
}

// What else an upstream may answer.
func TestAnswersThatAreNotPassedOn(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) { a.Limits.Response = 1000 })
	for name, c := range map[string]struct {
		raw  string // the upstream's whole answer
		code flows.Code
		body string
	}{
		"encoded":                   {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nxx", httpadapter.CodeAnswer, ""},
		"another protocol":          {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", httpadapter.CodeAnswer, ""},
		"asks for a proxy's secret": {"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", httpadapter.CodeAnswer, ""},
		"our key is refused":        {"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", httpadapter.CodeCredential, ""},
		"too long by its word":      {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", httpadapter.CodeAnswer, ""},
		"no HTTP":                   {"SSH-2.0-OpenSSH\r\n", httpadapter.CodeDown, ""},
		"nothing":                   {"", httpadapter.CodeDown, ""},
		"headers without end":       {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 200<<10), httpadapter.CodeDown, ""},
		"two lengths":               {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", httpadapter.CodeDown, ""},
		"broken chunks":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", "|"},
		"too long":                  {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + strings.Repeat("x", 5000), "", "|"},
		"less than it says":         {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "", "|"},
		"hints before":              {"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", "ok"},
		"trailers":                  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Key\r\n\r\n2\r\nok\r\n0\r\nX-Key: " + secret + "\r\n\r\n", "", "ok"},
		"a second answer":           {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "", "ok"},
		"no body":                   {"HTTP/1.1 204 No Content\r\n\r\n", "", ""},
	} {
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, c.raw)
			_ = conn.Close()
		})
		got := w.call("GET", "pd/incidents", "")
		ok := c.code != "" && got.problem().Code == c.code || c.code == "" && (got.body == c.body || c.body == "|" && strings.Contains(got.body, "|"))
		if !ok || strings.Contains(got.body+sprint(got.header), "s3cr3t") {
			t.Errorf("%s: %d %.200q %v", name, got.status, got.body, got.header)
		}
	}
	w.answers(nil)
	if got := w.call("GET", "pd/incidents", ""); got.body != `{"incidents":[]}` {
		t.Errorf("afterwards: %q", got.body)
	}
}

// Headers of the upstream's own business stay there.
func TestHeadersThatStay(t *testing.T) {
	t.Parallel()
	w := open(t, func(_ *world, a *flows.Adapter, _ *httpadapter.Options) {
		a.ResponseHeaders, a.RequestHeaders = []string{"X-Total"}, []string{"X-Trace"}
	})
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		for _, h := range []string{
			"Set-Cookie", "WWW-Authenticate", "Server", "Alt-Svc", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "X-Powered-By", "Clear-Site-Data",
			"Content-Security-Policy", "Refresh", "Public-Key-Pins", "Report-To", "Breakglass-Answer", "Authorization", "Sourcemap", "Service-Worker-Allowed", "Proxy-Authenticate", "X-Total", "Link", "Cache-Control",
		} {
			rw.Header().Set(h, "theirs")
		}
	})
	got := w.call("GET", "pd/incidents", "", "X-Trace", "t")
	for h, values := range got.header {
		if (h != "X-Total" && h != "Link") && strings.Join(values, "") == "theirs" {
			t.Errorf("%s came back", h)
		}
	}
	if got.header.Get("X-Total") != "theirs" || got.header.Get("Link") != "theirs" || w.took()[0].header.Get("X-Trace") != "t" {
		t.Errorf("what may pass did not: %v", got.header)
	}
}

// A browser's session calls from our own pages only.
func TestBrowsers(t *testing.T) {
	t.Parallel()
	w := open(t)
	for _, c := range []struct {
		site, origin string
		ok           bool
	}{
		{"same-origin", "", true}, {"cross-site", "", false}, {"same-site", "", false}, {"none", "", false}, {"", "", false}, {"", "http://evil.example", false},
		{"", w.front.URL, true}, {"cross-site", w.front.URL, false}, {"", "null", false},
	} {
		var h []string
		if c.site != "" {
			h = append(h, "Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			h = append(h, "Origin", c.origin)
		}
		got := w.call("GET", "pd/incidents", "", append(h, "X-Test-Caller", "browser")...)
		if (got.status == 200) != c.ok || !c.ok && got.problem().Code != httpadapter.CodeForeign {
			t.Errorf("%+v: %d %s", c, got.status, got.body)
		}
	}
}

// A name that leads inside is not called, whatever it said before.
func TestRebinding(t *testing.T) {
	t.Parallel()
	answers := []string{"127.0.0.1", "169.254.169.254", "10.0.0.1", "0.0.0.0", "100.100.100.200"}
	var asked atomic.Int32
	dns := nameServer(t, func() string { return answers[int(asked.Add(1)-1)%len(answers)] })
	w := open(t, func(w *world, a *flows.Adapter, o *httpadapter.Options) {
		_, port, _ := net.SplitHostPort(w.upstream.Listener.Addr().String())
		a.BaseURL, a.AllowPrivate = "http://upstream.test:"+port, false
		o.Resolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", dns)
		}}
	})
	for range 2 * len(answers) {
		if got := w.call("GET", "pd/incidents", ""); got.status != 502 || got.problem().Code != httpadapter.CodeDown || !strings.Contains(got.body, "may not be called") {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	if n := len(w.took()); n != 0 || asked.Load() == 0 {
		t.Errorf("%d calls arrived inside, %d names were looked up", n, asked.Load())
	}
}

// nameServer answers every question for an address with what next says.
func nameServer(t *testing.T, next func() string) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			q := buf[:n]
			end := 12
			for q[end] != 0 {
				end += int(q[end]) + 1
			}
			kind := q[end+2]
			answer := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end+5]...)
			if kind == 1 { // A
				answer[7] = 1
				answer = append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
				answer = append(answer, net.ParseIP(next()).To4()...)
			}
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	return conn.LocalAddr().String()
}

func newServer(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + ln.Addr().String()
}

// streams open a stream and reads its first line.
func (w *world) stream(headers ...string) (lines *bufio.Reader, end func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.front.URL+httpadapter.Root+"pd/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		w.t.Fatalf("the stream is answered %d %s", resp.StatusCode, b)
	}
	lines = bufio.NewReader(resp.Body)
	if line, err := lines.ReadString('\n'); line != "data: 1\n" || err != nil {
		w.t.Fatalf("the stream begins with %q, %v", line, err)
	}
	return lines, func() { cancel(); _ = resp.Body.Close() }
}

// What changes something is sent once, whatever becomes of the connection.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	w := open(t)
	w.grants.set(grant(dana, "write", "P1", start.Add(time.Hour)))
	for _, c := range []struct{ method, path string }{{"PUT", "pd/incidents/P1"}, {"POST", "pd/incidents/P1/notes"}} {
		w.answers(nil)
		w.call("GET", "pd/incidents", "") // so that a connection is there to be used again
		w.answers(func(rw http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_ = conn.Close()
		})
		w.took()
		got := w.call(c.method, c.path, "{}")
		if all := w.took(); got.problem().Code != httpadapter.CodeDown || len(all) != 1 || all[0].body != "{}" {
			t.Errorf("%s: %d %s; it arrived %d times", c.method, got.status, got.body, len(all))
		}
	}
}
