package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
)

// auditGenerate fills a database with a past that never was, to measure questions on.
func (c *cli) auditGenerate() *cobra.Command {
	var db string
	var requests, entries int
	cmd := &cobra.Command{
		Use: "generate", Short: "Fill a simulated database with requests, to measure on", Args: noArgs, Hidden: true,
		Long: "Fills an empty database with made-up requests of three years, their entries, people and incidents, the\n" +
			"totals and the tree: what decisions would have left there, with less evidence in each (607 bytes an entry,\n" +
			"where real ones have 1,150). The database becomes a simulated one for good; one that belongs to the real\n" +
			"world, or has entries, is refused.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if entries > 0 {
				requests = entries * 10 / 57
			}
			if db == "" || requests < 1 {
				return misused("--db FILE and --requests N, or --entries N, are needed")
			}
			st, err := store.Open(cmd.Context(), store.Options{DSN: db, Now: app.SystemClock{}.Now, Migrate: true})
			if err != nil {
				return err
			}
			defer st.Close()
			if err := st.ClaimWorld(cmd.Context(), flows.WorldSimulated); err != nil {
				return err
			}
			began := now()
			g := generator{from: began.AddDate(-3, 0, 0), n: requests}
			if err := g.run(cmd.Context(), st, c.tally("requests generated")); err != nil {
				return err
			}
			if err := grown(cmd.Context(), st, c.tally("entries in the tree")); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "%d requests with %d entries in %s.\n", requests, g.entries.Load(), now().Sub(began).Round(time.Millisecond))
			return err
		},
	}
	cmd.Flags().StringVar(&db, "db", "", "`DATABASE` to fill: a file, or postgres://…")
	cmd.Flags().IntVar(&requests, "requests", 100_000, "`N` requests")
	cmd.Flags().IntVar(&entries, "entries", 0, "so many requests that there are about `N` entries")
	return cmd
}

// generators is how many make up requests at once.
const generators = 4

// generator makes up requests.
type generator struct {
	past    *store.Past
	from    time.Time
	n       int
	entries atomic.Int64
	done    atomic.Int64
}

func (g *generator) run(ctx context.Context, st *store.Store, tell func(int)) (err error) {
	if g.past, err = st.Past(ctx); err != nil {
		return err
	}
	var next atomic.Int64
	var all sync.WaitGroup
	var telling sync.Mutex
	errs := make([]error, generators)
	for w := range generators {
		all.Go(func() {
			for errs[w] == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= g.n {
					return
				}
				errs[w] = g.request(ctx, i)
				if n := g.done.Add(1); n%500 == 0 {
					telling.Lock()
					tell(int(n))
					telling.Unlock()
				}
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("after %d requests: %w", g.done.Load(), ctx.Err())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return g.past.Finish(ctx)
}

// grown makes the hashes of the tree, as the server does for what waits.
func grown(ctx context.Context, st *store.Store, tell func(int)) error {
	for {
		growth, err := audit.Growth(ctx, st, nil, now())
		if err != nil {
			return err
		}
		if len(growth.Nodes) == 0 {
			return nil
		}
		if _, err := st.Apply(ctx, flows.Change{Tree: growth}); err != nil {
			return err
		}
		blocks, err := st.TreeBlocks(ctx)
		if err != nil {
			return err
		}
		tell(int(blocks) * flows.TreeBlock)
	}
}

var madeUpReasons = [...]string{
	"payouts are stuck since the last deploy, need to look at the queue", "database is down, failing over by hand",
	"customers cannot log in, checking the session store", "reconcile the ledger after the incident", "certificate expires tonight",
}

// request makes one request and takes it through its life. The same number makes the
// same request.
func (g *generator) request(ctx context.Context, i int) error {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	few := func(n int) int { return int(float64(n) * r.Float64() * r.Float64() * r.Float64()) } // a few have most of it
	person := func() flows.PersonID { return flows.PersonID(fmt.Sprintf("T0GEN/U%05d", few(2000))) }
	at := g.from.Add(time.Duration(float64(i) / float64(g.n) * float64(3*365*24*time.Hour)))
	c := flows.Content{
		Flow: flows.FlowID(fmt.Sprintf("flow_%d", few(8))), Target: flows.TargetID(fmt.Sprintf("target_%03d", few(500))),
		Scope: flows.Scope(fmt.Sprint(i)), Requester: person(), Duration: time.Duration(1+r.IntN(8)) * 30 * time.Minute,
		Reason: flows.NewText(fmt.Sprintf("%s (OPS-%d)", madeUpReasons[r.IntN(len(madeUpReasons))], r.IntN(50_000))),
	}
	c.Beneficiary = c.Requester
	if r.IntN(10) < 7 {
		n := i/12 + r.IntN(3)
		c.Incident = flows.IncidentRef{ID: flows.IncidentID(fmt.Sprintf("QGEN%08d", n)), Number: 1 + n, Title: flows.NewText("Payments fail in eu-west"), URL: "https://gen.pagerduty.com/incidents/x"}
	}
	id := flows.RequestID(fmt.Sprintf("req_%014d%012d", at.UnixMilli(), i))
	l := life{r: r, req: flows.Request{ID: id, Content: c, Hash: c.Hash(id), SubmittedAt: at, Door: flows.DoorSlack}, at: at}
	l.step(flows.VerbSubmit, flows.StateSubmitted, c.Requester)
	decider := person()
	switch l.at = at.Add(time.Duration(r.IntN(1200)) * time.Second); r.IntN(10) {
	case 0, 1:
		l.step(flows.VerbRoute, flows.StatePending, "")
		l.req.DecidedAt, l.req.DecidedBy, l.req.DenyWhy = l.at, decider, flows.NewText("use the read-only replica")
		l.step(flows.VerbDeny, flows.StateDenied, decider)
	case 2:
		l.step(flows.VerbLapse, flows.StateLapsed, "")
	default:
		l.granted(decider)
	}
	if l.err != nil {
		return l.err
	}
	g.entries.Add(int64(len(l.steps)))
	return g.past.Add(ctx, l.steps)
}

// life is a request while it is made.
type life struct {
	r     *rand.Rand
	req   flows.Request
	at    time.Time
	steps []store.Step
	err   error
}

func (l *life) granted(decider flows.PersonID) {
	l.step(flows.VerbRoute, flows.StatePending, "")
	l.req.DecidedAt, l.req.DecidedBy, l.req.SelfMade = l.at, decider, l.r.IntN(3) == 0
	if l.req.SelfMade {
		l.req.DecidedBy = l.req.Content.Requester
	}
	l.req.Votes = []flows.Vote{{By: l.req.DecidedBy, At: l.at, Door: flows.DoorSlack, Hash: l.req.Hash}}
	l.step(flows.VerbApprove, flows.StateApproved, l.req.DecidedBy)
	l.step(flows.VerbActivate, flows.StateGranting, "")
	l.req.GrantedAt, l.req.EndsAt = l.at, l.at.Add(l.req.Content.Duration)
	l.step(flows.VerbGranted, flows.StateActive, "")
	l.at = l.req.EndsAt
	l.req.EndCause = flows.EndTime
	l.step(flows.VerbEnd, flows.StateEnding, "")
	l.req.EndedAt = l.at
	l.step(flows.VerbRevoked, flows.StateEnded, "")
}

// step is one step with its entry, the size of a real one.
func (l *life) step(v flows.Verb, to flows.State, by flows.PersonID) {
	if l.err != nil {
		return
	}
	c := &l.req.Content
	actor := flows.ByEngine()
	if by != "" {
		actor = flows.Actor{Person: by, Door: flows.DoorSlack, Standing: flows.StandingMember, Trace: "action_ts=1795316400.000018,message_ts=1795316400.000015"}
	}
	facts := map[string]any{
		"request": l.req.Hash, "flow": string(c.Flow), "target": string(c.Target), "incident": string(c.Incident.ID),
		"world": "simulated", "config": l.req.Hash, "replica": "generator", "version": Version,
	}
	if v == flows.VerbSubmit {
		facts["reason"] = flows.Personal{About: c.Requester, Value: c.Reason.Raw()}
		facts["requester"] = flows.Personal{About: c.Requester, Value: string(c.Requester)}
	}
	sealed, head, err := flows.Seal(string(l.req.ID), l.req.Chain, []flows.Entry{{Verb: string(v), From: l.req.State, To: to, At: l.at, Actor: actor, Facts: facts}},
		func(b []byte) {
			for len(b) >= 8 {
				binary.LittleEndian.PutUint64(b, l.r.Uint64())
				b = b[8:]
			}
		})
	if err != nil {
		l.err = err
		return
	}
	l.req.State, l.req.Chain, l.req.Version = to, head, l.req.Version+1
	req := l.req
	change := flows.Change{Request: &req, Entries: sealed}
	revoke := flows.JobKey(flows.JobRevoke, string(l.req.ID))
	switch {
	case to == flows.StateGranting:
		change.Jobs = []flows.Job{{Kind: flows.JobRevoke, Key: revoke, Subject: string(l.req.ID), RunAt: l.at.AddDate(100, 0, 0)}}
	case to.Final():
		change.Cancel = []string{revoke}
	}
	l.steps = append(l.steps, store.Step{At: l.at, Change: change})
}
