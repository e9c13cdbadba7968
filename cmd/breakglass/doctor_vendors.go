package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/integrations/pagerduty"
	"breakglass/integrations/slack"
)

// slack asks Slack who we are and what we may.
func (d *examination) slack(ctx context.Context, client *slack.Client) bool {
	d.progress("asking Slack who we are")
	id, err := client.AuthTest(ctx)
	if err != nil {
		d.problem("slack", slackTrouble(err), "Check bot_token, external_id and the network; if need be install the app again.")
		return false
	}
	d.ok("slack", "In the workspace %s (%s), as %s.", clean(id.TeamName), id.Team, id.User)
	d.scopes(id.Scopes)
	return true
}

// breaks says what does not work without a scope.
var breaks = map[string]string{
	"commands":         "/access is not there",
	"chat:write":       "nothing can be posted",
	"im:write":         "nobody gets a direct message",
	"users:read":       "Slack does not say who is a guest or gone, so everybody is refused",
	"users:read.email": "links cannot be held against e-mail addresses",
	"usergroups:read":  "user groups in requesters and approvers let nobody in",
	"channels:read":    "channels are not found",
	"groups:read":      "private channels are not found",
}

// unproved says what is not proved without a scope, where people get access all the same.
var unproved = map[string]string{
	"channels:history": "audit checkpoints in a channel are not read back",
	"groups:history":   "those in a private channel are not",
	"im:history":       "audit verify --live cannot hold the cards in direct messages to the log",
}

// scopes compares what the token may with what the manifest asks for.
func (d *examination) scopes(have []string) {
	want, err := wantedScopes()
	if err != nil {
		d.problem("scopes", sentence(err))
		return
	}
	if len(have) == 0 {
		d.warning("scopes", "Slack did not say what the token may do.", "If something is refused: breakglass slack manifest, and install the app again.")
		return
	}
	var missing, spared []string
	for _, s := range want {
		switch {
		case slices.Contains(have, s):
		case unproved[s] != "":
			spared = append(spared, fmt.Sprintf("without %s %s", s, unproved[s]))
		default:
			missing = append(missing, fmt.Sprintf("without %s %s", s, breaks[s]))
		}
	}
	if len(missing)+len(spared) == 0 {
		d.ok("scopes", "The app has all %d that it needs.", len(want))
	}
	const next = "Add it to the app at api.slack.com/apps (breakglass slack manifest has all), and install the app again."
	if len(missing) > 0 {
		d.problem("scopes", capital(full(strings.Join(missing, "; "))), next)
	}
	if len(spared) > 0 {
		d.warning("scopes", capital(full(strings.Join(spared, "; "))), next)
	}
}

// wantedScopes are the scopes of the manifest.
func wantedScopes() ([]string, error) {
	page, err := bot.Manifest("https://breakglass.example")
	if err != nil {
		return nil, err
	}
	var m struct {
		OAuth struct {
			Scopes struct{ Bot []string }
		} `json:"oauth_config"`
	}
	err = json.Unmarshal([]byte(page), &m)
	return m.OAuth.Scopes.Bot, err
}

// maxSkew is how far PagerDuty's clock may be off ours.
const maxSkew = time.Minute

// pagerDuty asks PagerDuty who we are and what we may.
func (d *examination) pagerDuty(ctx context.Context, client *pagerduty.Client) {
	d.progress("asking PagerDuty who we are")
	h := client.Check(ctx)
	if h.Token != flows.Yes {
		for _, problem := range h.Problems {
			d.problem("pagerduty", pagerTrouble(h.Token, problem), "Check api_token, region and the network. Until then nobody is on call, and fallbacks decide.")
		}
		return
	}
	if h.Skew.Abs() > maxSkew {
		d.problem("pagerduty", fmt.Sprintf("PagerDuty's clock and ours differ by %s; over %s nobody is believed to be on call.", h.Skew.Abs(), maxSkew),
			"Set the clock of this machine (NTP).")
		return
	}
	for _, problem := range h.Problems {
		d.warning("pagerduty", capital(full(problem)))
	}
	says := fmt.Sprintf("The token is accepted, the account has %s", count(len(h.Abilities), "ability", "abilities"))
	if h.From == flows.Yes {
		says += "; notes are written as " + d.cfg.Settings.PagerDuty.From
	}
	if d.cfg.Settings.PagerDuty.WebhookSecret.IsZero() {
		says += "; without webhook_secret incidents are asked about, not told"
	}
	d.ok("pagerduty", "%s.", says)
}

// people says who is linked, and who comes first where nobody is.
func (d *examination) people(ctx context.Context, client *slack.Client, reachable bool) {
	cat := d.cfg.Catalog
	if len(cat.Admins) == 0 {
		d.warning("admins", "Nobody is an admin.",
			"Copy your member id from your Slack profile (⋮), and add to breakglass.hcl:\n  roles {\n    admins = [\"U…\"]\n  }")
	} else {
		d.ok("admins", "%s.", and(principals(cat.Admins, d.called)))
	}
	links := 0
	for _, l := range cat.Links.All() {
		if l.Usable() {
			links++
		}
	}
	if links == 0 {
		d.warning("people", "Nobody is linked: PagerDuty's on-call is nobody in Slack, and fallbacks decide everything.",
			"Write people.csv, a line a person (the member id is in the Slack profile, ⋮; the other in the address of the PagerDuty profile):\n"+
				"  slack,pagerduty,email\n  U…,P…,dana@acme.example",
			"breakglass serve, and beside it: breakglass people import people.csv --dry-run",
			"breakglass people import people.csv",
			"breakglass people check says who could not approve or decide tonight, and why.")
		return
	}
	d.unsettled()
	if !reachable {
		d.ok("people", "%s linked. Slack was not asked who may ask.", count(links, "person is", "people are"))
		return
	}
	d.unlinked(ctx, client, links)
}

// unsettled says which links are not in force.
func (d *examination) unsettled() {
	held, waiting := 0, 0
	for _, l := range d.links {
		switch {
		case l.Held != "":
			held++
		case l.State == flows.LinkProposed || l.State == flows.LinkClaimed:
			waiting++
		}
	}
	if held > 0 {
		d.warning("links", count(held, "link is", "links are")+" set aside, because accounts changed.", "breakglass people list --state quarantined", "Look who has the accounts now; then: breakglass people link PERSON --confirm")
	}
	if waiting > 0 {
		d.warning("links", count(waiting, "link waits", "links wait")+" for the person or an admin.", "breakglass people list --state proposed,claimed", "breakglass people link PERSON --confirm")
	}
	if n := len(d.conflicts); n > 0 {
		d.warning("links", "The configuration contradicts "+count(n, "stored link, which ties", "stored links, which tie")+" nobody.", "breakglass people list --state conflict")
	}
}

// unlinked counts those who may ask and are nobody to PagerDuty. Guests and accounts
// that are gone do not count: they may not ask.
func (d *examination) unlinked(ctx context.Context, client *slack.Client, links int) {
	seen := map[flows.PersonID]bool{}
	var without []string
	for _, id := range d.cfg.Catalog.FlowOrder {
		f := d.cfg.Catalog.Flows[id]
		d.progress("asking Slack who may ask in flow " + string(id))
		people, err := client.Members(ctx, f.Requesters)
		if err != nil {
			d.problem("people", "Who may ask in flow "+string(id)+" is not known: "+sentence(errors.Unwrap(err)), "breakglass check --live")
			return
		}
		for _, p := range people {
			_, linked := d.cfg.Catalog.Links.Of(p)
			if seen[p] || !linked && len(without) < mostLookups && !d.mayAsk(ctx, client, p, f) {
				continue
			}
			if seen[p] = true; !linked {
				without = append(without, d.called.of(p))
			}
		}
	}
	says := fmt.Sprintf("%s linked; %d may ask", count(links, "person is", "people are"), len(seen))
	if len(without) == 0 {
		d.ok("people", "%s, all of them linked.", says)
		return
	}
	d.warning("people", fmt.Sprintf("%s, of whom %d without a link: %s. They can never approve their own request.", says, len(without), few(without)),
		"breakglass people check says who, and what to do.")
}

// mayAsk reports whether the account may ask, as far as Slack says.
func (d *examination) mayAsk(ctx context.Context, client *slack.Client, p flows.PersonID, f *flows.Flow) bool {
	profile, err := client.Profile(ctx, p, false)
	if name := clean(profile.Name); name != "" {
		d.called.also[p] = name + " (" + p.User() + ")"
	}
	return err != nil || !barred(profile.Standing, f.AllowGuests)
}

// principals names people and groups as the configuration does.
func principals(all []flows.Principal, called names) []string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		if p.IsUser() {
			out = append(out, called.user(string(p)))
		} else {
			out = append(out, string(p))
		}
	}
	return out
}
