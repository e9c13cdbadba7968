package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

func (c *cli) demo() *cobra.Command {
	var script bool
	var pace time.Duration
	cmd := &cobra.Command{
		Use: "demo", Short: "Play the whole story here, without any account", Args: noArgs,
		Long: "Starts the real program on a fresh database against a simulated Slack workspace and PagerDuty\n" +
			"account, plays the story step by step and shows what went over the wire and what was recorded.\n" +
			"Then it stays up and says where. Needs no account and no network.",
		RunE: func(cmd *cobra.Command, _ []string) error { return c.playDemo(cmd.Context(), script, pace) },
	}
	cmd.Flags().BoolVar(&script, "script", false, "play without waiting, check every step, and exit; non-zero if one is not as told")
	cmd.Flags().DurationVar(&pace, "pace", 2*time.Second, "pause between steps")
	return cmd
}

// playDemo opens the company, plays every step, and stays up unless it is a script.
func (c *cli) playDemo(ctx context.Context, script bool, pace time.Duration) (err error) {
	dir, err := os.MkdirTemp("", "breakglass-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	token := make([]byte, 16)
	_, _ = rand.Read(token) // does not fail
	clock := flows.NewPushableClock(app.SystemClock{})
	s := &stage{clock: clock, out: c.out, token: hex.EncodeToString(token), dir: dir}
	config, err := s.openSignIn(dir)
	if err != nil {
		return fmt.Errorf("open the demo: %w", err)
	}
	defer func() { err = errors.Join(err, s.signIn.Close()) }()
	s.c, err = company.Open(ctx, company.Options{
		Clock: clock, IDs: app.RandomIDs{}, Dir: dir, Config: config, ControlToken: s.token, Log: slog.New(slog.NewTextHandler(&s.log, nil)),
	})
	if err != nil {
		return fmt.Errorf("open the demo: %w", err)
	}
	s.signIn.Allow(company.SignInCallback(s.c.App.InternalAddr()))
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, s.c.Close(stopping))
	}()
	if script {
		pace = 0
	}
	if err := s.play(ctx, pace); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop in the middle
		}
		return &failure{err: fmt.Errorf("the demo did not go as told: %w", err), hint: "this is a bug; the program's log follows\n" + s.log.String(), code: exitError}
	}
	if script {
		fmt.Fprintf(c.out, "\nAll %d steps went as told: checked against the simulators' ledgers and the audit entries.\n", len(story()))
		return nil
	}
	s.stayUp(ctx)
	return nil
}

// play shows each step: what happens, what went over the wire, what was recorded.
func (s *stage) play(ctx context.Context, pace time.Duration) error {
	s.title()
	for i, step := range story() {
		fmt.Fprintf(s.out, "\n%s%d. %s%s\n", bold, i+1, step.title, plain)
		for _, line := range step.tell {
			fmt.Fprintf(s.out, "   %s\n", line)
		}
		if err := s.one(ctx, step); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, step.title, err)
		}
		if err := rest(ctx, pace); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) one(ctx context.Context, st step) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s.begin()
	if err := st.do(ctx, s); err != nil {
		return err
	}
	if err := s.c.Quiet(ctx); err != nil {
		return err
	}
	return s.show(ctx)
}

func rest(ctx context.Context, d time.Duration) error {
	if d == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *stage) title() {
	fmt.Fprintf(s.out, "%sBreakglass, in a small simulated company%s\n", bold, plain)
	fmt.Fprintf(s.out, "   Dana is on call at PagerDuty; Mara and Noor are the managers on call; Sam is not on call.\n")
	fmt.Fprintf(s.out, "   Slack and PagerDuty are simulators, Breakglass is real: signed requests, a real database.\n")
}

// stayUp says where everything is and waits to be told to stop.
func (s *stage) stayUp(ctx context.Context) {
	fmt.Fprintf(s.out, "\n%sEverything stays up until Ctrl-C.%s\n", bold, plain)
	for _, at := range [...][2]string{
		{"Slack simulator", s.c.Slack.URL()}, {"PagerDuty simulator", s.c.PagerDuty.URL()},
		{"Breakglass, for Slack and PagerDuty", "http://" + s.c.App.PublicAddr()},
		{"Breakglass, health and metrics", "http://" + s.c.App.InternalAddr() + "/healthz"},
		{"Breakglass, the console", "http://" + s.c.App.InternalAddr() + "/"},
	} {
		fmt.Fprintf(s.out, "   %-36s %s\n", at[0], at[1])
	}
	fmt.Fprintf(s.out, "\n   Open the console in a browser and say who you are: audi, the auditor, sees everything;\n")
	fmt.Fprintf(s.out, "   mara is an admin; dana and sam see what is theirs. Begin at Audit.\n")
	fmt.Fprintf(s.out, "\n   Be somebody: have Dana ask, by the simulator's control API\n")
	fmt.Fprintf(s.out, "   curl -s -X POST -H 'Authorization: Bearer %s' %s/control/users/U0DANA/slash -d '{\"command\":\"/access\"}'\n", s.token, s.c.Slack.URL())
	fmt.Fprintf(s.out, "   All of it: integrations/slackfake/README.md\n")
	<-ctx.Done()
	fmt.Fprintln(s.out, "\nStopped. Nothing is left behind.")
}

// bold and plain frame titles on a terminal that shows them; they are empty elsewhere.
const bold, plain = "", ""

var _ io.Writer = (*log)(nil)
