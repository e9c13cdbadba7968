package target

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errAddress is inside the error of a call that was not made because of where the
// receiver's name leads.
var errAddress = errors.New("the address is not one that may be called")

// doors are the clients that call receivers: each has connections of its own, so that
// one that may not call private addresses never rides on a connection that another
// opened.
type doors struct{ public, private, plain *http.Client }

func newDoors(opt Options) doors {
	client := func(allow func(netip.Addr) bool) *http.Client {
		dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
		dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error {
			return checkAddress(address, allow)
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
		public:  client(isPublic),
		private: client(func(a netip.Addr) bool { return isPublic(a) || isInside(a) }),
		plain:   client(isInside),
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

// checkAddress runs after the name is resolved and before the connection is made, for
// each address: what a name said when it was configured does not matter.
func checkAddress(address string, allow func(netip.Addr) bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errAddress, address)
	}
	ip := at.Addr().WithZone("").Unmap()
	if !allow(ip) {
		return fmt.Errorf("%w: %s; if it is the right one, check allow_private and that the url is https", errAddress, ip)
	}
	return nil
}

// isInside reports whether an address is this machine's or of a private network.
func isInside(ip netip.Addr) bool {
	return (ip.IsLoopback() || ip.IsPrivate() || within(ip, "100.64.0.0/10")) && !isMetadata(ip)
}

// isMetadata reports whether a cloud's metadata service has the address: those that
// are not link-local, and so pass for private or public ones (AWS, Alibaba, Azure).
func isMetadata(ip netip.Addr) bool {
	for _, at := range []string{"fd00:ec2::254", "100.100.100.200", "168.63.129.16"} {
		if ip == netip.MustParseAddr(at) {
			return true
		}
	}
	return false
}

// isPublic reports whether an address is of the internet. Forms that carry an IPv4
// address inside (NAT64, 6to4, Teredo) are not: where they lead is not seen here.
func isPublic(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || isMetadata(ip) {
		return false
	}
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"64:ff9b::/96", "64:ff9b:1::/48", "fec0::/10",
	} {
		if within(ip, block) {
			return false
		}
	}
	return true
}

func within(ip netip.Addr, block string) bool { return netip.MustParsePrefix(block).Contains(ip) }
