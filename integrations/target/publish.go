package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"breakglass/flows"
)

// Publisher posts signed messages that ask for nothing: whoever receives them keeps
// them. The signature, the addresses that may be called and the redirects that are not
// followed are those of a webhook target.
type Publisher struct{ hook *webhook }

// NewPublisher returns a publisher.
func NewPublisher(opt Options) (*Publisher, error) {
	w, err := newWebhook(opt)
	if err != nil {
		return nil, err
	}
	return &Publisher{hook: w}, nil
}

// Publish posts a JSON body under an id that a repeat has as well. Any 2xx is yes.
func (p *Publisher) Publish(ctx context.Context, to string, allowPrivate bool, secret flows.Secret, id string, body []byte) error {
	u, err := url.Parse(to)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("the address to publish to is none")
	}
	client := p.hook.doors.find(u.Scheme, allowPrivate)
	if client == nil {
		return errors.New("the address to publish to is not https; http is for private addresses, with allow_private")
	}
	err = secret.Try(ctx, func(value string) (bool, error) { return p.post(ctx, client, u.String(), value, id, body) })
	if lost, ok := errors.AsType[*url.Error](err); ok {
		err = lost.Err // without the address: there may be a token in it
	}
	if err != nil {
		return fmt.Errorf("publish to %s: %w", u.Host, err)
	}
	return nil
}

func (p *Publisher) post(ctx context.Context, client *http.Client, to, secret, id string, body []byte) (rejected bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the address is none")
	}
	if err := p.hook.sign(req, secret, id, body); err != nil {
		return false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return false, err
	}
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return true, nil
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return false, fmt.Errorf("it was answered %d", resp.StatusCode)
	}
	return false, nil
}
