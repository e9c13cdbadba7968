package flows

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// When the kill switch reports: first, and again while something has not ended.
const (
	reportAfter = time.Minute
	reportAgain = 5 * time.Minute
)

// Unended lists what an order of the kill switch meant and what is not over yet.
func (e *Engine) Unended(ctx context.Context, o EndOrder, find Finder, memory Memory) ([]Unended, error) {
	filter := o.Scope.filter()
	var left []Unended
	for {
		page, err := find.Requests(ctx, filter)
		if err != nil {
			return nil, fmt.Errorf("look for what has not ended: %w", err)
		}
		for i := range page {
			r := &page[i]
			if o.Scope.has(r) && !r.SubmittedAt.After(o.At) && !memory.Ended(r.ID) {
				left = append(left, Unended{ID: r.ID, Person: r.Content.Beneficiary, Target: r.Content.Target, State: r.State, Why: unended(r)})
			}
		}
		if len(page) < filter.Limit {
			return left, nil
		}
		filter.Before = page[len(page)-1].ID
	}
}

func unended(r *Request) string {
	switch {
	case r.Overdue:
		return "the target does not confirm the end; it is tried again every half minute"
	case r.State == StateEnding:
		return "the target has not confirmed the end yet"
	}
	return "it could not be told to end; use the kill switch again"
}

// ReportEnd is the handler of JobEndReport: it tells the channels how an order of the
// kill switch stands, and comes again while something has not ended.
func (e *Engine) ReportEnd(ctx context.Context, j Job, find Finder, memory Memory) error {
	var o EndOrder
	if err := json.Unmarshal(j.Args, &o); err != nil {
		return &Permanent{Err: fmt.Errorf("read an order of the kill switch: %w", err)}
	}
	left, err := e.Unended(ctx, o, find, memory)
	if err != nil {
		return err
	}
	entry := Entry{Verb: "end_many_report", Actor: ByEngine(), Facts: o.facts(map[string]any{"left": int64(len(left))})}
	return e.Record(ctx, "system", entry, Finish{Job: &j, Also: func(Outcome) []Job {
		jobs := e.shout(Notice{About: AboutEndedMany, By: o.By, Detail: o.stands(left)})
		if len(left) > 0 {
			jobs = append(jobs, o.report(e.o.Clock.Now().Add(reportAgain)))
		}
		return jobs
	}})
}

// report is the job that tells how the order stands.
func (o EndOrder) report(at time.Time) Job {
	args, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and times only
	}
	key := fmt.Sprint(o.At.UnixNano(), "/", o.By, "/", o.Scope.words())
	return Job{Kind: JobEndReport, Key: JobKey(JobEndReport, key), Subject: "kill switch", RunAt: at, Args: args}
}

// facts are the order's for the audit, and more.
func (o EndOrder) facts(more map[string]any) map[string]any {
	s := o.Scope
	more["all"], more["target"], more["flow"], more["incident"] = s.All, string(s.Target), string(s.Flow), string(s.Incident)
	more["incident_number"], more["found"], more["ordered_at"] = int64(s.Number), int64(o.Found), o.At.UnixMilli()
	if s.Person != "" {
		more["person"] = Personal{About: s.Person, Value: string(s.Person)}
	}
	if !o.Said.Empty() {
		more["reason"] = Personal{About: o.By, Value: o.Said.Raw()}
	}
	return more
}

// words say what the order is about.
func (s EndScope) words() string {
	switch {
	case s.All:
		return "everybody"
	case s.Person != "":
		return Mention(s.Person)
	case s.Target != "":
		return "target " + string(s.Target)
	case s.Flow != "":
		return "flow " + string(s.Flow)
	case s.Number != 0:
		return fmt.Sprintf("incident #%d", s.Number)
	}
	return "incident " + string(s.Incident)
}

func (o EndOrder) begun() string {
	if o.Found == 0 {
		return o.Scope.words() + ". There was nothing to end."
	}
	return fmt.Sprintf("%s. %s told to end now.", o.Scope.words(), things(o.Found))
}

// mostNamed is how many a report names; the command and the list show all.
const mostNamed = 10

func (o EndOrder) stands(left []Unended) string {
	if len(left) == 0 {
		return fmt.Sprintf("%s. All of it is over, as the targets have confirmed.", o.Scope.words())
	}
	lines := []string{fmt.Sprintf("%s. %d of %d are not over yet:", o.Scope.words(), len(left), o.Found)}
	for i, u := range left {
		if i == mostNamed {
			lines = append(lines, fmt.Sprintf("and %d more", len(left)-i))
			break
		}
		lines = append(lines, fmt.Sprintf("%s at %s, request %s: %s", Mention(u.Person), named(string(u.Target)), u.ID.Short(), u.Why))
	}
	return strings.Join(lines, "\n• ")
}

func things(n int) string {
	if n == 1 {
		return "1 request or grant is"
	}
	return fmt.Sprintf("%d requests and grants are", n)
}
