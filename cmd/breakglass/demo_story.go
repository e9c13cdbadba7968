package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
)

// step is one scene of the demo: what is told, and what is done and checked.
type step struct {
	title string
	tell  []string
	do    func(ctx context.Context, s *stage) error
}

// story is the demo, in order.
func story() []step {
	return []step{
		{"Dana is on call, so she approves herself", []string{
			"She types /access, picks the production database for 30 minutes, names the incident and a reason.",
		}, selfApproval},
		{"The incident is resolved, so the access ends", []string{
			"PagerDuty's webhook only causes a re-read; the reading decides. There is a grace of ten minutes.",
		}, incidentResolved},
		{"Sam is not on call, so the managers on call decide", []string{
			"Both get a card and share one decision: the first counts, and every copy changes in place.",
		}, managersDecide},
		{"Access ends by itself", []string{"Nobody does anything; the clock is pushed."}, expiry},
		{"A denial carries a reason", nil, denial},
		{"Nobody answers", []string{"A reminder, then the fallback is asked, then the request lapses. Sam is told each time."}, nobodyAnswers},
		{"PagerDuty is down", []string{
			"Whether Dana is on call is unknown, and unknown is never yes: the flow's fallback decides instead.",
		}, pagerDutyDown},
		{"An auditor asks what was done for the incident", []string{
			"She signs in at the console, reads the incident's time-line, and has the record verified.",
		}, auditorAsks},
	}
}

func selfApproval(ctx context.Context, s *stage) error {
	inc, err := s.c.PagerDuty.Trigger(company.Service, "Payments fail in eu-west", "PDANA01")
	if err != nil {
		return err
	}
	if err := s.c.PagerDuty.Acknowledge(inc.ID, "PDANA01"); err != nil {
		return err
	}
	if err := s.c.Ask(ctx, company.Dana, "Production database", "stuck payouts since 02:40", slackfake.Values{"incident": inc.ID}); err != nil {
		return err
	}
	card, err := s.sees(ctx, company.Dana, "You asked for Production database", "you may approve this yourself")
	if err != nil {
		return err
	}
	if err := s.press(company.Dana, card, "bg:approve"); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Dana, "You have access to Production database until"); err != nil {
		return err
	}
	if _, err := s.sees(ctx, "C0PROD", "for themselves, on call"); err != nil {
		return err
	}
	if err := s.recorded(ctx, "submit", "route", "approve", "activate", "observed", "granted"); err != nil {
		return err
	}
	notes := s.c.PagerDuty.Notes(inc.ID)
	if len(notes) != 1 || !strings.Contains(notes[0].Content, "self-approval, on call") {
		return fmt.Errorf("the incident has the notes %v", notes)
	}
	note, _, _ := strings.Cut(notes[0].Content, "\n")
	fmt.Fprintf(s.out, "   #%d      incident note: “%s”\n", inc.Number, note)
	return s.holders(1)
}

// holders checks at the database's own ledger who has access.
func (s *stage) holders(n int) error {
	if have := s.c.Database.Holders(); len(have) != n {
		return fmt.Errorf("the database gives access to %v, not to %d", have, n)
	}
	return nil
}

func incidentResolved(ctx context.Context, s *stage) error {
	all := s.c.PagerDuty.Incidents()
	if err := s.c.PagerDuty.Resolve(all[len(all)-1].ID, "PDANA01"); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Dana, "is resolved, so your access", "ends"); err != nil {
		return err
	}
	if err := s.holders(1); err != nil {
		return err
	}
	if err := s.push(ctx, 10*time.Minute); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Dana, "has ended: the incident was resolved"); err != nil {
		return err
	}
	return errors.Join(s.holders(0), s.recorded(ctx, "submit", "route", "approve", "activate", "observed", "granted", "incident_resolved", "end", "revoked"))
}

func managersDecide(ctx context.Context, s *stage) error {
	if err := s.c.Ask(ctx, company.Sam, "Production database", "reconcile the ledger", nil); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Sam, "You asked for Production database", "Waiting for"); err != nil {
		return err
	}
	card, err := s.sees(ctx, company.Mara, "asks for Production database", "reconcile the ledger", "Why you:")
	if err != nil {
		return err
	}
	late, err := s.sees(ctx, company.Noor, "asks for Production database", "reconcile the ledger", "Why you:")
	if err != nil {
		return err
	}
	if err := s.press(company.Mara, card, "bg:approve"); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Noor, "reconcile the ledger", "Approved by <@U0MARA>"); err != nil {
		return err
	}
	if _, err := s.c.Slack.User(company.Noor).ClickStale(late, "bg:approve"); err != nil {
		return err
	}
	if _, err := s.c.Told(ctx, company.Noor, "already decided"); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "   Noor    [approve], a moment late: “already decided by Mara”\n")
	if _, err := s.sees(ctx, company.Sam, "You have access to Production database"); err != nil {
		return err
	}
	return s.holders(1)
}

func expiry(ctx context.Context, s *stage) error {
	if err := s.push(ctx, 31*time.Minute); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Sam, "Your access to Production database has ended: its time was up"); err != nil {
		return err
	}
	return s.holders(0)
}

func denial(ctx context.Context, s *stage) error {
	if err := s.c.Ask(ctx, company.Sam, "Production console", "curious about the logs", nil); err != nil {
		return err
	}
	card, err := s.sees(ctx, company.Noor, "asks for Production console", "curious")
	if err != nil {
		return err
	}
	if err := s.press(company.Noor, card, "bg:deny"); err != nil {
		return err
	}
	view, err := s.c.Form(ctx, company.Noor, "why")
	if err != nil {
		return err
	}
	if _, err := s.c.Slack.User(company.Noor).Submit(view, slackfake.Values{"why": "use the read-only replica"}); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Sam, "was not granted", "use the read-only replica"); err != nil {
		return err
	}
	return s.recorded(ctx, "submit", "route", "deny")
}

func nobodyAnswers(ctx context.Context, s *stage) error {
	if err := s.c.Ask(ctx, company.Sam, "Production console", "restart the importer", nil); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Mara, "asks for Production console", "restart the importer"); err != nil {
		return err
	}
	if err := s.push(ctx, 5*time.Minute); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Sam, "Nobody has answered", "were reminded"); err != nil {
		return err
	}
	if err := s.push(ctx, 10*time.Minute); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Sam, "more people are asked now"); err != nil {
		return err
	}
	for _, d := range []time.Duration{5 * time.Minute, 10 * time.Minute} {
		if err := s.push(ctx, d); err != nil {
			return err
		}
	}
	if _, err := s.sees(ctx, company.Sam, "Nobody decided", "lapsed"); err != nil {
		return err
	}
	return s.recorded(ctx, "submit", "route", "remind", "forward", "remind", "lapse")
}

func pagerDutyDown(ctx context.Context, s *stage) error {
	if err := s.push(ctx, 5*time.Minute); err != nil { // what was read before is too old by now
		return err
	}
	s.c.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultStatus, Status: 503})
	defer s.c.PagerDuty.ClearFaults()
	if err := s.c.Ask(ctx, company.Dana, "Production console", "roll back the deploy", nil); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Dana, "could not say who is on call"); err != nil {
		return err
	}
	card, err := s.sees(ctx, "C0SREM", "asks for Production console", "roll back the deploy")
	if err != nil {
		return err
	}
	if err := s.press(company.Noor, card, "bg:approve"); err != nil {
		return err
	}
	if _, err := s.sees(ctx, company.Dana, "You have access to Production console"); err != nil {
		return err
	}
	r, err := s.newest(ctx)
	if err != nil {
		return err
	}
	if r.SelfMade || !r.Route.Tainted {
		return errors.New("the route is not marked as made without knowing")
	}
	return s.recorded(ctx, "submit", "route", "approve", "activate", "granted")
}
