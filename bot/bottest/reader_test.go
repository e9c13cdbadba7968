package bottest_test

import (
	"bytes"
	"net/url"
	"os"
	"testing"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
)

// Who reads the database finds nothing that opens a door: no token, no session, no
// button's value, no secret of the configuration.
func TestADatabaseReaderFindsNoKey(t *testing.T) {
	t.Parallel()
	p, with := bottest.SignIn(t)
	s := bottest.Open(t, with)
	b := signed(s, p, company.Mara)
	keys := map[string]string{"the sign-in's secret": company.SignInSecret}
	keys["a token"] = answers(t, b.API().Call("POST", "/v1/tokens", map[string]any{"name": "script", "scopes": []string{"decide"}}), 201, "").Text("secret")
	at, err := url.Parse(s.URL("/"))
	must(t, err)
	for _, c := range b.Client.Jar.Cookies(at) {
		keys["the cookie "+c.Name] = c.Value
	}
	s.As(company.Sam).Asks("Production database", "a reason that is there", nil)
	for _, e := range s.As(company.Mara).Sees("<@U0SAM> asks for Production database").Elements() {
		if e.ActionID == "bg:approve" {
			keys["a button's value"] = e.Value
		}
	}
	if len(keys) < 4 {
		t.Fatalf("only %d keys are known", len(keys))
	}
	s.Overlook()
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(s.DatabaseFile() + suffix)
		must(t, err)
		all = append(all, raw...)
	}
	if !bytes.Contains(all, []byte("a reason that is there")) {
		t.Fatal("this does not read what is stored")
	}
	for what, key := range keys {
		if key == "" || bytes.Contains(all, []byte(key)) {
			t.Errorf("%s can be read in the database", what)
		}
	}
}
