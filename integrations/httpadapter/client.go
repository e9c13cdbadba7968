package httpadapter

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"breakglass/flows"
	"breakglass/integrations/reach"
)

// client calls one upstream. It has connections of its own, so that an adapter that may
// not call private addresses never rides on what another opened.
type client struct {
	hash string
	base *url.URL
	http *http.Transport
	mask atomic.Pointer[known]
}

// known is the mask of the values that were used last.
type known struct {
	values string
	m      *mask
}

// client is the adapter's client, made when it is first called, and again when the
// configuration has changed.
func (p *Proxy) client(a *flows.Adapter) (*client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cl := p.clients[a.ID]; cl != nil && cl.hash == a.Hash {
		return cl, nil
	}
	base, err := url.Parse(a.BaseURL)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("base_url of adapter %s is no address", a.ID)
	}
	cl := &client{hash: a.Hash, base: base, http: p.transport(a, base.Scheme)}
	if p.clients == nil {
		p.clients = map[flows.AdapterID]*client{}
	}
	if was := p.clients[a.ID]; was != nil {
		was.http.CloseIdleConnections()
	}
	p.clients[a.ID] = cl
	return cl, nil
}

func (p *Proxy) transport(a *flows.Adapter, scheme string) *http.Transport {
	may := reach.Public
	switch {
	case a.AllowPrivate && scheme == "http":
		may = reach.Inside
	case a.AllowPrivate:
		may = func(ip netip.Addr) bool { return reach.Public(ip) || reach.Inside(ip) }
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: p.o.Resolver}
	dialer.ControlContext = func(_ context.Context, _, address string, _ syscall.RawConn) error { return reach.Check(address, may) }
	return &http.Transport{
		// No proxy: it would be the address that is checked, and not the upstream's.
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.o.RootCAs},
		TLSHandshakeTimeout: 10 * time.Second, ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: min(a.Limits.TotalConcurrent, 128), IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
	}
}

// masking is the mask of the values; it is kept while they are the same.
func (cl *client) masking(values, plain []string) *mask {
	key := strings.Join(values, "\x00") + "\x01" + strings.Join(plain, "\x00")
	if k := cl.mask.Load(); k != nil && k.values == key {
		return k.m
	}
	k := &known{values: key, m: newMask(values, plain)}
	cl.mask.Store(k)
	return k.m
}
