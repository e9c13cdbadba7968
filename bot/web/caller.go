package web

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"strings"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// maxBody is the most that is read of a request; maxCall, of a call to an adapter.
const (
	maxBody = 64 << 10
	maxCall = 16 << 20
)

// caller finds who is asking: by the token that the request carries, or else by the
// browser's session. A token that is no good is not made up for by a cookie.
func (w *Web) caller(r *http.Request, most int64) (*doors.Caller, error) {
	secret, isToken := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isToken {
		cookie, err := r.Cookie(w.cookieName(sessionCookie))
		if err != nil {
			return nil, doors.ErrUnknown
		}
		secret = cookie.Value
	}
	c, err := w.o.Doors.Find(r.Context(), secret)
	if err != nil {
		return nil, err
	}
	c.From = from(r)
	if isToken == (c.Pass.Kind == flows.PassSession) { // a session is a cookie's, a token is a header's
		return nil, doors.ErrUnknown
	}
	if err := w.elsewhere(r, &c.Pass); err != nil {
		return nil, err
	}
	if c.Pass.Kind != flows.PassLogin {
		return &c, nil
	}
	body, err := readAll(r, cmp.Or(most, maxBody))
	if err != nil {
		return nil, err
	}
	if !w.o.Doors.Proven(&c.Pass, secret, r.Method, r.URL.RequestURI(), r.Header.Get(doors.ProofHeader), body) {
		return nil, flows.Refuse(flows.RefusedNotAllowed, "This login belongs to another machine, or this machine's clock is wrong. Nothing was done.").
			Then("Run breakglass login here.")
	}
	return &c, nil
}

// readAll reads a body and puts it back.
func readAll(r *http.Request, most int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, most))
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return nil, flows.Refuse(flows.RefusedInput, "The body is larger than %d KiB. Nothing was done.", most>>10)
	}
	if err != nil {
		return nil, flows.Refuse(flows.RefusedInput, "The body could not be read. Nothing was done.")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
