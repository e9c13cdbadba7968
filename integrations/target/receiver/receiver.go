package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Options says who may send, and by which clock.
type Options struct {
	// Secrets are the "whsec_…" values that are taken: one, or two while they rotate.
	Secrets []string
	// Now is the receiver's clock. Required.
	Now func() time.Time
	// Tolerance is how far a message's timestamp may be off. Default: 5 minutes.
	Tolerance time.Duration
}

// Receiver is a target behind a webhook. All methods are safe for concurrent use.
type Receiver struct {
	now       func() time.Time
	tolerance time.Duration

	mu      sync.Mutex
	hooks   []*standardwebhooks.Webhook
	ledger  ledger
	faults  []*Fault
	held    []*held
	answers map[string]reply // the last of each type, for Fault.Repeat
	changed chan struct{}
	server  *http.Server
	served  chan error
	url     string
}

// Message is one message as it came in.
type Message struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Fence   int64  `json:"fence"`
	Request string `json:"request"`
	Person  struct {
		Slack     string `json:"slack"`
		SlackTeam string `json:"slack_team"`
		PagerDuty string `json:"pagerduty"`
		Email     string `json:"email"`
	} `json:"person"`
	Target   string `json:"target"`
	Scope    string `json:"scope"`
	Until    string `json:"until"`
	Incident *struct {
		ID     string `json:"id"`
		Number int    `json:"number"`
		URL    string `json:"url"`
	} `json:"incident"`
}

// reply is an answer with its HTTP status.
type reply struct {
	code   int
	header http.Header
	ID     string `json:"id"`
	Status string `json:"status,omitempty"`
	Rcpt   string `json:"receipt,omitempty"`
	Has    *bool  `json:"has,omitempty"`
	Until  string `json:"until,omitempty"`
	Reason string `json:"reason,omitempty"`
	Fence  int64  `json:"fence,omitempty"`
}

// New makes a receiver with an empty ledger.
func New(opt Options) (*Receiver, error) {
	if opt.Now == nil {
		return nil, errors.New("receiver: Options.Now is nil")
	}
	if opt.Tolerance <= 0 {
		opt.Tolerance = 5 * time.Minute
	}
	r := &Receiver{
		now: opt.Now, tolerance: opt.Tolerance, ledger: newLedger(),
		answers: map[string]reply{}, changed: make(chan struct{}),
	}
	return r, r.SetSecrets(opt.Secrets...)
}

// SetSecrets changes which secrets are taken.
func (r *Receiver) SetSecrets(secrets ...string) error {
	if len(secrets) == 0 {
		return errors.New("receiver: no secret, so anybody could send")
	}
	var hooks []*standardwebhooks.Webhook
	for _, s := range secrets {
		h, err := standardwebhooks.NewWebhook(s)
		if err != nil || len(strings.TrimPrefix(s, "whsec_")) < 32 {
			return errors.New("receiver: a secret is not whsec_ and base64 of at least 24 bytes")
		}
		hooks = append(hooks, h)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks = hooks
	return nil
}

// maxBody bounds a message.
const maxBody = 64 << 10

// ServeHTTP takes one message: verify, read, do, answer.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		http.Error(w, "POST only", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "the body cannot be read", http.StatusBadRequest)
		return
	}
	if !r.genuine(body, req.Header) {
		http.Error(w, "not signed as agreed", http.StatusUnauthorized)
		return
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil || m.ID != req.Header.Get(standardwebhooks.HeaderWebhookID) {
		http.Error(w, "not a message of this protocol", http.StatusBadRequest)
		return
	}
	f := r.take(m.Type)
	if f.HoldOrder && !r.hold(m, "order", req.Context().Done()) {
		return
	}
	out := f.instead(m)
	if out == nil {
		done := r.do(m, f.Repeat)
		out = &done
	}
	if f.HoldAnswer && !r.hold(m, "answer", req.Context().Done()) {
		return
	}
	if f.Drop || f.Lose {
		panic(http.ErrAbortHandler) // net/http's way to close the connection without an answer
	}
	write(w, *out)
}

// genuine checks the signature, and the timestamp by the receiver's own clock.
func (r *Receiver) genuine(body []byte, h http.Header) bool {
	sent, err := strconv.ParseInt(h.Get(standardwebhooks.HeaderWebhookTimestamp), 10, 64)
	if err != nil {
		return false
	}
	off := r.now().Sub(time.Unix(sent, 0))
	if off > r.tolerance || off < -r.tolerance {
		return false
	}
	r.mu.Lock()
	hooks := r.hooks
	r.mu.Unlock()
	for _, hook := range hooks {
		if hook.VerifyIgnoringTimestamp(body, h) == nil {
			return true
		}
	}
	return false
}

func write(w http.ResponseWriter, out reply) {
	maps.Copy(w.Header(), out.header)
	w.Header().Set("Content-Type", "application/json")
	body, err := json.Marshal(out)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(out.code)
	// The sender may have gone; it asks again with the same id.
	_, _ = w.Write(body)
}

// Start listens on addr ("127.0.0.1:0" for any free port) until Close.
func (r *Receiver) Start(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("receiver: listen on %s: %w", addr, err)
	}
	srv := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	r.mu.Lock()
	r.server, r.served, r.url = srv, done, "http://"+ln.Addr().String()
	r.mu.Unlock()
	go func() {
		err := srv.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		done <- err
	}()
	return nil
}

// URL is where a started receiver listens.
func (r *Receiver) URL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.url
}

// Close stops the server and lets go of what is held.
func (r *Receiver) Close() error {
	r.Release()
	r.mu.Lock()
	srv, done := r.server, r.served
	r.server = nil
	r.mu.Unlock()
	if srv == nil {
		return nil
	}
	return errors.Join(srv.Close(), <-done)
}
