package bottest_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/store"
	"breakglass/store/storetest"
)

// wire stands between Breakglass and PostgreSQL, and can be cut.
type wire struct {
	ln   net.Listener
	dir  string // of PostgreSQL's own socket
	mu   sync.Mutex
	off  bool
	both []net.Conn
}

// wired is a DSN that goes through a wire.
func wired(t *testing.T) (*wire, string) {
	t.Helper()
	dsn := storetest.Postgres(t)
	must(t, store.Migrate(t.Context(), store.Options{DSN: dsn, Now: time.Now}))
	u, err := url.Parse(dsn)
	must(t, err)
	q := u.Query()
	w := &wire{dir: q.Get("host")}
	if w.dir == "" {
		t.Skip("PostgreSQL is not reached by a socket here")
	}
	own := t.TempDir()
	w.ln, err = new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(own, ".s.PGSQL.5432"))
	must(t, err)
	t.Cleanup(func() { w.cut(); _ = w.ln.Close() })
	go w.serve(context.WithoutCancel(t.Context()))
	q.Set("host", own)
	u.RawQuery = q.Encode()
	return w, u.String()
}

func (w *wire) serve(ctx context.Context) {
	for {
		in, err := w.ln.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(w.dir, ".s.PGSQL.5432"))
		w.mu.Lock()
		if err != nil || w.off {
			_ = in.Close()
			if out != nil {
				_ = out.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.both = append(w.both, in, out)
		w.mu.Unlock()
		go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
		go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = true
	for _, c := range w.both {
		_ = c.Close()
	}
	w.both = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = false
}

// PostgreSQL goes away: nothing is given, clicks are not taken for stored, and what is
// due is ended at the target from memory; it is recorded when PostgreSQL is back.
func TestPostgresGoesAway(t *testing.T) {
	t.Parallel()
	w, dsn := wired(t)
	clock := flows.NewPushableClock(app.SystemClock{})
	s := bottest.Open(t, func(o *company.Options) { o.DSN, o.Clock = dsn, clock })
	givenBy(s, "Production database")
	_, maras, _ := askedManagers(s, "Production console", "restart the importer")
	s.Quiet()
	w.cut()
	if out, err := s.As(company.Mara).ClickStale(maras, "bg:approve"); err == nil {
		t.Errorf("the click was answered %d", out.Exchange.Status)
	}
	s.Slack.ClearViolations()
	s.As(company.Mara).Told("Your click could not be stored, so nothing was done")
	s.Until("the program to notice", func() bool { return health(t, s)["store"] != "" })
	clock.Push(31 * time.Minute)
	s.Until("the access to end", func() bool { return len(s.Database.Holders()) == 0 })
	w.mend()
	s.Until("the end to be recorded", func() bool {
		all, err := s.App.Store().Requests(t.Context(), flows.RequestFilter{Target: "prod_database"})
		return err == nil && len(all) == 1 && all[0].State == flows.StateEnded
	})
	s.Until("the memory to be recorded", func() bool {
		entries, err := s.App.Store().Entries(t.Context(), "system")
		return err == nil && entries[len(entries)-1].Verb == "ended_from_memory"
	})
	for _, where := range []string{company.Sam, company.Mara, company.Noor, "C0SREM"} {
		s.All(where)
	}
	if why := health(t, s)["skew"]; why == "" { // the company's clock is half an hour ahead of PostgreSQL's
		t.Error("the clocks differ, and nobody says so")
	}
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("Nothing can be granted right now: the clocks of the server and of the database differ")
}
