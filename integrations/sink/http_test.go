package sink_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"breakglass/flows"
	"breakglass/integrations/sink"
)

var (
	oldKey = "whsec_" + base64.StdEncoding.EncodeToString([]byte("old-canary-old-canary-old-canary"))
	newKey = "whsec_" + base64.StdEncoding.EncodeToString([]byte("new-canary-new-canary-new-canary"))
)

// versions is a secret with the versions a test wants.
type versions map[flows.SecretVersion]string

func (v versions) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	s, ok := v[which]
	if !ok {
		return "", flows.ErrNoSuchVersion
	}
	return s, nil
}

func key(cached, fresh string) flows.Secret {
	return flows.NewSecret("siem_key", versions{flows.SecretCached: cached, flows.SecretFresh: fresh})
}

// receiver is an HTTP server that believes signed batches only. answer says what it
// answers to the nth call; 0 is 204. What it keeps is kept before it answers.
type receiver struct {
	received
	*httptest.Server
	answer func(n int) int
	hook   *standardwebhooks.Webhook

	mu  sync.Mutex
	n   int
	ids []string
}

func newReceiver(t *testing.T, key string, answer func(n int) int) *receiver {
	t.Helper()
	hook, err := standardwebhooks.NewWebhook(strings.TrimPrefix(key, "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{answer: answer, hook: hook}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if err := r.hook.VerifyIgnoringTimestamp(body, req.Header); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var batch struct {
		Type        string
		First, Last int64
		Data        []line
	}
	if err := json.Unmarshal(body, &batch); err != nil || batch.Type != "audit.entries" || len(batch.Data) == 0 ||
		batch.Data[0].Leaf != batch.First || batch.Data[len(batch.Data)-1].Leaf != batch.Last {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.n++
	n := r.n
	r.ids = append(r.ids, req.Header.Get("webhook-id"))
	r.mu.Unlock()
	code := 0
	if r.answer != nil {
		code = r.answer(n)
	}
	switch {
	case code == 413 && len(batch.Data) == 1, code == 0:
		code = http.StatusNoContent
	}
	if code < 300 || code == http.StatusGatewayTimeout { // 504: kept, and the answer lost
		r.add(batch.Data...)
	}
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "7")
	}
	if code == http.StatusFound {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	w.WriteHeader(code)
}

func endpoint(url string, secret flows.Secret) sink.Spec {
	return sink.Spec{Name: "http.siem", Kind: sink.KindHTTP, URL: url, Secret: secret}
}

func newEndpoint(t *testing.T, r *receiver, secret flows.Secret) sink.Sink {
	t.Helper()
	s, err := sink.New(endpoint(r.URL, secret), sink.Options{Clock: wall{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestHTTPSignedAndRotated(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, newKey, nil)
	s := newEndpoint(t, r, key(oldKey, newKey)) // what is in memory is refused, what is read again is taken
	all := leaves(t, 4)
	send(t, s, all)
	send(t, s, all)
	if len(r.lines) != 8 || string(r.lines[3].Entry) != string(all[3].Entry.Bytes) {
		t.Fatalf("%+v", r.lines)
	}
	if r.ids[0] != r.ids[1] || !strings.HasPrefix(r.ids[0], "audit_0_3_"+all[3].Entry.Hash[:8]) {
		t.Errorf("ids %v: the same batch has the same one", r.ids)
	}
	err := newEndpoint(t, r, key(oldKey, oldKey)).Send(t.Context(), all)
	if !errors.Is(err, flows.ErrSecretRejected) || strings.Contains(err.Error(), oldKey) {
		t.Errorf("a signature that nobody takes: %v", err)
	}
	if err := newEndpoint(t, r, key("hunter2", "hunter2")).Send(t.Context(), all); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret of another form: %v", err)
	}
}

func TestHTTPAnswers(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{302: "redirects", 400: "status 400", 404: "status 404", 413: "too large", 500: "status 500", 503: "status 503"} {
		r := newReceiver(t, newKey, func(int) int { return code })
		err := newEndpoint(t, r, key(newKey, newKey)).Send(t.Context(), leaves(t, 2))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), r.URL) || len(r.lines) != 0 || r.n != 1 {
			t.Errorf("%d: %v, %d lines, %d calls", code, err, len(r.lines), r.n)
		}
		if late, ok := errors.AsType[*flows.Temporary](err); code == 503 && (!ok || late.After != 7) {
			t.Errorf("Retry-After is not heard: %v", err)
		}
		if code == 413 && !errors.Is(err, sink.ErrTooLarge) {
			t.Errorf("413 does not ask for fewer: %v", err)
		}
	}
}
