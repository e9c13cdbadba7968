package config_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"breakglass/flows"
	"breakglass/flows/config"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// worlds is a configuration whose Slack integration has the given lines, and whose
// PagerDuty is of the same world.
func worlds(t *testing.T, slack, pagerduty string) (*config.Config, config.Diagnostics) {
	t.Helper()
	text := string(testdata(t, "base.hcl"))
	text = strings.Replace(text, "signing_secret = secret.base_signing\n", "signing_secret = secret.base_signing\n"+slack+"\n", 1)
	text = strings.Replace(text, `from        = "breakglass@acme.example"`, `from = "breakglass@acme.example"`+"\n"+pagerduty, 1)
	return config.LoadFS(fstest.MapFS{
		"breakglass.hcl": {Data: []byte(text)}, "prod.py": {Data: []byte("x = 1\n")},
	}, config.Options{})
}

func TestAddressesOfVendors(t *testing.T) {
	t.Parallel()
	const simulator = "base_url = \"http://127.0.0.1:1\"\nsimulated = true"
	for _, c := range []struct {
		api, flag, pagerduty string
		world                flows.World
		say                  string // empty: it loads
	}{
		{"https://slack.com/api/", "", "", flows.WorldReal, ""},
		{"https://SLACK.com./api", "", "", flows.WorldReal, ""},
		{"https://slack-gov.com/api/", "", "", flows.WorldReal, ""},
		{"https://proxy.acme.example/slack/", "address_is_vendor = true", "", flows.WorldReal, ""},
		{"http://127.0.0.1:8080/api", "address_is_vendor = true", "", flows.WorldReal, ""},
		{"http://127.0.0.1:8401/api/", "simulated = true", simulator, flows.WorldSimulated, ""},
		{"http://fake:8401/api/", "simulated = true", simulator, flows.WorldSimulated, ""},

		{"https://slack.com.evil.example/", "", "", "", "is not an address of Slack"},
		{"https://notslack.com/", "", "", "", "is not an address of Slack"},
		{"https://slack.com@evil.example/", "", "", "", "holds a credential"},
		{"http://slack.com/api/", "", "", "", "over http"},
		{"http://slack.com./api/", "simulated = true", simulator, "", "over http"},
		{"https://slack.com/api/", "simulated = true", simulator, "", "Slack itself"},
		{"https://SLACK.COM./api/", "simulated = true", simulator, "", "Slack itself"},
		{"http://proxy.acme.example/", "address_is_vendor = true", "", "", "over http"},
		{"http://127.0.0.1:8401/api/", "simulated = true", "", "", "never mix"},
		{"http://127.0.0.1:8401/api/", "simulated = false", "", "", "is not an address of Slack"},
		{"ftp://slack.com/", "", "", "", "not a web address"},
		{"https:///api", "", "", "", "not a web address"},
	} {
		got, ds := worlds(t, fmt.Sprintf("api_url = %q\n%s", c.api, c.flag), c.pagerduty)
		switch {
		case c.say == "" && (got == nil || got.Catalog.World != c.world || len(ds.All()) > 0):
			t.Errorf("%s %s: %v", c.api, c.flag, ds.All())
		case c.say != "" && (!ds.HasErrors() || !strings.Contains(ds.Err().Error(), c.say)):
			t.Errorf("%s %s: %v, want %q", c.api, c.flag, ds.Err(), c.say)
		}
	}
}

func TestSecretsOfAnotherWorld(t *testing.T) {
	t.Parallel()
	const simulators = "api_url = \"http://127.0.0.1:1\"\nsimulated = true"
	for name, c := range map[string]struct{ slack, pagerduty, secret, say string }{
		"real":               {"", "", `region = "eu-west-1"`, ""},
		"real in simulation": {simulators, "base_url = \"http://127.0.0.1:2\"\nsimulated = true", "", "is a real one of Amazon"},
		"simulator for real": {"", "", "endpoint = \"http://127.0.0.1:4566\"\nsimulated = true", "comes from a simulator"},
	} {
		slack := c.slack + "\nprevious_signing_secret = secret.aws\n}\nsecret \"aws\" {\nsource = \"aws_secrets_manager\"\npath = \"x\"\n" + c.secret
		_, ds := worlds(t, slack, c.pagerduty)
		if c.say == "" && len(ds.All()) > 0 || c.say != "" && (len(ds.All()) != 1 || !strings.Contains(ds.All()[0].Message, c.say)) {
			t.Errorf("%s: %v", name, ds.All())
		}
	}
}

func TestFindingsStandAtTheirPlace(t *testing.T) {
	t.Parallel()
	c := load(t, with(t, ""), config.Options{})
	ds := c.Report([]config.Finding{
		{config.SeverityWarning, "flow.base.stage_timeout", "No such attribute is written.", ""},
		{config.SeverityError, "flow.base.channel", "There is no channel #base.", "Create it."},
		{config.SeverityError, "nothing", "Slack does not answer.", ""},
	})
	var out strings.Builder
	if err := ds.Write(&out, false); err != nil {
		t.Fatal(err)
	}
	_, flow := c.Where("flow.base")
	for _, want := range []string{
		fmt.Sprintf("warning base.hcl:%d:1: No such", flow),
		fmt.Sprintf("error base.hcl:%d:20: There is no channel #base.\n   %d |   channel        = \"#base\"\n", flow+3, flow+3),
		"error breakglass.hcl: Slack does not answer.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
}

func TestExampleIsFormatted(t *testing.T) {
	t.Parallel()
	example, err := fs.ReadFile(config.Example(), config.MainFile)
	if err != nil {
		t.Fatal(err)
	}
	for name, src := range map[string][]byte{"example": example, "base.hcl": testdata(t, "base.hcl")} {
		if string(hclwrite.Format(src)) != string(src) {
			t.Errorf("%s is not formatted:\n%s", name, hclwrite.Format(src))
		}
	}
}
