package config_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/config"
)

// reader is a secret with one value at all times.
type reader struct{ value string }

func (r reader) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return "", flows.ErrNoSuchVersion
	}
	return r.value, nil
}

// rotating has another value at each age.
type rotating struct{ name string }

func (r rotating) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	return fmt.Sprintf("%s%d", r.name, which), nil
}

// storeTemplate loads a configuration whose store is the template.
func storeTemplate(t *testing.T, store string, secrets func(name string) flows.SecretReader) config.Template {
	t.Helper()
	c, ds := config.LoadFS(with(t, `
secret "a" {
  source = "env"
  name   = "A"
}
secret "b" {
  source = "env"
  name   = "B"
}
locals {
  host  = "db"
  plain = true
}
server {
  store = `+store+`
}`), config.Options{Secrets: func(s config.SecretSpec) (flows.SecretReader, error) { return secrets(s.Name), nil }})
	if ds.HasErrors() {
		t.Fatal(ds.Err())
	}
	return c.Settings.Server.Store
}

func fixed(name string) flows.SecretReader { return reader{"hunter2-" + name} }

func TestTemplateMarksSurvive(t *testing.T) {
	t.Parallel()
	for store, want := range map[string]struct {
		text   string
		secret bool
	}{
		`"postgres://u:${secret.a}@${local.host}/x"`: {"postgres://u:hunter2-a@db/x", true},
		`secret.b`:                                         {"hunter2-b", true},
		`"sqlite:${local.host}"`:                           {"sqlite:db", false},
		`local.plain ? "sqlite:x" : secret.a`:              {"sqlite:x", true}, // the other branch marks it as well
		`secret.a == "hunter2-a" ? "sqlite:x" : "other"`:   {"sqlite:x", true},
		`"${secret.a}${secret.b}"`:                         {"hunter2-ahunter2-b", true},
		`"%{ if local.plain }${secret.a}%{ endif }/plain"`: {"hunter2-a/plain", true},
	} {
		tmpl := storeTemplate(t, store, fixed)
		e, err := tmpl.Expand(t.Context())
		if err != nil || e.Reveal() != want.text || e.Secret != want.secret {
			t.Errorf("%s gives %q (secret: %v), %v", store, e.Reveal(), e.Secret, err)
		}
		if !want.secret {
			continue
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("expanded", "e", e)
		for _, shown := range []string{fmt.Sprint(e), fmt.Sprintf("%s %v", e, &e), fmt.Sprintf("%#v", e), log.String()} {
			if !strings.Contains(shown, "[secret]") || strings.Contains(shown, want.text) {
				t.Errorf("%s prints as %s", store, shown)
			}
		}
	}
}

func TestTemplateTriesEveryAge(t *testing.T) {
	t.Parallel()
	tmpl := storeTemplate(t, `"${secret.a}/${secret.b}"`, func(n string) flows.SecretReader { return rotating{n} })
	var tried []string
	err := tmpl.Try(t.Context(), func(e config.Expanded) (bool, error) {
		tried = append(tried, e.Reveal())
		return e.Reveal() != "a1/b2", nil
	})
	if err != nil || tried[len(tried)-1] != "a1/b2" || tried[0] != "a0/b0" {
		t.Errorf("%v after %v", err, tried)
	}
	err = tmpl.Try(t.Context(), func(config.Expanded) (bool, error) { return true, nil })
	if !errors.Is(err, flows.ErrSecretRejected) {
		t.Errorf("when all are rejected: %v", err)
	}
	stop := errors.New("stop")
	calls := 0
	err = tmpl.Try(t.Context(), func(config.Expanded) (bool, error) { calls++; return false, stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("another error was tried %d times: %v", calls, err)
	}
}

func TestTemplateWithoutSecrets(t *testing.T) {
	t.Parallel()
	tmpl := storeTemplate(t, `"sqlite:x"`, fixed)
	if len(tmpl.Secrets()) != 0 || tmpl.String() != `"sqlite:x"` {
		t.Errorf("%s is made from %v", tmpl, tmpl.Secrets())
	}
	for _, reject := range []bool{false, true} {
		err := tmpl.Try(t.Context(), func(e config.Expanded) (bool, error) { return reject, nil })
		if errors.Is(err, flows.ErrSecretRejected) != reject {
			t.Errorf("rejected %v: %v", reject, err)
		}
	}
	var zero config.Template
	if e, err := zero.Expand(t.Context()); err != nil || e.Reveal() != "" {
		t.Errorf("the zero template gives %q, %v", e.Reveal(), err)
	}
	if c := load(t, with(t, ""), config.Options{}); !slices.Equal(c.Settings.Server.Store.Secrets(), nil) {
		t.Error("the default store needs secrets")
	}
}

func TestTemplateNamesAreChecked(t *testing.T) {
	t.Parallel()
	for store, say := range map[string]string{
		`"${secret.missing}"`:                `no secret called "missing"`,
		`["x"]`:                              "does not make a text",
		`"postgres://u:hunter2@db/x"`:        "holds a password",
		`"postgres://db/x?password=hunter2"`: "holds a password",
		`"postgres:///x"`:                    "not the address",
		`"file.db"`:                          "no known kind",
		`local.nothing`:                      `no local called "nothing"`,
	} {
		_, ds := config.LoadFS(with(t, "server {\n  store = "+store+"\n}\n"), config.Options{})
		all := ds.All()
		if len(all) != 1 || !strings.Contains(all[0].Message, say) || strings.Contains(all[0].String(), "hunter2") {
			t.Errorf("%s: %v", store, all)
		}
	}
}

func TestUnreadableSecretNamesItself(t *testing.T) {
	t.Parallel()
	tmpl := storeTemplate(t, `"${secret.a}"`, func(string) flows.SecretReader { return nil })
	if _, err := tmpl.Expand(t.Context()); err == nil {
		t.Error("a handle without a value expands")
	}
}
