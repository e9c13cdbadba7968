package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/secrets"
)

// reader is a source with one value.
type reader struct {
	value string
	err   error
	read  int
}

// Value implements flows.SecretReader.
func (r *reader) Value(context.Context, flows.SecretVersion) (string, error) {
	r.read++
	return r.value, r.err
}

func TestSecretsAreReadAtAmazonOnly(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"": true, // the SDK's own
		"https://secretsmanager.eu-central-1.amazonaws.com":                     true,
		"https://vpce-1.secretsmanager.eu-central-1.vpce.amazonaws.com":         true,
		"https://secretsmanager.cn-north-1.amazonaws.com.cn":                    true,
		"https://secretsmanager.eu-central-1.api.aws":                           true,
		"http://secretsmanager.eu-central-1.amazonaws.com":                      false,
		"https://amazonaws.com.evil.example":                                    false,
		"https://evilamazonaws.com":                                             false,
		"http://127.0.0.1:4566":                                                 false,
		"https://evil.example/.amazonaws.com":                                   false,
		"https://secretsmanager.eu-central-1.amazonaws.com@evil.example/secret": false,
	} {
		source := &reader{value: "v"}
		r := amazonOnly{source, func(context.Context) (string, error) { return address, nil }}
		_, err := r.Value(t.Context(), flows.SecretCached)
		if (err == nil) != good || (source.read == 1) != good {
			t.Errorf("at %q: %v, read %d times", address, err, source.read)
		}
	}
}

// Where the block says what the address is, the machine's settings may name any.
func TestSecretsAtADeclaredAddress(t *testing.T) {
	t.Parallel()
	open := Secrets(secrets.New(secrets.Options{Getenv: func(string) string { return "" }, Clock: SystemClock{}}))
	aws := config.SecretSpec{Name: "x", Source: config.SourceAWS, Path: "breakglass/prod", Region: "eu-central-1"}
	r, err := open(aws)
	if err != nil {
		t.Fatal(err)
	}
	if _, guarded := r.(amazonOnly); !guarded {
		t.Error("a secret of AWS is read anywhere")
	}
	for _, declare := range []func(*config.SecretSpec){
		func(s *config.SecretSpec) { s.Endpoint, s.Simulated = "http://127.0.0.1:1", true },
		func(s *config.SecretSpec) { s.Endpoint, s.AddressIsVendor = "https://proxy.example", true },
	} {
		spec := aws
		declare(&spec)
		r, err := open(spec)
		if err != nil {
			t.Fatal(err)
		}
		if _, guarded := r.(amazonOnly); guarded {
			t.Errorf("%+v is refused although it is declared", spec)
		}
	}
}

func TestCredentialCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value string
		err   error
		world flows.World
		want  string // empty: nothing is wrong
	}{
		{value: "demo-token", world: flows.WorldSimulated},
		{value: "xoxb-1234567890-abcdefgh", world: flows.WorldReal},
		{value: "xoxb-1234567890-abcdefgh", world: flows.WorldSimulated, want: "looks like a real vendor's"},
		{value: "", world: flows.WorldReal, want: "is empty"},
		{err: errors.New("gone"), world: flows.WorldReal, want: "gone"},
	} {
		cred := Credential{At: "integration.slack.main.bot_token", Secret: flows.NewSecret("bot", &reader{value: c.value, err: c.err})}
		err := cred.Check(t.Context(), c.world)
		switch {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q in the %s world: %v, not %q", c.value, c.world, err, c.want)
		case err != nil && c.value != "" && strings.Contains(err.Error(), c.value):
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}
