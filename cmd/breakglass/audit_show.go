package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/store"
)

func (c *cli) auditShow() *cobra.Command {
	var s settings
	var output, door string
	cmd := &cobra.Command{
		Use: "show REQUEST", Short: "Show a request's whole story, with the evidence of each step", Args: oneArg,
		Long: "Shows a request and each of its audit entries, with the facts it rested on. REQUEST is the whole id, or the end\n" +
			"of it as cards and listings show it; \"system\" shows the last entries that belong to no request: starts,\n" +
			"configurations, looks at the audit." + "\n" + lookHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", output, "text", "json"); err != nil {
				return err
			}
			st, called, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			if args[0] == system {
				return c.showSystem(cmd.Context(), s, st, output, door)
			}
			id, err := find(cmd.Context(), st, args[0])
			if err != nil {
				return err
			}
			rec, err := st.Load(cmd.Context(), id)
			if errors.Is(err, flows.ErrNotFound) {
				return hint(fmt.Errorf("there is no request %s", id), "breakglass audit list")
			}
			if err != nil {
				return err
			}
			entries, err := st.Entries(cmd.Context(), string(id))
			if err != nil {
				return err
			}
			if err := c.recordLook(cmd.Context(), s, door, history.Look{What: history.LookRequest, Request: id}); err != nil {
				return err
			}
			story, err := history.StoryOf(&rec.Request, entries)
			if err != nil {
				return err
			}
			if err := story.Call(cmd.Context(), st); err != nil {
				return err
			}
			if output == "json" {
				return (&printer{w: c.out}).json(story)
			}
			return printStory(c.out, &rec.Request, story, called)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`FORM`: text or json")
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	return cmd
}

// printStory shows a request, then each step with what it rested on.
func printStory(w io.Writer, r *flows.Request, story history.Story, called names) error {
	if err := printRequest(w, r, nil, called); err != nil {
		return err
	}
	if err := printEvents(w, story.Entries); err != nil {
		return err
	}
	return printCalls(w, story)
}

// printCalls shows what was called by the access.
func printCalls(w io.Writer, story history.Story) error {
	p := &printer{w: w}
	for i, t := range story.Calls {
		if i == 0 {
			p.line("calls through an adapter, by rule:")
		}
		p.line("%7d  %s, %s to %s", t.N, terminal(flows.NewText(t.Rule)), stamp(t.First), stamp(t.Last))
	}
	for i := range story.Newest {
		if i == 0 {
			p.line("the newest:")
		}
		e := &story.Newest[i]
		facts, _ := e.Facts.(map[string]any)
		path, _ := facts["path"].(string)
		p.line("%7d  %s  %v %s  %s", e.Seq, stamp(e.At), facts["method"], terminal(flows.NewText(path)), endedAs(e.Done))
	}
	return p.err
}

// endedAs says in a word how a call ended.
func endedAs(done any) string {
	facts, _ := done.(map[string]any)
	if why, _ := facts["why"].(string); why != "" {
		return why
	}
	return fmt.Sprint(cmp.Or(facts["status"], any("under way")))
}

// system is the chain of what belongs to no request.
const system = "system"

// showSystem shows the end of that chain.
func (c *cli) showSystem(ctx context.Context, s settings, st *store.Store, output, door string) error {
	if err := c.recordLook(ctx, s, door, history.Look{What: history.LookRequest, Request: system}); err != nil {
		return err
	}
	entries, err := st.Tail(ctx, system, 0, 100)
	if err != nil {
		return err
	}
	events, err := history.Events(entries)
	if err != nil {
		return err
	}
	if output == "json" {
		return (&printer{w: c.out}).json(events)
	}
	return printEvents(c.out, events)
}

func printEvents(w io.Writer, events []history.Event) error {
	p := &printer{w: w}
	for i := range events {
		e := &events[i]
		what := e.Verb
		if e.Code != "" {
			what += " (" + e.Code + ")"
		}
		if e.From != e.To {
			what += ", now " + e.To
		}
		p.line("%3d  %s  %s", e.Seq, stamp(e.At), what)
		p.facts("     by", e.Actor)
		p.facts("    ", without(e.Facts, "request", "flow", "target", "world")) // said above
		p.line("     hash %s", e.Hash)
	}
	return p.err
}

// without is the facts without some.
func without(facts any, names ...string) any {
	m, is := facts.(map[string]any)
	if is {
		for _, n := range names {
			delete(m, n)
		}
	}
	return facts
}

// facts prints what an entry says, a line for each value, in one order.
func (p *printer) facts(path string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			p.facts(path+" "+k, x[k])
		}
	case []any:
		for i, e := range x {
			p.facts(fmt.Sprintf("%s %d", path, i+1), e)
		}
	case nil:
	case string:
		if x != "" {
			p.line("%s: %s", path, terminal(flows.NewText(x)))
		}
	case json.Number:
		p.line("%s: %s", path, moment(path, x))
	default:
		p.line("%s: %v", path, x)
	}
}

// moment is a number, as a time where its name says that it is one.
func moment(path string, n json.Number) string {
	ms, err := n.Int64()
	if err != nil || ms == 0 || !history.IsMoment(path[strings.LastIndexByte(path, ' ')+1:]) {
		return n.String()
	}
	return stamp(history.Millis(ms))
}
