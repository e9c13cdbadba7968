package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
)

func (c *cli) requestEnd() *cobra.Command {
	var s settings
	var door, reason string
	cmd := &cobra.Command{
		Use: "end REQUEST", Short: "End what a request gave, or withdraw it, through the running server", Args: oneArg,
		Long: "Ends access at once, or withdraws a request that nobody has decided: the operator's hand when Slack is\n" +
			"down. It goes through the server that runs on this machine; only the user it runs as may do this.",
		RunE: func(cmd *cobra.Command, args []string) error {
			st, _, err := c.openRead(cmd.Context(), s)
			if err != nil {
				return err
			}
			defer st.Close()
			id, err := find(cmd.Context(), st, args[0])
			if err != nil {
				return err
			}
			if door == "" {
				if door, err = c.doorFile(cmd.Context(), s); err != nil {
					return err
				}
			}
			out, err := throughDoor(cmd.Context(), door, "/v1/requests/"+url.PathEscape(string(id))+"/end", map[string]string{"reason": reason})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "%s is %s now.\n", id, out.State)
			return err
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; it is recorded")
	return cmd
}

// doorFile is where the server of the installation left its door.
func (c *cli) doorFile(ctx context.Context, s settings) (string, error) {
	dsn := s.db
	if dsn == "" {
		cfg, err := c.load(s, nil)
		if err != nil {
			return "", err
		}
		if dsn, err = s.dsn(ctx, cfg); err != nil {
			return "", err
		}
	}
	file := app.DoorFile(dsn)
	if file == "" {
		return "", hint(errors.New("a PostgreSQL installation has no door file of its own"), "name the one that serve --door wrote, with --door")
	}
	return file, nil
}

// doorAnswer is what the running server answers.
type doorAnswer struct{ State, Config, Error string }

// throughDoor asks the running server for something.
func throughDoor(ctx context.Context, file, path string, what any) (out doorAnswer, err error) {
	resp, err := enter(ctx, file, path, what, 15*time.Second)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&out); err != nil {
		return out, fmt.Errorf("read the server's answer: %w", err)
	}
	return out, nil
}

// enter asks through the door and returns the answer, which the caller closes; one that
// is a no is an error. Zero waits for as long as it takes.
func enter(ctx context.Context, file, path string, what any, limit time.Duration) (*http.Response, error) {
	d, err := app.ReadDoor(file)
	if err != nil {
		return nil, hint(err, "start it with: breakglass serve")
	}
	body, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.Addr+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Timeout: limit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, hint(fmt.Errorf("the server does not answer: %w", err), "is it still running? its door file is %s", file)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	var no doorAnswer
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&no); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return nil, &failure{err: errors.New(no.Error), code: exitRefuse}
}
