package target

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"breakglass/flows"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for class, list := range map[string]string{
		"public": "1.1.1.1 8.8.8.8 2606:4700::1111 2a00:1450::1 172.32.0.1 100.128.0.1 9.255.255.255",
		"inside": "127.0.0.1 127.8.8.8 ::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fd12::1 100.64.0.1 ::ffff:10.0.0.1 ::ffff:127.0.0.1",
		"never": "169.254.169.254 169.254.170.2 fe80::1 ::ffff:169.254.169.254 fd00:ec2::254 100.100.100.200 168.63.129.16 0.0.0.0 :: " +
			"255.255.255.255 224.0.0.1 ff02::1 240.0.0.1 192.0.0.192 198.18.0.1 203.0.113.7 64:ff9b::a9fe:a9fe 2002:7f00:1::1 2001:0:1::1 fec0::1 ::ffff:198.18.0.1 ::ffff:100.100.100.200 0.1.2.3",
	} {
		for ip := range strings.FieldsSeq(list) {
			addr := netip.AddrPortFrom(netip.MustParseAddr(ip), 443).String()
			public, inside := checkAddress(addr, isPublic) == nil, checkAddress(addr, isInside) == nil
			if public != (class == "public") || inside != (class == "inside") {
				t.Errorf("%s: public %v, inside %v; want %s", ip, public, inside, class)
			}
		}
	}
	if checkAddress("[fe80::1%eth0]:443", func(netip.Addr) bool { return true }) != nil {
		t.Error("an address with a zone is not read")
	}
	for _, broken := range []string{"", "localhost:443", "1.2.3.4", "/var/run/docker.sock"} {
		if checkAddress(broken, func(netip.Addr) bool { return true }) == nil {
			t.Errorf("%q is let through", broken)
		}
	}
}

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
