package source_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"breakglass/flows/config"
	"breakglass/flows/config/source"
)

const plain = `# Ours.
secret "old" {
  source = "env" # from systemd
  name   = "OLD"
} # the end

# About Slack.
integration "slack" "main" {
}

flow "prod" {
  requesters = ["@engineering", "U0DANA"]
}
flow "more" {
  requesters = ["@engineering", local.x]
}
`

// open writes files into a directory and opens it.
func open(t *testing.T, files map[string]string) *source.Dir {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	d, err := source.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func adapter(t *testing.T, name, header string) *source.Adapter {
	t.Helper()
	text, err := source.ParseText(header)
	if err != nil {
		t.Fatal(err)
	}
	return &source.Adapter{
		Name: name, BaseURL: "https://api.pagerduty.com", Allow: []string{"GET /incidents"},
		Headers: []source.Header{{Name: "Authorization", Value: text}, {Name: "X-Api-Version", Value: source.Text{{Literal: `a "b" ${c} %{d}`}}}},
	}
}

func written(t *testing.T, d *source.Dir) string {
	t.Helper()
	if err := d.Write(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(d.Path(), d.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAddAdapter(t *testing.T) {
	t.Parallel()
	d := open(t, map[string]string{"breakglass.hcl": plain})
	if err := d.AddAdapter(adapter(t, "pagerduty", "Token token=${{ PD_TOKEN }}")); err != nil {
		t.Fatal(err)
	}
	got := written(t, d)
	want := strings.Replace(plain, "} # the end\n", `} # the end

secret "pd_token" {
  source = "env"
  name   = "PD_TOKEN"
}
`, 1) + `
http_adapter "pagerduty" {
  base_url = "https://api.pagerduty.com"
  headers = {
    Authorization = "Token token=${secret.pd_token}"
    X-Api-Version = "a \"b\" $${c} %%{d}"
  }
  allow = ["GET /incidents"]
}
`
	if got != want {
		t.Errorf("it is\n%s\nnot\n%s", got, want)
	}

	// Once more, and with another that needs the same variable: nothing stands there twice.
	again, err := source.Open(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.AddAdapter(adapter(t, "pagerduty", "Token token=${{PD_TOKEN}}")); err != nil || again.Changed() || again.Diff() != "" {
		t.Errorf("it is added twice (%v):\n%s", err, again.Diff())
	}
	if err := again.AddAdapter(adapter(t, "pagerduty-eu", "Token token=${{ PD_TOKEN }}")); err != nil {
		t.Fatal(err)
	}
	if got := written(t, again); strings.Count(got, `secret "pd_token"`) != 1 || !strings.Contains(got, `http_adapter "pagerduty-eu"`) {
		t.Errorf("the second one is written as\n%s", got)
	}

	// Another one of that name is not overwritten, and what it says is not shown.
	err = again.AddAdapter(adapter(t, "pagerduty", "Bearer hunter2"))
	if err == nil || !strings.Contains(err.Error(), "another Authorization") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a different one of that name: %v", err)
	}
}

// Names that are taken, blocks in other files, several at once, a file that does not end
// in a line break, an empty one.
func TestAddAdapterBesideOthers(t *testing.T) {
	t.Parallel()
	d := open(t, map[string]string{
		"breakglass.hcl": "locals {}", "more.hcl": "secret \"pd\" {\n source = \"file\"\n path = \"/x\"\n}\nsecret \"mine\" {\n source = \"env\"\n name = \"EU\"\n}\n",
	})
	if err := d.AddAdapter(adapter(t, "a", "${{ PD }} ${{ EU }} ${{ _9 }}")); err != nil {
		t.Fatal(err)
	}
	if err := d.AddAdapter(adapter(t, "b", "${{ PD }}")); err != nil {
		t.Fatal(err)
	}
	got := written(t, d)
	for _, want := range []string{"locals {}\n\nsecret \"pd_2\" {", "secret \"env_9\" {\n  source = \"env\"\n  name   = \"_9\"\n}\n\nhttp_adapter \"a\"", `"${secret.pd_2} ${secret.mine} ${secret.env_9}"`, `"${secret.pd_2}"`, "}\n\nhttp_adapter \"b\""} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "\n\n\n") {
		t.Errorf("there are two empty lines in\n%s", got)
	}
	empty := open(t, map[string]string{"breakglass.hcl": ""})
	if err := empty.AddAdapter(adapter(t, "a", "${{ X }}")); err != nil {
		t.Fatal(err)
	}
	if got := written(t, empty); !strings.HasPrefix(got, "secret \"x\" {") {
		t.Errorf("into an empty file it is written as\n%s", got)
	}
}

// What is written is a configuration that is understood as it was meant.
func TestWhatIsWrittenIsUnderstood(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("../example/breakglass.hcl")
	if err != nil {
		t.Fatal(err)
	}
	handler, err := os.ReadFile("../example/prod.py")
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, map[string]string{"breakglass.hcl": string(src), "prod.py": string(handler)})
	a := adapter(t, "pagerduty-eu", "Token token=${{ PD_TOKEN }}")
	a.Callers = d.Requesters()
	if err := d.AddAdapter(a); err != nil {
		t.Fatal(err)
	}
	if err := d.SetAllow("http_adapter", "pagerduty-eu", []string{"GET /x"}); err == nil {
		t.Error("a block that is not written yet is changed")
	}
	cfg, diags := config.LoadFS(d.FS(), config.Options{})
	if cfg == nil {
		t.Fatalf("%v", diags.Err())
	}
	got := cfg.Catalog.Adapters["pagerduty-eu"]
	if got == nil || len(got.Headers) != 2 || got.Headers[0].Value.String() != `"Token token=${secret.pd_token}"` || len(got.Callers) == 0 {
		t.Errorf("it is understood as %+v", got)
	}
}

func TestSetAllow(t *testing.T) {
	t.Parallel()
	src := "target \"t\" { # here\n  allow = [ \"GET /old\", # why\n  ]\n  kind = \"x\" # stays\n}\nhttp_adapter \"a\" {}\n"
	d := open(t, map[string]string{"breakglass.hcl": "locals {}\n", "t.hcl": src})
	if err := d.SetAllow("target", "t", []string{"GET /a", "GET /" + strings.Repeat("b", 90)}); err != nil {
		t.Fatal(err)
	}
	if d.Name() != "t.hcl" {
		t.Errorf("%s is changed", d.Name())
	}
	want := "target \"t\" { # here\n  allow = [\n    \"GET /a\",\n    \"GET /" + strings.Repeat("b", 90) + "\",\n  ]\n  kind = \"x\" # stays\n}\nhttp_adapter \"a\" {}\n"
	if got := written(t, d); got != want {
		t.Errorf("it is\n%s", got)
	}
	d, err := source.Open(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.SetAllow("http_adapter", "a", []string{"GET /a"}); err != nil {
		t.Fatal(err)
	}
	if got := written(t, d); !strings.HasSuffix(got, "http_adapter \"a\" {\n  allow = [\"GET /a\"]\n}\n") {
		t.Errorf("it is\n%s", got)
	}
	if err := d.SetAllow("target", "none", nil); err == nil {
		t.Error("a target that there is none of is changed")
	}
}

// The difference is what patch understands, and Write puts the file there whole, with
// its mode, or not at all.
func TestWriteAndDiff(t *testing.T) {
	t.Parallel()
	d := open(t, map[string]string{"breakglass.hcl": plain})
	if err := d.AddAdapter(adapter(t, "a", "${{ X }}")); err != nil {
		t.Fatal(err)
	}
	diff, other := d.Diff(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "breakglass.hcl"), []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("git"); err == nil {
		cmd := exec.CommandContext(t.Context(), "git", "apply", "-p1")
		cmd.Dir, cmd.Stdin = other, strings.NewReader(diff)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, diff)
		}
		patched, err := os.ReadFile(filepath.Join(other, "breakglass.hcl"))
		if err != nil {
			t.Fatal(err)
		}
		if got := written(t, d); got != string(patched) {
			t.Errorf("by the difference it is\n%s\nand written\n%s", patched, got)
		}
	}
	info, err := os.Stat(filepath.Join(d.Path(), "breakglass.hcl"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("its mode is %v (%v)", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(d.Path(), ".*")); len(left) > 0 {
		t.Errorf("%v were left behind", left)
	}

	late := open(t, map[string]string{"breakglass.hcl": plain})
	if err := late.AddAdapter(adapter(t, "a", "${{ X }}")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(late.Path(), "breakglass.hcl"), []byte("# somebody else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := late.Write(); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("what somebody else wrote is overwritten: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := source.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing is opened: %v", err)
	}
	if _, err := source.Open(dir); err == nil || !strings.Contains(err.Error(), "has no breakglass.hcl") {
		t.Errorf("an empty directory is opened: %v", err)
	}
	for name, text := range map[string]string{"x.yml": "a: b", "breakglass.hcl": "a = = b\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := source.Open(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s is opened", name)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"Token token=${{ A }}": false, "Token token=abc": true, "": true, "Basic ${{ A }}": false,
		"Token ${{ A }} ghp_abc": true, "Bearer ${{A}} 0123456789abcdef01": true,
	} {
		text, err := source.ParseText(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := text.HoldsSecret("Authorization"); got != want {
			t.Errorf("%q holds a secret: %v", s, got)
		}
	}
	for name, value := range map[string]string{"Accept": "application/vnd.pagerduty+json;version=2", "Notion-Version": "2022-06-28", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "acme-breakglass/1.0 (ops@acme.example)"} {
		text, err := source.ParseText(value)
		if err != nil || text.HoldsSecret(name) {
			t.Errorf("%s: %s is taken for a secret (%v)", name, value, err)
		}
	}
	for _, bad := range []string{"${{ A", "${{ }}", "${{ a b }}", "${{ secret:x }}", "a\nb", "a\r", "${{ ${{ A }} }}"} {
		if text, err := source.ParseText(bad); err == nil {
			t.Errorf("%q is read as %v", bad, text)
		}
	}
	text, err := source.ParseText(`"Bearer ${{ A }}"`)
	if err != nil || !text.Quoted() || text.Unquoted().Quoted() || len(text.Unquoted()) != 2 {
		t.Errorf("quotes within the text are not seen: %v (%v)", text, err)
	}
}
