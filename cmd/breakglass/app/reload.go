package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"breakglass/flows"
	"breakglass/flows/config"
)

// ErrNeedsRestart says that a configuration changes what a running program cannot.
var ErrNeedsRestart = errors.New("this changes what is only read at the start")

// conf is the configuration in force.
func (a *App) conf() *config.Config { return a.config.Load() }

// Reload reads the configuration again. A good one is in force from then on, at once
// and whole: a request that was routed by other rules is routed again at the next
// click. A bad one changes nothing, is told to the operators and shown by the health.
// Both are audit entries.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	was := a.conf()
	next, err := a.nextConfig(ctx)
	if err == nil {
		err = a.engine.Record(ctx, "system", flows.Entry{Verb: "config_loaded", Actor: flows.ByEngine(), Facts: a.configFacts(next)}, flows.Finish{})
	}
	if err == nil {
		a.config.Store(next)
		if err = a.checkTargets(ctx, next.Catalog); err != nil { // what was granted while it was looked at counts
			a.config.Store(was)
		}
	}
	if err != nil {
		err = fmt.Errorf("%w; nothing was changed, the configuration that was loaded before stays in force", err)
		a.refuseConfig(ctx, err)
		return err
	}
	if err := a.setSinks(next.Settings.Sinks); err != nil { // a good configuration has good sinks
		a.log.ErrorContext(ctx, "change the sinks", "error", err)
	}
	a.mu.Lock()
	a.badConfig = ""
	a.mu.Unlock()
	a.log.InfoContext(ctx, "configuration loaded", "config", next.Catalog.Hash, "before", was.Catalog.Hash)
	return nil
}

// nextConfig reads the configuration and looks whether it may replace the one in force.
func (a *App) nextConfig(ctx context.Context) (*config.Config, error) {
	if a.o.Load == nil {
		return nil, errors.New("this program was not started from a configuration directory")
	}
	next, err := a.o.Load()
	if err != nil {
		return nil, err
	}
	old, err := pinned(ctx, a.conf())
	if err != nil {
		return nil, err
	}
	now, err := pinned(ctx, next)
	if err != nil {
		return nil, err
	}
	var changed []string
	for name := range old { // what is gone has changed, too
		if _, still := now[name]; !still {
			now[name] = ""
		}
	}
	for _, name := range sorted(now) {
		if old[name] != now[name] {
			changed = append(changed, name)
		}
	}
	if len(changed) > 0 {
		return nil, fmt.Errorf("%w: %s. Start the program again for that, or take it back", ErrNeedsRestart, strings.Join(changed, ", "))
	}
	return next, a.checkTargets(ctx, next.Catalog)
}

// refuseConfig lets nobody overlook that a configuration was not taken.
func (a *App) refuseConfig(ctx context.Context, why error) {
	a.mu.Lock()
	a.badConfig = why.Error()
	a.mu.Unlock()
	a.log.ErrorContext(ctx, "the configuration was not loaded again", "error", why)
	now := a.o.Clock.Now()
	fin := flows.Finish{}
	if channel := a.errorsTo(); channel != "" {
		sum := sha256.Sum256([]byte(why.Error()))
		key := fmt.Sprintf("config-refused/%s/%d", hex.EncodeToString(sum[:8]), now.UnixMilli())
		fin.Also = func(flows.Outcome) []flows.Job { return []flows.Job{operatorNotice(key, channel, why.Error(), now)} }
	}
	err := a.engine.Record(ctx, "system", flows.Entry{Verb: "config_refused", Actor: flows.ByEngine(), Facts: map[string]any{
		"config": a.Catalog().Hash, "process": a.o.Owner, "why": flows.Personal{Value: why.Error()},
	}}, fin)
	if err != nil {
		a.log.ErrorContext(ctx, "record that a configuration was not loaded", "error", err)
	}
}

// warnings are what is wrong while everything works, by name.
func (a *App) warnings() map[string]string {
	out := map[string]string{}
	a.Catalog()
	if n := len(a.book.Conflicts()); n > 0 {
		out["links"] = fmt.Sprintf("the configuration contradicts %d stored links, which tie nobody; see breakglass people list --state conflict", n)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.badConfig != "" {
		out["config"] = a.badConfig
	}
	return out
}

// configFacts are what an auditor wants to know about a configuration.
func (a *App) configFacts(c *config.Config) map[string]any {
	hashes := map[string]any{}
	for id, f := range c.Catalog.Flows {
		hashes[string(id)] = f.Hash
	}
	return map[string]any{
		"config": c.Catalog.Hash, "flows": hashes, "world": string(c.Catalog.World), "version": a.o.Version, "process": a.o.Owner,
		"slack_address_is_vendor": c.Settings.Slack.AddressIsVendor, "pagerduty_address_is_vendor": c.Settings.PagerDuty.AddressIsVendor,
	}
}

// pinned is what is only read at the start, by the name of its block.
func pinned(ctx context.Context, c *config.Config) (map[string]string, error) {
	s := c.Settings
	store, err := s.Server.Store.Expand(ctx)
	if err != nil {
		return nil, fmt.Errorf("read where the store is: %w", err)
	}
	out := map[string]string{
		"world":                                     string(c.Catalog.World),
		"server.store":                              store.Reveal(),
		"server.replicas":                           fmt.Sprint(s.Server.Replicas),
		"server.public_listen":                      s.Server.PublicListen,
		"server.internal_listen":                    s.Server.InternalListen,
		"integration.slack." + s.Slack.Name:         fmt.Sprint(s.Slack.Team, s.Slack.Enterprise, s.Slack.AppID, s.Slack.APIURL, s.Slack.Simulated, s.Slack.AddressIsVendor, handles(s.Slack.BotToken, s.Slack.SigningSecret, s.Slack.PreviousSigning)),
		"integration.pagerduty." + s.PagerDuty.Name: fmt.Sprint(s.PagerDuty.Account, s.PagerDuty.BaseURL, s.PagerDuty.From, s.PagerDuty.Simulated, s.PagerDuty.AddressIsVendor, handles(s.PagerDuty.APIToken, s.PagerDuty.WebhookSecret)),
	}
	for _, in := range s.SignIns {
		out["sign_in."+string(in.Provider)] = fmt.Sprint(in.Issuer, in.ClientID, in.EmailDomains, in.Simulated, handles(in.ClientSecret))
	}
	used := handles(s.Slack.BotToken, s.Slack.SigningSecret, s.Slack.PreviousSigning, s.PagerDuty.APIToken, s.PagerDuty.WebhookSecret)
	for _, in := range s.SignIns {
		used = append(used, in.ClientSecret.Name())
	}
	for _, spec := range s.Secrets {
		if slices.Contains(used, spec.Name) {
			out["secret."+spec.Name] = fmt.Sprintf("%+v", spec)
		}
	}
	return out, nil
}

func handles(all ...flows.Secret) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.Name())
	}
	return names
}

// reloadNow is Reload for the owner of the process.
func (a *App) reloadNow(w http.ResponseWriter, r *http.Request) {
	if err := a.Reload(r.Context()); err != nil {
		answer(w, http.StatusConflict, map[string]any{"error": err.Error()})
		return
	}
	answer(w, http.StatusOK, map[string]any{"config": a.Catalog().Hash})
}
