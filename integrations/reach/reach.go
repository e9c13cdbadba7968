// Package reach says which network addresses may be called: those of the internet, those
// of the own network where an operator allows it, and never a cloud's metadata service.
// It judges the address that is dialled, not the name that led to it. It imports the
// standard library only.
package reach

import (
	"errors"
	"fmt"
	"net/netip"
)

// ErrAddress is inside the error of a call that was not made because of where a name
// leads.
var ErrAddress = errors.New("the address is not one that may be called")

// Check runs after the name is resolved and before the connection is made, for
// each address: what a name said when it was configured does not matter.
func Check(address string, allow func(netip.Addr) bool) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrAddress, address)
	}
	ip := at.Addr().WithZone("").Unmap()
	if !allow(ip) {
		return fmt.Errorf("%w: %s; if it is the right one, check allow_private and that the url is https", ErrAddress, ip)
	}
	return nil
}

// Inside reports whether an address is this machine's or of a private network.
func Inside(ip netip.Addr) bool {
	return (ip.IsLoopback() || ip.IsPrivate() || within(ip, "100.64.0.0/10")) && !isMetadata(ip)
}

// isMetadata reports whether a cloud's metadata service has the address: those that
// are not link-local, and so pass for private or public ones (AWS, Google, Oracle, Alibaba, Azure).
func isMetadata(ip netip.Addr) bool {
	for _, at := range []string{"fd00:ec2::/32", "fd20:ce::/32", "fd00:c1::/32", "100.100.100.200/32", "168.63.129.16/32"} {
		if within(ip, at) {
			return true
		}
	}
	return false
}

// Public reports whether an address is of the internet. Forms that carry an IPv4
// address inside (NAT64, 6to4, Teredo) are not: where they lead is not seen here.
func Public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || isMetadata(ip) {
		return false
	}
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "fec0::/10",
	} {
		if within(ip, block) {
			return false
		}
	}
	return true
}

func within(ip netip.Addr, block string) bool { return netip.MustParsePrefix(block).Contains(ip) }
