package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"sort"
	"strings"
	"time"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/store"
)

// verified is how many audit entries doctor looks at, from the end.
const verified = 1000

// store looks at the database, beside a server that may run.
func (d *examination) store(ctx context.Context, dsn string) {
	d.progress("reading the database")
	st, err := store.Open(ctx, store.Options{DSN: dsn, Now: d.clock.Now, ReadOnly: true})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.warning("store", "There is no database "+strings.TrimPrefix(dsn, "sqlite:")+" yet.", "breakglass serve makes it.")
		return
	case errors.Is(err, store.ErrSchema):
		d.problem("store", capital(sentence(err)), "breakglass migrate")
		return
	case errors.Is(err, store.ErrDamaged):
		d.problem("store", capital(sentence(err)), "Stop the server, keep the file, and restore a backup.")
		return
	case err != nil:
		d.problem("store", capital(sentence(err)), "Look at the database itself; nothing is granted without it.")
		return
	}
	defer st.Close()
	world, err := st.World(ctx)
	switch {
	case err != nil:
		d.problem("store", capital(sentence(err)), "Look at the database itself; nothing is granted without it.")
		return
	case world != "" && world != d.World:
		d.problem("store", fmt.Sprintf("The database belongs to the %s world, the configuration to the %s one.", world, d.World), "Name another database; the two never mix.")
	default:
		d.ok("store", "%s answers, the schema fits.", engine(dsn))
	}
	d.skew(ctx, st, dsn)
	d.audit(ctx, st, dsn)
	d.queue(ctx, st)
}

func engine(dsn string) string {
	if app.DoorFile(dsn) == "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// skew compares the database's clock with ours; SQLite has none of its own.
func (d *examination) skew(ctx context.Context, st *store.Store, dsn string) {
	if engine(dsn) == "SQLite" {
		return
	}
	at, err := st.Clock(ctx)
	if err != nil {
		d.problem("clock", capital(sentence(err)), "Look at the database itself.")
		return
	}
	switch off := d.clock.Now().Sub(at).Round(time.Millisecond); {
	case off.Abs() > 5*time.Second:
		d.problem("clock", fmt.Sprintf("The clocks of this machine and of the database differ by %s; over 5s nothing is granted.", off.Abs()), "Set both clocks (NTP).")
	default:
		d.ok("clock", "The database's clock is %s off ours.", off.Abs())
	}
}

func (d *examination) audit(ctx context.Context, st *store.Store, dsn string) {
	d.progress("verifying the audit entries")
	if err := st.VerifyTail(ctx, verified); err != nil {
		d.problem("audit", capital(sentence(err)), "Nothing is granted like this. Stop the server, keep the file as it is, and restore a backup.")
		return
	}
	d.ok("audit", "The newest entries, up to %d, are as they were written.", verified)
	d.tree(ctx, st, dsn)
}

// tree looks whether the log can be proved to others.
func (d *examination) tree(ctx context.Context, st *store.Store, dsn string) {
	if d.cfg.Settings.Audit.SigningKey.IsZero() && app.AuditKeyFile(dsn) == "" {
		d.warning("proof", "No key signs the audit log, so nobody outside can tell whether it was changed.",
			"breakglass audit key NAME FILE, and name it in the configuration: audit { signing_key = secret.… }")
		return
	}
	n, since, err := st.Waiting(ctx)
	last, none := st.LastCheckpoint(ctx)
	switch {
	case err != nil:
		d.problem("proof", capital(sentence(err)), "Look at the database itself.")
	case n > 0 && d.clock.Now().Sub(since) > audit.MaxLag:
		d.warning("proof", count(n, "audit entry is", "audit entries are")+" not under the tree yet, the first since "+stamp(since)+".",
			"If no server runs: it takes them in when it starts. If one does, its log says why it could not.")
	case none == nil:
		d.ok("proof", "The first %d entries are under a checkpoint; breakglass audit verify checks them all.", last.Size)
	}
}

// queue looks at what should have happened by now.
func (d *examination) queue(ctx context.Context, st *store.Store) {
	stats, err := st.Stats(ctx)
	if err != nil {
		d.problem("work", capital(sentence(err)), "Look at the database itself.")
		return
	}
	late, err := d.late(ctx, st)
	switch {
	case err != nil:
		d.problem("ends", capital(sentence(err)), "Look at the database itself.")
	case late > 0:
		d.problem("ends", count(late, "access", "accesses")+" should have ended by now.",
			"breakglass request list --state approved,granting,active,ending",
			"If no server runs: breakglass serve ends them at once. If one does, its log says why it could not; end them at the target by hand.")
	case stats.Live == 0:
		d.ok("ends", "Nobody has access.")
	default:
		d.ok("ends", "%s open; none is late to end.", count(stats.Live, "access is", "accesses are"))
	}
	if stats.Unhandled > 0 {
		d.warning("inbox", count(stats.Unhandled, "message waits", "messages wait")+" to be handled.", "If that stays so: is breakglass serve running? It takes them up at once.")
	} else {
		d.ok("inbox", "Nothing waits.")
	}
	var failing []string
	for _, j := range stats.Jobs {
		if j.Failing > 0 {
			failing = append(failing, fmt.Sprintf("%d of kind %s", j.Failing, j.Kind))
		}
	}
	sort.Strings(failing)
	if len(failing) > 0 {
		d.warning("jobs", "Failed and will be tried again: "+and(failing)+".", "The server's log says why.")
	}
}

// lateAfter is how late an end may be before it is called so.
const lateAfter = time.Minute

// late counts access that should have ended, whether or not a server runs that saw it.
func (d *examination) late(ctx context.Context, st *store.Store) (int, error) {
	n := 0
	which := flows.RequestFilter{Limit: 500}
	for _, s := range flows.States() {
		if s.Live() {
			which.States = append(which.States, s)
		}
	}
	for {
		page, err := st.Requests(ctx, which)
		if err != nil {
			return 0, err
		}
		for i := range page {
			if r := &page[i]; r.Overdue || r.Due().Add(lateAfter).Before(d.clock.Now()) {
				n++
			}
			which.Before = page[i].ID
		}
		if len(page) < which.Limit {
			return n, nil
		}
	}
}

// server asks the server that runs on this machine how it is.
func (d *examination) server(ctx context.Context, dsn string) {
	d.progress("asking the server")
	addrs := []string{reachable(d.cfg.Settings.Server.InternalListen)}
	if file := app.DoorFile(dsn); dsn != "" && file != "" {
		if door, err := app.ReadDoor(file); err == nil && door.Addr != addrs[0] {
			addrs = append([]string{door.Addr}, addrs...)
		}
	}
	var err error
	for _, addr := range addrs {
		var h health
		if h, err = askHealth(ctx, addr); err == nil {
			d.health(addr, h)
			return
		}
	}
	if strange := new(strangerError); errors.As(err, &strange) {
		d.problem("server", "At "+addrs[len(addrs)-1]+" something answers that is not Breakglass.", "Set internal_listen, or stop the other.")
		return
	}
	d.warning("server", "No server answers at "+and(addrs)+".", "breakglass serve")
}

// health is what a server says of itself.
type health struct {
	Status  string            `json:"status"`
	Reasons map[string]string `json:"reasons"`
	World   flows.World       `json:"world"`
	Config  string            `json:"config"`
}

// strangerError says that what answers is not Breakglass.
type strangerError struct{}

// Error implements error.
func (*strangerError) Error() string { return "this is not Breakglass" }

func askHealth(ctx context.Context, addr string) (health, error) {
	var h health
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return h, err
	}
	client := &http.Client{Timeout: 3 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&h); err != nil || h.Status == "" || h.World == "" {
		return h, &strangerError{}
	}
	return h, nil
}

func (d *examination) health(addr string, h health) {
	var why []string
	for _, reason := range h.Reasons {
		why = append(why, clean(reason))
	}
	sort.Strings(why)
	switch {
	case h.World != d.World:
		d.problem("server", fmt.Sprintf("The server at %s is of the %s world, the configuration of the %s one.", addr, h.World, d.World), "Is it the server of this configuration?")
	case len(why) == 1 && why[0] == flows.Frozen:
		d.warning("server", "The server at "+addr+" gives nothing: "+why[0]+".", "An admin lifts it with: breakglass unfreeze, or /access unfreeze")
	case len(why) > 0:
		d.problem("server", "The server at "+addr+" gives nothing: "+strings.Join(why, "; ")+".", "It ends what is due, and begins again by itself once that is repaired.")
	case h.Config != d.cfg.Catalog.Hash:
		d.warning("server", "The server at "+addr+" is well, but runs another configuration than this.", "Start it again to load this one.")
	default:
		d.ok("server", "The server at %s is well and runs this configuration.", addr)
	}
}

// reachable is a listen address as one connects to it.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host != "" && (ip == nil || !ip.IsUnspecified()) {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}
