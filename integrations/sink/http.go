package sink

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// maxAfter bounds how long a receiver may put us off, in seconds.
const maxAfter = 300

// endpoint posts batches, signed as the Standard Webhooks specification says.
type endpoint struct {
	spec   Spec
	clock  flows.Clock
	client *http.Client
}

func newEndpoint(s Spec, o Options) *endpoint {
	return &endpoint{spec: s, clock: o.Clock, client: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs},
			TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		},
	}}
}

// Send implements Sink. Any 2xx means that the batch was taken. Nothing else does: an
// entry is never left out because a receiver refuses it.
func (s *endpoint) Send(ctx context.Context, batch []flows.Leaf) error {
	id, body := s.message(batch)
	var last error
	err := s.spec.Secret.Try(ctx, func(secret string) (rejected bool, err error) {
		rejected, last = s.post(ctx, secret, id, body)
		return rejected, last
	})
	switch {
	case err == nil, last != nil && errors.Is(err, last):
		return err
	case errors.Is(err, flows.ErrSecretRejected):
		return fmt.Errorf("the receiver refuses the signature (401): %w; give both sides the same secret", err)
	}
	return fmt.Errorf("the receiver was not called: %w", err)
}

// message is the body of a batch and its id: the same batch has the same ones,
// whenever it is sent.
func (s *endpoint) message(batch []flows.Leaf) (id string, body []byte) {
	first, last := batch[0], batch[len(batch)-1]
	id = fmt.Sprintf("audit_%d_%d_%.16s", first.Index, last.Index, last.Entry.Hash)
	body = fmt.Appendf(nil, `{"type":"audit.entries","timestamp":%q,"first":%d,"last":%d,"data":[`,
		last.Entry.At.UTC().Format(time.RFC3339Nano), first.Index, last.Index)
	for i := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendLine(append(body, '\n'), &batch[i], s.spec.Openings)
	}
	return id, append(body, "\n]}\n"...)
}

// post makes one call. rejected says that the receiver does not take the signature.
func (s *endpoint) post(ctx context.Context, secret, id string, body []byte) (rejected bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.spec.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the url is not an address")
	}
	if err := s.sign(req, secret, id, body); err != nil {
		return false, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the address: there may be a token in it
		}
		return false, fmt.Errorf("call the receiver: %w", err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return false, nil
	case code == http.StatusUnauthorized:
		return true, nil
	case code == http.StatusRequestEntityTooLarge:
		return false, fmt.Errorf("%w (HTTP status 413)", ErrTooLarge)
	case code >= 300 && code < 400:
		return false, fmt.Errorf("the receiver redirects (HTTP status %d), which is not followed; configure the address itself", code)
	default:
		return false, &flows.Temporary{After: s.after(resp.Header.Get("Retry-After")), Err: fmt.Errorf("the receiver answers with HTTP status %d", code)}
	}
}

// sign sets the headers of the Standard Webhooks specification.
func (s *endpoint) sign(req *http.Request, secret, id string, body []byte) error {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return fmt.Errorf("secret %q is not of the form whsec_ and 24 to 64 bytes in base64; make one by: openssl rand -base64 32", s.spec.Secret.Name())
	}
	hook, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return fmt.Errorf("secret %q cannot be used for signing", s.spec.Secret.Name())
	}
	now := s.clock.Now()
	signature, err := hook.Sign(id, now, body)
	if err != nil {
		return errors.New("the batch cannot be signed")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "breakglass")
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}

// after reads Retry-After in seconds.
func (s *endpoint) after(v string) int {
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil {
		return 0
	}
	return min(max(n, 0), maxAfter)
}

// Close implements Sink.
func (s *endpoint) Close() error { s.client.CloseIdleConnections(); return nil }
