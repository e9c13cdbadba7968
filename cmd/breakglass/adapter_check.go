package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

func (c *cli) adapterCheck() *cobra.Command {
	var s settings
	var path, output string
	cmd := &cobra.Command{
		Use: "check [ADAPTER]", Short: "Call the upstream of an adapter, or of each, and say how it goes", Args: cobra.MaximumNArgs(1),
		Long: "Reads the secrets of each adapter where the configuration says, calls its upstream once, with GET, and\n" +
			"says how that goes. It shows no value. Unless --path says where to, it takes the first rule that\n" +
			"reads and names everything itself.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			cfg, err := c.load(s, nil)
			if err != nil {
				return err
			}
			names := slices.Sorted(maps.Keys(cfg.Catalog.Adapters))
			if len(args) == 1 {
				id := flows.AdapterID(args[0])
				if cfg.Catalog.Adapters[id] == nil {
					return misspelt("there is no adapter "+args[0], args[0], texts(names), "breakglass adapter check %s")
				}
				names = []flows.AdapterID{id}
			}
			return c.tryAdapters(cmd.Context(), cfg.Catalog, names, path, output)
		},
	}
	s.configFlags(cmd)
	cmd.Flags().StringVar(&path, "path", "", "call this `PATH` of the upstream, as in /incidents?limit=1")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM`: text or json")
	return cmd
}

func texts[T ~string](all []T) []string {
	out := make([]string, 0, len(all))
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

// tried is how a call went.
type tried struct {
	Adapter string `json:"adapter"`
	OK      bool   `json:"ok"`
	Call    string `json:"call,omitempty"`
	Status  int    `json:"status,omitempty"`
	Says    string `json:"says"`
	Next    string `json:"next,omitempty"`
}

// tryAdapters calls each upstream once.
func (c *cli) tryAdapters(ctx context.Context, cat *flows.Catalog, names []flows.AdapterID, path, output string) error {
	if len(names) == 0 {
		return hint(errors.New("the configuration has no adapter"), "breakglass adapter add")
	}
	all, bad := make([]tried, 0, len(names)), 0
	for _, id := range names {
		t := tryAdapter(ctx, cat, cat.Adapters[id], path)
		if !t.OK {
			bad++
		}
		all = append(all, t)
	}
	p := &printer{w: c.out}
	if output == "json" {
		if err := p.json(all); err != nil {
			return err
		}
	} else {
		for _, t := range all {
			p.line("%s: %s", t.Adapter, t.Says)
			if t.Next != "" {
				p.line("  %s", t.Next)
			}
		}
	}
	if bad > 0 && p.err == nil {
		return &failure{err: fmt.Errorf("%d of %d are not as they should be", bad, len(all)), code: exitRefuse}
	}
	return p.err
}

// tryTime is how long one upstream may take.
const tryTime = 30 * time.Second

// tryAdapter calls one upstream.
func tryAdapter(ctx context.Context, cat *flows.Catalog, a *flows.Adapter, path string) tried {
	t := tried{Adapter: string(a.ID)}
	if path == "" {
		path = plainRead(a.Allow)
		for _, target := range cat.AdapterTargets[a.ID] {
			if path == "" {
				path = plainRead(target.Allow)
			}
		}
	}
	if path == "" {
		t.Says, t.Next = "not called: no rule says a whole path that reads", "say one with --path"
		return t
	}
	for _, h := range a.Headers { // by itself, to say which secret it is
		err := h.Value.Fill(ctx, func(string, []string) (bool, error) { return false, nil })
		if err != nil {
			t.Says, t.Next = fmt.Sprintf("not called: %s cannot be filled: %v", h.Name, err), "see its secret in the configuration"
			return t
		}
	}
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	cause := &lastCause{}
	proxy := httpadapter.New(httpadapter.Options{Catalog: func() *flows.Catalog { return cat }, Clock: app.SystemClock{}, Log: slog.New(cause)})
	defer proxy.Stop(ctx) //nolint:errcheck // nothing is recorded
	begun := now()
	path = "/" + strings.TrimPrefix(path, "/")
	status, no := proxy.Try(ctx, httpadapter.Root+string(a.ID)+path)
	t.Call, t.Status = "GET "+path, status
	t.judge(a, no, cause.text, now().Sub(begun))
	return t
}

// judge says how the call went.
func (t *tried) judge(a *flows.Adapter, no *flows.Refusal, cause string, took time.Duration) {
	secrets := "its secret: " + strings.Join(secretsOf(a), ", ")
	answered := fmt.Sprintf("%s is answered with %d %s", t.Call, t.Status, http.StatusText(t.Status))
	switch {
	case t.Status == http.StatusUnauthorized:
		t.Says, t.Next = "the upstream refuses our credential (401)", secrets
	case no != nil:
		t.Says, t.Next = plainWords(no.Say), cause
	case t.Status < 300:
		t.OK, t.Says = true, fmt.Sprintf("%s in %s", answered, took.Round(time.Millisecond))
	case t.Status < 400:
		t.Says, t.Next = answered+", which leads elsewhere and is not followed", "see base_url"
	case t.Status == http.StatusForbidden:
		t.Says, t.Next = answered+": the credential is known and may not do this", secrets
	case t.Status == http.StatusNotFound:
		t.Says, t.Next = answered+": the upstream is there and has no such path", "see base_url, or say a path with --path"
	case t.Status == http.StatusTooManyRequests:
		t.Says, t.Next = answered+": this key is called too often", "try again in a minute"
	default:
		t.Says = answered
	}
}

// plainRead is the path of the first rule that reads and names everything itself.
func plainRead(rules []flows.Rule) string {
	for _, r := range rules {
		if r.Method() == http.MethodGet && !strings.Contains(r.Path(), "{") {
			return r.Path()
		}
	}
	return ""
}

// lastCause keeps what a call says to a log about why it failed.
type lastCause struct{ text string }

// Enabled implements slog.Handler.
func (l *lastCause) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *lastCause) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			l.text = a.Value.String()
		}
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (l *lastCause) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *lastCause) WithGroup(string) slog.Handler { return l }
