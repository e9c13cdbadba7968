package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/pagerdutyfake"
)

func (c *cli) fakePagerDuty() *cobra.Command {
	var o fakeOptions
	var key, webhook string
	cmd := &cobra.Command{
		Use: "pagerduty", Short: "Run a simulated PagerDuty account", Args: noArgs,
		Long: "Runs a PagerDuty account that is not PagerDuty: schedules whose on-call is computed, incidents, signed\n" +
			"webhooks, limits and error codes, all set by the control API. Keeps nothing, until Ctrl-C.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(map[string]string{"api-key": key, "webhook-secret": webhook}); err != nil {
				return err
			}
			opt := pagerdutyfake.Options{Now: now, Keys: []pagerdutyfake.Key{{Token: key}}, ControlToken: o.token, Log: o.log(c.err)}
			if o.people == "demo" {
				opt.Subdomain = "demo"
			}
			acc := pagerdutyfake.New(opt)
			if o.people == "demo" {
				if err := company.FillPagerDuty(acc); err != nil {
					return err
				}
			}
			if o.app != "" {
				if _, err := acc.Subscribe(pagerdutyfake.Subscription{URL: o.app + "/pagerduty/webhooks", Secrets: []string{webhook}}); err != nil {
					return err
				}
			}
			if err := acc.Start(o.addr); err != nil {
				return hint(err, "take another port with --addr 127.0.0.1:0")
			}
			return c.stay(cmd.Context(), pagerDutyPage(o, acc.URL(), key, webhook), acc.Close)
		},
	}
	o.flags(cmd, "127.0.0.1:8402", "webhooks")
	cmd.Flags().StringVar(&key, "api-key", "fake-pagerduty-api-key", "made-up `KEY` that Breakglass calls with")
	cmd.Flags().StringVar(&webhook, "webhook-secret", "fake-pagerduty-webhook-secret", "made-up `SECRET` that webhooks are signed with")
	return cmd
}

// pagerDutyPage says where the account is, how to point Breakglass at it, and how to act.
func pagerDutyPage(o fakeOptions, at, key, webhook string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	account, from := "acme.pagerduty.com", "breakglass@acme.example"
	if o.people == "demo" {
		account, from = "demo.pagerduty.com", "breakglass@demo.example"
	}
	line("PagerDuty simulator   %s   account %s", at, account)
	line("%s", sendsTo("Webhooks go to", o.app))
	line("\nWhere breakglass serve runs:\n")
	line("  export PAGERDUTY_API_KEY=%s PAGERDUTY_WEBHOOK_SECRET=%s", quoted(key), quoted(webhook))
	line("\nIn breakglass.hcl:\n")
	line(`  secret "pagerduty_api_key" {
    source = "env"
    name   = "PAGERDUTY_API_KEY"
  }
  secret "pagerduty_webhook_secret" {
    source = "env"
    name   = "PAGERDUTY_WEBHOOK_SECRET"
  }
  integration "pagerduty" "main" {
    external_id    = %q
    api_token      = secret.pagerduty_api_key
    webhook_secret = secret.pagerduty_webhook_secret
    from           = %q
    base_url       = %q
    simulated      = true
  }`, account, from, at)
	if o.people == "empty" {
		line("\nNobody is here yet. Add Dana, the user that notes are written as, a policy and a service, by the control API:\n")
		line("  %s", o.header())
		line("  %s", curl("POST", at+"/control/setup", `{"users":[{"id":"PDANA01","name":"Dana","email":"dana@acme.example"},`+
			`{"id":"PBOT001","name":"Breakglass","email":"`+from+`"}],"escalation_policies":[{"id":"PPRIM01","name":"primary",`+
			`"escalation_rules":[{"targets":["PDANA01"]}]}],"services":[{"id":"PSVC001","name":"Payments","escalation_policy":"PPRIM01"}]}`))
		line("\nThen put her on call, by a schedule, and open an incident:\n")
		line("  %s", curl("POST", at+"/control/on-call", `{"policy":"PPRIM01","level":1,"users":["PDANA01"]}`))
	} else {
		line("\nDana is on call for primary, Mara and Noor for mgr_on_call. Open an incident, by the control API:\n")
		line("  %s", o.header())
	}
	line("  %s", curl("POST", at+"/control/incidents", `{"service":"PSVC001","title":"Payments fail"}`))
	line("\nAll of it: GET %s/control/state. Ctrl-C stops it.", at)
	return b.String()
}
