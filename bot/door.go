package bot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// Options are what the front door works with. Enterprise, AppID, Workspace, Owner, Lease,
// Wake and Log may be left empty; everything else is required.
type Options struct {
	// Team is the workspace that is let in, "T0123ABC"; every other is refused.
	Team string
	// Enterprise is the organisation it belongs to, where there is one.
	Enterprise string
	// AppID is the app that payloads must come from, "A0123ABC"; empty: not checked.
	AppID string
	// Signing is Slack's signing secret; its current and its previous value count.
	Signing flows.Secret

	Catalog   func() *flows.Catalog
	Inbox     flows.Inbox
	Engine    Engine
	Emergency Emergency
	Foresight Foresight
	Erasures  Erasures  // nil: nobody can be erased
	LinkDesk  LinkDesk  // nil: links are made by the configuration only
	Newcomers Newcomers // nil, as well
	Cards     CardFinder
	Requests  RequestFinder
	History   History
	Recorder  Recorder
	Directory flows.Directory
	Workspace func(context.Context) (string, error) // the address of the workspace; nil: the audit has no permalinks
	Incidents flows.Incidents
	Views     Viewer
	Slack     Poster
	Clock     flows.Clock
	IDs       flows.IDs

	// Wake is told about inbox jobs, which are leased to Owner for Lease (15 s
	// unless set) so that this process handles them at once.
	Wake  flows.Wake
	Owner string
	Lease time.Duration

	// Log gets one line for each request. Default: silent.
	Log *slog.Logger
}

// Bot is Slack's front door: four HTTP handlers, and the handler of what they put
// into the inbox.
type Bot struct {
	o       Options
	log     *slog.Logger
	verify  *verifier
	asks    *askers
	sent    *submittedViews
	open    *openIncidents
	home    *home
	looks   history.Looks
	ctx     context.Context //nolint:containedctx // ends what Stop waits for
	cancel  context.CancelFunc
	work    sync.WaitGroup
	slots   chan struct{}
	mu      sync.Mutex // orders Stop against new work
	stopped bool
}

// maxAside bounds what is done beside the requests at one time: opening modals,
// mostly waiting for Slack.
const maxAside = 256

// asideTime bounds one piece of it.
const asideTime = 10 * time.Second

// longTime bounds one that waits for targets.
const longTime = 10 * time.Minute

// New checks the options and the signing secret. Cancelling ctx gives up what is
// done beside requests; Stop waits for it.
func New(ctx context.Context, o Options) (*Bot, error) {
	switch {
	case !isID(o.Team):
		return nil, errors.New("slack: the team (external_id, \"T…\") is not set, so payloads of any team would be let in")
	case o.Catalog == nil, o.Inbox == nil, o.Engine == nil, o.Emergency == nil, o.Foresight == nil, o.Cards == nil, o.Requests == nil, o.Directory == nil,
		o.Incidents == nil, o.History == nil, o.Recorder == nil, o.Views == nil, o.Slack == nil, o.Clock == nil, o.IDs == nil:
		return nil, errors.New("bot: a required field of Options is nil")
	}
	v, err := newVerifier(ctx, o.Signing, o.Clock)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Lease == 0 {
		o.Lease = 15 * time.Second
	}
	b := &Bot{o: o, log: o.Log, verify: v, slots: make(chan struct{}, maxAside)}
	b.home = newHome(o)
	b.ctx, b.cancel = context.WithCancel(ctx)
	b.sent = newSubmittedViews(o.Clock)
	b.asks = newAskers(o.Directory, o.Clock, b.aside)
	b.open = newOpenIncidents(o.Incidents, o.Clock, b.aside)
	return b, nil
}

// Warm looks up who may ask in which flow, so that the first forms and suggestions
// know. It may be called at the start, or after a reload; nothing depends on it.
func (b *Bot) Warm(ctx context.Context) { b.asks.allowed(ctx, b.o.Catalog(), "") }

// Stop takes no new work beside requests, and waits for what there is until ctx ends;
// then it is given up.
func (b *Bot) Stop(ctx context.Context) error {
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	defer b.cancel()
	done := make(chan struct{})
	go func() { b.work.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// aside does what changes nothing beside the request that asked for it; false when
// there is too much of it already, or the bot stops.
func (b *Bot) aside(do func(ctx context.Context)) bool { return b.during(asideTime, do) }

// long is aside for what may take minutes.
func (b *Bot) long(do func(ctx context.Context)) bool { return b.during(longTime, do) }

func (b *Bot) during(limit time.Duration, do func(ctx context.Context)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped {
		return false
	}
	select {
	case b.slots <- struct{}{}:
	default:
		return false
	}
	b.work.Go(func() {
		defer func() { <-b.slots }()
		defer func() {
			if p := recover(); p != nil { // it costs what was being done, not the program
				b.log.LogAttrs(b.ctx, slog.LevelError, "a panic beside a request", slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			}
		}()
		ctx, cancel := context.WithTimeout(b.ctx, limit)
		defer cancel()
		do(ctx)
	})
	return true
}

// admit reads and verifies a request. What is not let in is answered here, always
// the same way, and logged with the reason.
func (b *Bot) admit(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, bool) {
	body, err := readBody(w, r, limit)
	if err == nil {
		err = b.verify.check(r.Context(), r.Header, body)
	}
	if err != nil {
		b.refuse(w, r, err)
		return nil, false
	}
	return body, true
}

// refuse is the one answer to everything that is not let in.
func (b *Bot) refuse(w http.ResponseWriter, r *http.Request, err error) {
	reason := rejectMalformed
	errors.As(err, &reason)
	b.log.LogAttrs(r.Context(), slog.LevelWarn, "slack request refused",
		slog.String("reason", string(reason)), slog.String("path", r.URL.Path))
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Slack-No-Retry", "1")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte("unauthorized\n"))
}

// pin holds a payload to the configured team, organisation and app.
func (b *Bot) pin(teamID, enterpriseID, userTeam, appID string) error {
	switch {
	case b.o.AppID != "" && appID != b.o.AppID:
		return rejectForeign
	case teamID != b.o.Team && !(teamID == "" && b.o.Enterprise != "" && enterpriseID == b.o.Enterprise):
		return rejectForeign
	case enterpriseID != "" && b.o.Enterprise != "" && enterpriseID != b.o.Enterprise:
		return rejectForeign
	case userTeam != "" && userTeam != b.o.Team && b.o.Enterprise == "":
		return rejectForeign
	}
	return nil // people of another workspace of the organisation: their standing decides, at every step
}

// person is who a payload names, in the team we serve.
func (b *Bot) person(user string) flows.PersonID { return flows.Person(b.o.Team, user) }

// isID reports whether s looks like an id of Slack's: capitals and digits.
func isID(s string) bool {
	if len(s) < 2 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
