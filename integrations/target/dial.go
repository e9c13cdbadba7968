package target

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"breakglass/integrations/reach"
)

// doors are the clients that call receivers: each has connections of its own, so that
// one that may not call private addresses never rides on a connection that another
// opened.
type doors struct{ public, private, plain *http.Client }

func newDoors(opt Options) doors {
	client := func(allow func(netip.Addr) bool) *http.Client {
		dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return reach.Check(address, allow)
		}
		return &http.Client{
			Timeout:       opt.Timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				// No proxy: it would be the address that is checked, and not the receiver's.
				DialContext:         dialer.DialContext,
				TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opt.RootCAs},
				TLSHandshakeTimeout: 5 * time.Second,
				ForceAttemptHTTP2:   true,
				MaxIdleConnsPerHost: 8,
				IdleConnTimeout:     time.Minute,
			},
		}
	}
	return doors{
		public:  client(reach.Public),
		private: client(func(a netip.Addr) bool { return reach.Public(a) || reach.Inside(a) }),
		plain:   client(reach.Inside),
	}
}

// find is the client for a scheme: https to public addresses, to private ones too
// where the operator allowed it, and http to private ones alone.
func (d doors) find(scheme string, allowPrivate bool) *http.Client {
	switch {
	case scheme == "https" && allowPrivate:
		return d.private
	case scheme == "https":
		return d.public
	case scheme == "http" && allowPrivate:
		return d.plain
	}
	return nil
}
