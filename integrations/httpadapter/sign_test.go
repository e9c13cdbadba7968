package httpadapter_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// verify is Amazon's side of Signature Version 4, written from its description: it says
// what is wrong with a request, or nothing.
func verify(r *http.Request, body string, keys map[string]string, service string) string {
	var id, scope, signed, signature string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ", ") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "Credential":
			id, scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			signed = value
		case "Signature":
			signature = value
		}
	}
	at := r.Header.Get("X-Amz-Date")
	if len(at) != 16 || scope != at[:8]+"/eu-central-1/"+service+"/aws4_request" {
		return "the scope is " + scope
	}
	sum := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	var headers strings.Builder
	for name := range strings.SplitSeq(signed, ";") {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(len(body))
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	if !slices.Contains(strings.Split(signed, ";"), "host") || !slices.Contains(strings.Split(signed, ";"), "x-amz-date") {
		return "signed are only " + signed
	}
	path := r.URL.EscapedPath()
	if service != "s3" { // every other service encodes what is encoded once more
		parts := strings.Split(path, "/")
		for i := range parts {
			parts[i] = strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(parts[i]))
		}
		path = strings.Join(parts, "/")
	}
	query := strings.ReplaceAll(r.URL.Query().Encode(), "+", "%20")
	canonical := strings.Join([]string{r.Method, path, query, headers.String(), signed, sum(body)}, "\n")
	mac := func(key []byte, s string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(s))
		return m.Sum(nil)
	}
	key := []byte("AWS4" + keys[id])
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	if want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+at+"\n"+scope+"\n"+sum(canonical))); want != signature {
		return "the signature is another:\n" + canonical
	}
	return ""
}

// Amazon's APIs can stand behind an adapter: calls are signed as Amazon verifies them,
// with keys that rotate, and neither they nor the signature come back.
func TestSigning(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"ec2", "s3"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			id, key, session := &value{now: "AKIAEXAMPLE12345"}, &value{now: "first/secret+key=1"}, &value{now: "session-token-value"}
			keys := map[string]string{"AKIAEXAMPLE12345": "second/secret+key=2"}
			w := open(t, func(w *world, a *flows.Adapter, _ *httpadapter.Options) {
				a.BaseURL, a.Headers = w.upstream.URL, nil
				a.AWS = &flows.AWSSigning{
					Service: service, Region: "eu-central-1", AccessKeyID: flows.NewSecret("id", id), SecretKey: flows.NewSecret("key", key), SessionToken: flows.NewSecret("session", session),
				}
				a.ContentTypes, a.Allow = []string{"application/x-amz-json-1.1", "application/x-www-form-urlencoded"}, rules(t, "POST /", "GET /{bucket}/{key...}", "GET /")
			})
			w.answers(func(rw http.ResponseWriter, r *http.Request) {
				w.mu.Lock()
				body := w.seen[len(w.seen)-1].body
				w.mu.Unlock()
				if wrong := verify(r, body, keys, service); wrong != "" {
					http.Error(rw, wrong, http.StatusForbidden)
					return
				}
				if r.Header.Get("X-Amz-Security-Token") != session.now {
					http.Error(rw, "no session", http.StatusForbidden)
					return
				}
				fmt.Fprintf(rw, "verified %s %s", r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token"))
			})
			if got := w.call("GET", "pd/", ""); got.status != 403 || got.header.Get(httpadapter.AnswerHeader) != "upstream" || strings.Contains(got.body, "first/") {
				t.Errorf("with a wrong key: %d %s", got.status, got.body)
			}
			key.fresh = "second/secret+key=2"
			for _, c := range [][]string{
				{"GET", "pd/?Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=a%20b/c", ""}, {"GET", "pd/bucket/a%20key+with(odd)~signs/x=1", ""},
				{"GET", "pd/bucket/key?list-type=2&prefix=a%2Fb&empty=&b=2&b=1", ""}, {"POST", "pd/", "{\"a\":1}", "Content-Type", "application/x-amz-json-1.1"},
				{"POST", "pd/", "Action=RunInstances&Version=2016-11-15", "Content-Type", "application/x-www-form-urlencoded"},
			} {
				headers := c[3:]
				got := w.callAs(c[0], c[1], c[2], headers...)
				if got.status != 200 || !strings.HasPrefix(got.body, "verified ****") {
					t.Errorf("%s %s: %d %s", c[0], c[1], got.status, got.body)
				}
				for _, s := range []string{"Signature=", "session-token", "AKIA", "second"} {
					if strings.Contains(got.body, s) {
						t.Errorf("%s came back: %s", s, got.body)
					}
				}
			}
			if got := w.callAs("POST", "pd/", "Action=x&_method=DELETE", "Content-Type", "application/x-www-form-urlencoded"); got.problem().Code != httpadapter.CodeForm {
				t.Errorf("another method in a form: %d %s", got.status, got.body)
			}
		})
	}
}
