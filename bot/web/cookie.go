package web

import (
	"net/http"
	"strings"
	"time"

	"breakglass/flows"
)

// The cookies. Over https their names begin with __Host-, so that no other host and no
// page over http can set them.
const (
	sessionCookie = "breakglass_session"
	attemptCookie = "breakglass_sign_in"
)

func (w *Web) cookieName(name string) string {
	if w.secure() {
		return "__Host-" + name
	}
	return name
}

// setCookie gives the browser a cookie that scripts and other sites do not see; an empty
// value takes it back.
func (w *Web) setCookie(rw http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{ //nolint:gosec // Secure but on loopback over http, which the configuration holds
		Name: w.cookieName(name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		HttpOnly: true, Secure: w.secure(), SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(rw, c)
}

// attempt is a sign-in under way, as its browser keeps it.
type attempt struct {
	provider flows.SignInProvider
	secret   string
	to       string // the page that was wanted
}

// attemptLife is how long a sign-in may take.
const attemptLife = 10 * time.Minute

func (a attempt) String() string { return string(a.provider) + "." + a.secret + "." + escapePath(a.to) }

func readAttempt(s string) (attempt, bool) {
	parts := strings.SplitN(s, ".", 3)
	if len(parts) != 3 {
		return attempt{}, false
	}
	return attempt{provider: flows.SignInProvider(parts[0]), secret: parts[1], to: unescapePath(parts[2])}, true
}
