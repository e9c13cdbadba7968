package target

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/integrations/reach"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// ErrStale is inside the error of an order whose fence is lower than one the receiver
// has seen: a newer order overtook it, and it was not done.
var ErrStale = errors.New("a newer order for the same person and target was there first")

// Limits of what a receiver can make us do.
const (
	maxAnswer = 64 << 10
	maxReason = 200
	maxAfter  = 60 // seconds: nobody may put a revocation off for longer than this
)

// ask sends one signed message, with each version of the secret until one is taken.
func (w *webhook) ask(ctx context.Context, kind, id string, o flows.Order) (answer, error) {
	to, client, err := w.door(o)
	if err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(newMessage(kind, id, o))
	if err != nil {
		return answer{}, &flows.Permanent{Err: fmt.Errorf("write the order for target %s: %w", o.Target.ID, err)}
	}
	var a answer
	var last error
	err = o.Target.Secrets["secret"].Try(ctx, func(secret string) (bool, error) {
		var rejected bool
		a, rejected, last = w.post(ctx, client, to, secret, id, body, o)
		return rejected, last
	})
	switch {
	case err == nil:
		return a, nil
	case last != nil && errors.Is(err, last):
		return answer{}, err
	case errors.Is(err, flows.ErrSecretRejected):
		return answer{}, &flows.Temporary{After: maxAfter, Err: fmt.Errorf(
			"the receiver of target %s refuses the signature (401): %w; nothing was done, give both sides the same secret", o.Target.ID, err)}
	}
	return answer{}, &flows.Temporary{Err: fmt.Errorf("target %s was not called: %w", o.Target.ID, err)}
}

// door reads the target's address and finds the client that may call it.
func (w *webhook) door(o flows.Order) (string, *http.Client, error) {
	raw, _ := o.Target.Settings["url"].(string)
	private, _ := o.Target.Settings["allow_private"].(bool)
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", nil, &flows.Permanent{Err: fmt.Errorf("target %s was not called: its url is not an address of a receiver", o.Target.ID)}
	}
	client := w.doors.find(u.Scheme, private)
	if client == nil {
		return "", nil, &flows.Permanent{Err: fmt.Errorf(
			"target %s was not called: its url is not https; http is for private addresses, with allow_private", o.Target.ID)}
	}
	return u.String(), client, nil
}

// post makes one call. rejected says that the receiver does not take the signature.
func (w *webhook) post(ctx context.Context, client *http.Client, to, secret, id string, body []byte, o flows.Order) (a answer, rejected bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return answer{}, false, &flows.Permanent{Err: fmt.Errorf("target %s was not called: its url is not an address", o.Target.ID)}
	}
	req.GetBody = nil // net/http must not send an order again by itself
	if err := w.sign(req, secret, id, body); err != nil {
		return answer{}, false, &flows.Permanent{Err: fmt.Errorf("target %s was not called: %w", o.Target.ID, err)}
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, false, w.unreached(o, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return answer{}, false, w.unreached(o, err)
	}
	if resp.StatusCode == http.StatusUnauthorized {
		return answer{}, true, nil
	}
	a, err = w.judge(resp, raw, id, o)
	return a, false, err
}

// sign sets the headers of the Standard Webhooks specification.
func (w *webhook) sign(req *http.Request, secret, id string, body []byte) error {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	switch {
	case !ok || err != nil:
		return errors.New("its secret is not of the form whsec_ and base64; make one by: openssl rand -base64 32")
	case len(key) < 24 || len(key) > 64:
		return fmt.Errorf("its secret has %d bytes where 24 to 64 are asked for", len(key))
	}
	hook, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return errors.New("its secret cannot be used for signing")
	}
	now := w.clock.Now()
	signature, err := hook.Sign(id, now, body)
	if err != nil {
		return errors.New("the order cannot be signed")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "breakglass")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// unreached is a call without an answer. The address is cut out of the error: there
// may be a token in it.
func (w *webhook) unreached(o flows.Order, err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, reach.ErrAddress) {
		return &flows.Permanent{Err: fmt.Errorf("target %s was not called: %w", o.Target.ID, err)}
	}
	return &flows.Temporary{Err: fmt.Errorf("call the receiver of target %s: %w; whether it was done is not known", o.Target.ID, err)}
}

// judge reads an answer. Only 200 and 201 with a whole answer to this very message
// count; statuses that say "later" are temporary, those that say "no" permanent.
func (w *webhook) judge(resp *http.Response, raw []byte, id string, o flows.Order) (answer, error) {
	var a answer
	whole := len(raw) <= maxAnswer && json.Unmarshal(raw, &a) == nil
	after := w.after(resp.Header.Get("Retry-After"))
	say := func(format string, args ...any) error {
		return fmt.Errorf("the receiver of target %s %s", o.Target.ID, fmt.Sprintf(format, args...))
	}
	switch code := resp.StatusCode; {
	case code == http.StatusAccepted, (code == 200 || code == 201) && whole && a.ID == id && a.Status == statusPending:
		return a, &flows.Temporary{After: after, Err: say("has not finished yet")}
	case (code == 200 || code == 201) && whole && a.ID == id && a.Status == statusRefused:
		return a, &flows.Permanent{Err: say("refuses: %s; nothing was done", reason(a.Reason))}
	case code == 200, code == 201:
		switch {
		case !whole:
			return a, unbelievable(o, "it is not one JSON object of at most %d bytes", maxAnswer)
		case a.ID != id:
			return a, unbelievable(o, "it answers another message")
		}
		return a, nil
	case code == http.StatusConflict:
		return a, &flows.Temporary{After: after, Err: fmt.Errorf("%w (its fence is %d, ours %d): %w", say("did nothing"), a.Fence, o.Fence, ErrStale)}
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return a, &flows.Temporary{After: after, Err: say("answered with HTTP status %d; whether it was done is not known", code)}
	case code >= 300 && code < 400:
		return a, &flows.Permanent{Err: say("redirects (HTTP status %d), which is not followed; configure the address itself", code)}
	case code >= 200 && code < 300:
		return a, unbelievable(o, "HTTP status %d without a word", code)
	default:
		if whole && a.Reason != "" {
			return a, &flows.Permanent{Err: say("refuses with HTTP status %d: %s", code, reason(a.Reason))}
		}
		return a, &flows.Permanent{Err: say("refuses with HTTP status %d; nothing was done", code)}
	}
}

// after reads Retry-After, in seconds or as a date, up to maxAfter.
func (w *webhook) after(v string) int {
	v = strings.TrimSpace(v)
	n, err := strconv.Atoi(v)
	if err != nil {
		at, err := http.ParseTime(v)
		if err != nil {
			return 0
		}
		n = int(at.Sub(w.clock.Now()) / time.Second)
	}
	return min(max(n, 0), maxAfter)
}

// reason is what a receiver says, made fit for a log: one line, plain, short.
func reason(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return ' '
		}
		return r
	}, s)
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "no reason given"
	}
	if len(s) > maxReason {
		s = s[:maxReason] + "…"
	}
	return strconv.Quote(s)
}
