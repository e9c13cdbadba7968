package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// The kinds of inbox rows that are ours.
const (
	RowClick   = "slack.block_actions"
	RowSubmit  = "slack.view_submission"
	RowCommand = "slack.command"
	RowUser    = "slack.user_change"
)

// row is a payload as it is kept: who did what, where. No trigger, no address to
// answer at, no token of ours or Slack's; a button's value is kept as its hash.
type row struct {
	Team      string `json:"team"`
	User      string `json:"user"`
	Channel   string `json:"channel,omitempty"`
	Action    string `json:"action,omitempty"`
	Block     string `json:"block,omitempty"`   // names the request for the words of a refusal; believed for nothing else
	Token     string `json:"token,omitempty"`   // TokenHash of the button's value
	Request   string `json:"request,omitempty"` // of a reason modal: what it is about
	ActionTS  string `json:"action_ts,omitempty"`
	MessageTS string `json:"message_ts,omitempty"`
	View      string `json:"view,omitempty"`
	ViewHash  string `json:"view_hash,omitempty"`
	Callback  string `json:"callback,omitempty"`
	Values    values `json:"values,omitempty"`
	Text      string `json:"text,omitempty"`
	Once      string `json:"once,omitempty"` // hash of what is good for one use (a command's trigger)

	Signed int64 `json:"signed,omitempty"` // when Slack signed it, in Unix seconds; no part of the row's key: a second delivery is signed anew

	at time.Time // when the payload came in
}

// who is the person the row came from.
func (r row) who() flows.PersonID { return flows.Person(r.Team, r.User) }

// trace is what the audit keeps to find the interaction at Slack. A DM's channel is
// left out: its id stands for the person, and the trace stands in the open.
func (r row) trace() string {
	out, channel := "", r.Channel
	if strings.HasPrefix(channel, "D") {
		channel = ""
	}
	for _, part := range [][2]string{{"action_ts", r.ActionTS}, {"channel", channel}, {"message_ts", r.MessageTS}, {"view", r.View}, {"received", received(r.at)}} {
		if part[1] != "" {
			if out != "" {
				out += ","
			}
			out += part[0] + "=" + cut(part[1], 64)
		}
	}
	return out
}

// encodeRow is the row as it is kept, and its key.
func encodeRow(kind string, r row) (key string, body []byte, err error) {
	said := r
	said.Signed = 0
	if body, err = json.Marshal(said); err != nil {
		return "", nil, err
	}
	sum := sha256.Sum256(append([]byte(kind+"\n"), body...))
	if r.Signed != 0 {
		body, err = json.Marshal(r)
	}
	return "slack:" + hex.EncodeToString(sum[:]), body, err
}

// received is the time a payload came in, in Unix milliseconds; empty where not known.
func received(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return strconv.FormatInt(at.UnixMilli(), 10)
}

// accept keeps a payload before it is answered, under a key made of all that it
// says: the same one again is the same row. Once the answer is out, handle has the
// row handled at once; should that be lost, the job's lease runs out and it is anyway.
func (b *Bot) accept(ctx context.Context, kind string, r row) (handle func(), err error) {
	key, body, err := encodeRow(kind, r)
	if err != nil {
		return nil, fmt.Errorf("encode an inbox row: %w", err)
	}
	now := b.o.Clock.Now()
	job := flows.Job{Kind: flows.JobInbox, Key: flows.JobKey(flows.JobInbox, key), Subject: key, RunAt: now}
	if b.o.Owner != "" {
		job.LeasedTo, job.LeaseUntil = b.o.Owner, now.Add(b.o.Lease)
	}
	stored, fresh, err := b.o.Inbox.Accept(ctx, flows.InboxRow{Key: key, Kind: kind, Body: body, At: now}, job)
	if err != nil {
		b.log.LogAttrs(ctx, slog.LevelError, "slack payload could not be stored; nothing was done",
			slog.String("kind", kind), slog.String("user", r.User), slog.Any("error", err))
		return nil, err
	}
	b.log.LogAttrs(ctx, slog.LevelInfo, "slack payload",
		slog.String("kind", kind), slog.String("user", r.User), slog.String("action", r.Action+r.Callback),
		slog.String("inbox", key), slog.Bool("fresh", fresh))
	return func() {
		if fresh && b.o.Wake != nil {
			b.o.Wake.Wake([]flows.Job{stored})
		}
	}, nil
}
