package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"breakglass/bot"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/config"
	"breakglass/integrations/target"
)

// AuditKeyFile is where the key that signs checkpoints lies when the configuration
// names none: beside a SQLite file. Empty for PostgreSQL, which has no place of its
// own on this machine.
func AuditKeyFile(dsn string) string {
	if file := DoorFile(dsn); file != "" {
		return strings.TrimSuffix(file, ".door") + ".audit-key"
	}
	return ""
}

// buildAudit makes the keeper of the audit tree.
func (a *App) buildAudit(ctx context.Context) (*audit.Keeper, error) {
	publisher, err := target.NewPublisher(target.Options{Clock: a.o.Clock, Random: a.o.IDs.Random})
	if err != nil {
		return nil, err
	}
	if err := a.findAuditKey(ctx); err != nil {
		return nil, err
	}
	return &audit.Keeper{
		Stock: a.store, Ledger: a.engine, Signer: a.auditSigner, Keys: a.auditKeys, Outlets: func() []audit.Outlet { return a.outlets(publisher) },
		Broken: func(err error) {
			a.log.Error("the audit tree is not the one that was signed: end-only", "error", err)
			a.guard.hold("audit tree", "the audit log is not what was signed before")
		},
	}, nil
}

// findAuditKey says who signs, and makes the key of a SQLite store that has none.
func (a *App) findAuditKey(ctx context.Context) error {
	if a.conf().Settings.Audit.SigningKey.IsZero() && a.o.AuditKey != "" && a.again == nil {
		if err := a.makeAuditKey(ctx); err != nil {
			return err
		}
	}
	_, public, err := a.auditKey(ctx)
	switch {
	case err != nil && a.again == nil:
		return fmt.Errorf("read the audit signing key: %w", err)
	case public == "":
		a.log.WarnContext(ctx, "checkpoints of the audit log are not signed, so nobody outside can prove it: "+
			"make a key by \"breakglass audit key\" and name it in audit { signing_key = secret.… }")
	default:
		a.log.InfoContext(ctx, "audit checkpoints are signed; auditors pin this public key", "key", public)
	}
	a.auditPublic = public
	return nil
}

// makeAuditKey makes the key beside the database, for its owner alone, once.
func (a *App) makeAuditKey(ctx context.Context) error {
	if _, err := os.Stat(a.o.AuditKey); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	id, err := a.store.ID(ctx)
	if err != nil {
		return err
	}
	private, _, err := audit.MakeKey(a.o.IDs.Random, "breakglass/"+id[:12])
	if err != nil {
		return err
	}
	if _, err := a.store.LastCheckpoint(ctx); err == nil {
		a.log.ErrorContext(ctx, "the key that signed this log until now is gone; another one is made, and auditors have to be told", "file", a.o.AuditKey)
	}
	if err := WriteKey(a.o.AuditKey, private); err != nil {
		return err
	}
	a.log.InfoContext(ctx, "made a key that signs audit checkpoints; keep a copy elsewhere", "file", a.o.AuditKey)
	return nil
}

// WriteKey writes a private key into a new file that only its owner can read.
func WriteKey(file, private string) error {
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the audit signing key: %w", err)
	}
	_, err = f.WriteString(private + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write the audit signing key: %w", err)
	}
	return nil
}

// auditKey reads the key anew: a secret may have been rotated. No signer where there
// is none.
func (a *App) auditKey(ctx context.Context) (note.Signer, string, error) {
	if key := a.conf().Settings.Audit.SigningKey; !key.IsZero() {
		private, err := key.Reveal(ctx)
		if err != nil {
			return nil, "", err
		}
		return audit.Signer(private)
	}
	if a.o.AuditKey == "" {
		return nil, "", nil
	}
	private, err := os.ReadFile(a.o.AuditKey)
	if err != nil {
		return nil, "", err
	}
	return audit.Signer(string(private))
}

func (a *App) auditSigner(ctx context.Context) (note.Signer, error) {
	s, _, err := a.auditKey(ctx)
	return s, err
}

// outlets are the places outside that get checkpoints, as the configuration says now.
func (a *App) outlets(publisher *target.Publisher) []audit.Outlet {
	s := a.conf().Settings.Audit
	var all []audit.Outlet
	if channel := AuditChannel(a.conf()); channel != "" {
		all = append(all, audit.Outlet{Kind: "slack", Every: s.Every, Send: func(ctx context.Context, c flows.Checkpoint) (string, error) {
			where, ts, err := poster{a.slack}.Post(ctx, channel, bot.Message{Text: bot.CheckpointText(c, a.Catalog().World)})
			return where + "/" + ts, err
		}})
	}
	if s.File != "" {
		all = append(all, audit.Outlet{Kind: "file", Send: func(_ context.Context, c flows.Checkpoint) (string, error) {
			return s.File, addToFile(s.File, c.Note+"\n")
		}})
	}
	if s.Webhook != "" {
		all = append(all, audit.Outlet{Kind: "webhook", Send: func(ctx context.Context, c flows.Checkpoint) (string, error) {
			body, err := json.Marshal(map[string]any{"type": "audit.checkpoint", "timestamp": c.At.UTC().Format(time.RFC3339), "data": map[string]any{
				"size": c.Size, "root": base64.StdEncoding.EncodeToString(c.Root[:]), "checkpoint": c.Note, "world": a.Catalog().World,
			}})
			if err != nil {
				return "", err
			}
			id := fmt.Sprintf("audit-checkpoint-%d", c.Size)
			return id, publisher.Publish(ctx, s.Webhook, s.AllowPrivate, s.WebhookSecret, id, body)
		}})
	}
	return all
}

// AuditChannel is the Slack channel that gets checkpoints; empty where there is none.
func AuditChannel(c *config.Config) string {
	if c.Settings.Audit.Channel != "" {
		return c.Settings.Audit.Channel
	}
	for _, e := range c.Settings.Environments {
		if e.ErrorsTo != "" {
			return e.ErrorsTo
		}
	}
	return ""
}

// addToFile adds to the end of a file and waits until it is on disk.
func addToFile(file, text string) error {
	f, err := os.OpenFile(filepath.Clean(file), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644) //nolint:gosec // made to be read by others
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// witnessed adds to the words of a note on an incident the entry that the request's record
// ends with, and the newest checkpoint: PagerDuty keeps both.
func (a *App) witnessed(words func(flows.Request, flows.Noted, func(flows.PersonID) string) string) func(flows.Request, flows.Noted, func(flows.PersonID) string) string {
	return func(r flows.Request, n flows.Noted, name func(flows.PersonID) string) string {
		origin, _, _ := strings.Cut(a.auditPublic, "+")
		text := words(r, n, name) + " " + audit.Cite(origin, string(r.ID), r.Chain.Len, r.Chain.Hash).Line()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		c, err := a.store.LastCheckpoint(ctx)
		if err != nil {
			return text // there is none yet, or the note matters more
		}
		head, err := audit.Peek(c.Note)
		if err != nil {
			return text
		}
		return text + " " + head.Line()
	}
}

// auditKeys are those that sign a log of that name; nil if that is not known: it was
// another one's before.
func (a *App) auditKeys(origin string) note.Verifiers {
	if a.auditPublic == "" || !strings.HasPrefix(a.auditPublic, origin+"+") {
		return nil
	}
	keys, _ := audit.Keys(a.auditPublic) // it was just made from the private one
	return keys
}

// standAudit holds the tree to the last checkpoint in the store, before traffic.
func (a *App) standAudit(ctx context.Context) {
	var keys note.Verifiers
	if last, err := a.store.LastCheckpoint(ctx); err == nil {
		if head, err := audit.Peek(last.Note); err == nil {
			keys = a.auditKeys(head.Origin)
		}
	}
	err := audit.Standing(ctx, a.store, keys)
	if errors.Is(err, audit.ErrBroken) {
		a.guard.hold("audit tree", "the audit log is not what was signed before")
	}
	if err != nil {
		a.log.ErrorContext(ctx, "the audit tree does not stand", "error", err)
	}
}

// auditState is what the health and the numbers say about the tree.
type auditState struct {
	Waiting    int     `json:"entries_waiting"`
	Lag        float64 `json:"seconds_behind"`
	Checkpoint int64   `json:"checkpoint_entries"`
	Signed     bool    `json:"signed"`
	Late       bool    `json:"late"`
}

func (a *App) auditState(ctx context.Context) (auditState, error) {
	out := auditState{Signed: a.auditPublic != ""}
	n, since, err := a.store.Waiting(ctx)
	if err != nil {
		return out, err
	}
	if out.Waiting = n; n > 0 {
		lag := max(a.o.Clock.Now().Sub(since), 0)
		out.Lag, out.Late = lag.Seconds(), lag > audit.MaxLag
	}
	c, err := a.store.LastCheckpoint(ctx)
	if errors.Is(err, flows.ErrNotFound) {
		err = nil
	}
	out.Checkpoint = c.Size
	return out, err
}

// auditReady is the state for /readyz. Being late is said and does not turn traffic
// away: access must be given and ended all the same.
func (a *App) auditReady(r *http.Request) any {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	s, err := a.auditState(ctx)
	if err != nil {
		return map[string]string{"error": "the database does not answer"}
	}
	return s
}
