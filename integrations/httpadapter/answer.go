package httpadapter

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// piece is how much of an answer is passed on at a time.
const piece = 16 << 10

var pieces = sync.Pool{New: func() any { return new([piece]byte) }}

var errLarge = errors.New("the answer is larger than the adapter passes on")

// passOn gives the caller the upstream's answer: the headers that may pass, the body as
// it comes, our credential covered wherever it stands. Cut: the body broke off.
func (c *call) passOn(resp *http.Response, m *mask) (no *refusal, cut bool) {
	defer resp.Body.Close()
	c.fate.status = resp.StatusCode
	c.heed(resp)
	if no := c.unfit(resp); no != nil {
		return no, false
	}
	h := c.w.Header()
	c.fate.masked = c.back(h, resp.Header, m)
	if to := resp.Header.Get("Location"); to != "" {
		if here, ours := c.location(to, c.fly.base); ours {
			text, n := m.text(here)
			h.Set("Location", text)
			c.fate.masked += n
		} else if resp.StatusCode/100 == 3 {
			clear(h)
			return refuse(CodeAnswer, "The upstream of adapter %s leads elsewhere, and redirects are not followed.", c.a.ID), false
		}
	}
	guard(h)
	h.Set(AnswerHeader, "upstream")
	if resp.ContentLength >= 0 {
		h.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	c.fate.begun = true
	c.w.WriteHeader(resp.StatusCode)
	if err := c.copy(resp, m); err != nil {
		if c.fate.why == "" {
			c.fate.why = c.why(err)
		}
		return nil, true
	}
	return nil, false
}

// why is how a body broke off, for the record.
func (c *call) why(err error) string {
	if cause := c.fly.cause(); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause.Error()
	}
	if errors.Is(err, errLarge) {
		return err.Error()
	}
	return "the upstream or the caller broke off"
}

// unfit refuses answers that cannot be passed on.
func (c *call) unfit(resp *http.Response) *refusal {
	say := func(why string) *refusal {
		return refuse(CodeAnswer, "The upstream of adapter %s %s, so its answer is not passed on.", c.a.ID, why).then("The call itself was made.")
	}
	switch enc := resp.Header.Get("Content-Encoding"); {
	case resp.StatusCode < 200:
		return say("wants another protocol")
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return say("is behind a proxy that asks who we are")
	case enc != "" && !strings.EqualFold(enc, "identity"):
		return say("has encoded its answer, so that it cannot be looked through")
	case resp.ContentLength > c.a.Limits.Response:
		return say("answers with more than this adapter passes on")
	}
	return nil
}

// copy passes the body on as it comes. A body of unknown length is a stream: each piece
// is sent at once.
func (c *call) copy(resp *http.Response, m *mask) error {
	buf, _ := pieces.Get().(*[piece]byte)
	defer pieces.Put(buf)
	s := stream{m: m}
	defer func() { c.fate.masked += s.n }()
	flows := resp.ContentLength < 0
	if flows {
		if err := c.rc.Flush(); err != nil {
			return err
		}
	}
	for {
		n, err := resp.Body.Read(buf[:])
		c.fly.moved(c.p.o.Clock.Now())
		c.fate.received += int64(n)
		if c.fate.received > c.a.Limits.Response {
			return errLarge
		}
		end := err != nil
		if out := s.pass(buf[:n], end); len(out) > 0 && (err == nil || errors.Is(err, io.EOF)) {
			if _, err := c.w.Write(out); err != nil {
				return err
			}
			if flows && !end {
				if err := c.rc.Flush(); err != nil {
					return err
				}
			}
			c.fly.moved(c.p.o.Clock.Now())
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// longAgo is a deadline that has passed.
func longAgo() time.Time { return time.Unix(1, 0) }
