package slackfake

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Direction says who called whom.
type Direction string

// The two directions of an exchange.
const (
	FromApp Direction = "from_app" // the app called the Web API or a response_url
	ToApp   Direction = "to_app"   // the workspace called the app
)

// Exchange is one HTTP request and its answer. Tokens are left out; the
// signature is kept, since it is what a receiver has to check.
type Exchange struct {
	Seq            int64         `json:"seq"`
	At             time.Time     `json:"at"`
	Took           time.Duration `json:"took_ns"`
	Direction      Direction     `json:"direction"`
	Kind           string        `json:"kind"` // chat.postMessage…; slash_command, block_actions…
	URL            string        `json:"url"`
	RequestHeader  http.Header   `json:"request_header"`
	RequestBody    string        `json:"request_body"`
	Status         int           `json:"status"` // 0: there was no answer
	ResponseHeader http.Header   `json:"response_header"`
	ResponseBody   string        `json:"response_body"`
	Error          string        `json:"error,omitempty"` // Slack's error code, or why there was no answer
	Fault          string        `json:"fault,omitempty"` // the fault that was injected here
}

// Bounds of what is kept: of one body, and of all bodies together.
const (
	maxLedgerBody  = 256 << 10
	maxLedgerBytes = 64 << 20
)

// ledger keeps the last exchanges.
type ledger struct {
	limit   int
	seq     int64
	bytes   int // of all bodies
	entries []Exchange
}

// add keeps an exchange and forgets the oldest ones that are too many.
func (l *ledger) add(e Exchange) {
	l.entries = append(l.entries, e)
	l.bytes += e.size()
	gone := 0
	for len(l.entries)-gone > l.limit || l.bytes > maxLedgerBytes {
		l.bytes -= l.entries[gone].size()
		gone++
	}
	if gone > 0 {
		clear(l.entries[:gone])
		l.entries = l.entries[gone:]
	}
}

func (e Exchange) size() int { return len(e.RequestBody) + len(e.ResponseBody) }

// record numbers an exchange and keeps it. Called with the lock held.
func (ws *Workspace) record(e Exchange) Exchange {
	ws.ledger.seq++
	e.Seq = ws.ledger.seq
	e.RequestHeader = redactHeader(e.RequestHeader)
	e.RequestBody = cut(redactBody(e.RequestBody))
	e.ResponseBody = cut(e.ResponseBody)
	ws.ledger.add(e)
	ws.opt.Log.Debug("exchange", "seq", e.Seq, "direction", e.Direction, "kind", e.Kind, "status", e.Status, "error", e.Error)
	ws.touch()
	return e
}

// Ledger lists the exchanges that are still kept, oldest first.
func (ws *Workspace) Ledger() []Exchange { return ws.LedgerSince(0) }

// LedgerSince lists the exchanges with a number above seq.
func (ws *Workspace) LedgerSince(seq int64) []Exchange {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	i, _ := slices.BinarySearchFunc(ws.ledger.entries, seq+1, func(e Exchange, n int64) int { return int(e.Seq - n) })
	return slices.Clone(ws.ledger.entries[i:])
}

// Calls lists the exchanges of one kind, such as "chat.update" or "block_actions".
func (ws *Workspace) Calls(kind string) []Exchange {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	out := []Exchange{}
	for _, e := range ws.ledger.entries {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// Form reads the request body as a form.
func (e Exchange) Form() url.Values {
	form, err := url.ParseQuery(e.RequestBody)
	if err != nil {
		return url.Values{}
	}
	return form
}

func redactHeader(h http.Header) http.Header {
	out := http.Header{}
	for k, v := range h {
		if k == "Authorization" || k == "Cookie" {
			v = []string{"redacted"}
		}
		out[k] = slices.Clone(v)
	}
	return out
}

// secretToken is a token as form bodies carry it.
var secretToken = regexp.MustCompile(`xox[a-z]-[\w-]+|xapp-[\w-]+`)

func redactBody(body string) string {
	if !strings.Contains(body, "token") {
		return body
	}
	return secretToken.ReplaceAllString(body, "redacted")
}

func cut(body string) string {
	if len(body) > maxLedgerBody {
		return body[:maxLedgerBody] + "…"
	}
	return body
}
