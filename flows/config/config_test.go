package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"breakglass/flows"
	"breakglass/flows/config"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// load loads a configuration that must have no mistakes, not even warnings.
func load(t *testing.T, dir fstest.MapFS, opts config.Options) *config.Config {
	t.Helper()
	c, ds := config.LoadFS(dir, opts)
	for _, d := range ds.All() {
		t.Errorf("unexpected: %s", d)
	}
	if c == nil {
		t.FailNow()
	}
	return c
}

// with is the base configuration of testdata and one more file.
func with(t *testing.T, breakglass string) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"breakglass.hcl": {Data: []byte(breakglass)},
		"base.hcl":       {Data: testdata(t, "base.hcl")},
		"prod.py":        {Data: []byte("x = 1\n")},
	}
}

func TestExampleLoads(t *testing.T) {
	t.Parallel()
	c, ds := config.LoadFS(config.Example(), config.Options{Variables: map[string]string{"slack_api": "http://127.0.0.1:9/api"}})
	if len(ds.All()) > 0 {
		t.Fatal(ds.All())
	}
	if c.Catalog.World != flows.WorldSimulated || c.Catalog.Team != "T0DEMO01" {
		t.Errorf("world %s, team %s", c.Catalog.World, c.Catalog.Team)
	}
	if got := c.Settings.Slack.APIURL; got != "http://127.0.0.1:9/api/" {
		t.Errorf("the variable did not reach the address: %s", got)
	}
	if l, ok := c.Catalog.Links.At("PDANA01"); !ok || l.Person != "T0DEMO01/U0DANA" {
		t.Errorf("link of PDANA01: %v %v", l, ok)
	}
	if file, line := c.Where("flow.prod"); file != "breakglass.hcl" || line == 0 {
		t.Errorf("flow.prod stands at %s:%d", file, line)
	}
	if file, line := c.Where("flow.prod.channel"); file != "breakglass.hcl" || line == 0 {
		t.Errorf("the channel of flow.prod stands at %s:%d", file, line)
	}
	if _, line := c.Where("flow.nowhere"); line != 0 {
		t.Errorf("a flow that does not exist stands at line %d", line)
	}
	if a, b := c.PersonName("T0DEMO01/U0MARA"), c.PersonName("T0DEMO01/U0NEW"); a != "mara" || b != "U0NEW" {
		t.Errorf("names: %s, %s", a, b)
	}
}

// The example of the design document loads as it stands.
func TestDesignExample(t *testing.T) {
	t.Parallel()
	dir := fstest.MapFS{"breakglass.hcl": {Data: testdata(t, "design.hcl")}, "prod.py": {Data: []byte("x = 1\n")}}
	c := load(t, dir, config.Options{})

	want := &flows.Flow{
		ID: "prod", Label: "Production access", Environment: "prod",
		Targets: []flows.TargetID{"production_console", "pagerduty_incident_write"}, Channel: "#prod-access", ErrorsTo: "#access-errors",
		Handler: "prod.py", Source: []byte("x = 1\n"), Requesters: []flows.Principal{"@engineering"},
		Durations: []time.Duration{30 * time.Minute, time.Hour, 4 * time.Hour}, MaxDuration: 4 * time.Hour, MaxTotal: 8 * time.Hour,
		Incident: flows.IncidentRequired, EndWith: []flows.EndCause{flows.EndIncident}, SelfApproval: flows.SelfOnCall,
		OnCall: flows.OnCallLimits{MaxLevel: 2, ScheduleOnly: true, MinShiftAge: 15 * time.Minute}, Quorum: 1, Review: flows.ReviewNever,
		Fallback:     flows.Fallback{Approvers: []flows.Principal{"U0MARA", "@sre-managers"}, Destination: "#sre-managers"},
		StageTimeout: 15 * time.Minute, RemindAfter: 5 * time.Minute, MaxOpen: 5,
		Vars:   map[string]any{"manager_policy": "mgr_on_call"},
		Fields: []flows.PromptField{{Name: "ticket", Label: "Change ticket", Type: flows.FieldString}},
	}
	hashes := cmpopts.IgnoreFields(flows.Flow{}, "Hash", "SourceHash")
	if diff := cmp.Diff(want, c.Catalog.Flows["prod"], hashes); diff != "" {
		t.Errorf("flow (-want +got):\n%s", diff)
	}
	s := c.Settings
	if s.Slack.APIURL != "https://slack.com/api/" || s.PagerDuty.BaseURL != "https://api.pagerduty.com" || c.Catalog.World != flows.WorldReal {
		t.Errorf("addresses: %s, %s in the %s world", s.Slack.APIURL, s.PagerDuty.BaseURL, c.Catalog.World)
	}
	want1 := config.SecretSpec{Name: "pagerduty_api_key", Source: config.SourceAWS, Path: "breakglass/prod", JSONKey: "pagerduty_api_key"}
	if diff := cmp.Diff(want1, s.Secrets[2]); diff != "" {
		t.Errorf("secret (-want +got):\n%s", diff)
	}
}

func TestEverythingASettingCanSay(t *testing.T) {
	t.Parallel()
	c := load(t, with(t, `
secret "db" {
  source = "file"
  path   = "/run/secrets/db"
}
locals {
  host = "db.${local.domain}"
  domain = "acme.example"
  teams = ["@engineering", "W0NOOR"]
}
variable "guests" {
  default = true
}
server {
  public_listen   = ":443"
  internal_listen = "127.0.0.1:0"
  public_url      = "https://bot.acme.example/"
  store           = "postgres://bot:${secret.db}@${local.host}/breakglass"
  replicas        = 3
}
target "hook" {
  kind          = "webhook"
  label         = "Hook"
  url           = "http://127.0.0.1:1/access"
  secret        = secret.db
  allow_private = true
  how_to        = "Use it."
  high_risk     = true
  max_duration  = "30m"
}
flow "all" {
  environment         = environment.prod
  targets             = [target.hook]
  channel             = "C0PROD"
  implementation      = "prod.py"
  requesters          = local.teams
  allow_guests        = var.guests
  max_open_per_person = 2
  durations           = ["30m"]
  end_with            = ["shift_ended", "incident_resolved"]
  self_approval       = "on_call"
  on_call             = { overrides = "deny", policies = ["PABC123", "Managers"] }
  review              = "self_approved"
  review_within       = "1h30m"
  quorum              = 2
  stage_timeout       = "4m"
  remind_after        = "never"
  incident            = "create"
  incident_service = "PSVC001"
  fallback            = { approvers = ["S0SRE"] }
  vars                = { a = "x", b = 2, c = false, d = ["y", local.domain] }
  prompt_field "region" {
    type           = "int"
    label          = "Region"
    allowed_values = [1, 2]
    default        = 2
    hint           = "Where"
  }
}`), config.Options{})
	f := c.Catalog.Flows["all"]
	want := &flows.Flow{
		ID: "all", Label: "all", Environment: "prod", Targets: []flows.TargetID{"hook"}, Channel: "C0PROD",
		ErrorsTo: "#access-errors", Handler: "prod.py", Source: []byte("x = 1\n"),
		Requesters: []flows.Principal{"@engineering", "W0NOOR"}, AllowGuests: true, MaxOpen: 2,
		Durations: []time.Duration{30 * time.Minute}, MaxDuration: 30 * time.Minute, MaxTotal: 30 * time.Minute,
		Incident: flows.IncidentCreate, OpensAt: "PSVC001", EndWith: []flows.EndCause{flows.EndShift, flows.EndIncident},
		SelfApproval: flows.SelfOnCall, Quorum: 2, StageTimeout: 4 * time.Minute, Review: flows.ReviewSelf, ReviewWithin: 90 * time.Minute,
		OnCall:   flows.OnCallLimits{Overrides: flows.OverridesDeny, Policies: []string{"PABC123", "Managers"}},
		Fallback: flows.Fallback{Approvers: []flows.Principal{"S0SRE"}},
		Vars:     map[string]any{"a": "x", "b": int64(2), "c": false, "d": []string{"y", "acme.example"}},
		Fields: []flows.PromptField{{
			Name: "region", Label: "Region", Type: flows.FieldInt, Required: true, Default: "2", Choices: []string{"1", "2"}, Hint: "Where",
		}},
	}
	if diff := cmp.Diff(want, f, cmpopts.IgnoreFields(flows.Flow{}, "Hash", "SourceHash")); diff != "" {
		t.Errorf("flow (-want +got):\n%s", diff)
	}
	hook := c.Catalog.Targets["hook"]
	if hook.Settings["url"] != "http://127.0.0.1:1/access" || hook.Settings["allow_private"] != true ||
		hook.Secrets["secret"].Name() != "db" || !hook.HighRisk || hook.HowTo != "Use it." || hook.MaxDuration != 30*time.Minute {
		t.Errorf("target: %+v", hook)
	}
	srv := c.Settings.Server
	if srv.PublicListen != ":443" || srv.InternalListen != "127.0.0.1:0" || srv.Replicas != 3 || srv.PublicURL != "https://bot.acme.example" {
		t.Errorf("server: %+v", srv)
	}
	if got := srv.Store.Secrets(); !cmp.Equal(got, []string{"db"}) {
		t.Errorf("the store's address is made from %v", got)
	}
}

func TestLoadReadsADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if c, ds := config.Load(dir, config.Options{}); c != nil || !ds.HasErrors() {
		t.Error("an empty directory loads")
	}
	if err := os.CopyFS(dir, config.Example()); err != nil {
		t.Fatal(err)
	}
	c, ds := config.Load(dir, config.Options{})
	if c == nil || len(ds.All()) > 0 {
		t.Fatalf("the example in a directory: %v", ds.All())
	}
	if err := os.Remove(filepath.Join(dir, "prod.py")); err != nil {
		t.Fatal(err)
	}
	if _, ds = config.Load(dir, config.Options{}); ds.Err() == nil || strings.Contains(ds.Err().Error(), dir) {
		t.Errorf("without the handler: %v", ds.Err())
	}
}

func TestSecretsAreMadeBySpec(t *testing.T) {
	t.Parallel()
	var asked []string
	opts := config.Options{Secrets: func(s config.SecretSpec) (flows.SecretReader, error) {
		asked = append(asked, s.Name+"="+s.Variable)
		if s.Name == "base_pagerduty" {
			return nil, errors.New("no such source here")
		}
		return reader{"value"}, nil
	}}
	c, ds := config.LoadFS(with(t, ""), opts)
	if c != nil || len(ds.All()) != 1 || !strings.Contains(ds.All()[0].Message, "no such source here") {
		t.Fatalf("got %v", ds.All())
	}
	want := []string{"base_bot=SLACK_BOT_TOKEN", "base_signing=SLACK_SIGNING_SECRET", "base_pagerduty=PAGERDUTY_API_KEY"}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	opts.Secrets = func(config.SecretSpec) (flows.SecretReader, error) { return reader{"value"}, nil }
	c = load(t, with(t, ""), opts)
	if v, err := c.Settings.Slack.BotToken.Reveal(t.Context()); err != nil || v != "value" {
		t.Errorf("the handle gives %q, %v", v, err)
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	dir := with(t, `
variable "level" {
  type = "number"
}
variable "open" {
  default = false
}
flow "a" {
  environment    = environment.prod
  targets        = [target.console]
  channel        = "#a"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  allow_guests   = var.open
  durations      = ["30m"]
  self_approval  = "on_call"
  on_call        = { max_level = var.level }
  fallback       = { approvers = ["@managers"] }
}`)
	c := load(t, dir, config.Options{Variables: map[string]string{"level": "3", "open": "true"}})
	if f := c.Catalog.Flows["a"]; f.OnCall.MaxLevel != 3 || !f.AllowGuests {
		t.Errorf("the values did not arrive: %+v", f)
	}
	for name, vars := range map[string]map[string]string{
		"missing":    {},
		"wrong type": {"level": "three"},
		"not UTF-8":  {"level": "3\xff"},
		"unknown":    {"level": "3", "lebel": "4"},
	} {
		if _, ds := config.LoadFS(dir, config.Options{Variables: vars}); len(ds.All()) != 1 || !ds.HasErrors() {
			t.Errorf("%s: %v", name, ds.All())
		}
	}
}

func TestExplainSaysEachRule(t *testing.T) {
	t.Parallel()
	const flow = `
flow "a" {
  environment    = environment.prod
  targets        = [target.console]
  channel        = "#a"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["45s", "30m"]
  fallback       = { approvers = ["@managers"] }
  RULE
}`
	for rule, say := range map[string]string{
		``:                          "own        nobody approves their own request\n",
		`self_approval = "always"`:  "own        people approve their own request whenever prod.py says so\n",
		`self_approval = "on_call"`: "own        people approve their own request while they are on call\n",
		"self_approval = \"always\"\nreview = \"self_approved\"": "whenever prod.py says so; somebody else reviews that within 72h of its end\n",
		`allow_guests = true`:        "may ask    @engineering, guests too; at most 5",
		`remind_after = "never"`:     "waiting    no reminder, the next people after 15m\n",
		`stage_timeout = "6m"`:       "waiting    a reminder after 3m, the next people after 6m\n",
		`max_total = "1h"`:           "how long   45s or 30m; at most 30m, 1h with extensions\n",
		`quorum = 2`:                 "2 approvals at least\n",
		`end_with = ["shift_ended"]`: "incident   may be named; access ends with the shift\n",
		"incident = \"create\"\nincident_service = \"PSVC001\"": "incident   is named, or a new one is created\n",
		`label = "Access"`: "otherwise  @managers decide, each asked in a DM\n",
		`prompt_field "zone" {
    allowed_values = ["eu", "us"]
    default        = "eu"
  }`: "question   zone (zone, string: eu, us, eu unless changed)\n",
		`self_approval = "on_call"
  on_call = { min_shift_age = "15m", overrides = "deny", policies = ["A", "B"] }`: "on call: for A or B, in a shift that began at least 15m ago, not by an override\n",
	} {
		c := load(t, with(t, strings.Replace(flow, "RULE", rule, 1)), config.Options{})
		var out strings.Builder
		if err := c.Explain(&out, "a"); err != nil || !strings.Contains(out.String(), say) {
			t.Errorf("%s: it does not say %q (%v):\n%s", rule, say, err, out.String())
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	c, _ := config.LoadFS(config.Example(), config.Options{})
	var out bytes.Buffer
	if err := c.Explain(&out, "prod"); err != nil {
		t.Fatal(err)
	}
	for _, say := range []string{
		"flow prod: Production access (breakglass.hcl:",
		"prod_database: Production database (webhook), at most 1h, high risk",
		"@engineering; at most 5 open at a time",
		"30m, 1h or 4h; at most 4h, 8h with extensions",
		"may be named; access ends after it is resolved",
		"whoever prod.py says",
		"while they are on call: up to level 2, by a schedule",
		"a reminder after 5m, the next people after 15m",
		"mara (U0MARA) and @sre-managers decide, asked in #sre-managers",
		"Change ticket (ticket, string, optional)",
	} {
		if !strings.Contains(out.String(), say) {
			t.Errorf("it does not say %q:\n%s", say, out.String())
		}
	}
	if err := c.Explain(&out, "pord"); err == nil || !strings.Contains(err.Error(), `Did you mean "prod"?`) {
		t.Errorf("a flow that does not exist: %v", err)
	}
}
