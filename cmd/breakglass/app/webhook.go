package app

import (
	"io"
	"net/http"

	"breakglass/flows"
	"breakglass/integrations/pagerduty"
)

// rowPagerDuty is the kind of inbox rows that PagerDuty's webhooks become: the body
// is the id of an incident to read again. Nothing else of a webhook is believed.
const rowPagerDuty = "pagerduty"

// webhook keeps that PagerDuty says an incident changed, and answers 202. An event is
// known by its id, for as long as the inbox row is kept, so that a replay is nothing new.
func (a *App) webhook(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	refuse := func(kind string) {
		a.log.WarnContext(ctx, "webhook refused", "why", kind, "from", r.RemoteAddr)
		http.Error(w, "refused", http.StatusUnauthorized)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, pagerduty.MaxWebhook))
	if err != nil {
		refuse("unreadable or too big")
		return
	}
	if a.hooks == nil {
		refuse("no webhook_secret is configured")
		return
	}
	verified := a.hooks.Verify(ctx, r.Header.Get(pagerduty.SignatureHeader), body)
	if verified != nil {
		refuse("signature")
		return
	}
	event, err := pagerduty.ParseWebhook(body)
	if err != nil {
		refuse("malformed")
		return
	}
	if event.IncidentID == "" {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	row := flows.InboxRow{Key: "pagerduty:" + event.ID, Kind: rowPagerDuty, Body: []byte(event.IncidentID), At: a.o.Clock.Now()}
	if err := a.keep(r, row); err != nil {
		a.log.ErrorContext(ctx, "webhook not kept", "event", event.ID, "error", err)
		http.Error(w, "not kept; send it again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// keep stores an inbox row with its job, leased to this process, and has it handled
// at once.
func (a *App) keep(r *http.Request, row flows.InboxRow) error {
	now := a.o.Clock.Now()
	job := flows.Job{
		Kind: flows.JobInbox, Key: flows.JobKey(flows.JobInbox, row.Key), Subject: row.Key, RunAt: now,
		LeasedTo: a.o.Owner, LeaseUntil: now.Add(leaseFor),
	}
	stored, fresh, err := a.store.Accept(r.Context(), row, job)
	if err == nil && fresh {
		a.runner.Wake([]flows.Job{stored})
	}
	return err
}
