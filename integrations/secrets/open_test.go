package secrets

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
)

const canary = "canary-7f3a"

// open makes a reader or fails the test.
func open(t *testing.T, opt Options, spec Spec) flows.SecretReader {
	t.Helper()
	r, err := New(opt).Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func want(t *testing.T, r flows.SecretReader, which flows.SecretVersion, value string) {
	t.Helper()
	got, err := r.Value(t.Context(), which)
	if err != nil {
		t.Fatal(err)
	}
	if got != value {
		t.Fatalf("value = %q, want %q", got, value)
	}
}

// wantErr fails unless there is an error that says part and holds no secret.
func wantErr(t *testing.T, err error, part string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatalf("no error, want one that says %q", part)
	case !strings.Contains(err.Error(), part):
		t.Fatalf("error = %q, want one that says %q", err, part)
	case strings.Contains(err.Error(), "canary"):
		t.Fatalf("the error holds the value: %q", err)
	}
}

func env(vars map[string]string) Options {
	return Options{Getenv: func(k string) string { return vars[k] }}
}

func TestEnv(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"TOKEN": canary, "LINE": canary + "\r\n", "JSON": `{"key":"` + canary + `"}`}
	want(t, open(t, env(vars), Spec{Source: SourceEnv, Name: "TOKEN"}), flows.SecretCached, canary)
	want(t, open(t, env(vars), Spec{Source: SourceEnv, Name: "LINE"}), flows.SecretFresh, canary)
	want(t, open(t, env(vars), Spec{Source: SourceEnv, Name: "JSON", JSONKey: "key"}), flows.SecretCached, canary)

	r := open(t, env(vars), Spec{Source: SourceEnv, Name: "TOKEN"})
	if _, err := r.Value(t.Context(), flows.SecretPrevious); !errors.Is(err, flows.ErrNoSuchVersion) {
		t.Errorf("previous = %v, want ErrNoSuchVersion", err)
	}
	vars["TOKEN"] = "other"
	want(t, r, flows.SecretCached, "other")
	_, err := open(t, env(vars), Spec{Source: SourceEnv, Name: "MISSING"}).Value(t.Context(), flows.SecretCached)
	wantErr(t, err, "MISSING is not set")
}

// Whatever is wrong with a value, the error names the place and never the value.
func TestErrorsNeverEchoTheValue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raw, key, says string }{
		"blank":                {"  \n", "", "is empty"},
		"not JSON":             {canary, "key", "not one JSON object"},
		"half of JSON":         {`{"key":"` + canary, "key", "not one JSON object"},
		"a JSON string":        {`"` + canary + `"`, "key", "not one JSON object"},
		"a list":               {`["` + canary + `"]`, "key", "not one JSON object"},
		"null":                 {`null`, "key", "not one JSON object"},
		"two objects":          {`{"key":"` + canary + `"}{"key":"x"}`, "key", "not one JSON object"},
		"missing key":          {`{"kay":"` + canary + `"}`, "key", `no json_key "key"`},
		"key in another case":  {`{"KEY":"` + canary + `"}`, "key", `no json_key "key"`},
		"an object under it":   {`{"key":{"a":"` + canary + `"}}`, "key", "is not a string"},
		"a number under it":    {`{"key":4711}`, "key", "is not a string"},
		"null under it":        {`{"key":null}`, "key", "is not a string"},
		"an empty string":      {`{"key":"","x":"` + canary + `"}`, "key", "is empty"},
		"blanks only under it": {`{"key":" \n","x":"` + canary + `"}`, "key", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t, env(map[string]string{"V": tc.raw}), Spec{Source: SourceEnv, Name: "V", JSONKey: tc.key})
			_, err := r.Value(t.Context(), flows.SecretCached)
			wantErr(t, err, tc.says)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for says, spec := range map[string]Spec{
		"needs name":        {Source: SourceEnv, Path: "x"},
		"needs path, the f": {Source: SourceFile, Name: "x"},
		"needs path, its n": {Source: SourceAWS, Name: "x"},
		`cannot come from`:  {Source: "vault", Path: "x"},
	} {
		_, err := New(env(nil)).Open(spec)
		wantErr(t, err, says)
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestFileRotatesWithoutARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, canary+"\n", 0o600)
	r := open(t, Options{}, Spec{Source: SourceFile, Path: path})
	want(t, r, flows.SecretCached, canary)

	next := path + ".next"
	write(t, next, "second\n", 0o600)
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	want(t, r, flows.SecretCached, "second")

	write(t, path, "longer\n", 0o600) // in place
	want(t, r, flows.SecretCached, "longer")
	write(t, path, "second\n", 0o600)
	if err := os.Chtimes(path, time.Time{}, time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	want(t, r, flows.SecretCached, "second")

	// In place, with the same size and the same time: only a fresh read sees it.
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, "third!\n", 0o600)
	if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	want(t, r, flows.SecretFresh, "third!")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = r.Value(t.Context(), flows.SecretCached)
	wantErr(t, err, "no such file")
	if _, err := r.Value(t.Context(), flows.SecretPrevious); !errors.Is(err, flows.ErrNoSuchVersion) {
		t.Errorf("previous = %v, want ErrNoSuchVersion", err)
	}
}

// A secret mounted as Kubernetes does it: a link that is swapped.
func TestFileBehindALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, v := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, v), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, v, "token"), v, 0o600)
	}
	link := filepath.Join(dir, "data")
	swap := func(to string) {
		if err := os.Symlink(to, link+"~"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+"~", link); err != nil {
			t.Fatal(err)
		}
	}
	swap("one")
	r := open(t, Options{}, Spec{Source: SourceFile, Path: filepath.Join(link, "token")})
	want(t, r, flows.SecretCached, "one")
	swap("two")
	want(t, r, flows.SecretCached, "two")
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "writable"), canary, 0o602)
	write(t, filepath.Join(dir, "large"), strings.Repeat("canary", maxFile), 0o600)
	write(t, filepath.Join(dir, "empty"), "\n", 0o600)
	for path, says := range map[string]string{
		"writable": "may be written by everybody (mode 0602)", "large": "larger than", "empty": "is empty",
		"": "not a regular file", "missing": "no such file",
	} {
		_, err := open(t, Options{}, Spec{Source: SourceFile, Path: filepath.Join(dir, path)}).Value(t.Context(), flows.SecretCached)
		wantErr(t, err, says)
	}
}

func TestAFileThatEverybodyMayReadIsWarnedOfOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, canary, 0o644)
	r := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, Spec{Source: SourceFile, Path: path})
	want(t, r, flows.SecretCached, canary)
	want(t, r, flows.SecretCached, canary)
	if n := strings.Count(log.String(), "may be read by everybody"); n != 1 {
		t.Errorf("%d warnings, want 1:\n%s", n, log.String())
	}
	if strings.Contains(log.String(), "canary") {
		t.Error("the log holds the value")
	}
}

func TestASecretHandleReadsThroughASource(t *testing.T) {
	t.Parallel()
	s := flows.NewSecret("token", open(t, env(map[string]string{"TOKEN": canary}), Spec{Source: SourceEnv, Name: "TOKEN"}))
	tries := 0
	err := s.Try(context.WithoutCancel(t.Context()), func(string) (bool, error) { tries++; return true, nil })
	if !errors.Is(err, flows.ErrSecretRejected) || tries != 1 {
		t.Errorf("Try = %v after %d tries, want ErrSecretRejected after 1", err, tries)
	}
}

func TestLooksReal(t *testing.T) {
	t.Parallel()
	// Put together here, so that no scanner takes them for leaked ones.
	real := []string{
		"xoxb" + "-123456789012-1234567890123-AbCdEfGhIjKlMnOpQrStUvWx", "xoxp" + "-1234567890-x", " xoxb" + "-123456789012-1 \n",
		"xapp" + "-1-A0123456789-1234567890123-" + strings.Repeat("0a", 32), "xoxe" + ".xoxb-1-" + strings.Repeat("Mi0", 12),
		strings.Repeat("8f", 16), "y_NbAkKc66" + "ryYTWUXYEu", "u+Ab3dEfGh" + "IjKlMnOpQr", "pdus" + "+_0XBPWQQ_abcdef",
		"AKIA" + "IOSFODNN7EXAMPLE", `{"id":"ASIA` + `IOSFODNN7EXAMPLE"}`, "ghp" + "_" + strings.Repeat("aB3", 12),
		"-----BEGIN RSA " + "PRIVATE KEY-----\nMII",
	}
	for _, v := range real {
		if !LooksReal(v) {
			t.Errorf("%.12s… does not look real", v)
		}
	}
	for _, v := range []string{
		"", "xoxb-fake-bot-token", "xapp-fake-app-token", "fake-signing-secret", "fake-pagerduty-token", "made-up",
		"0123456789abcdef", "aaaaaaaaaaaaaaaaaaaa", "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3Rz", "AKIA-FAKE", "FakePagerDutyKeyAAAA",
	} {
		if LooksReal(v) {
			t.Errorf("%q looks real", v)
		}
	}
}
