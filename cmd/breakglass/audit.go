package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

func (c *cli) audit() *cobra.Command {
	return group("audit", "Ask what was decided, by whom and why, and prove it",
		c.auditList(), c.auditShow(), c.auditExport(), c.auditKey(), c.auditVerify(), c.auditGenerate(), c.auditErase())
}

// askingHelp is what commands that take a question say about it.
const askingHelp = "QUERY is a row of filters, all of which must hold; nothing asks for everything. For example:\n\n" +
	"  incident 4711          @dana last 30d          by:@dana for:@sam approved-by:@mara\n" +
	"  target:prod_db         flow:prod               outcome:denied,lapsed   review:open\n" +
	"  since:2026-01-01       until:2026-03           '\"stuck payouts\"' (words in reasons, in quotes)\n"

const lookHelp = "\nIt reads the database, beside a running server too. The server on this machine then records that somebody\n" +
	"looked; without one, nothing can be recorded, and that is said."

// question reads what was asked for.
func question(words []string, called names) (query.Query, error) {
	text := ""
	for i, w := range words {
		if i > 0 {
			text += " "
		}
		text += w
	}
	q, err := query.Parse(text, query.Options{Now: now(), Person: called.typed})
	if mistake, is := errors.AsType[*query.Error](err); is {
		return q, usageError{err: errors.New(mistake.What), next: mistake.Hint}
	}
	return q, err
}

// recordLook has the server on this machine record a look, and says so when it could
// not: reading the file is the owner's right, but not a secret.
func (c *cli) recordLook(ctx context.Context, s settings, door string, look history.Look) error {
	err := c.sendLook(ctx, s, door, look)
	if err == nil {
		return nil
	}
	_, err = fmt.Fprintf(c.err, "note: this look was not recorded: %v\n", err)
	return err
}

func (c *cli) sendLook(ctx context.Context, s settings, door string, look history.Look) error {
	file := door
	if file == "" {
		var err error
		if file, err = c.doorFile(ctx, s); err != nil {
			return err
		}
	}
	d, err := app.ReadDoor(file)
	if err != nil {
		return errors.New("no breakglass serves this database on this machine")
	}
	body, err := json.Marshal(app.LookBody{What: look.What, Form: look.Form, Query: query.Write(look.Search), Request: string(look.Request), After: query.Cursor(look.Search.After)})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.Addr+"/v1/audit/looks", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return errors.New("the server on this machine does not answer")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("the server on this machine answered %s", resp.Status)
	}
	return nil
}

// typed finds the person of a question.
func (n names) typed(typed string) (flows.PersonID, error) {
	p, err := n.id(typed)
	if _, is := errors.AsType[usageError](err); is {
		return "", fmt.Errorf("%s is nobody that is known here", typed)
	}
	return p, err
}
