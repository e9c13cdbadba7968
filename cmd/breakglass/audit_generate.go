package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/past"
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
			"totals and the tree: what decisions leave there, for each is decided by what decides real ones, with all its\n" +
			"evidence. The database becomes a simulated one for good; one that belongs to the real world, or has entries,\n" +
			"is refused.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if entries > 0 {
				requests = int(float64(entries) / past.PerRequest)
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
			g := generator{told: past.New(began.AddDate(-3, 0, 0), began, requests), n: requests}
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
	told    *past.Past
	past    *store.Past
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
			teller := g.told.Teller()
			for errs[w] == nil && ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= g.n {
					return
				}
				errs[w] = g.request(ctx, teller, i)
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

// request has one request told, and adds it.
func (g *generator) request(ctx context.Context, by *past.Teller, i int) error {
	life, err := by.Life(ctx, i)
	if err != nil {
		return err
	}
	for _, step := range life {
		g.entries.Add(int64(len(step.Change.Entries)))
	}
	return g.past.Add(ctx, life)
}
