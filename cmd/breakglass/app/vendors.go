package app

import (
	"fmt"
	"log/slog"
	"time"

	"breakglass/flows"
	"breakglass/flows/config"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slack"
)

// VendorOptions say how Slack and PagerDuty are asked. Clock is required.
type VendorOptions struct {
	Clock   flows.Clock
	Log     *slog.Logger  // nil: silent
	Paced   bool          // keep under Slack's rate limits by ourselves
	MaxWait time.Duration // for a turn under them; zero: the client's own
	// PagerDuty bounds what is asked of it; zero fields: the client's own.
	PagerDuty pagerduty.Limits
	Catalog   func() *flows.Catalog // in force; nil: the configuration's
}

// Vendors are the clients of the Slack workspace and the PagerDuty account that a
// configuration names.
type Vendors struct {
	Slack     *slack.Client
	PagerDuty *pagerduty.Client
}

// OpenVendors makes the clients; they talk to nobody until they are asked.
func OpenVendors(c *config.Config, o VendorOptions) (Vendors, error) {
	s := c.Settings
	if o.Catalog == nil {
		o.Catalog = func() *flows.Catalog { return c.Catalog }
	}
	var v Vendors
	var err error
	if v.Slack, err = slack.New(slack.Options{
		APIURL: s.Slack.APIURL, BotToken: s.Slack.BotToken, Team: s.Slack.Team, Enterprise: s.Slack.Enterprise, Clock: o.Clock, Log: o.Log,
		NoPacing: !o.Paced, MaxWait: o.MaxWait,
	}); err != nil {
		return Vendors{}, fmt.Errorf("integration slack: %w", err)
	}
	if v.PagerDuty, err = pagerduty.New(pagerduty.Options{
		BaseURL: s.PagerDuty.BaseURL, APIToken: s.PagerDuty.APIToken, From: s.PagerDuty.From, Clock: o.Clock, Log: o.Log,
		Limits:        o.PagerDuty.Share(s.Server.Replicas),
		ReadOverrides: func() bool { return readsOverrides(o.Catalog()) },
	}); err != nil {
		v.Slack.Close()
		return Vendors{}, fmt.Errorf("integration pagerduty: %w", err)
	}
	return v, nil
}

// Close lets both go.
func (v Vendors) Close() {
	v.PagerDuty.Stop()
	v.Slack.Close()
}

// readsOverrides reports whether a flow needs to know which shifts are overrides.
func readsOverrides(c *flows.Catalog) bool {
	for _, f := range c.Flows {
		if f.OnCall.Overrides == flows.OverridesDeny {
			return true
		}
	}
	return false
}
