package config

import (
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"breakglass/flows"
)

// What an adapter has unless it says otherwise. The rate of all callers stays below
// what PagerDuty takes for one key in a minute.
const (
	defaultMaxRequest      = 1e6
	defaultMaxResponse     = 100e6
	ceilingMaxRequest      = 16e6
	defaultWait            = 30 * time.Second
	defaultIdle            = time.Minute
	defaultLasts           = 15 * time.Minute
	defaultRate            = 300
	defaultConcurrent      = 20
	defaultTotalRate       = 900
	defaultTotalConcurrent = 100
	ceilingRate            = 10_000_000
	ceilingConcurrent      = 10_000
)

var (
	goodHeader = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9-]*$")
	// holdsCredential are names of headers whose values are credentials.
	holdsCredential = regexp.MustCompile(`(?i)^authorization$|(^|-)(auth|key|password|secret|token)$`)

	goodContent = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*$`)
	goodAWSName = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)
)

// ownHeaders belong to the connection or to the proxy, so that no configuration names
// them.
var ownHeaders = []string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Date", "Expect", "Forwarded", "Host", "Keep-Alive",
	"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Http-Method", "X-Http-Method-Override", "X-Method-Override",
}

// neverPassed are headers that hold credentials or change what is done, so that they
// are let through in neither direction, besides those above.
var neverPassed = []string{"Authorization", "From", "Proxy-Authenticate", "Set-Cookie", "Www-Authenticate"}

// adapter reads an http_adapter block.
func (ld *loader) adapter(d *decl) {
	f := ld.fieldsOf(d)
	a := &flows.Adapter{ID: flows.AdapterID(d.name), AllowPrivate: f.flag("allow_private"), CallerAsFrom: f.flag("caller_as_from"), ChangesOnCall: f.flag("changes_on_call")}
	a.BaseURL = strings.TrimRight(f.needText("base_url", `"https://api.pagerduty.com"`), "/")
	f.upstream("base_url", a)
	f.adapterHeaders(a)
	a.AWS = f.awsSigning(a)
	a.Allow = f.rules("allow", a, false)
	a.Callers = f.callers()
	a.Origins = f.origins()
	a.RequestHeaders, a.ResponseHeaders = f.passed("request_headers", a), f.passed("response_headers", a)
	a.ContentTypes = f.contentTypes()
	a.Limits = f.limits()
	f.finish()
	if len(a.Headers) == 0 && a.AWS == nil && f.sound("headers") && f.sound("aws") {
		ld.warnf(f.at, `Write headers = { Authorization = "… ${secret.NAME}" }.`, "%s sets no header, so it calls without a credential.", f.what)
	}
	f.onCallKey(a)
	ld.adapters[a.ID] = a
}

// upstream judges the address that calls go to.
func (f *fields) upstream(name string, a *flows.Adapter) {
	f.receiver(name, a.BaseURL, a.AllowPrivate)
	if !f.sound(name) {
		return
	}
	u, err := url.Parse(a.BaseURL)
	if err != nil {
		return
	}
	for s := range strings.SplitSeq(strings.TrimPrefix(u.EscapedPath(), "/"), "/") {
		if u.Path != "" && (!flows.GoodSegment(s) || strings.Contains(s, "%")) {
			f.wrong(name, "Write it without //, . and .. and without encoded characters.", "base_url of %s has a segment %q, which is not the same to every server.", f.what, s)
			return
		}
	}
}

// adapterHeaders reads what is set on every call.
func (f *fields) adapterHeaders(a *flows.Adapter) {
	in := f.object("headers")
	if in == nil {
		return
	}
	seen := map[string]bool{}
	for _, key := range sortedKeys(in.has) {
		name := textproto.CanonicalMIMEHeaderKey(key)
		t := in.template(key)
		switch {
		case !goodHeader.MatchString(key):
			in.wrong(key, "Use letters, digits and -.", "%q is not the name of a header.", key)
		case slices.Contains(ownHeaders, name):
			in.wrong(key, "Remove it.", "%s belongs to the connection and is not set by a configuration.", name)
		case seen[name]:
			in.wrong(key, "Remove one of the two.", "%s of %s has %s twice.", "headers", f.what, name)
		case name == "From" && a.CallerAsFrom:
			in.wrong(key, "Keep one of the two.", "%s sets From and has caller_as_from.", f.what)
		case in.sound(key) && strings.ContainsAny(t.plainText(), "\r\n\x00"):
			in.wrong(key, "Write it in one line.", "The value of %s has a line break in it.", name)
		case holdsCredential.MatchString(name) && in.sound(key) && len(t.Secrets()) == 0:
			f.ld.diags.hide(in.where(key)) // it may be the value itself
			in.wrong(key, `Declare a secret block and refer to it: "Token token=${secret.NAME}".`, "%s of %s holds no secret; a credential never stands in the configuration.", name, f.what)
		}
		seen[name] = true
		a.Headers = append(a.Headers, flows.AdapterHeader{Name: name, Value: t})
	}
	sort.Slice(a.Headers, func(i, j int) bool { return a.Headers[i].Name < a.Headers[j].Name })
	f.bad["headers"] = len(in.bad) > 0
}

// awsSigning reads how calls are signed for Amazon.
func (f *fields) awsSigning(a *flows.Adapter) *flows.AWSSigning {
	in := f.object("aws")
	if in == nil {
		return nil
	}
	s := &flows.AWSSigning{Service: in.needText("service", `"ec2"`), Region: in.needText("region", `"eu-central-1"`)}
	for name, text := range map[string]string{"service": s.Service, "region": s.Region} {
		if in.sound(name) && !goodAWSName.MatchString(text) {
			in.wrong(name, "", "%s cannot be %q.", name, text)
		}
	}
	s.AccessKeyID, s.SecretKey, s.SessionToken = in.needHandle("access_key_id"), in.needHandle("secret_access_key"), in.handle("session_token")
	in.finish()
	for _, h := range a.Headers {
		if h.Name == "Authorization" || strings.HasPrefix(h.Name, "X-Amz-") {
			f.wrong("aws", "Keep one of the two.", "%s signs its calls and sets %s.", f.what, h.Name)
		}
	}
	return s
}

// callers reads who may do what the adapter allows without a grant; nil where it is
// not said.
func (f *fields) callers() []flows.Principal {
	all := f.principals("callers")
	if f.given("callers") && f.sound("callers") && len(all) == 0 {
		f.wrong("callers", "Name people, or remove allow.", "callers of %s is empty, so allow opens it to nobody.", f.what)
	}
	if f.given("callers") && !f.given("allow") {
		f.doubt("callers", `Write allow = ["GET /…"], or remove callers.`, "callers of %s has no meaning without allow: what a target allows is for who holds a grant.", f.what)
	}
	return all
}

// origins reads which pages in browsers may call the adapter, each for a person who said
// yes there.
func (f *fields) origins() []string {
	var out []string
	for _, it := range f.texts("origins") {
		u, err := url.Parse(it.text)
		inside := err == nil && u.Scheme == "http" && isLoopback(hostOf(u))
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != it.text || u.Host != strings.ToLower(u.Host) || strings.Contains(u.Host, "*") || u.Scheme != "https" && !inside {
			f.bad["origins"] = true
			f.ld.errorf(it.at, `Write each origin out, as in "https://canvas.acme.example": scheme and host, without a path.`, "%q is not the origin of a page.", it.text)
			continue
		}
		out = append(out, it.text)
	}
	return out
}

// openToRequesters makes those callers of an adapter that names none who may ask for
// one of its targets.
func (ld *loader) openToRequesters() {
	for _, d := range ld.order {
		a := ld.adapters[flows.AdapterID(d.name)]
		if d.kind != "http_adapter" || a == nil || len(a.Callers) > 0 || len(a.Allow) == 0 {
			continue
		}
		a.Callers = ld.requestersOf(a.ID)
		if len(a.Callers) == 0 && !ld.diags.HasErrors() {
			ld.warnf(d.block.DefRange(), `Write callers = ["@engineering"], or give a flow a target of this adapter: then its requesters may call.`,
				"allow of %s is open to nobody.", describe(d))
		}
	}
}

// requestersOf are those who may ask for a target of an adapter.
func (ld *loader) requestersOf(id flows.AdapterID) []flows.Principal {
	var out []flows.Principal
	for _, fl := range ld.flows {
		offers := slices.ContainsFunc(ld.adapterTargets[id], func(t flows.AdapterTarget) bool { return slices.Contains(fl.Targets, t.Target) })
		for _, p := range fl.Requesters {
			if offers && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// passed reads names of headers that are let through besides the usual ones.
func (f *fields) passed(name string, a *flows.Adapter) []string {
	var out []string
	for _, it := range f.texts(name) {
		h := textproto.CanonicalMIMEHeaderKey(it.text)
		set := slices.ContainsFunc(a.Headers, func(x flows.AdapterHeader) bool { return x.Name == h })
		switch {
		case !goodHeader.MatchString(it.text):
			f.ld.errorf(it.at, "Use letters, digits and -.", "%q is not the name of a header.", it.text)
		case slices.Contains(ownHeaders, h), slices.Contains(neverPassed, h), strings.HasPrefix(h, "Access-Control-"), strings.HasPrefix(h, "Proxy-"), strings.HasPrefix(h, "Sec-"):
			f.ld.errorf(it.at, "Remove it.", "%s is let through in neither direction.", h)
		case set && name == "request_headers":
			f.ld.errorf(it.at, "Remove one of the two.", "%s sets %s itself.", f.what, h)
		default:
			out = append(out, h)
			continue
		}
		f.bad[name] = true
	}
	return out
}

// contentTypes reads what bodies may be besides JSON.
func (f *fields) contentTypes() []string {
	var out []string
	for _, it := range f.texts("content_types") {
		if !goodContent.MatchString(it.text) || strings.HasPrefix(it.text, "multipart/") {
			f.bad["content_types"] = true
			f.ld.errorf(it.at, `Write it like "application/x-amz-json-1.1", in small letters.`, "%q is not a type of content that is let through.", it.text)
			continue
		}
		out = append(out, it.text)
	}
	return out
}

// limits reads the bounds of an adapter.
func (f *fields) limits() flows.AdapterLimits {
	l := flows.AdapterLimits{
		Request: f.sizeOr("max_request", defaultMaxRequest), Response: f.sizeOr("max_response", defaultMaxResponse),
		Wait: f.duration("wait", defaultWait), Idle: f.duration("idle", defaultIdle), Lasts: f.duration("lasts", defaultLasts),
		Rate: f.number("rate", defaultRate, 1, ceilingRate), Concurrent: f.number("concurrent", defaultConcurrent, 1, ceilingConcurrent),
		TotalRate: f.number("total_rate", defaultTotalRate, 1, ceilingRate), TotalConcurrent: f.number("total_concurrent", defaultTotalConcurrent, 1, ceilingConcurrent),
	}
	if l.Request > ceilingMaxRequest && f.sound("max_request") {
		f.wrong("max_request", `Write at most "16MB".`, "max_request of %s is too large: a body is held in memory until it is recorded.", f.what)
	}
	return l
}

func (f *fields) sizeOr(name string, def int64) int64 {
	if n := f.size(name); n > 0 {
		return n
	}
	return def
}
