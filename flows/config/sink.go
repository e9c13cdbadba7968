package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"breakglass/flows"
)

// Sink is a sink block: where audit entries stream to.
type Sink struct {
	Kind     string // "file", "http", "syslog"
	Name     string
	Openings bool // personal values are sent beside the commitments to them
	FromNow  bool

	Path     string // file
	MaxBytes int64  // file; 0: no limit

	URL    string       // http
	Secret flows.Secret // http

	Address string // syslog: "udp://…", "tcp://…", "tls://…", "unix://…"
}

// Key names the sink among all: the name of its cursor in the store.
func (s Sink) Key() string { return s.Kind + "." + s.Name }

// sinkKinds are what sinks write to.
var sinkKinds = []string{"file", "http", "syslog"}

// sink reads a sink block.
func (ld *loader) sink(d *decl) {
	f := ld.fieldsOf(d)
	s := Sink{Kind: strings.TrimPrefix(d.kind, "sink."), Name: d.name, Openings: f.flag("openings")}
	s.FromNow = f.choice("start", "beginning", "beginning", "now") == "now"
	switch s.Kind {
	case "file":
		f.fileSink(&s)
	case "http":
		f.httpSink(&s)
	case "syslog":
		f.syslogSink(&s)
	}
	f.finish()
	ld.sinks = append(ld.sinks, s)
}

func (f *fields) fileSink(s *Sink) {
	s.Path = f.needText("path", `"/var/log/breakglass/audit.jsonl"`)
	s.MaxBytes = f.size("max_size")
	if s.Path == "" || !f.sound("path") {
		return
	}
	if !filepath.IsAbs(s.Path) {
		f.wrong("path", "Begin it with /.", "path of %s is not absolute; where it leads would depend on where the program is started.", f.what)
	}
	for _, other := range f.ld.sinks {
		if other.Kind == "file" && filepath.Clean(other.Path) == filepath.Clean(s.Path) {
			f.wrong("path", "Give each its own file.", `sink "file" %q writes to the same file.`, other.Name)
		}
	}
}

func (f *fields) httpSink(s *Sink) {
	s.URL = f.needText("url", `"https://…"`)
	private := f.flag("allow_private")
	s.Secret = f.needHandle("secret")
	u, ok := f.url("url", s.URL)
	if !ok {
		return
	}
	switch inside := isPrivate(hostOf(u)); {
	case inside && !private:
		f.wrong("url", "If that is meant, write allow_private = true.", "url of %s is inside the own network.", f.what)
	case u.Scheme != "https" && !private:
		f.wrong("url", "Write https://; http is for addresses inside the own network, with allow_private = true.",
			"url of %s is http, so that anybody on the way could read the entries.", f.what)
	}
}

func (f *fields) syslogSink(s *Sink) {
	const form = `"tls://logs.acme.example:6514"`
	s.Address = f.needText("address", form)
	if s.Address == "" || !f.sound("address") {
		return
	}
	u, err := url.Parse(s.Address)
	switch {
	case err != nil || u.Scheme == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		f.wrong("address", "Write it like "+form+".", "address of %s is not the address of a syslog server.", f.what)
	case u.Scheme == "unix":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			f.wrong("address", `Write it like "unix:///dev/log".`, "address of %s names no local socket.", f.what)
		}
	case u.Scheme != "udp" && u.Scheme != "tcp" && u.Scheme != "tls":
		f.wrong("address", meanOrOneOf(u.Scheme, []string{"tcp", "tls", "udp", "unix"}), "address of %s begins with %q.", f.what, u.Scheme)
	default:
		f.syslogHost(u)
	}
}

func (f *fields) syslogHost(u *url.URL) {
	port, err := strconv.Atoi(u.Port())
	_, _, split := net.SplitHostPort(u.Host)
	switch {
	case u.Hostname() == "" || split != nil || err != nil || port < 1 || port > 65535 || u.Path != "":
		f.wrong("address", `Write host and port: "`+u.Scheme+`://logs.acme.example:514".`, "address of %s has no host and port.", f.what)
	case u.Scheme == "udp":
		f.doubt("address", "Write tcp:// or tls://, or add a file sink.", "%s goes over UDP, which loses entries and says nothing.", f.what)
	case u.Scheme == "tcp" && !isPrivate(hostOf(u)) && strings.Contains(hostOf(u), "."):
		f.doubt("address", "Write tls:// if the server can.", "%s is not encrypted.", f.what)
	}
}

// size reads a number of bytes with its unit; 0 where it is absent.
func (f *fields) size(name string) int64 {
	s := f.text(name, "")
	if !f.given(name) || !f.sound(name) {
		return 0
	}
	for unit, factor := range map[string]int64{"KB": 1e3, "MB": 1e6, "GB": 1e9} {
		digits, ok := strings.CutSuffix(s, unit)
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
		if ok && err == nil && n > 0 {
			return n * factor
		}
	}
	f.wrong(name, `Write it like "100MB".`, "%s of %s is not a size.", name, f.what)
	return 0
}
