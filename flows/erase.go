package flows

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Erasing a person takes the operator of the server, who proposes it, and two admins,
// who confirm it by name; nobody is erased by their own word. Until then it is a job
// that lapses after a week.
const (
	eraseVotes = 2
	eraseWait  = 7 * 24 * time.Hour
)

// eraseTries is how often what was found is tried to be erased before it is looked for
// again: what came in between is mostly an entry on the same chain, and a look takes long.
const eraseTries = 3

// VerbErased is the verb of the entries that say what was destroyed.
const VerbErased = "erased"

// erasedAtOnce is how many openings one entry names.
const erasedAtOnce = 500

// ErasureProposal is a proposal to erase a person. It is the job's arguments: the one
// place where it stands who is meant, and gone with the job.
type ErasureProposal struct {
	Code      string     `json:"code"`
	Person    PersonID   `json:"person"`
	Ticket    string     `json:"ticket"` // of the person's request, or whatever else the reason is filed under
	Lapses    time.Time  `json:"lapses"`
	Confirmed []PersonID `json:"confirmed,omitempty"`
}

func (p ErasureProposal) job(at time.Time) Job {
	args, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and times only
	}
	return Job{Kind: JobErase, Key: JobKey(JobErase, p.Code), Subject: p.Code, RunAt: at, Args: args}
}

// ProposeErasure asks the admins to erase a person; only who runs the server may.
func (e *Engine) ProposeErasure(ctx context.Context, p PersonID, ticket string, actor Actor) (ErasureProposal, Footprint, *Refusal, error) {
	var none ErasureProposal
	actor, no, err := e.admin(ctx, actor, "erase", Finish{})
	if no != nil || err != nil {
		return none, Footprint{}, no, err
	}
	foot, no, err := e.erasable(ctx, p, "")
	if no != nil || err != nil {
		return none, foot, no, err
	}
	var raw [5]byte
	e.o.IDs.Random(raw[:])
	now := e.o.Clock.Now()
	x := ErasureProposal{Code: strings.ToLower(base32.StdEncoding.EncodeToString(raw[:])), Person: p, Ticket: ticket, Lapses: now.Add(eraseWait)}
	err = e.Record(ctx, "system", Entry{Verb: "erase_proposed", Actor: actor, Facts: map[string]any{"code": x.Code, "ticket": ticket}},
		Finish{Also: func(Outcome) []Job {
			return append(e.tellErasure(x, "asked", fmt.Sprintf("wants to erase what is kept about <@%s> (%s): %d values in the audit, %d requests. Two admins have to confirm it: /access erase %s",
				p.User(), ticket, len(foot.Openings), len(foot.Requests), x.Code)), x.job(x.Lapses))
		}})
	return x, foot, nil, err
}

// erasable reads what is kept about a person, and refuses where it must be kept.
func (e *Engine) erasable(ctx context.Context, p PersonID, own string) (Footprint, *Refusal, error) {
	if e.o.Eraser == nil {
		return Footprint{}, nil, errors.New("this program cannot erase")
	}
	foot, err := e.o.Eraser.Footprint(ctx, p, own)
	if err != nil {
		return foot, nil, err
	}
	switch keep := e.retention(); {
	case len(foot.Live) > 0:
		return foot, Refuse(RefusedState, "%d requests that name this person are not over (%s). Nothing was erased.", len(foot.Live), foot.Live[0]).
			Then("End them, or wait until they are."), nil
	case len(foot.Reviews) > 0:
		return foot, Refuse(RefusedState, "%d requests that name this person are still to be reviewed (%s). Nothing was erased.", len(foot.Reviews), foot.Reviews[0]).
			Then("Have them reviewed: breakglass request review."), nil
	case e.o.Clock.Now().Before(foot.Newest.Add(keep)):
		return foot, Refuse(RefusedState, "What is kept about this person is %s old at the least, and the configuration keeps it for %s (audit.retention). Nothing was erased.",
			days(e.o.Clock.Now().Sub(foot.Newest)), days(keep)).Then("It can be erased from " + foot.Newest.Add(keep).Format("2 January 2006") + " on."), nil
	case foot.Pending > 0:
		return foot, Refuse(RefusedState, "%d messages or jobs that name this person are not done. Nothing was erased.", foot.Pending).
			Then("Try again in a minute."), nil
	case len(foot.Openings)+len(foot.Requests) == 0:
		return foot, Refuse(RefusedInput, "Nothing is kept about this person.").Then("Name them by their Slack id, as in audit list."), nil
	}
	return foot, nil, nil
}

func (e *Engine) retention() time.Duration {
	if e.o.Retention == nil {
		return 0
	}
	return e.o.Retention()
}

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d/(24*time.Hour))) }

// ConfirmErasure is an admin's yes to a proposal; the second one carries it out.
func (e *Engine) ConfirmErasure(ctx context.Context, code string, actor Actor, why Text, fin Finish) (*Refusal, error) {
	actor, no, err := e.admin(ctx, actor, "erase", fin)
	if no != nil || err != nil {
		return no, err
	}
	x, keep, err := e.proposed(ctx, code, actor)
	if err == nil && keep == nil { // it takes long, and is looked at once more before anything is erased
		_, keep, err = e.erasable(ctx, x.Person, JobKey(JobErase, x.Code))
	}
	if err != nil {
		return nil, err
	}
	for range conflictTries {
		no, err := e.confirmOnce(ctx, code, actor, why, keep, fin)
		if !errors.Is(err, ErrConflict) {
			return no, err
		}
	}
	return nil, fmt.Errorf("confirm erasure %s: %w", code, ErrConflict)
}

func (e *Engine) confirmOnce(ctx context.Context, code string, actor Actor, why Text, keep *Refusal, fin Finish) (*Refusal, error) {
	head, err := e.o.Chains.ChainHead(ctx, "system") // first: what was confirmed meanwhile moved it
	if err != nil {
		return nil, fmt.Errorf("read the chain system: %w", err)
	}
	x, no, err := e.proposed(ctx, code, actor)
	if err != nil {
		return nil, err
	}
	if no == nil {
		no = keep
	}
	entry := Entry{Verb: "erase_confirmed", Actor: actor, At: e.o.Clock.Now(), Facts: said(actor, why)}
	entry.Facts["code"] = cutCode(code)
	jobs := withAlso(Outcome{Refusal: no}, fin)
	if no != nil {
		entry.Verb, entry.Code, entry.Facts["asked_for"] = "refused", no.Code, "erase"
	} else {
		x.Confirmed = append(x.Confirmed, actor.Person)
		if len(x.Confirmed) >= eraseVotes {
			jobs = append(jobs, x.job(e.o.Clock.Now())) // which tells how it went
		} else {
			jobs = append(append(jobs, x.job(x.Lapses)), e.tellErasure(x, "confirmed", fmt.Sprintf("%s confirmed %s; one more admin has to", mentioned(actor.Person), x.Ticket))...)
		}
	}
	sealed, _, err := Seal("system", head, []Entry{entry}, e.o.IDs.Random)
	if err != nil {
		return nil, err
	}
	return no, e.commit(ctx, Change{Chain: "system", Entries: sealed, Jobs: e.lease(jobs), Done: fin.Job, Inbox: fin.Inbox})
}

func confirmers(x ErasureProposal) string {
	names := make([]string, 0, len(x.Confirmed))
	for _, p := range x.Confirmed {
		names = append(names, mentioned(p))
	}
	return strings.Join(names, " and ")
}

func mentioned(p PersonID) string { return "<@" + p.User() + ">" }

func cutCode(s string) string { return s[:min(len(s), 16)] }

// proposed finds a proposal that this admin may confirm.
func (e *Engine) proposed(ctx context.Context, code string, actor Actor) (x ErasureProposal, no *Refusal, err error) {
	if e.o.Eraser == nil {
		return x, nil, errors.New("this program cannot erase")
	}
	j, err := e.o.Eraser.JobByKey(ctx, JobKey(JobErase, code))
	if err == nil {
		err = json.Unmarshal(j.Args, &x)
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return x, Refuse(RefusedInput, "Nobody has proposed an erasure %s, or it has lapsed or was carried out. Nothing was done.", cutCode(code)).
			Then("The operator proposes one with breakglass audit erase."), nil
	case err != nil:
		return x, nil, fmt.Errorf("read erasure %s: %w", code, err)
	case actor.Person == "":
		return x, Refuse(RefusedNotEligible, "An erasure is confirmed by an admin with a name. Nothing was done.").Then("Confirm it in Slack."), nil
	case actor.Person == x.Person:
		return x, Refuse(RefusedOwnRequest, "Nobody confirms their own erasure. Nothing was done."), nil
	case slices.Contains(x.Confirmed, actor.Person):
		return x, Refuse(RefusedAlreadyVoted, "You have confirmed this already; another admin has to. Nothing was done."), nil
	}
	return x, nil, nil
}

// RunErasure is the job: it erases what two admins confirmed. What lapsed, or has to be
// kept by now, is dropped, and recorded.
func (e *Engine) RunErasure(ctx context.Context, j Job) error {
	var x ErasureProposal
	if err := json.Unmarshal(j.Args, &x); err != nil {
		return &Permanent{Err: fmt.Errorf("read erasure %s: %w", j.Key, err)}
	}
	if len(x.Confirmed) < eraseVotes {
		return e.dropErasure(ctx, j, x, "erase_lapsed", "lapsed: not enough admins confirmed it within a week. Nothing was erased")
	}
	for range conflictTries {
		foot, no, err := e.erasable(ctx, x.Person, j.Key)
		if err != nil {
			return err
		}
		if no != nil && no.Code == RefusedState && foot.Pending > 0 && len(foot.Live) == 0 {
			return &Temporary{After: 5, Err: no} // the messages about it are on their way
		}
		if no != nil {
			return e.dropErasure(ctx, j, x, "erase_refused", "was not carried out. "+no.Error())
		}
		for range eraseTries {
			if err := e.eraseOnce(ctx, j, x, foot); !errors.Is(err, ErrConflict) {
				return err
			}
		}
	}
	return fmt.Errorf("erasure %s: %w", x.Code, ErrConflict)
}

func (e *Engine) dropErasure(ctx context.Context, j Job, x ErasureProposal, verb, what string) error {
	return e.Record(ctx, "system", Entry{Verb: verb, Actor: ByEngine(), Facts: map[string]any{"code": x.Code, "ticket": x.Ticket}},
		Finish{Job: &j, Also: func(Outcome) []Job { return e.tellErasure(x, verb, x.Ticket+" "+what) }})
}

// eraseOnce seals the entries, which name each opening that is destroyed, and has the
// store do it.
func (e *Engine) eraseOnce(ctx context.Context, j Job, x ErasureProposal, foot Footprint) error {
	head, err := e.o.Chains.ChainHead(ctx, "system")
	if err != nil {
		return fmt.Errorf("read the chain system: %w", err)
	}
	var raw [8]byte
	e.o.IDs.Random(raw[:])
	pseudonym := PersonID("erased/" + strings.ToUpper(hex.EncodeToString(raw[:])))
	var entries []Entry
	for i, part := range inParts(foot.Openings) {
		entries = append(entries, e.erasedEntry(x, foot, pseudonym, head.Len+1+int64(i), part))
	}
	sealed, _, err := Seal("system", head, entries, e.o.IDs.Random)
	if err != nil {
		return err
	}
	for i := range sealed { // who it was stays a commitment that nobody can open
		sealed[i].Openings = slices.DeleteFunc(sealed[i].Openings, func(o Opening) bool { return o.About == x.Person })
	}
	jobs := e.lease(e.tellErasure(x, "done", fmt.Sprintf("%s is done, as %s confirmed: %d values in the audit were destroyed, %d requests do not name the person any more. It is entry %d of the system's audit",
		x.Ticket, confirmers(x), len(foot.Openings), len(foot.Requests), head.Len+1)))
	written, err := e.o.Eraser.Erase(ctx, Erasure{
		Person: x.Person, Pseudonym: pseudonym, Footprint: foot,
		Change: Change{Chain: "system", Entries: sealed, Jobs: jobs, Done: &j},
	})
	if e.o.Wake != nil && len(written) > 0 {
		e.o.Wake.Wake(written)
	}
	return err
}

// erasedEntry names the openings it is about, its own about the person among them.
func (e *Engine) erasedEntry(x ErasureProposal, foot Footprint, pseudonym PersonID, seq int64, part []OpeningRef) Entry {
	gone := make([]any, 0, len(part)+1)
	for _, o := range append(slices.Clone(part), OpeningRef{Chain: "system", Seq: seq, Path: "facts.person"}) {
		gone = append(gone, fmt.Sprintf("%s/%d/%s", o.Chain, o.Seq, o.Path))
	}
	by := make([]any, 0, len(x.Confirmed))
	for _, p := range x.Confirmed {
		by = append(by, Personal{About: p, Value: string(p)})
	}
	return Entry{Verb: VerbErased, At: e.o.Clock.Now(), Actor: ByEngine(), Facts: map[string]any{
		"person": Personal{About: x.Person, Value: string(x.Person)}, "pseudonym": string(pseudonym), "openings": gone,
		"count": int64(len(foot.Openings)), "requests": int64(len(foot.Requests)), "code": x.Code, "ticket": x.Ticket, "confirmed_by": by,
	}}
}

func inParts(all []OpeningRef) [][]OpeningRef {
	parts := slices.Collect(slices.Chunk(all, erasedAtOnce))
	if len(parts) == 0 {
		return [][]OpeningRef{nil}
	}
	return parts
}

// tellErasure tells the operators' channels how an erasure stands.
func (e *Engine) tellErasure(x ErasureProposal, step, what string) []Job {
	jobs := []Job{}
	for _, c := range e.FaultChannels() {
		args, err := json.Marshal(Notice{Channel: c, About: AboutErasure, Detail: what})
		if err != nil {
			panic(err) // strings only
		}
		jobs = append(jobs, Job{
			Kind: JobNotice, Key: JobKey(JobNotice, strings.Join([]string{"erase", x.Code, step, c}, "/")), Subject: string(AboutErasure),
			RunAt: e.o.Clock.Now(), Args: args,
		})
	}
	return jobs
}

// FaultChannels are where the operators of the flows are told things.
func (e *Engine) FaultChannels() []string {
	var channels []string
	for _, f := range e.o.Catalog().Flows {
		if f.ErrorsTo != "" && !slices.Contains(channels, f.ErrorsTo) {
			channels = append(channels, f.ErrorsTo)
		}
	}
	slices.Sort(channels)
	return channels
}
