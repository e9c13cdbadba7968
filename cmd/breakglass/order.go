package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// wayIn is how an order of an admin reaches the running server: by the door file that
// lies on this machine, or else over the API, as who is signed in here.
type wayIn struct {
	settings
	door, server string
}

// byDoorOrAPI is what commands say about it.
const byDoorOrAPI = "It goes through the server that runs on this machine, as the user it runs as; from another machine it goes\n" +
	"over the API (--server), as an admin who ran breakglass login or whose token is in BREAKGLASS_TOKEN."

func (w *wayIn) flags(cmd *cobra.Command) {
	w.settings.flags(cmd)
	cmd.Flags().StringVar(&w.door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	cmd.Flags().StringVar(&w.server, "server", "", "`URL` of the server's internal listener or console, to go over its API; without a door file also BREAKGLASS_SERVER")
}

// here reports whether an installation was named that may run on this machine.
func (w *wayIn) here() bool {
	if w.db != "" || w.door != "" {
		return true
	}
	_, err := os.Stat(filepath.Join(w.dir, "breakglass.hcl"))
	return err == nil
}

// order gives an order and returns the answer, which the caller closes. What says no is
// an error.
func (c *cli) order(ctx context.Context, w wayIn, path string, what any) (*http.Response, error) {
	if w.server != "" {
		return c.orderOver(ctx, w.server, path, what)
	}
	if !w.here() {
		if !c.mayCome() {
			return nil, hint(fmt.Errorf("there is no breakglass.hcl in %s, and this machine is not signed in at %s", w.dir, c.anyServer()),
				"name the server's directory with --config, or: breakglass login --server %s", c.anyServer())
		}
		return c.orderOver(ctx, c.anyServer(), path, what)
	}
	door := w.door
	if door == "" {
		var err error
		if door, err = c.doorFile(ctx, w.settings); err == nil {
			_, err = os.Stat(door)
		}
		if err != nil && c.mayCome() {
			return c.orderOver(ctx, c.anyServer(), path, what)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	return enter(ctx, door, path, what, 0) // which says what is missing
}

// mayCome reports whether this machine has a way in over the API.
func (c *cli) mayCome() bool {
	_, err := c.remote(c.anyServer())
	return err == nil
}

// orderOver gives an order over the API.
func (c *cli) orderOver(ctx context.Context, server, path string, what any) (*http.Response, error) {
	r, err := c.remote(server)
	if err != nil {
		return nil, err
	}
	req, err := r.request(ctx, http.MethodPost, path, what)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, r.silent(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	return nil, refusedBy(resp.StatusCode, b)
}

// ordered gives an order whose answer is a state.
func (c *cli) ordered(ctx context.Context, w wayIn, path string, what any) (out doorAnswer, err error) {
	resp, err := c.order(ctx, w, path, what)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	return out, json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out)
}
