package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Where the program listens and keeps its state, unless the server block says.
const (
	defaultPublic   = "127.0.0.1:8300"
	defaultInternal = "127.0.0.1:8301"
	defaultStore    = "sqlite:breakglass.db"
)

func (ld *loader) defaultServer() Server {
	return Server{Replicas: 1, PublicListen: defaultPublic, InternalListen: defaultInternal, Store: fixedTemplate(defaultStore)}
}

func (ld *loader) readServer(d *decl) {
	f := ld.fieldsOf(d)
	ld.server.PublicListen = f.listen("public_listen", defaultPublic)
	ld.server.InternalListen = f.listen("internal_listen", defaultInternal)
	if ld.server.PublicListen == ld.server.InternalListen && !strings.HasSuffix(ld.server.PublicListen, ":0") {
		f.wrong("internal_listen", "Give them two ports.", "public_listen and internal_listen are the same address; what is internal would be public.")
	}
	ld.server.PublicURL = strings.TrimRight(f.text("public_url", ""), "/")
	if f.given("public_url") {
		if u, ok := f.url("public_url", ld.server.PublicURL); ok && u.Scheme != "https" && !isLoopback(hostOf(u)) {
			f.wrong("public_url", "Write https://.", "Slack and PagerDuty send to https addresses only.")
		}
	}
	ld.server.ConsoleURL = strings.TrimRight(f.text("console_url", ""), "/")
	if f.given("console_url") {
		if u, ok := f.url("console_url", ld.server.ConsoleURL); ok && u.Scheme != "https" && !isLoopback(hostOf(u)) {
			f.wrong("console_url", "Write https://.", "People sign in there, and over http their sessions could be read on the way.")
		} else if ok && strings.Trim(u.Path, "/") != "" {
			f.wrong("console_url", "Write scheme and host only.", "The console is not served below a path.")
		}
	}
	ld.server.Replicas = f.number("replicas", 1, 1, 20)
	if f.given("store") {
		ld.server.Store = f.store()
	} else {
		f.get("store")
	}
	f.finish()
}

// listen reads "HOST:PORT"; the host may be left out.
func (f *fields) listen(name, def string) string {
	s := f.text(name, def)
	if !f.sound(name) {
		return def
	}
	host, port, err := net.SplitHostPort(s)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || n < 0 || n > 65535 || strings.ContainsAny(host, "/ ") {
		f.wrong(name, "Write it like "+strconv.Quote(def)+".", "%q is not an address to listen on.", s)
		return def
	}
	return s
}

// store reads the store's address. A password in it must be a secret.
func (f *fields) store() Template {
	t := f.template("store")
	if !f.sound("store") {
		return t
	}
	shape, ok := t.shape()
	s, isText := asText(shape)
	if !ok || !isText {
		return t // known only when the secret is read
	}
	switch {
	case strings.HasPrefix(s, "sqlite:"):
		if s == "sqlite:" {
			f.wrong("store", "Write "+strconv.Quote(defaultStore)+".", "store names no file.")
		}
	case strings.HasPrefix(s, "postgres://"), strings.HasPrefix(s, "postgresql://"):
		u, err := url.Parse(s)
		if err != nil || u.Host == "" && u.Query().Get("host") == "" {
			f.ld.diags.hide(f.where("store"))
			f.wrong("store", `Write it like "postgres://user@host/database".`, "store is not the address of a PostgreSQL database.")
			return t
		}
		if _, set := u.User.Password(); set || u.Query().Has("password") {
			f.ld.diags.hide(f.where("store"))
			f.wrong("store", `Put it into a secret block: "postgres://user:${secret.NAME}@host/database".`, "store holds a password.")
		}
	default:
		f.wrong("store", `Write "sqlite:FILE" or "postgres://…".`, "store of %s is of no known kind.", f.what)
	}
	return t
}

// shape is the template's value where it holds no secret.
func (t Template) shape() (cty.Value, bool) {
	if len(t.secrets) > 0 || t.expr == nil {
		return cty.NilVal, false
	}
	v, diags := t.expr.Value(t.scope.context(nil))
	return v, !diags.HasErrors()
}
