package main_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"breakglass/cmd/breakglass/company"
	"breakglass/flows/config"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// staff is more people than the company has: who may ask, and the blocks that make
// them known to the configuration.
type staff struct {
	all    []string
	blocks string
}

// hire makes n people known to Slack and PagerDuty, Dana and Sam among them. Every
// other one is on call for the primary policy.
func hire(c *company.Company, n int) (staff, error) {
	s := staff{all: []string{company.Dana, company.Sam}}
	setup, onCall := pagerdutyfake.Setup{}, []string{"PDANA01"}
	for i := range n - len(s.all) {
		name := fmt.Sprintf("eng%02d", i)
		slack, pager := strings.ToUpper("U0"+name), strings.ToUpper("P"+name+"1")
		c.Slack.AddUser(slackfake.User{ID: slack, Name: name, RealName: name, Email: name + "@demo.example"})
		s.all = append(s.all, slack)
		setup.Users = append(setup.Users, pagerdutyfake.User{ID: pager, Name: name, Email: name + "@demo.example"})
		if i%2 == 0 {
			onCall = append(onCall, pager)
		}
		s.blocks += fmt.Sprintf("\nperson %q {\n  slack     = %q\n  pagerduty = %q\n}\n", name, slack, pager)
	}
	c.Slack.AddUserGroup(slackfake.UserGroup{ID: "S0ENG", Handle: "engineering", Users: s.all})
	if err := c.PagerDuty.Load(setup); err != nil {
		return s, err
	}
	return s, c.PagerDuty.SetOnCall(company.PolicyPrimary, 1, onCall...)
}

// exampleText is the example configuration with some words replaced.
func exampleText(oldnew ...string) (string, error) {
	source, err := fs.ReadFile(config.Example(), "breakglass.hcl")
	return strings.NewReplacer(oldnew...).Replace(string(source)), err
}

// writeConfig makes a configuration directory of the text, the example's handler and
// what handlers are given besides.
func writeConfig(dir, text string, handlers map[string]string) error {
	if err := os.CopyFS(dir, config.Example()); err != nil {
		return err
	}
	for name, source := range handlers {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "breakglass.hcl"), []byte(text), 0o600)
}
