package httpadapter

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
)

// Verdict is what would become of a call now.
type Verdict struct {
	Rule     string          // that lets it through, or would with a grant
	Target   flows.TargetID  // whose rule it is; empty: the adapter's own, or none
	Request  flows.RequestID // the grant that opens it
	Incident flows.IncidentID
	Ends     time.Time // of the grant
	No       *flows.Refusal
}

// notSent takes out of a sentence what is only true of a call that was made.
var notSent = strings.NewReplacer(", so the call was not sent", "", ", so it was not sent", "")

// Ahead says what would become of a call to an address below Root, and makes none. The
// limits on how often and the body are not looked at.
func (p *Proxy) Ahead(ctx context.Context, method, uri string, by Caller) Verdict {
	c := &call{p: p, by: by, r: (&http.Request{Method: method, RequestURI: uri, URL: &url.URL{}, Header: http.Header{}}).WithContext(ctx)}
	c.to, c.unclear = readPlace(uri)
	switch c.a = p.o.Catalog().Adapters[c.to.Adapter]; {
	case c.unclear != nil:
		return Verdict{No: c.unclear}
	case c.a == nil:
		return Verdict{No: flows.Refuse(CodeUnknown, "There is no adapter %q.", string(c.to.Adapter))}
	case !slices.Contains(flows.RuleMethods(), method):
		return Verdict{No: flows.Refuse(CodeForm, "There is no method %q.", method)}
	}
	if no := c.judge(); no != nil {
		why := *no.Refusal
		why.Say = notSent.Replace(why.Say)
		return Verdict{Rule: no.rule.String(), Target: no.target, No: &why}
	}
	return Verdict{Rule: c.pass.rule.String(), Target: c.pass.target, Request: c.pass.request, Incident: c.pass.incident, Ends: c.pass.ends}
}

// Try calls an upstream once for an operator, to see whether it is there and takes our
// credential: GET, by an address below Root, judged by no rule and recorded nowhere. It
// returns the upstream's status, or why there is none.
func (p *Proxy) Try(ctx context.Context, uri string) (status int, no *flows.Refusal) {
	c := &call{p: p, r: (&http.Request{Method: http.MethodGet, RequestURI: uri, URL: &url.URL{}, Header: http.Header{}}).WithContext(ctx), fly: &flight{}}
	c.to, c.unclear = readPlace(uri)
	switch c.a = p.o.Catalog().Adapters[c.to.Adapter]; {
	case c.unclear != nil:
		return 0, c.unclear
	case c.a == nil:
		return 0, flows.Refuse(CodeUnknown, "There is no adapter %q.", string(c.to.Adapter))
	}
	resp, _, refused := c.send(ctx)
	if refused != nil {
		return c.fate.status, refused.Refusal
	}
	_ = resp.Body.Close() // it is not read
	return resp.StatusCode, nil
}
