package httpadapter_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
	"breakglass/store"
)

// The credential that only the server knows, who calls, and with what.
const (
	secret = "s3cr3t/KEY+with=signs&\"quotes\""
	token  = "bgt_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
	team   = "T0ACME"
)

var (
	start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	dana  = flows.Person(team, "U0DANA")
	sam   = flows.Person(team, "U0SAM")
	kim   = flows.Person(team, "U0KIM")
)

// value is a secret's source.
type value struct {
	mu       sync.Mutex
	now      string
	previous string
	fresh    string
}

func (v *value) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case which == flows.SecretFresh && v.fresh != "":
		v.now = v.fresh
	case which == flows.SecretPrevious && v.previous == "":
		return "", flows.ErrNoSuchVersion
	case which == flows.SecretPrevious:
		return v.previous, nil
	}
	return v.now, nil
}

// filled is a header's text around one secret.
type filled struct {
	before string
	secret flows.Secret
}

func (f filled) String() string    { return f.before + "${secret." + f.secret.Name() + "}" }
func (f filled) Secrets() []string { return []string{f.secret.Name()} }
func (f filled) Fill(ctx context.Context, use func(string, []string) (bool, error)) error {
	return f.secret.Try(ctx, func(v string) (bool, error) { return use(f.before+v, []string{v}) })
}

// plain is a header's text without a secret.
type plain string

func (p plain) String() string    { return string(p) }
func (p plain) Secrets() []string { return nil }
func (p plain) Fill(_ context.Context, use func(string, []string) (bool, error)) error {
	if no, err := use(string(p), nil); !no || err != nil {
		return err
	}
	return flows.ErrSecretRejected
}

// grants is who has access to what, as the store would say.
type grants struct {
	mu     sync.Mutex
	all    map[flows.RequestID]flows.Request
	broken error
}

func (g *grants) Holding(_ context.Context, key flows.HoldingKey) (flows.Holding, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := flows.Holding{Key: key}
	for id, r := range g.all {
		if r.Content.Key() == key {
			h.Holders = append(h.Holders, flows.Holder{Request: id})
		}
	}
	return h, g.broken
}

func (g *grants) Request(_ context.Context, id flows.RequestID) (flows.Request, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, ok := g.all[id]
	if !ok && g.broken == nil {
		return r, flows.ErrNotFound
	}
	return r, g.broken
}

func (g *grants) Requests(_ context.Context, f flows.RequestFilter) (out []flows.Request, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.all {
		if r.Content.Beneficiary == f.Person && r.Content.Target == f.Target {
			out = append(out, r)
		}
	}
	return out, g.broken
}

func (g *grants) set(r flows.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all[r.ID] = r
}

// grant is somebody's active access until a time.
func grant(who flows.PersonID, target flows.TargetID, incident flows.IncidentID, until time.Time) flows.Request {
	return flows.Request{
		ID: flows.RequestID("req_" + strings.ToLower(who.User()[2:]) + string(target)), State: flows.StateActive, EndsAt: until,
		Content: flows.Content{Target: target, Requester: who, Beneficiary: who, Incident: flows.IncidentRef{ID: incident}},
	}
}

type members map[flows.Principal][]flows.PersonID

func (m members) Members(_ context.Context, refs []flows.Principal) ([]flows.PersonID, error) {
	return m[refs[0]], nil
}

type ids struct{}

func (ids) RequestID(time.Time) flows.RequestID { return "req_x" }
func (ids) Random(b []byte)                     { _, _ = rand.Read(b) }

// sent is a call as the upstream got it.
type sent struct {
	method, uri, host string
	header            http.Header
	body              string
}

// world is an upstream, a proxy in front of it, and what both saw.
type world struct {
	t        testing.TB
	upstream *httptest.Server
	front    *httptest.Server
	proxy    *httpadapter.Proxy
	catalog  *flows.Catalog
	grants   *grants
	store    *store.Store
	engine   *flows.Engine
	clock    *flows.HandClock
	value    *value
	answer   http.HandlerFunc // the upstream's; nil: a small JSON document
	endOnly  string
	patience time.Duration // with callers that send slowly

	mu   sync.Mutex
	seen []sent
	said bytes.Buffer
}

func (w *world) Write(p []byte) (int, error) { // the log
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func rules(t testing.TB, all ...string) []flows.Rule {
	t.Helper()
	var out []flows.Rule
	for _, text := range all {
		r, err := flows.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// roomy are limits that no test meets by chance.
func roomy() flows.AdapterLimits {
	return flows.AdapterLimits{
		Request: 1 << 20, Response: 8 << 20, Wait: 30 * time.Second, Idle: time.Minute, Lasts: 15 * time.Minute,
		Rate: 1e6, Concurrent: 1000, TotalRate: 1e6, TotalConcurrent: 1000,
	}
}

// open makes a world. Dana may read, and with a grant work on her incident.
func open(t testing.TB, edit ...func(*world, *flows.Adapter, *httpadapter.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: flows.NewHandClock(start), grants: &grants{all: map[flows.RequestID]flows.Request{}}, value: &value{now: secret}}
	w.upstream = httptest.NewUnstartedServer(http.HandlerFunc(w.receive))
	w.upstream.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.upstream.Start()
	t.Cleanup(w.upstream.Close)
	st, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "a.db"), Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	t.Cleanup(func() { _ = st.Close() })
	w.engine = flows.NewEngine(flows.Options{Ledger: st, Chains: st, Clock: w.clock, IDs: ids{}, Owner: "test"})
	a := &flows.Adapter{
		ID: "pd", Hash: "h", BaseURL: w.upstream.URL + "/base", AllowPrivate: true, Limits: roomy(), Callers: []flows.Principal{"@eng"},
		Headers: []flows.AdapterHeader{{Name: "Authorization", Value: filled{"Token token=", flows.NewSecret("key", w.value)}}},
		Allow:   rules(t, "GET /incidents", "GET /incidents/{id}", "GET /incidents/{id}/notes", "HEAD /incidents"),
	}
	o := httpadapter.Options{
		Catalog: func() *flows.Catalog { return w.catalog }, Grants: w.grants, Recorder: w.engine, Members: members{"@eng": {dana, sam, kim}},
		Clock: w.clock, Random: ids{}.Random, EndOnly: func() string { return w.endOnly }, Log: slog.New(slog.NewTextHandler(w, nil)),
	}
	w.catalog = &flows.Catalog{
		Team: team, Adapters: map[flows.AdapterID]*flows.Adapter{"pd": a},
		AdapterTargets: map[flows.AdapterID][]flows.AdapterTarget{"pd": {{Target: "write", Allow: rules(t, "PUT /incidents/{incident}", "POST /incidents/{incident}/notes", "GET /stream")}}},
		Links:          flows.NewLinks([]flows.Link{{Name: "dana", Person: dana, PagerDuty: "PDANA01", Email: "dana@acme.example"}}),
	}
	for _, e := range edit {
		e(w, a, &o)
	}
	w.proxy = httpadapter.New(o)
	w.front = httptest.NewUnstartedServer(http.HandlerFunc(w.enter))
	w.front.Config.ReadTimeout, w.front.Config.WriteTimeout = cmp.Or(w.patience, 15*time.Second), 30*time.Second
	w.front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	w.front.Start()
	t.Cleanup(w.close)
	return w
}

func (w *world) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.proxy.Stop(ctx); err != nil {
		w.t.Errorf("stop: %v", err)
	}
	w.front.CloseClientConnections()
	w.front.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if strings.Contains(w.said.String(), secret) {
		w.t.Error("the credential is in the log")
	}
	if w.t.Failed() {
		w.t.Logf("log:\n%s", w.said.String())
	}
}

// enter is the door: it knows Dana and Sam by their tokens.
func (w *world) enter(rw http.ResponseWriter, r *http.Request) {
	by := httpadapter.Caller{Actor: flows.Actor{Person: dana, Door: flows.DoorAPI, Standing: flows.StandingMember, Trace: "pass=tok_1"}}
	switch r.Header.Get("X-Test-Caller") {
	case "sam":
		by.Actor.Person = sam
	case "kim":
		by.Actor.Person = kim
	case "stranger":
		by.Actor.Person = flows.Person(team, "U0ELSE")
	case "guest":
		by.Actor.Standing = flows.StandingGuest
	case "browser":
		by.Browser = true
	}
	w.proxy.Serve(rw, r, by)
}

// receive is the upstream: it notes what it got.
func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	w.seen = append(w.seen, sent{r.Method, r.RequestURI, r.Host, r.Header.Clone(), string(body)})
	answer := w.answer
	w.mu.Unlock()
	if answer != nil {
		answer(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(rw, `{"incidents":[]}`)
}

// answers has the upstream answer so from now on.
func (w *world) answers(h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = h
}

// took is what the upstream got since the last time.
func (w *world) took() []sent {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.seen
	w.seen = nil
	return out
}

// reply is what a caller got.
type reply struct {
	status int
	header http.Header
	body   string // with "|" and what broke off, where something did
}

func (r reply) problem() (p httpadapter.Problem) {
	_ = json.Unmarshal([]byte(r.body), &p)
	return p
}

// call makes a call like a decent program, with JSON.
func (w *world) call(method, path, body string, headers ...string) reply {
	w.t.Helper()
	if body != "" {
		headers = append(headers, "Content-Type", "application/json")
	}
	return w.callAs(method, path, body, headers...)
}

func (w *world) callAs(method, path, body string, headers ...string) reply {
	w.t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, w.front.URL+httpadapter.Root+path, in)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return reply{body: "|" + err.Error()}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{resp.StatusCode, resp.Header, string(b) + "|" + err.Error()}
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// raw sends bytes as they are and reads what comes back until the connection is closed.
func (w *world) raw(text string) []byte {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.front.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, text); err != nil {
		return nil
	}
	out, _ := io.ReadAll(conn)
	return out
}

// statuses are those of the answers in what came back.
func statuses(b []byte) (out []int) {
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return out
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		out = append(out, resp.StatusCode)
	}
}

// written are the entries of a chain, by verb and facts, when want of them are there.
func (w *world) written(chain string, want int) []entry {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		all, err := w.store.Entries(context.Background(), chain)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(all) >= want {
			return read(w.t, all)
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%d entries on %s, want %d", len(all), chain, want)
		}
		w.clock.Push(50 * time.Millisecond) // what is not urgent waits a little
		time.Sleep(time.Millisecond)
	}
}

type entry struct {
	verb, code string
	facts      map[string]any
	openings   map[string]string
	bytes      string
}

func read(t testing.TB, all []flows.Sealed) (out []entry) {
	t.Helper()
	for _, s := range all {
		var body struct {
			Code  string
			Facts map[string]any
		}
		if err := json.Unmarshal(s.Bytes, &body); err != nil {
			t.Fatal(err)
		}
		e := entry{verb: s.Verb, code: body.Code, facts: body.Facts, openings: map[string]string{}, bytes: string(s.Bytes)}
		for _, o := range s.Openings {
			e.openings[o.Path] = o.Value
		}
		out = append(out, e)
	}
	return out
}

func sprint(v any) string { return fmt.Sprint(v) }
