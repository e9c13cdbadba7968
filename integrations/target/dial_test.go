package target

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"breakglass/flows"
)

// setting is the README's order for another address.
func setting(url string, private any) flows.Order {
	o := order(url, always(oldSecret))
	o.Target.Settings["allow_private"] = private
	return o
}

func TestWhereOrdersAreNotSent(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	count := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		fmt.Fprintf(w, `{"id":%q,"status":"granted"}`, r.Header.Get("webhook-id"))
	})
	plain, secure := httptest.NewServer(count), httptest.NewTLSServer(count)
	defer plain.Close()
	defer secure.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secure.Certificate())
	hook := newHook(t, flows.NewHandClock(start), func(o *Options) { o.RootCAs = roots })
	named := strings.Replace(secure.URL, "127.0.0.1", "localhost", 1)
	for name, tc := range map[string]struct {
		o    flows.Order
		says string
	}{
		"http":                       {setting(plain.URL, false), "not https"},
		"https to this machine":      {setting(secure.URL, false), "not one that may be called"},
		"a name that leads here":     {setting(named, false), "not one that may be called"},
		"allow_private left out":     {setting(secure.URL, nil), "not one that may be called"},
		"allow_private as a word":    {setting(secure.URL, "true"), "not one that may be called"},
		"http to the internet":       {setting("http://1.1.1.1/", true), "not one that may be called"},
		"metadata":                   {setting("http://169.254.169.254/latest/meta-data/", true), "not one that may be called"},
		"metadata in IPv6 of IPv4":   {setting("http://[::ffff:169.254.169.254]/", true), "not one that may be called"},
		"an address with a password": {setting("https://u:canary@acme.example/", true), "not an address"},
		"another scheme":             {setting("file:///etc/passwd", true), "not an address"},
		"ftp":                        {setting("ftp://acme.example/", true), "not https"},
		"nothing":                    {setting("", true), "not an address"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := hook.Grant(t.Context(), tc.o)
			wantPermanent(t, err, tc.says)
		})
	}
	if n := calls.Load(); n != 0 {
		t.Fatalf("%d orders were sent", n)
	}
	// The same addresses, where the operator allows it; and no other target gets in
	// through the connection that is open now.
	for _, o := range []flows.Order{setting(plain.URL, true), setting(secure.URL, true)} {
		if _, err := hook.Grant(t.Context(), o); err != nil {
			t.Error(err)
		}
	}
	_, err := hook.Grant(t.Context(), setting(secure.URL, false))
	wantPermanent(t, err, "not one that may be called")
	if n := calls.Load(); n != 2 {
		t.Errorf("%d orders were sent, want 2", n)
	}
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	_, err := newHook(t, flows.NewHandClock(start)).Grant(t.Context(), setting(srv.URL, true))
	wantTemporary(t, err, "certificate")
	if calls.Load() != 0 {
		t.Error("the order was sent")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer thief.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, 308) }))
	defer srv.Close()
	_, err := newHook(t, flows.NewHandClock(start)).Grant(t.Context(), setting(srv.URL, true))
	wantPermanent(t, err, "redirects (HTTP status 308)")
	if calls.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	w := &webhook{clock: flows.NewHandClock(start)}
	for v, want := range map[string]int{
		"": 0, "7": 7, " 7 ": 7, "-1": 0, "x": 0, "999999999": maxAfter, "99999999999999999999": 0,
		"Sun, 22 Nov 2026 03:00:30 GMT": 30, "Sun, 22 Nov 2026 02:00:00 GMT": 0, "Mon, 23 Nov 2099 02:00:00 GMT": maxAfter,
	} {
		if got := w.after(v); got != want {
			t.Errorf("after(%q) = %d, want %d", v, got, want)
		}
	}
}
