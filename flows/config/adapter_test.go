package config_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"breakglass/flows"
	"breakglass/flows/config"

	"github.com/google/go-cmp/cmp"
)

// The adapter of the design document, with what is not said filled in.
func TestAdapter(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"breakglass.hcl": {Data: testdata(t, "design.hcl")}, "prod.py": {Data: []byte("x = 1\n")}}
	value := "first"
	c := load(t, dir, config.Options{Secrets: func(config.SecretSpec) (flows.SecretReader, error) {
		return reading(func() string { return value }), nil
	}})
	a := c.Catalog.Adapters["pagerduty"]
	if a == nil || a.BaseURL != "https://api.pagerduty.com" || len(a.Hash) != 64 {
		t.Fatalf("adapter: %+v", a)
	}
	if diff := cmp.Diff([]flows.Principal{"@engineering"}, a.Callers); diff != "" {
		t.Errorf("who may ask for a target of the adapter may call by its own rules (-want +got):\n%s", diff)
	}
	if len(a.Allow) != 2 || a.Allow[1].String() != "GET /incidents/{id}" {
		t.Errorf("rules: %v", a.Allow)
	}
	targets := c.Catalog.AdapterTargets["pagerduty"]
	if len(targets) != 1 || targets[0].Target != "pagerduty_incident_write" || len(targets[0].Allow) != 2 {
		t.Errorf("targets: %+v", targets)
	}
	want := flows.AdapterLimits{
		Request: 1e6, Response: 100e6, Wait: 30 * time.Second, Idle: time.Minute, Lasts: 15 * time.Minute,
		Rate: 300, Concurrent: 20, TotalRate: 900, TotalConcurrent: 100,
	}
	if diff := cmp.Diff(want, a.Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if len(a.Headers) != 2 || a.Headers[1].Name != "Authorization" || strings.Contains(a.Headers[1].Value.String(), value) {
		t.Fatalf("headers: %+v", a.Headers)
	}
	for _, value = range []string{"first", "second"} { // rotated without a load
		err := a.Headers[1].Value.Fill(context.Background(), func(text string, values []string) (bool, error) {
			if text != "Token token="+value || !cmp.Equal(values, []string{value}) {
				t.Errorf("filled with %q: %q, %q", value, text, values)
			}
			return false, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	err := a.Headers[0].Value.Fill(context.Background(), func(text string, values []string) (bool, error) {
		if text != "application/vnd.pagerduty+json;version=2" || values != nil {
			t.Errorf("without a secret: %q, %q", text, values)
		}
		return false, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// reading is a source of secrets that gives what it is asked for now.
type reading func() string

// Value implements flows.SecretReader.
func (r reading) Value(context.Context, flows.SecretVersion) (string, error) { return r(), nil }

func TestEverythingAnAdapterCanSay(t *testing.T) {
	t.Parallel()
	c := load(t, with(t, `
secret "id" {
  source = "env"
  name   = "ID"
}
http_adapter "amazon" {
  base_url         = "http://127.0.0.1:1/base/"
  aws              = { service = "ec2", region = "eu-central-1", access_key_id = secret.id, secret_access_key = secret.id, session_token = secret.id }
  allow            = ["GET /"]
  callers          = ["U0DANA", "service:ci"]
  request_headers  = ["x-amz-target"]
  response_headers = ["x-amzn-requestid"]
  content_types    = ["application/x-amz-json-1.1"]
  allow_private    = true
  max_request      = "10KB"
  max_response     = "1GB"
  wait             = "5s"
  idle             = "6s"
  lasts            = "2h"
  rate             = 1
  concurrent       = 2
  total_rate       = 3
  total_concurrent = 4
}
http_adapter "rota-eu" {
  base_url        = "https://api.pagerduty.com"
  headers         = { X-Api-Key = secret.id }
  caller_as_from  = true
  changes_on_call = true
}
target "rota" {
  kind    = "http_adapter"
  adapter = http_adapter.rota-eu
  allow   = ["POST /schedules/{id}/overrides"]
}
flow "rota" {
  environment    = environment.prod
  targets        = [target.rota]
  channel        = "#rota"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m"]
  fallback       = { approvers = ["S0SRE"] }
}`), config.Options{})
	a := c.Catalog.Adapters["amazon"]
	if a.BaseURL != "http://127.0.0.1:1/base" || !a.AllowPrivate || a.AWS.Service != "ec2" || a.AWS.SessionToken.Name() != "id" {
		t.Errorf("adapter: %+v", a)
	}
	if diff := cmp.Diff([][]string{{"X-Amz-Target"}, {"X-Amzn-Requestid"}, {"application/x-amz-json-1.1"}}, [][]string{a.RequestHeaders, a.ResponseHeaders, a.ContentTypes}); diff != "" {
		t.Errorf("let through (-want +got):\n%s", diff)
	}
	want := flows.AdapterLimits{
		Request: 10e3, Response: 1e9, Wait: 5 * time.Second, Idle: 6 * time.Second, Lasts: 2 * time.Hour,
		Rate: 1, Concurrent: 2, TotalRate: 3, TotalConcurrent: 4,
	}
	if diff := cmp.Diff(want, a.Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if b := c.Catalog.Adapters["rota-eu"]; !b.ChangesOnCall || !b.CallerAsFrom || len(b.Callers) > 0 {
		t.Errorf("adapter: %+v", b)
	}
	spec := c.Catalog.Targets["rota"]
	if spec.Kind != config.KindHTTPAdapter || spec.Settings["adapter"] != "rota-eu" || !cmp.Equal(spec.Settings["allow"], []string{"POST /schedules/{id}/overrides"}) {
		t.Errorf("target: %+v", spec)
	}
	var out strings.Builder
	if err := c.Explain(&out, "rota"); err != nil || !strings.Contains(out.String(), "by adapter rota-eu: POST /schedules/{id}/overrides") {
		t.Errorf("explained as %s, %v", out.String(), err)
	}
}

// Whatever of an adapter changes, its hash does.
func TestAdapterHash(t *testing.T) {
	t.Parallel()
	base := `
secret "k" {
  source = "env"
  name   = "K"
}
http_adapter "a" {
  base_url = "https://a.example"
  headers  = { X-Key = secret.k }
  allow    = ["GET /a"]
  callers  = ["U0DANA"]
  rate     = 1
}`
	before := load(t, with(t, base), config.Options{}).Catalog
	for _, c := range [][2]string{
		{"a.example", "b.example"}, {"X-Key = secret.k", `X-Key = "v${secret.k}"`}, {"GET /a", "GET /b"}, {"U0DANA", "U0MARA"}, {"rate     = 1", "rate     = 2"},
	} {
		after := load(t, with(t, strings.Replace(base, c[0], c[1], 1)), config.Options{}).Catalog
		if after.Adapters["a"].Hash == before.Adapters["a"].Hash || after.Hash == before.Hash {
			t.Errorf("%s became %s, and the hash is the same", c[0], c[1])
		}
	}
}

// Pages are named by their origin, each written out.
func TestAdapterOrigins(t *testing.T) {
	t.Parallel()
	with := func(origins string) fstest.MapFS {
		hcl := strings.Replace(string(testdata(t, "design.hcl")), `http_adapter "pagerduty" {`, "http_adapter \"pagerduty\" {\n  origins = "+origins, 1)
		return fstest.MapFS{"breakglass.hcl": {Data: []byte(hcl)}, "prod.py": {Data: []byte("x = 1\n")}}
	}
	c := load(t, with(`["https://canvas.acme.example", "https://a.example:8443", "http://localhost:3000"]`), config.Options{})
	a := c.Catalog.Adapters["pagerduty"]
	if len(a.Origins) != 3 || a.Hash == load(t, with(`[]`), config.Options{}).Catalog.Adapters["pagerduty"].Hash {
		t.Errorf("origins: %v", a.Origins)
	}
	for _, bad := range []string{"*", "null", "https://*.acme.example", "https://a.example/", "https://a.example/x", "http://a.example", "https://A.example", "a.example", "https://me@a.example", "file://x", ""} {
		if _, diags := config.LoadFS(with(`["`+bad+`"]`), config.Options{}); !diags.HasErrors() {
			t.Errorf("%q is taken for the origin of a page", bad)
		}
	}
}
