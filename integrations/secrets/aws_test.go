package secrets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/secrets/awsfake"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// bundle is an account and the sources that read from it, by the real SDK over HTTP.
type bundle struct {
	*awsfake.Server
	sources *Sources
	clock   *flows.HandClock
	log     *lines
}

// lines is a log that may be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func setup(t *testing.T, edit ...func(*AWSOptions)) *bundle {
	t.Helper()
	b := &bundle{clock: flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)), log: &lines{}}
	var err error
	if b.Server, err = awsfake.New(awsfake.Options{Now: b.clock.Now, AccessKey: "AKIA-FAKE"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	opt := AWSOptions{
		Timeout: 5 * time.Second,
		Load: []func(*config.LoadOptions) error{
			config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIA-FAKE", "made-up", "")),
			config.WithRegion("eu-central-1"),
		},
	}
	for _, e := range edit {
		e(&opt)
	}
	b.sources = New(Options{Clock: b.clock, Log: slog.New(slog.NewTextHandler(b.log, nil)), AWS: opt})
	t.Cleanup(func() {
		b.ClearFaults()
		b.sources.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(b.log.String(), "canary") {
			t.Errorf("the log holds a value:\n%s", b.log)
		}
	})
	return b
}

func (b *bundle) open(t *testing.T, path, key string) flows.SecretReader {
	t.Helper()
	r, err := b.sources.Open(Spec{Source: SourceAWS, Path: path, JSONKey: key, Endpoint: b.URL()})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// waitHeld waits until an answer is held.
func (b *bundle) waitHeld() {
	for changed := b.Changed(); b.Held() == 0; changed = b.Changed() {
		<-changed
	}
}

func (b *bundle) wantCalls(t *testing.T, n int) {
	t.Helper()
	if got := len(b.Calls()); got != n {
		t.Errorf("%d calls, want %d: %v", got, n, b.Calls())
	}
}

const path = "breakglass/prod"

func TestAWSFieldsOfOneSecretShareARead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, `{"slack":"canary-s","pagerduty":"canary-p"}`)
	want(t, b.open(t, path, "slack"), flows.SecretCached, "canary-s")
	want(t, b.open(t, path, "pagerduty"), flows.SecretCached, "canary-p")
	b.wantCalls(t, 1)
	want(t, b.open(t, b.ARN(path), "slack"), flows.SecretCached, "canary-s")
	b.wantCalls(t, 2)
	b.Put("plain", "canary-plain\n")
	want(t, b.open(t, "plain", ""), flows.SecretCached, "canary-plain")
}

func TestAWSRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, `{"key":"one"}`)
	r := b.open(t, path, "key")
	want(t, r, flows.SecretCached, "one")
	if _, err := r.Value(t.Context(), flows.SecretPrevious); !errors.Is(err, flows.ErrNoSuchVersion) {
		t.Errorf("before any rotation: %v, want ErrNoSuchVersion", err)
	}
	b.Put(path, `{"key":"two"}`)
	want(t, r, flows.SecretCached, "one")
	want(t, r, flows.SecretFresh, "two")
	want(t, r, flows.SecretCached, "two")
	want(t, r, flows.SecretPrevious, "one")
	n := len(b.Calls())
	want(t, r, flows.SecretPrevious, "one")
	b.wantCalls(t, n)
	b.Put(path, `{"key":"three"}`)
	want(t, r, flows.SecretFresh, "three")
	want(t, r, flows.SecretPrevious, "two")
}

// The order of a rotation does not matter to a handle: whoever is refused looks for
// the new value, then for the one before.
func TestAWSAHandleFindsTheValueThatIsTaken(t *testing.T) {
	t.Parallel()
	for good, tries := range map[string]string{"two": "one two", "one": "one", "zero": "one two zero"} {
		b := setup(t)
		b.Put(path, "zero")
		b.Put(path, "one")
		s := flows.NewSecret("token", b.open(t, path, ""))
		if _, err := s.Reveal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if good == "zero" {
			b.Put(path, "zero")
		}
		b.Put(path, "two")
		var tried []string
		err := s.Try(t.Context(), func(v string) (bool, error) { tried = append(tried, v); return v != good, nil })
		if err != nil || strings.Join(tried, " ") != tries {
			t.Errorf("%s: tried %v, %v; want %s", good, tried, err, tries)
		}
	}
}

func TestAWSAValueIsServedWhileItIsReadAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *AWSOptions) { o.MaxAge = 24 * time.Hour })
	b.Put(path, "one")
	r := b.open(t, path, "")
	want(t, r, flows.SecretCached, "one")
	b.Put(path, "two")
	b.clock.Push(time.Hour - time.Second)
	want(t, r, flows.SecretCached, "one")
	b.wantCalls(t, 1)
	b.clock.Push(time.Second) // an hour at most, whatever MaxAge says
	b.Fail(awsfake.Fault{Hold: true, Times: 1})
	want(t, r, flows.SecretCached, "one") // at once, though the source does not answer
	b.waitHeld()
	want(t, r, flows.SecretCached, "one")
	b.Release()
	b.sources.Close()
	want(t, r, flows.SecretCached, "two")
	b.wantCalls(t, 2)
}

// A slow read that began earlier does not replace what was read fresh meanwhile.
func TestAWSASlowReadDoesNotReplaceAFreshOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, "one")
	b.Fail(awsfake.Fault{Hold: true, Times: 1})
	r := b.open(t, path, "")
	slow := make(chan string, 1)
	go func() { v, _ := r.Value(t.Context(), flows.SecretCached); slow <- v }()
	b.waitHeld()
	b.Put(path, "two")
	want(t, r, flows.SecretFresh, "two")
	b.Release()
	if v := <-slow; v != "one" {
		t.Fatalf("the slow read got %q: the test shows nothing", v)
	}
	want(t, r, flows.SecretCached, "two")
}

func TestAWSJitterMakesItEarlierOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *AWSOptions) { o.Jitter = func() float64 { return 0.5 } })
	b.Put(path, "one")
	r := b.open(t, path, "")
	want(t, r, flows.SecretCached, "one")
	b.clock.Push(57*time.Minute - time.Second)
	want(t, r, flows.SecretCached, "one")
	b.sources.Close()
	b.wantCalls(t, 1)
	b.clock.Push(time.Second)
	want(t, r, flows.SecretCached, "one")
	b.sources.Close()
	b.wantCalls(t, 2)
}

func TestAWSTheLastGoodValueIsKeptForAWhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, canary)
	r := b.open(t, path, "")
	want(t, r, flows.SecretCached, canary)
	b.Fail(awsfake.Fault{AccessDenied: true})
	b.clock.Push(time.Hour)
	want(t, r, flows.SecretCached, canary)
	b.sources.Close()
	b.wantCalls(t, 2)
	if !strings.Contains(b.log.String(), "the last good value is used") {
		t.Error("nobody was told")
	}
	// It is left alone for a little, and then asked again.
	want(t, r, flows.SecretCached, canary)
	b.sources.Close()
	b.wantCalls(t, 2)
	b.clock.Push(pause)
	want(t, r, flows.SecretCached, canary)
	b.sources.Close()
	b.wantCalls(t, 3)
	// Two hours after it was read it is too old.
	b.clock.Push(time.Hour)
	_, err := r.Value(t.Context(), flows.SecretCached)
	wantErr(t, err, "access is denied")
	b.ClearFaults()
	want(t, r, flows.SecretCached, canary)
}

// A clock that was set back makes no old value young.
func TestAWSAClockThatJumpsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, "one")
	r := b.open(t, path, "")
	want(t, r, flows.SecretCached, "one")
	b.Put(path, "two")
	b.clock.Push(-24 * time.Hour)
	want(t, r, flows.SecretCached, "two")
}

func TestAWSFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do    func(*bundle)
		key   string
		says  string
		calls int
	}{
		"access denied":      {func(b *bundle) { b.Fail(awsfake.Fault{AccessDenied: true}) }, "", "allow this role secretsmanager:GetSecretValue", 1},
		"not there":          {func(b *bundle) {}, "", "there is no such secret", 1},
		"to be deleted":      {func(b *bundle) { b.Put(path, canary); b.Delete(path) }, "", "cannot be read as it is now", 1},
		"cannot decrypt":     {func(b *bundle) { b.Fail(awsfake.Fault{Decryption: true}) }, "", "allow this role kms:Decrypt", 1},
		"throttled for good": {func(b *bundle) { b.Fail(awsfake.Fault{Throttle: true}) }, "", "ThrottlingException", 3},
		"down for good":      {func(b *bundle) { b.Fail(awsfake.Fault{Down: true}) }, "", "InternalServiceError", 3},
		"binary":             {func(b *bundle) { b.PutBinary(path, []byte(canary)) }, "", "is binary; store it as text", 1},
		"not JSON":           {func(b *bundle) { b.Put(path, canary) }, "key", "not one JSON object", 1},
		"no such key":        {func(b *bundle) { b.Put(path, `{"kay":"canary"}`) }, "key", `no json_key "key"`, 1},
		"not a string":       {func(b *bundle) { b.Put(path, `{"key":["canary"]}`) }, "key", "is not a string", 1},
		"half an answer":     {func(b *bundle) { b.Fail(awsfake.Fault{Body: `{"SecretString":"canary`}) }, "", "", 3},
		"another answer":     {func(b *bundle) { b.Fail(awsfake.Fault{Body: `{"SecretString":["canary"]}`}) }, "", "", 3},
		"an empty answer":    {func(b *bundle) { b.Fail(awsfake.Fault{Body: `{}`}) }, "", "has no value", 1},
		"HTML":               {func(b *bundle) { b.Fail(awsfake.Fault{Body: `<html>canary</html>`}) }, "", "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tc.do(b)
			_, err := b.open(t, path, tc.key).Value(t.Context(), flows.SecretCached)
			wantErr(t, err, tc.says)
			wantErr(t, err, path)
			if n := len(b.Calls()); n > tc.calls {
				t.Errorf("%d calls, want at most %d: %v", n, tc.calls, b.Calls())
			}
		})
	}
}

func TestAWSATroubleThatPassesIsNotSeen(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]awsfake.Fault{"throttled": {Throttle: true}, "down": {Down: true}, "dropped": {Drop: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Put(path, "one")
			f.Times = 2
			b.Fail(f)
			want(t, b.open(t, path, ""), flows.SecretCached, "one")
		})
	}
}

func TestAWSASlowSourceIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *AWSOptions) { o.Timeout = 100 * time.Millisecond })
	b.Put(path, canary)
	b.Fail(awsfake.Fault{Hold: true})
	_, err := b.open(t, path, "").Value(t.Context(), flows.SecretCached)
	wantErr(t, err, "no answer in time")
}

func TestAWSACallerWhoGivesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, "one")
	b.Fail(awsfake.Fault{Hold: true, Times: 1})
	ctx, cancel := context.WithCancel(t.Context())
	r := b.open(t, path, "")
	done := make(chan error, 1)
	go func() { _, err := r.Value(ctx, flows.SecretCached); done <- err }()
	b.waitHeld()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	b.Release() // the read goes on for who comes next
	want(t, r, flows.SecretCached, "one")
}

func TestAWSManyWhoAskAtOnceShareOneRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, `{"a":"one","b":"two"}`)
	b.Fail(awsfake.Fault{Hold: true, Times: 1})
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for i := range cap(errs) {
		r := b.open(t, path, []string{"a", "b"}[i%2])
		wg.Go(func() { _, err := r.Value(t.Context(), flows.SecretCached); errs <- err })
	}
	b.waitHeld()
	b.Release()
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	b.wantCalls(t, 1)
}

// A flood of forged requests, each of which looks for a newer secret, is not a flood
// of reads.
func TestAWSFreshReadsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Put(path, "one")
	r := b.open(t, path, "")
	for range 1000 {
		want(t, r, flows.SecretFresh, "one")
	}
	if n := len(b.Calls()); n > freshAtOnce+1 {
		t.Errorf("%d calls for 1000 fresh reads in no time", n)
	}
	b.Put(path, "two")
	b.clock.Push(time.Second)
	want(t, r, flows.SecretFresh, "two")
}

func TestAWSEndpoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for spec, want := range map[Spec]string{
		{Source: SourceAWS, Path: path}:                                    "",
		{Source: SourceAWS, Path: path, Endpoint: b.URL()}:                 b.URL(),
		{Source: SourceEnv, Name: "X", Endpoint: "http://127.0.0.1:1"}:     "",
		{Source: SourceAWS, Path: path, Region: "us-east-1", Endpoint: ""}: "",
	} {
		if got, err := b.sources.Endpoint(t.Context(), spec); err != nil || got != want {
			t.Errorf("%+v: %q, %v; want %q", spec, got, err, want)
		}
	}
	b.wantCalls(t, 0)
}

func TestAWSTheRegionIsTheARNs(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *AWSOptions) { o.Load = o.Load[:1] }) // no region of its own
	b.Put(path, "one")
	want(t, b.open(t, b.ARN(path), ""), flows.SecretCached, "one")
	_, err := b.open(t, strings.Replace(b.ARN(path), "eu-central-1", "us-east-1", 1), "").Value(t.Context(), flows.SecretCached)
	wantErr(t, err, "InvalidSignatureException")
}

// The address can come from the environment, as for any AWS client.
func TestAWSEndpointFromTheEnvironment(t *testing.T) {
	b := setup(t)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", b.URL())
	b.Put(path, "one")
	spec := Spec{Source: SourceAWS, Path: path}
	r, err := b.sources.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	want(t, r, flows.SecretCached, "one")
	if got, err := b.sources.Endpoint(t.Context(), spec); err != nil || got != b.URL() {
		t.Errorf("Endpoint = %q, %v; want it to be seen", got, err)
	}
}

func TestAWSErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.open(t, path, "").Value(t.Context(), flows.SecretCached)
	if got := fmt.Sprint(err); !strings.Contains(got, path) || !strings.Contains(got, "eu-central-1") {
		t.Errorf("error = %q", got)
	}
}
