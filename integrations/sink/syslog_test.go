package sink_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"breakglass/flows"
	"breakglass/integrations/sink"
)

// rfc5424 is what stands before a message, as the RFC has it, without structured data.
var rfc5424 = regexp.MustCompile(`^<109>1 2026-11-22T12:\d\d:\d\d\.000Z host breakglass - note - $`)

func parse(m []byte) (line, error) {
	var l line
	head, _, _ := bytes.Cut(m, []byte("{"))
	if !rfc5424.Match(head) {
		return l, fmt.Errorf("no message of RFC 5424: %.200s", m)
	}
	return l, json.Unmarshal(m[len(head):], &l)
}

// server is a syslog server that counts octets. Each connection is cut after so many
// messages; 0: never.
type server struct {
	received
	net.Listener
	cutAfter atomic.Int64
	bad      chan error
}

func newServer(t *testing.T, l net.Listener, cutAfter int) *server {
	t.Helper()
	s := &server{Listener: l, bad: make(chan error, 100)}
	s.cutAfter.Store(int64(cutAfter))
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.read(c)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return s
}

func (s *server) read(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for n := 1; ; n++ {
		count, err := in.ReadString(' ')
		if err != nil {
			return
		}
		size, err := strconv.Atoi(strings.TrimSpace(count))
		m := make([]byte, size)
		if _, short := io.ReadFull(in, m); err != nil || short != nil {
			return // cut off
		}
		l, err := parse(m)
		if err != nil {
			s.bad <- err
			return
		}
		s.add(l)
		if int64(n) == s.cutAfter.Load() {
			return
		}
	}
}

func (s *server) check(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.bad:
		t.Error(err)
	default:
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newSyslog(t *testing.T, address string, roots *x509.CertPool) sink.Sink {
	t.Helper()
	s, err := sink.New(sink.Spec{Kind: sink.KindSyslog, Address: address}, sink.Options{Clock: wall{}, Host: "host", RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSyslogTCP(t *testing.T) {
	t.Parallel()
	srv := newServer(t, listen(t), 0)
	s := newSyslog(t, "tcp://"+srv.Addr().String(), nil)
	all := leaves(t, 50)
	send(t, s, all[:20])
	send(t, s, all[20:])
	if repeated := srv.places(t, 50); repeated != 0 {
		t.Errorf("%d came twice", repeated)
	}
	srv.check(t)
}

func TestSyslogTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	srv := newServer(t, tls.NewListener(listen(t), &tls.Config{Certificates: web.TLS.Certificates, MinVersion: tls.VersionTLS12}), 0)
	send(t, newSyslog(t, "tls://"+srv.Addr().String(), roots), leaves(t, 10))
	srv.places(t, 10)
	srv.check(t)
	if err := newSyslog(t, "tls://"+srv.Addr().String(), nil).Send(t.Context(), leaves(t, 1)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a server that nobody vouches for: %v", err)
	}
}

func TestSyslogDatagrams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, network := range []string{"udp", "unixgram"} {
		at, scheme := "127.0.0.1:0", "udp://"
		if network == "unixgram" {
			at, scheme = filepath.Join(dir, "log"), "unix://"
		}
		c, err := net.ListenPacket(network, at)
		if err != nil {
			t.Fatal(err)
		}
		s := newSyslog(t, scheme+c.LocalAddr().String(), nil)
		all := leaves(t, 3)
		all[1].Entry.Bytes = []byte(`{"chain":"req_1","seq":1,"x":"` + strings.Repeat("x", 100_000) + `"}`)
		all[1].Entry.Openings = nil
		sent := make(chan error, 1)
		go func() { sent <- s.Send(t.Context(), all) }()
		m := make([]byte, 1<<16)
		for i := range all {
			n, _, err := c.ReadFrom(m)
			if err != nil {
				t.Fatal(err)
			}
			l, err := parse(m[:n])
			if err != nil || l.Leaf != int64(i) {
				t.Errorf("%s: %v, %+v", network, err, l)
			}
			if left := strings.Contains(string(m[:n]), `"left_out":"too large`); left != (i == 1) {
				t.Errorf("%s: message %d: %.200s", network, i, m[:n])
			}
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
		_ = c.Close()
	}
}

func TestSyslogUnreached(t *testing.T) {
	t.Parallel()
	l := listen(t)
	_ = l.Close()
	s := newSyslog(t, "tcp://"+l.Addr().String(), nil)
	if err := s.Send(t.Context(), leaves(t, 1)); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("nobody listens: %v", err)
	}
	if _, err := sink.New(sink.Spec{Kind: sink.KindSyslog, Address: "http://x"}, sink.Options{Clock: flows.NewHandClock(noon)}); err == nil {
		t.Error("syslog over HTTP")
	}
}

// A batch during which the connection broke is sent again as a whole.
func TestSyslogCutOff(t *testing.T) {
	t.Parallel()
	srv := newServer(t, listen(t), 3)
	all := leaves(t, 60) // more than the buffers of a connection hold
	for i := range all {
		all[i].Entry.Openings = []flows.Opening{{Path: "facts.x", Value: strings.Repeat("x", 200_000)}}
	}
	spec := sink.Spec{Kind: sink.KindSyslog, Address: "tcp://" + srv.Addr().String(), Openings: true}
	s, err := sink.New(spec, sink.Options{Clock: wall{}, Host: "host"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send(t.Context(), all); err == nil {
		t.Fatal("the connection was cut in the middle, and nobody said so")
	}
	srv.places(t, 3)
	srv.cutAfter.Store(0)
	send(t, s, all)
	if repeated := srv.places(t, 60); repeated != 3 {
		t.Errorf("%d came twice, not 3", repeated)
	}
	srv.check(t)
}
