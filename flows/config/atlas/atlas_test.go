package atlas_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows/config"
	"breakglass/flows/config/atlas"
)

const whole = `apiVersion: moment.dev/atlas/v1alpha1
kind: Atlas
metadata:
  name: acme
spec:
  owner: ops
  identityProviders:
  - auth0:
      publicKey: https://login.acme.example/jwks
      audience: atlas
      issuer: https://login.acme.example/
  apiAdapters:
  - adapterRef:
      apiVersion: moment.dev/adapters/v1alpha1
      kind: HTTP
      name: mailchimp-2
  - adapterRef: {apiVersion: moment.dev/adapters/v1alpha1, kind: HTTP, name: pagerduty}
  - adapterRef: {apiVersion: moment.dev/adapters/v1alpha1, kind: AWS, name: aws}
  - adapterRef: {apiVersion: moment.dev/adapters/v1alpha1, kind: Postgres, name: ledger}
  - adapterRef: {apiVersion: moment.dev/adapters/v1alpha1, kind: HTTP, name: gone}
  exposedPorts: {ingressHttpPort: 8080, adminPort: 9090}
  gatewayRegistration:
    backoff:
      factor: 2
---
apiVersion: moment.dev/adapters/v1alpha1
kind: HTTP
metadata:
  name: pagerduty
spec:
  baseUrl: https://api.pagerduty.com/
  headers:
  - name: Authorization
    value: Token token=${{ PAGERDUTY_ACCOUNT_TOKEN }}
---
apiVersion: moment.dev/adapters/v1alpha1
kind: HTTP
metadata:
  name: mailchimp-2
spec:
  baseUrl: https://us1.api.mailchimp.com/3.0
  headers:
  - name: Authorization
    value: '"Bearer ${{ MAILCHIMP }}"'
  - name: X-Account
    value: ${{PAGERDUTY_ACCOUNT_TOKEN}}
  - name: X-Api-Key
    value: hunter2
---
apiVersion: moment.dev/adapters/v1alpha1
kind: AWS
metadata:
  name: aws
spec:
  profiles:
  - name: prod
    accessKeyId: ${{ AWS_KEY }}
    secretAccessKey: ${{ AWS_SECRET }}
---
apiVersion: moment.dev/adapters/v1alpha1
kind: Postgres
metadata:
  name: ledger
spec:
  profiles: []
---
apiVersion: moment.dev/adapters/v1alpha1
kind: HTTP
metadata: {name: unnamed}
spec: {baseUrl: 'https://x.example'}
`

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := atlas.Read([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	text := ""
	for i := range got.Adapters {
		text += got.Adapters[i].Blocks(secrets)
	}
	want := `secret "pagerduty_account_token" {
  source = "env"
  name   = "PAGERDUTY_ACCOUNT_TOKEN"
}

http_adapter "pagerduty" {
  base_url = "https://api.pagerduty.com"
  headers = {
    Authorization = "Token token=${secret.pagerduty_account_token}"
  }
  allow = ["GET /incidents", "GET /incidents/{id}"]
}
secret "mailchimp" {
  source = "env"
  name   = "MAILCHIMP"
}

http_adapter "mailchimp-2" {
  base_url = "https://us1.api.mailchimp.com/3.0"
  headers = {
    Authorization = "Bearer ${secret.mailchimp}"
    X-Account     = "${secret.pagerduty_account_token}"
  }
  allow = []
}
`
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("wanted -, got +:\n%s", diff)
	}
	notes := ""
	for _, n := range got.Notes {
		notes += fmt.Sprintf("%d %s\n", n.Line, n.What)
		if strings.Contains(n.Advice, "hunter2") {
			t.Error("a credential is shown")
		}
	}
	wantNotes := `6 Atlas, spec.owner
8 Atlas, spec.identityProviders
20 spec.apiAdapters
21 Atlas, spec.exposedPorts.ingressHttpPort
21 Atlas, spec.exposedPorts.adminPort
22 Atlas, spec.gatewayRegistration
26 HTTP pagerduty
36 HTTP mailchimp-2
43 HTTP mailchimp-2, header Authorization
47 HTTP mailchimp-2, header X-Api-Key
50 AWS aws
56 AWS aws, profile prod
60 Postgres ledger
67 HTTP unnamed
`
	if diff := cmp.Diff(wantNotes, notes); diff != "" {
		t.Errorf("wanted -, got +:\n%s", diff)
	}
}

// What comes out is a configuration, beside the rest of one.
func TestWhatIsWrittenIsUnderstood(t *testing.T) {
	t.Parallel()
	got, err := atlas.Read([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	dir, secrets, text := t.TempDir(), map[string]string{}, ""
	for i := range got.Adapters {
		text += got.Adapters[i].Blocks(secrets)
	}
	for _, name := range []string{"breakglass.hcl", "prod.py"} {
		src, err := os.ReadFile(filepath.Join("../example", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "adapters.hcl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, diags := config.Load(dir, config.Options{})
	if cfg == nil || len(cfg.Catalog.Adapters) != 2 {
		t.Fatalf("it is not understood: %v", diags.Err())
	}
}

func document(spec string) string {
	return "apiVersion: moment.dev/adapters/v1alpha1\nkind: HTTP\nmetadata:\n  name: a\nspec:\n" + spec
}

// Whatever cannot be taken over is said, with its line, and never shown where it may be a
// credential.
func TestWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src      string
		adapters int
		says     string
	}{
		"only an adapter":        {document("  baseUrl: https://a.example\n"), 1, "here none is until allow"},
		"address of a variable":  {document("  baseUrl: https://${{ HOST }}\n"), 0, "not made from variables"},
		"password in an address": {document("  baseUrl: https://me:hunter2@a.example\n"), 0, "a password in it"},
		"no address":             {document("  headers: []\n"), 0, "not an address"},
		"other scheme":           {document("  baseUrl: ftp://a.example\n"), 0, "not an address"},
		"question":               {document("  baseUrl: https://a.example?key=hunter2\n"), 0, "no ?"},
		"headers as a map":       {document("  baseUrl: https://a.example\n  headers: {a: b}\n"), 0, "not a list"},
		"headers as a text":      {document("  baseUrl: https://a.example\n  headers: hunter2\n"), 0, "not a list"},
		"no name of a header":    {document("  baseUrl: https://a.example\n  headers:\n  - name: 'a: b'\n    value: x\n"), 1, "not the name of a header"},
		"the same header twice":  {document("  baseUrl: https://a.example\n  headers: [{name: A, value: x}, {name: a, value: y}]\n"), 1, "twice"},
		"open template":          {document("  baseUrl: https://a.example\n  headers: [{name: A, value: '${{ hunter2'}]\n"), 1, "not closed"},
		"line break":             {document("  baseUrl: https://a.example\n  headers: [{name: A, value: \"x\\r\\nHost: evil\"}]\n"), 1, "line break"},
		"a bearer":               {document("  baseUrl: https://a.example\n  headers: [{name: Authorization, value: Bearer hunter2}]\n"), 1, "make a new credential"},
		"a key in another":       {document("  baseUrl: https://a.example\n  headers: [{name: X-Thing, value: 'hunter2hunter2hunter2'}]\n"), 1, "make a new credential"},
		"more":                   {document("  baseUrl: https://a.example\n  policy: x\n"), 1, "not known"},
		"the same name twice":    {document("  baseUrl: https://a.example\n") + "---\n" + document("  baseUrl: https://b.example\n"), 1, "another one of that name"},
		"another name":           {strings.Replace(document("  baseUrl: https://a.example\n"), "name: a", "name: My.API", 1), 1, `called "my_api" here`},
		"no name":                {strings.Replace(document("  baseUrl: https://a.example\n"), "name: a", "name: ...", 1), 0, "no name that can be used"},
		"another version":        {strings.Replace(document("  baseUrl: https://a.example\n"), "v1alpha1", "v2", 1), 0, "apiVersion is not"},
		"Kubernetes":             {"apiVersion: moment.dev/adapters/v1alpha1\nkind: Kubernetes\n", 0, "webhook target"},
		"Moment":                 {"apiVersion: moment.dev/adapters/v1alpha1\nkind: Moment\n", 0, "catalogue"},
		"unknown kind":           {"apiVersion: moment.dev/adapters/v1alpha1\nkind: \"x\\e[31m\"\n", 0, "not known"},
		"no kind":                {"a: b\n", 0, "no kind"},
		"a list":                 {"- a\n", 0, "no kind"},
		"a text":                 {"words\n", 0, "no kind"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := atlas.Read([]byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Adapters) != c.adapters {
				t.Errorf("%d adapters are taken over, not %d", len(got.Adapters), c.adapters)
			}
			all := fmt.Sprint(got.Notes)
			if !strings.Contains(all, c.says) {
				t.Errorf("it says %s, not %q", all, c.says)
			}
			if out := fmt.Sprint(got); strings.Contains(out, "hunter2") || strings.Contains(out, "\x1b") {
				t.Errorf("a credential, or what acts on a terminal, is in %q", out)
			}
		})
	}
	for name, src := range map[string]string{
		"too large": strings.Repeat("#\n", atlas.MaxSize), "an alias": "a: &x 1\nb: *x\n", "a key twice": document("  baseUrl: x\n  baseUrl: y\n"),
	} {
		if got, err := atlas.Read([]byte(src)); err == nil {
			t.Errorf("%s: it is read as %v", name, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(document("  baseUrl: https://a.example\n")))
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := atlas.Read(src)
		if err != nil {
			return
		}
		secrets := map[string]string{}
		for i := range got.Adapters {
			if text := got.Adapters[i].Blocks(secrets); strings.ContainsAny(got.Adapters[i].BaseURL, "\n\r") {
				t.Errorf("a line break is in an address: %s", text)
			}
		}
	})
}
