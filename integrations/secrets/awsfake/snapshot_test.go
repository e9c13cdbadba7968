package awsfake

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sdk = "github.com/aws/aws-sdk-go-v2/service/secretsmanager"

// fixtures is the folder with what the vendor's SDK itself is tested against.
func fixtures(t *testing.T) string {
	t.Helper()
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("the go command, which says where the SDK's sources are, is not here")
	}
	out, err := exec.CommandContext(t.Context(), goTool, "list", "-m", "-f", "{{.Dir}}", sdk).Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("the sources of %s are not here: %v", sdk, err)
	}
	return dir
}

// snapshot reads a fixture: a first line, headers, an empty line, a body.
func snapshot(t *testing.T, path string) (first string, header http.Header, body []byte) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(bytes.NewReader(raw))
	line := func() string {
		s, err := r.ReadString('\n')
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		return strings.TrimRight(s, "\r\n")
	}
	first, header = line(), http.Header{}
	blanks := 0
	for {
		l := line()
		k, v, ok := strings.Cut(l, ": ")
		if ok {
			header.Set(k, v)
			continue
		}
		blanks++
		if len(header) > 0 || blanks > 1 {
			break
		}
	}
	if body, err = io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	return first, header, bytes.TrimSpace(body)
}

func newServer(t *testing.T) *Server {
	t.Helper()
	s, err := New(Options{Now: func() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const auth = "AWS4-HMAC-SHA256 Credential=AKIA-FAKE/20000101/eu-central-1/secretsmanager/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"

// call sends a request of the protocol and reads the answer.
func call(t *testing.T, s *Server, op string, body []byte, edit ...func(*http.Request)) (int, http.Header, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager."+op)
	r.Header.Set("Authorization", auth)
	for _, e := range edit {
		e(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	return w.Code, w.Header(), out
}

// shape is an answer's keys with the JSON types of their values.
func shape(t *testing.T, raw []byte) []string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return shapeOf(m)
}

func shapeOf(m map[string]any) []string {
	var out []string
	for k, v := range m {
		kind := map[bool]string{true: "?"}[v == nil]
		switch v.(type) {
		case string:
			kind = "string"
		case float64:
			kind = "number"
		case []any:
			kind = "list"
		case map[string]any:
			kind = "object"
		case bool:
			kind = "bool"
		}
		out = append(out, k+" "+kind)
	}
	sort.Strings(out)
	return out
}

// The vendor's own request is understood, and answered in the vendor's own shape.
func TestTheVendorsRequestGetsTheVendorsAnswer(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	s := newServer(t)
	text := "__SecretString__"
	s.mu.Lock()
	sec := s.ensure("__SecretId__")
	sec.versions = []*version{{id: "__VersionId__", stages: []string{"__VersionStage__", "x"}, text: &text, binary: []byte("blob"), made: s.opt.Now()}}
	s.mu.Unlock()

	first, header, body := snapshot(t, filepath.Join(dir, "request_snapshot", "GetSecretValue.request.snap"))
	if first != "POST /" || header.Get("Content-Type") != "application/x-amz-json-1.1" || header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
		t.Fatalf("the fixture is another than expected: %q %v", first, header)
	}
	code, gotHeader, got := call(t, s, "GetSecretValue", body, func(r *http.Request) { r.Header.Set("X-Amz-Target", header.Get("X-Amz-Target")) })

	first, header, body = snapshot(t, filepath.Join(dir, "response_snapshot", "GetSecretValue.response.snap"))
	if strconv.Itoa(code) != first || gotHeader.Get("Content-Type") != header.Get("Content-Type") {
		t.Errorf("answer %d %v, the vendor's is %s %v", code, gotHeader, first, header)
	}
	if diff := cmp.Diff(shape(t, body), shapeOf(got)); diff != "" {
		t.Errorf("(-vendor +ours):\n%s", diff)
	}
	var vendor map[string]any
	if err := json.Unmarshal(body, &vendor); err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"SecretString", "SecretBinary", "VersionId", "CreatedDate"} {
		if diff := cmp.Diff(vendor[k], got[k]); diff != "" {
			t.Errorf("%s (-vendor +ours):\n%s", k, diff)
		}
	}
}

func TestPutHasTheVendorsShape(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	s := newServer(t)
	s.Put("x", "one")
	for op, in := range map[string]string{
		"PutSecretValue": `{"SecretId":"x","SecretString":"two","ClientRequestToken":"00000000-0000-4000-8000-000000000007"}`,
	} {
		code, _, got := call(t, s, op, []byte(in))
		_, _, body := snapshot(t, filepath.Join(dir, "response_snapshot", op+".response.snap"))
		if diff := cmp.Diff(shape(t, body), shapeOf(got)); diff != "" || code != http.StatusOK {
			t.Errorf("%s: %d (-vendor +ours):\n%s", op, code, diff)
		}
	}
	_, _, got := call(t, s, "GetSecretValue", []byte(`{"SecretId":"x","VersionStage":"AWSPREVIOUS"}`))
	if got["SecretString"] != "one" {
		t.Errorf("the previous value is %v", got["SecretString"])
	}
	// What DescribeSecret says is a part of what the vendor says.
	_, _, got = call(t, s, "DescribeSecret", []byte(`{"SecretId":"x"}`))
	_, _, body := snapshot(t, filepath.Join(dir, "response_snapshot", "DescribeSecret.response.snap"))
	vendor := strings.Join(shape(t, body), "\n")
	for _, k := range shapeOf(got) {
		if !strings.Contains(vendor, k) {
			t.Errorf("DescribeSecret says %q, the vendor does not", k)
		}
	}
}

func TestErrorsHaveTheVendorsShape(t *testing.T) {
	t.Parallel()
	dir := fixtures(t)
	for kind, do := range map[string]func(*Server) string{
		"ResourceNotFoundException": func(*Server) string { return "none" },
		"DecryptionFailure":         func(s *Server) string { s.Fail(Fault{Decryption: true}); return "x" },
		"InternalServiceError":      func(s *Server) string { s.Fail(Fault{Down: true}); return "x" },
		"InvalidRequestException":   func(s *Server) string { s.Delete("x"); return "x" },
	} {
		s := newServer(t)
		s.Put("x", "one")
		id := do(s)
		code, _, got := call(t, s, "GetSecretValue", []byte(`{"SecretId":"`+id+`"}`))
		first, _, body := snapshot(t, filepath.Join(dir, "response_snapshot", kind+".error.snap"))
		if strconv.Itoa(code) != first || got["__type"] != kind {
			t.Errorf("%s: answer %d %v, the vendor's status is %s", kind, code, got, first)
		}
		if diff := cmp.Diff(shape(t, body), shapeOf(got)); diff != "" {
			t.Errorf("%s (-vendor +ours):\n%s", kind, diff)
		}
	}
}

func TestWhoIsNotSignedIsRefused(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.Put("x", "one")
	for header, kind := range map[string]string{
		"":             "MissingAuthenticationTokenException",
		"Bearer x":     "MissingAuthenticationTokenException",
		auth[:70]:      "IncompleteSignatureException",
		auth + " more": "",
		strings.Replace(auth, "eu-central-1", "us-east-1", 1): "InvalidSignatureException",
		strings.Replace(auth, "/secretsmanager/", "/s3/", 1):  "InvalidSignatureException",
	} {
		_, _, got := call(t, s, "GetSecretValue", []byte(`{"SecretId":"x"}`), func(r *http.Request) { r.Header.Set("Authorization", header) })
		if kind == "" && got["SecretString"] != "one" || kind != "" && got["__type"] != kind {
			t.Errorf("%q: %v, want %q", header, got, kind)
		}
	}
}

func TestUnknownOperationsFailLoudly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for op, body := range map[string]string{"BatchGetSecretValue": `{}`, "": `{}`} {
		if _, _, got := call(t, s, op, []byte(body)); got["__type"] != "UnknownOperationException" {
			t.Errorf("%q: %v", op, got)
		}
	}
	if _, _, got := call(t, s, "GetSecretValue", []byte(`{`)); got["__type"] != "SerializationException" {
		t.Errorf("half a body: %v", got)
	}
	if _, _, got := call(t, s, "GetSecretValue", []byte(`{}`)); got["__type"] != "ValidationException" {
		t.Errorf("no id: %v", got)
	}
}
