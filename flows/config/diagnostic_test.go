package config_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"breakglass/flows/config"
)

func mistakesOf(t *testing.T, breakglass string) config.Diagnostics {
	t.Helper()
	_, ds := config.LoadFS(with(t, breakglass), config.Options{})
	return ds
}

func TestDiagnosticsAsValues(t *testing.T) {
	t.Parallel()
	ds := mistakesOf(t, "locals {\n  a = nothing\n  b = nothing\n}\n")
	if err := ds.Err(); err == nil || !strings.HasPrefix(err.Error(), "the configuration has 2 errors; the first: breakglass.hcl:2:7: error: Nothing is called nothing.") {
		t.Errorf("two errors: %v", err)
	}
	ds = mistakesOf(t, "locals {\n  a = nothing\n}\n")
	if err := ds.Err(); err == nil || !strings.HasPrefix(err.Error(), "the configuration has an error: ") {
		t.Errorf("one error: %v", err)
	}
	ds = mistakesOf(t, "variable \"unused\" {\n  default = 1\n}\n")
	if err := ds.Err(); err != nil || len(ds.All()) != 1 || ds.All()[0].Severity != config.SeverityWarning {
		t.Errorf("one warning: %v, %v", err, ds.All())
	}
	ds.All()[0].Message = "changed"
	if ds.All()[0].Message == "changed" {
		t.Error("what All returns is not a copy")
	}
}

func TestWriteUnderlines(t *testing.T) {
	t.Parallel()
	ds := mistakesOf(t, "locals {\n\tå = \"ö\"\n\ta = nothing\n}\n")
	var plain, colored bytes.Buffer
	for out, color := range map[*bytes.Buffer]bool{&plain: false, &colored: true} {
		if err := ds.Write(out, color); err != nil {
			t.Fatal(err)
		}
	}
	want := "    3 | \ta = nothing\n      | \t    ^^^^^^^\n"
	if !strings.Contains(plain.String(), want) || strings.Contains(plain.String(), "\x1b") {
		t.Errorf("plain:\n%s", plain.String())
	}
	if !strings.Contains(colored.String(), "\x1b[31m^^^^^^^\x1b[0m") {
		t.Errorf("with colour:\n%q", colored.String())
	}
}

// A line of a file cannot move the cursor or turn text around.
func TestWriteIsSafeForTerminals(t *testing.T) {
	t.Parallel()
	ds := mistakesOf(t, "locals {\n  a = nothing # \x1b[2J \u202e gnp \u0085\n}\n")
	var out bytes.Buffer
	if err := ds.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e\u0085") || !strings.Contains(out.String(), "a = nothing # ?[2J ? gnp ?") {
		t.Errorf("%q", out.String())
	}
}

// A credential in a place where nobody expects it is not shown either.
func TestWriteHidesCredentials(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"locals {\n  a = nothing # xoxb-1234-hunter2\n}\n",
		"integration \"slack\" \"main\" {\n  bot_token = \"hunter2\"\n",
		"target \"x\" {\n  kind = \"webhook\"\n  url = \"https://u:hunter2@x.example\"\n  secret = \"hunter2\"\n}\n",
		"server {\n  store = \"postgres://u:hunter2@x/y\"\n}\n",
		"secret \"x\" {\n  source = \"env\"\n  name = \"hunter2 with blanks\"\n}\n",
	} {
		ds := mistakesOf(t, text)
		var out bytes.Buffer
		if err := ds.Write(&out, false); err != nil {
			t.Fatal(err)
		}
		if !ds.HasErrors() || strings.Contains(out.String(), "hunter2") {
			t.Errorf("%s\nis shown as\n%s", text, out.String())
		}
	}
}

// What could overflow the parser's stack is refused before it is parsed.
func TestDeepFilesAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"[", "(", "{a=", "!", "-", `"${`, "x?", "%{if ", "1+", "f("} {
		text := "locals {\n a = " + strings.Repeat(s, 50_000)
		_, ds := config.LoadFS(fstest.MapFS{"breakglass.hcl": {Data: []byte(text)}}, config.Options{})
		if all := ds.All(); len(all) != 1 || all[0].Severity != config.SeverityError {
			t.Errorf("%q: %d diagnostics", s, len(all))
		}
	}
	_, ds := config.LoadFS(fstest.MapFS{"breakglass.hcl": {Data: make([]byte, 2<<20)}}, config.Options{})
	if all := ds.All(); len(all) != 1 || !strings.Contains(all[0].Message, "larger than 1 MiB") {
		t.Errorf("a large file: %v", all)
	}
}
