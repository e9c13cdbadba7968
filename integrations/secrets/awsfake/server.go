package awsfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options says what account is simulated.
type Options struct {
	// Now is the account's clock. Required.
	Now func() time.Time
	// Region and Account are in the ARNs. Default: eu-central-1, 123456789012.
	Region, Account string
	// AccessKey is the only access key id that is known; empty takes any.
	AccessKey string
}

// Server is a Secrets Manager. All methods are safe for concurrent use.
type Server struct {
	opt Options

	mu      sync.Mutex
	secrets map[string]*secret
	made    int
	faults  []*Fault
	calls   []Call
	changed chan struct{}
	held    []chan struct{}
	server  *http.Server
	served  chan error
	url     string
}

// Call is one request as it came in. Values are not kept.
type Call struct {
	Operation string
	SecretID  string
	Stage     string // the staging label asked for; empty: AWSCURRENT
	Error     string // the error type of the answer; empty: it succeeded
}

// Fault is something that goes wrong with the next calls.
type Fault struct {
	// Times is how many calls it hits; 0 means until ClearFaults.
	Times int

	Throttle     bool   // ThrottlingException
	Down         bool   // InternalServiceError, HTTP status 500
	AccessDenied bool   // AccessDeniedException
	Decryption   bool   // DecryptionFailure
	Hold         bool   // the answer, as it is now, waits for Release
	Drop         bool   // the connection is closed
	Body         string // this is the answer, with status 200

	hits int
}

// New makes an account without secrets.
func New(opt Options) (*Server, error) {
	if opt.Now == nil {
		return nil, errors.New("awsfake: Options.Now is nil")
	}
	if opt.Region == "" {
		opt.Region = "eu-central-1"
	}
	if opt.Account == "" {
		opt.Account = "123456789012"
	}
	return &Server{opt: opt, secrets: map[string]*secret{}, changed: make(chan struct{})}, nil
}

// failure is an error of the API.
type failure struct {
	status  int
	kind    string
	message string
}

func fail(kind, format string, args ...any) *failure {
	return &failure{status: http.StatusBadRequest, kind: kind, message: fmt.Sprintf(format, args...)}
}

// input is what the operations take.
type input struct {
	SecretID           string  `json:"SecretId"`
	VersionID          string  `json:"VersionId"`
	VersionStage       string  `json:"VersionStage"`
	SecretString       *string `json:"SecretString"`
	SecretBinary       []byte  `json:"SecretBinary"`
	ClientRequestToken string  `json:"ClientRequestToken"`
}

// ServeHTTP takes one call of the JSON 1.1 protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, known := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	var in input
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	f := s.take()
	if f.Drop {
		s.record(Call{Operation: op, SecretID: in.SecretID, Stage: in.VersionStage, Error: "dropped"})
		panic(http.ErrAbortHandler) // net/http's way to close the connection without an answer
	}
	var out any
	bad := f.instead()
	switch {
	case bad != nil:
	case r.Method != http.MethodPost || r.URL.Path != "/" || !known:
		bad = fail("UnknownOperationException", "no such operation")
	case r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || err != nil:
		bad = fail("SerializationException", "the body is not JSON 1.1")
	default:
		if bad = s.authenticate(r.Header.Get("Authorization")); bad == nil {
			out, bad = s.run(op, in)
		}
	}
	c := Call{Operation: op, SecretID: in.SecretID, Stage: in.VersionStage}
	if bad != nil {
		c.Error = bad.kind
	}
	s.record(c)
	if f.Hold {
		s.hold(r.Context().Done())
	}
	s.answer(w, f, out, bad)
}

// authenticate checks the form of the signature and its scope; the signature itself
// is the SDK's business.
func (s *Server) authenticate(header string) *failure {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 Credential=")
	credential, rest, _ := strings.Cut(rest, ", ")
	scope := strings.Split(credential, "/")
	switch {
	case !ok:
		return fail("MissingAuthenticationTokenException", "Missing Authentication Token")
	case len(scope) != 5 || scope[4] != "aws4_request" || !strings.Contains(rest, "SignedHeaders=") || !strings.Contains(rest, "Signature="):
		return fail("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited elements")
	case scope[2] != s.opt.Region || scope[3] != "secretsmanager":
		return fail("InvalidSignatureException", "Credential should be scoped to a valid region and the service secretsmanager")
	case s.opt.AccessKey != "" && scope[0] != s.opt.AccessKey:
		return fail("UnrecognizedClientException", "The security token included in the request is invalid.")
	}
	return nil
}

// run carries an operation out; the three that reading and rotating need.
func (s *Server) run(op string, in input) (any, *failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch op {
	case "GetSecretValue":
		return s.get(in)
	case "PutSecretValue":
		return s.put(in)
	case "DescribeSecret":
		return s.describe(in)
	}
	return nil, fail("UnknownOperationException", "the simulator has no operation %s", op)
}

func (s *Server) answer(w http.ResponseWriter, f Fault, out any, bad *failure) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.Calls())))
	if f.Body != "" {
		_, _ = io.WriteString(w, f.Body) // whoever asked has gone otherwise
		return
	}
	if bad != nil {
		w.WriteHeader(bad.status)
		out = map[string]string{"__type": bad.kind, "Message": bad.message}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return // maps of strings and numbers only
	}
	_, _ = w.Write(raw)
}

// instead is the error a fault answers with.
func (f Fault) instead() *failure {
	switch {
	case f.Throttle:
		return fail("ThrottlingException", "Rate exceeded")
	case f.Down:
		return &failure{status: http.StatusInternalServerError, kind: "InternalServiceError", message: "An error occurred on the server side."}
	case f.AccessDenied:
		return fail("AccessDeniedException", "User: arn:aws:sts::123456789012:assumed-role/breakglass is not authorized to perform: secretsmanager:GetSecretValue")
	case f.Decryption:
		return fail("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
	}
	return nil
}

// Fail adds a fault; several are tried in the order they were added.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults ends all faults and lets go of what is held.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	s.Release()
}

func (s *Server) take() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	f.hits++
	if f.Times > 0 && f.hits >= f.Times {
		s.faults = s.faults[1:]
	}
	return *f
}

func (s *Server) hold(gone <-chan struct{}) {
	release := make(chan struct{})
	s.mu.Lock()
	s.held = append(s.held, release)
	s.touch()
	s.mu.Unlock()
	select {
	case <-release:
	case <-gone:
	}
}

// Release answers what is held.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		close(h)
	}
	s.held = nil
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.touch()
}

// touch wakes whoever waits. The caller holds the lock.
func (s *Server) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Calls lists what was asked, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Held is how many answers wait.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

// Changed returns a channel that is closed with the next call, or the next one held.
func (s *Server) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Start listens on addr ("127.0.0.1:0" for any free port) until Close.
func (s *Server) Start(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("awsfake: listen on %s: %w", addr, err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	s.mu.Lock()
	s.server, s.served, s.url = srv, done, "http://"+ln.Addr().String()
	s.mu.Unlock()
	go func() {
		err := srv.Serve(ln)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		done <- err
	}()
	return nil
}

// URL is where a started server listens.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.url
}

// Close stops the server.
func (s *Server) Close() error {
	s.Release()
	s.mu.Lock()
	srv, done := s.server, s.served
	s.server = nil
	s.mu.Unlock()
	if srv == nil {
		return nil
	}
	return errors.Join(srv.Close(), <-done)
}
