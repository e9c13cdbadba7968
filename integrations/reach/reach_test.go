package reach_test

import (
	"net/netip"
	"strings"
	"testing"

	"breakglass/integrations/reach"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for class, list := range map[string]string{
		"public": "1.1.1.1 8.8.8.8 2606:4700::1111 2a00:1450::1 172.32.0.1 100.128.0.1 9.255.255.255",
		"inside": "127.0.0.1 127.8.8.8 ::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fd12::1 100.64.0.1 ::ffff:10.0.0.1 ::ffff:127.0.0.1",
		"never": "169.254.169.254 169.254.170.2 fe80::1 ::ffff:169.254.169.254 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe ::127.0.0.1 ::10.0.0.1 100.100.100.200 168.63.129.16 0.0.0.0 :: " +
			"255.255.255.255 224.0.0.1 ff02::1 240.0.0.1 192.0.0.192 198.18.0.1 203.0.113.7 64:ff9b::a9fe:a9fe 2002:7f00:1::1 2001:0:1::1 fec0::1 ::ffff:198.18.0.1 ::ffff:100.100.100.200 0.1.2.3",
	} {
		for ip := range strings.FieldsSeq(list) {
			addr := netip.AddrPortFrom(netip.MustParseAddr(ip), 443).String()
			public, inside := reach.Check(addr, reach.Public) == nil, reach.Check(addr, reach.Inside) == nil
			if public != (class == "public") || inside != (class == "inside") {
				t.Errorf("%s: public %v, inside %v; want %s", ip, public, inside, class)
			}
		}
	}
	if reach.Check("[fe80::1%eth0]:443", func(netip.Addr) bool { return true }) != nil {
		t.Error("an address with a zone is not read")
	}
	for _, broken := range []string{"", "localhost:443", "1.2.3.4", "/var/run/docker.sock"} {
		if reach.Check(broken, func(netip.Addr) bool { return true }) == nil {
			t.Errorf("%q is let through", broken)
		}
	}
}
