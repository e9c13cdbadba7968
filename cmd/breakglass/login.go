package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"breakglass/flows/doors"
)

func (c *cli) loginCommand() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: "login", Short: "Let this machine act as you for 12 hours", Args: noArgs,
		Long: "Shows an address and a code. Open the address in a browser, sign in, compare the code and confirm.\n" +
			"What is kept then, for you alone, works on this machine only, and for 12 hours.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := newRemote(server)
			if err != nil {
				return err
			}
			return c.logIn(cmd.Context(), r)
		},
	}
	c.serverFlag(cmd, &server)
	return cmd
}

// me is who the server says that this machine acts as.
type me struct {
	Person  string    `json:"person"`
	Name    string    `json:"name"`
	Pass    string    `json:"pass"`
	Expires time.Time `json:"expires_at"`
}

// logIn makes a secret, has it confirmed in a browser, and keeps it.
func (c *cli) logIn(ctx context.Context, r *remote) error {
	secret, seed := make([]byte, 32), make([]byte, 32)
	_, _ = rand.Read(secret) // does not fail
	_, _ = rand.Read(seed)
	r.login = login{Token: "bgl_" + base64.RawURLEncoding.EncodeToString(secret), Seed: seed}
	public, ok := r.login.key().Public().(ed25519.PublicKey)
	if !ok {
		return errors.New("the machine's key has no public part")
	}
	var begun struct {
		Code    string    `json:"code"`
		URL     string    `json:"url"`
		Expires time.Time `json:"expires_at"`
	}
	in := map[string]string{"hash": doors.Hash(r.login.Token), "key": base64.StdEncoding.EncodeToString(public), "machine": hostName()}
	token := r.login.Token
	r.login.Token = "" // beginning shows the hash only
	if err := r.call(ctx, http.MethodPost, "/v1/login", in, &begun); err != nil {
		return err
	}
	r.login.Token = token
	if _, err := fmt.Fprintf(c.out, "Open this in a browser and confirm the code:\n\n  %s\n  %s\n\nWaiting, until %s…\n", begun.URL, begun.Code, stamp(begun.Expires)); err != nil {
		return err
	}
	who, err := c.confirmed(ctx, r)
	if err != nil {
		return err
	}
	all, err := c.logins()
	if err != nil {
		return err
	}
	r.login.Expires = who.Expires
	all[r.server] = r.login
	if err := c.keep(all); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "This machine acts as %s until %s.\n", who.Name, stamp(who.Expires))
	return err
}

// loginEvery is how often the server is asked whether somebody confirmed.
const loginEvery = time.Second

// confirmed waits until somebody confirmed the login.
func (c *cli) confirmed(ctx context.Context, r *remote) (me, error) {
	for {
		var who me
		err := r.call(ctx, http.MethodGet, "/v1/me", nil, &who)
		var no *said
		switch {
		case err == nil:
			return who, nil
		case !errors.As(err, &no) || no.Code != "waiting":
			return me{}, err
		}
		timer := time.NewTimer(loginEvery)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return me{}, ctx.Err()
		}
	}
}

func (c *cli) logout() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: "logout", Short: "End this machine's login", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := c.remote(server)
			if err != nil {
				return err
			}
			var who me
			if err := r.call(cmd.Context(), http.MethodGet, "/v1/me", nil, &who); err != nil {
				return err
			}
			if err := r.call(cmd.Context(), http.MethodDelete, "/v1/tokens/"+who.Pass, nil, nil); err != nil {
				return err
			}
			all, err := c.logins()
			if err != nil {
				return err
			}
			delete(all, r.server)
			if err := c.keep(all); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "This machine no longer acts as %s.\n", who.Name)
			return err
		},
	}
	c.serverFlag(cmd, &server)
	return cmd
}
