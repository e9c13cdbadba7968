package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/config"
	"breakglass/store"
)

// verification is what the flags of audit verify say.
type verification struct {
	s      settings
	keys   []string
	files  []string // of checkpoints
	live   bool
	only   bool // the log, and nothing that lies beside it
	output string
	from   *published // with live: what was read outside
	clock  flows.Clock
	began  time.Time // when the first entry was read
}

func (c *cli) auditVerify() *cobra.Command {
	v := verification{clock: app.SystemClock{}}
	cmd := &cobra.Command{
		Use: "verify [EXPORT]", Short: "Check that nothing in the audit log was changed", Args: cobra.MaximumNArgs(1),
		Long: "Checks every audit entry from the first to the last: its bytes, its links, its place in the tree, what\n" +
			"opens its commitments, and every checkpoint against the public key. It names the first entry that was\n" +
			"altered, removed, inserted or moved, and says what it cannot know. Without EXPORT it reads the database,\n" +
			"beside a running server too, and holds each request to its entries, and to the requests what they are\n" +
			"found by: lists by person and incident, searches for words, reviews, counted calls, the totals of charts.\n" +
			"With --log-only it leaves that out, and takes half to three quarters of the time. With EXPORT it needs\n" +
			"neither database nor configuration.\n\n" +
			"A checkpoint that was kept outside (the Slack channel, a file, an incident's note) shows what even\n" +
			"somebody with the database and the signing key cannot hide: give it with --checkpoint, or let --live\n" +
			"fetch those that Slack and PagerDuty have. With --live, the notes on the newest 500 incidents and the\n" +
			"cards of the newest 50 clicks are held to the entries that they tell of, too; people may delete both,\n" +
			"so what is not there is said, and is nothing against the log.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", v.output, "text", "json"); err != nil {
				return err
			}
			if len(args) == 1 && v.live {
				return misused("--live compares the database with Slack and PagerDuty; it does not go with an export")
			}
			if len(args) == 1 && v.only {
				return misused("--log-only leaves out what lies beside the log in a database; an export has only the log")
			}
			if len(args) == 1 && len(v.keys) == 0 {
				return usageError{err: errors.New("an export is verified against a public key that you got from somewhere else"),
					next: "breakglass audit verify " + args[0] + " --key KEY"}
			}
			if len(args) == 1 {
				return c.verifyExport(cmd.Context(), v, args[0])
			}
			return c.verifyStore(cmd.Context(), v)
		},
	}
	v.s.flags(cmd)
	cmd.Flags().StringArrayVar(&v.keys, "key", nil, "public `KEY` that signed the checkpoints; may be repeated after a rotation")
	cmd.Flags().StringArrayVar(&v.files, "checkpoint", nil, "`FILE` with checkpoints that were kept outside; may be repeated")
	cmd.Flags().BoolVar(&v.live, "live", false, "compare with the checkpoints, notes and cards in Slack and PagerDuty")
	cmd.Flags().BoolVar(&v.only, "log-only", false, "do not hold requests and lists in the database to the log")
	cmd.Flags().StringVarP(&v.output, "output", "o", "text", "`FORM`: text or json")
	return cmd
}

// options are the keys and the checkpoints from files.
func (v *verification) options(progress func(string)) (audit.Options, error) {
	o := audit.Options{Progress: func(n int64) { progress(fmt.Sprintf("%d entries", n)) }}
	if len(v.keys) > 0 {
		keys, err := audit.Keys(v.keys...)
		if err != nil {
			return o, misused("--key: %v", err)
		}
		o.Keys = keys
	}
	for _, file := range v.files {
		text, err := os.ReadFile(file)
		if err != nil {
			return o, fmt.Errorf("read a checkpoint: %w", err)
		}
		notes, heads := audit.FindNotes(string(text)), audit.FindHeads(string(text))
		heads = slices.DeleteFunc(heads, func(h audit.Head) bool { return !v.signs(h.Origin) })
		for _, n := range notes {
			o.Witnessed = append(o.Witnessed, audit.Witnessed{Note: n, Where: file})
		}
		for _, h := range heads {
			o.Witnessed = append(o.Witnessed, audit.Witnessed{Head: &h, Where: file})
		}
		if len(notes)+len(heads) == 0 {
			return o, hint(fmt.Errorf("there is no checkpoint of this log in %s", file), "copy the whole message: the lines between the marks, with the one that begins with a dash")
		}
	}
	return o, nil
}

// signs reports whether a log is one of those whose keys are given; none: any.
func (v *verification) signs(origin string) bool {
	return len(v.keys) == 0 || slices.ContainsFunc(v.keys, func(key string) bool { return strings.HasPrefix(strings.TrimSpace(key), origin+"+") })
}

func (c *cli) verifyExport(ctx context.Context, v verification, file string) error {
	progress := c.progress()
	o, err := v.options(progress)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read the export: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	v.began = v.clock.Now()
	r, err := audit.Verify(ctx, audit.Exported(f), o)
	progress("")
	if err != nil {
		return err
	}
	return c.verdict(v, r)
}

// verifyStore verifies the database, and what only a database has: its columns, the
// heads of its chains, the hashes it keeps.
func (c *cli) verifyStore(ctx context.Context, v verification) error {
	st, cfg, dsn, err := c.openAudit(ctx, v)
	if err != nil {
		return err
	}
	defer st.Close()
	own := ""
	if len(v.keys) == 0 {
		if own, err = ownKey(ctx, cfg, dsn); err != nil {
			return err
		}
		if own != "" {
			v.keys = []string{own}
		}
	}
	progress := c.progress()
	o, err := v.options(progress)
	if err != nil {
		return err
	}
	o.Kept, o.Heads = st.EachTreeNode, st.EachHead
	v.from = &published{}
	if v.live {
		if v.from, err = c.fetch(ctx, st, cfg, v.ours, progress); err != nil {
			return err
		}
		o.Witnessed = append(o.Witnessed, v.from.witnessed...)
	}
	waiting, _, err := st.Waiting(ctx)
	if err != nil {
		return err
	}
	v.began = v.clock.Now()
	r, err := c.walkStore(ctx, v, st, o, progress)
	if err != nil {
		return err
	}
	r.Waiting = waiting
	if own != "" && v.output == "text" {
		if _, err := fmt.Fprintf(c.out, "The key is this installation's own, %s. Pin it, and give it with --key.\n", own); err != nil {
			return err
		}
	}
	return c.verdict(v, r)
}

// walkStore reads a log from its first entry to its last, and looks at what lies beside it.
func (c *cli) walkStore(ctx context.Context, v verification, st *store.Store, o audit.Options, progress func(string)) (*audit.Report, error) {
	looking, enough := context.WithCancel(ctx)
	defer enough()
	var requests, others beside
	var rest <-chan beside
	placed := make(chan error, 1)
	go func() { placed <- st.VerifyPlaces(looking) }()
	end, next := func() error { return nil }, "looking at the chains"
	if !v.only {
		next += ", and holding requests and lists to their entries"
		holder, err := st.BeginHolding(looking, requests.find)
		if err != nil {
			return nil, err
		}
		o.Entry, end, rest = holder.Take, holder.End, besideTheTree(looking, st)
	}
	r, err := audit.Verify(ctx, audit.Live(st), o)
	if err != nil {
		return nil, err
	}
	progress(next)
	requests.err = end()
	if !v.only {
		others = <-rest
	}
	if err := <-placed; !r.Headless { // what looks at all heads looks for these, too
		others.ends(err)
	}
	others.ends(st.VerifyEnds(ctx, r.Unended, r.Headless))
	progress("")
	for _, f := range slices.Concat(v.from.all(), others.findings, requests.findings) {
		r.Find(f)
	}
	r.More += requests.more + others.more
	return r, errors.Join(requests.err, others.err)
}

// beside is what was found in a database beside the tree.
type beside struct {
	findings []audit.Finding
	more     int64 // that are not kept
	err      error
}

// mostBeside is how many findings are kept: a table that somebody emptied is one for each
// request, and a report names the first few.
const mostBeside = 1000

// besideTheTree looks, while the tree is walked, at what holding requests does not see: the
// calls that are counted.
func besideTheTree(ctx context.Context, st *store.Store) <-chan beside {
	out := make(chan beside, 1)
	go func() {
		var b beside
		b.err = st.HoldBeside(ctx, b.find)
		out <- b
	}()
	return out
}

// ends takes what is wrong with the ends of chains.
func (b *beside) ends(err error) {
	if errors.Is(err, store.ErrDamaged) {
		b.findings = append([]audit.Finding{{From: -1, To: -1, What: err.Error()}}, b.findings...)
		return
	}
	b.err = errors.Join(b.err, err)
}

func (b *beside) find(what string) {
	if len(b.findings) == mostBeside {
		b.more++
		return
	}
	b.findings = append(b.findings, audit.Finding{From: -1, To: -1, What: what, Beside: true})
}

// verdict prints a report; findings are an exit code of their own.
func (c *cli) verdict(v verification, r *audit.Report) error {
	p, limits := &printer{w: c.out}, r.Limits()
	untouched := "Nothing"
	if v.only {
		untouched = "No entry"
		limits = append([]string{"Requests, lists and totals in the database were not held to the log (--log-only)."}, limits...)
	}
	altered, failed := "NOT AS IT WAS SIGNED", "the audit log is not as it was signed"
	if r.Beside() {
		altered, failed = "THE LOG STANDS, AND THE DATABASE BESIDE IT WAS ALTERED", "the database is not what its audit log says"
	}
	if v.live {
		limits = append(limits, v.from.limits()...)
	}
	if v.output == "json" {
		out := map[string]any{"ok": r.OK(), "report": r, "limits": limits}
		if v.live {
			out["live"] = v.from.numbers()
		}
		if err := p.json(out); err != nil {
			return err
		}
	} else {
		if v.live {
			for _, line := range v.from.lines() {
				p.line("%s", line)
			}
		}
		for _, line := range r.Summary() {
			p.line("%s", line)
		}
		if took := v.clock.Now().Sub(v.began); took >= time.Second {
			p.line("That took %s: %.0f entries a second.", took.Round(time.Second/10), float64(r.Entries)/took.Seconds())
		}
		for i, f := range r.Findings {
			if i == 0 {
				p.line("\n%s. The first place:", altered)
			}
			p.line("  %s", plainWords(f.String()))
		}
		if r.More > 0 {
			p.line("  and %d more", r.More)
		}
		p.line("\nWhat this cannot tell:")
		for _, line := range limits {
			p.line("  %s", line)
		}
		if r.OK() {
			p.line("\n%s was altered, removed, inserted or moved.", untouched)
		}
	}
	if p.err != nil {
		return p.err
	}
	if !r.OK() {
		return &failure{err: errors.New(failed), code: exitRefuse,
			hint: "keep the database as it is, and compare with a backup at the first place that is named"}
	}
	return nil
}

// openAudit opens the store to read, with the configuration where one is needed.
func (c *cli) openAudit(ctx context.Context, v verification) (*store.Store, *config.Config, string, error) {
	dsn := v.s.db
	var cfg *config.Config
	if dsn == "" || v.live {
		var err error
		if cfg, err = c.load(v.s, nil); err != nil {
			return nil, nil, "", err
		}
		if dsn, err = v.s.dsn(ctx, cfg); err != nil { // --db, if it is said
			return nil, nil, "", err
		}
	}
	v.s.db, v.s.mapped = dsn, true
	st, _, err := c.openRead(ctx, v.s)
	return st, cfg, dsn, err
}

// ownKey is the public key of the installation itself; empty where it has none.
func ownKey(ctx context.Context, cfg *config.Config, dsn string) (string, error) {
	var private string
	var err error
	if cfg != nil && !cfg.Settings.Audit.SigningKey.IsZero() {
		private, err = cfg.Settings.Audit.SigningKey.Reveal(ctx)
	} else if file := app.AuditKeyFile(dsn); file != "" {
		var b []byte
		b, err = os.ReadFile(file)
		private = string(b)
	}
	if errors.Is(err, fs.ErrNotExist) || private == "" && err == nil {
		return "", nil
	}
	if err != nil {
		return "", hint(err, "give the public key with --key")
	}
	_, public, err := audit.Signer(private)
	return public, err
}
