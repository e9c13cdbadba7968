package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/store"
)

// backup copies the database beside a running server.
func (c *cli) backup() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Copy the database, beside a running server", Args: oneArg,
		Long: "Writes a copy of a SQLite database to a new file that only its owner can read: one moment of it, whole,\n" +
			"while the server goes on. Keep it with the audit signing key that lies beside the database, and apart from\n" +
			"both. PostgreSQL is backed up by its own tools, for example pg_dump --format=custom.",
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, err := c.whichStore(cmd.Context(), s)
			if err != nil {
				return err
			}
			if err := store.Backup(cmd.Context(), dsn, args[0]); err != nil {
				return err
			}
			size, err := c.sound(cmd.Context(), args[0])
			if err != nil {
				return errors.Join(fmt.Errorf("the copy does not verify, so it was removed: %w", err), os.Remove(args[0]))
			}
			_, err = fmt.Fprintf(c.out, "%s: %d audit entries, the newest verified. Check all of it with: breakglass audit verify --db %s\n", args[0], size, args[0])
			return err
		},
	}
	s.flags(cmd)
	return cmd
}

// whichStore is the database that is meant.
func (c *cli) whichStore(ctx context.Context, s settings) (string, error) {
	if s.db != "" {
		return s.db, nil
	}
	cfg, err := c.load(s, nil)
	if err != nil {
		return "", err
	}
	return s.dsn(ctx, cfg)
}

// sound opens a backup as a server would, and returns how many entries its tree has.
func (c *cli) sound(ctx context.Context, file string) (int64, error) {
	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + file, Now: app.SystemClock{}.Now, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	if err := st.VerifyTail(ctx, 1000); err != nil {
		return 0, err
	}
	return st.TreeSize(ctx)
}

// restore puts a backup in place, and has an admin look at what that means.
func (c *cli) restore() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in place of the database", Args: oneArg,
		Long: "Puts a backup where the SQLite database is, or was; no server may run. What was there is kept beside it.\n" +
			"What happened after the backup is unknown to it, so the server that starts on it gives nothing until an\n" +
			"admin has looked at what may still be granted (restore report) and accepts it (restore accept). It is the\n" +
			"same when a database was put back without this command: the server sees it in the file of checkpoints,\n" +
			"audit { file = … }. PostgreSQL is restored by its own tools.",
		RunE: func(cmd *cobra.Command, args []string) error {
			dsn, err := c.whichStore(cmd.Context(), s)
			if err != nil {
				return err
			}
			if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
				return hint(fmt.Errorf("there is no file %s; nothing was changed", args[0]), "name the file that breakglass backup wrote")
			}
			size, err := c.sound(cmd.Context(), args[0])
			if err != nil {
				return hint(fmt.Errorf("this backup does not verify, so nothing was changed: %w", err), "take an earlier one")
			}
			kept, err := store.Restore(cmd.Context(), args[0], dsn, time.Now())
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "The database is the one of %s now, with %d audit entries.\n", args[0], size)
			if kept != "" {
				fmt.Fprintf(c.out, "What was there is kept as %s.\n", kept)
			}
			_, err = fmt.Fprintln(c.out, "Next: breakglass serve, then breakglass restore report, then breakglass restore accept. Until then nothing is given.")
			return err
		},
	}
	s.flags(cmd)
	cmd.AddCommand(c.restoreReport(), c.restoreAccept())
	return cmd
}

func (c *cli) restoreReport() *cobra.Command {
	var s settings
	var door string
	cmd := &cobra.Command{
		Use: "report", Short: "Ask every target who has access that no grant carries", Args: noArgs,
		Long: "Asks every target about every linked person, and lists who has access that no grant in the database\n" +
			"carries: it may be from the time that a restored database lacks, or older than Breakglass. It changes nothing.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if door == "" {
				if door, err = c.doorFile(cmd.Context(), s); err != nil {
					return err
				}
			}
			resp, err := enter(cmd.Context(), door, "/v1/restore/report", struct{}{}, 0)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			var out struct{ Ungoverned []app.Ungoverned }
			if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&out); err != nil {
				return fmt.Errorf("read the server's answer: %w", err)
			}
			if len(out.Ungoverned) == 0 {
				_, err := fmt.Fprintln(c.out, "Nobody has access that no grant carries, as far as the targets can say.")
				return err
			}
			for _, u := range out.Ungoverned {
				what := "has access, and no grant carries it"
				if u.Has != "yes" {
					what = "the target could not say"
				}
				fmt.Fprintf(c.out, "%s at %s: %s\n", u.Person.User(), u.Target, what)
			}
			return nil
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	return cmd
}

func (c *cli) restoreAccept() *cobra.Command {
	var s settings
	var door, reason string
	cmd := &cobra.Command{
		Use: "accept", Short: "Go on with an earlier database", Args: noArgs,
		Long: "An admin's word that the restored database is the one to go on with. It is recorded. Access is given again.\n" +
			"It goes through the server that runs on this machine; only the user it runs as may do this.",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if door == "" {
				if door, err = c.doorFile(cmd.Context(), s); err != nil {
					return err
				}
			}
			if _, err := throughDoor(cmd.Context(), door, "/v1/restore/accept", map[string]string{"reason": reason}); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, "Accepted and recorded. Access can be given again.")
			return err
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
	cmd.Flags().StringVar(&reason, "reason", "", "`WHY`; it is recorded, and everybody reads it")
	return cmd
}
