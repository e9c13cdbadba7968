package config_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"breakglass/flows/config"
)

// Each of these blocks has one attribute that nobody knows; the mistake lists those
// that could be meant, and the README has to explain every one of them.
const unknownEverywhere = `
secret "e" {
  source = "env"
  zzzzzzzzzz = 1
}
secret "f" {
  source = "file"
  zzzzzzzzzz = 1
}
secret "a" {
  source = "aws_secrets_manager"
  zzzzzzzzzz = 1
}
integration "slack" "main" {
  zzzzzzzzzz = 1
}
integration "pagerduty" "main" {
  zzzzzzzzzz = 1
}
environment "e" {
  zzzzzzzzzz = 1
}
roles {
  zzzzzzzzzz = 1
}
target "w" {
  kind = "webhook"
  zzzzzzzzzz = 1
}
target "x" {
  kind = "approval_only"
  zzzzzzzzzz = 1
}
http_adapter "h" {
  base_url = "https://a.example"
  zzzzzzzzzz = 1
}
target "y" {
  kind    = "http_adapter"
  adapter = http_adapter.h
  zzzzzzzzzz = 1
}
person "p" {
  zzzzzzzzzz = 1
}
variable "v" {
  zzzzzzzzzz = 1
}
server {
  zzzzzzzzzz = 1
}
sink "file" "f" {
  zzzzzzzzzz = 1
}
sink "http" "h" {
  zzzzzzzzzz = 1
}
sink "syslog" "s" {
  zzzzzzzzzz = 1
}
audit {
  zzzzzzzzzz = 1
}
people {
  zzzzzzzzzz = 1
}
sign_in "company" {
  zzzzzzzzzz = 1
}
sign_in "slack" {
  zzzzzzzzzz = 1
}
flow "f" {
  zzzzzzzzzz = 1
  prompt_field "p" {
    zzzzzzzzzz = 1
  }
}
flow "g" {
  on_call  = { zzzzzzzzzz = 1 }
  fallback = { zzzzzzzzzz = 1 }
}
`

func TestReadmeExplainsEveryAttribute(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, ds := config.LoadFS(fstest.MapFS{"breakglass.hcl": {Data: []byte(unknownEverywhere)}}, config.Options{})
	quoted := regexp.MustCompile(`"([a-z_]+)"`)
	blocks, attributes := 0, map[string]bool{}
	for _, d := range ds.All() {
		if !strings.HasSuffix(d.Message, `has no attribute "zzzzzzzzzz".`) {
			continue
		}
		blocks++
		for _, m := range quoted.FindAllStringSubmatch(d.Suggestion, -1) {
			attributes[m[1]] = true
		}
	}
	if want := strings.Count(unknownEverywhere, "zzzzzzzzzz"); blocks != want || len(attributes) < 60 {
		t.Fatalf("%d of %d blocks answered, with %d attributes", blocks, want, len(attributes))
	}
	written := regexp.MustCompile("`[^`]*`|(?m)^ +[a-z_]+ +=|[a-z_]+ += ")
	words := strings.Join(written.FindAllString(string(readme), -1), "\n")
	for name := range attributes {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(words) {
			t.Errorf("the README does not say what %s is", name)
		}
	}
}

// The blocks of the README are a configuration.
func TestReadmeBlocksLoad(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var text, question strings.Builder
	for _, m := range regexp.MustCompile("(?s)```hcl\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		if strings.HasPrefix(m[1], " ") { // stands inside a flow
			question.WriteString(m[1])
			continue
		}
		text.WriteString(m[1])
	}
	text.WriteString(`
secret "slack_bot_token" {
  source = "env"
  name   = "A"
}
secret "slack_signing_secret" {
  source = "env"
  name   = "B"
}
secret "database_webhook_key" {
  source = "env"
  name   = "C"
}
secret "siem_key" {
  source = "env"
  name   = "D"
}
secret "sign_in" {
  source = "env"
  name   = "D"
}
secret "slack_client_secret" {
  source = "env"
  name   = "E"
}
secret "pagerduty_adapter_key" {
  source = "env"
  name   = "F"
}
flow "prod" {
  environment    = environment.prod
  targets        = [target.prod_database, target.pagerduty_incident_write]
  channel        = "#prod-access"
  implementation = "prod.py"
  requesters     = ["@engineering"]
  durations      = ["30m"]
  fallback       = { approvers = ["@sre-managers"] }
` + question.String() + "}\n")
	load(t, fstest.MapFS{"breakglass.hcl": {Data: []byte(text.String())}, "prod.py": {Data: []byte("x = 1\n")}}, config.Options{})
}
