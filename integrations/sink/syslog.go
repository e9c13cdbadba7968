package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"breakglass/flows"
)

// maxDatagram is the longest message for UDP and for a local socket.
const maxDatagram = 60 << 10

// priority is facility 13 (log audit) and severity 5 (notice).
const priority = 13*8 + 5

// syslog writes RFC 5424 messages: one a datagram, or octet-counted on a stream
// (RFC 6587, RFC 5425).
type syslog struct {
	spec    Spec
	network string // "udp", "tcp", "tls", "unix"
	to      string
	host    string
	tls     *tls.Config

	conn net.Conn
	dead chan struct{} // closed when the other side of a stream has gone
}

func newSyslog(s Spec, o Options) (*syslog, error) {
	u, err := url.Parse(s.Address)
	if err != nil {
		return nil, fmt.Errorf("sink %s: its address cannot be read", s.Name)
	}
	out := &syslog{spec: s, network: u.Scheme, to: u.Host, host: header(o.Host, 255), tls: &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: o.RootCAs, ServerName: u.Hostname(),
	}}
	switch u.Scheme {
	case "udp", "tcp", "tls":
	case "unix":
		out.to = u.Path
	default:
		return nil, fmt.Errorf("sink %s: syslog has no %q; write udp://, tcp://, tls:// or unix://", s.Name, u.Scheme)
	}
	return out, nil
}

// Send implements Sink. Syslog acknowledges nothing: what the network took counts as
// taken. A batch during which a stream broke is sent again as a whole.
func (s *syslog) Send(ctx context.Context, batch []flows.Leaf) error {
	if err := s.send(ctx, batch); err != nil {
		return errors.Join(fmt.Errorf("syslog at %s: %w", s.spec.Address, err), s.Close())
	}
	return nil
}

func (s *syslog) send(ctx context.Context, batch []flows.Leaf) error {
	if s.conn != nil && s.gone() {
		_ = s.Close() // it has ended already
	}
	if s.conn == nil {
		if err := s.dial(ctx); err != nil {
			return err
		}
	}
	undo := context.AfterFunc(ctx, func() { _ = s.conn.Close() }) // a write that hangs ends with ctx
	defer undo()
	if s.stream() {
		var b []byte
		for i := range batch {
			m := s.message(&batch[i])
			b = append(append(strconv.AppendInt(b, int64(len(m)), 10), ' '), m...)
		}
		if _, err := s.conn.Write(b); err != nil {
			return err
		}
		if s.gone() {
			return errors.New("the other side closed the connection")
		}
		return ctx.Err()
	}
	for i := range batch {
		if _, err := s.conn.Write(s.message(&batch[i])); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (s *syslog) stream() bool { return s.network == "tcp" || s.network == "tls" }

func (s *syslog) dial(ctx context.Context) (err error) {
	d := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	switch s.network {
	case "tls":
		s.conn, err = (&tls.Dialer{NetDialer: d, Config: s.tls}).DialContext(ctx, "tcp", s.to)
	case "unix":
		s.conn, err = d.DialContext(ctx, "unixgram", s.to)
	default:
		s.conn, err = d.DialContext(ctx, s.network, s.to)
	}
	if err != nil {
		s.conn = nil
		return err
	}
	s.dead = make(chan struct{})
	if s.stream() {
		go func(c net.Conn, dead chan struct{}) {
			_, _ = io.Copy(io.Discard, c) // ends when the other side closes, or we do
			close(dead)
		}(s.conn, s.dead)
	}
	return nil
}

func (s *syslog) gone() bool {
	select {
	case <-s.dead:
		return true
	default:
		return false
	}
}

// message is the entry as RFC 5424 has it. What does not fit a datagram is named and
// left out, openings first.
func (s *syslog) message(l *flows.Leaf) []byte {
	b := fmt.Appendf(nil, "<%d>1 %s %s breakglass - %s - ", priority,
		l.Entry.At.UTC().Format("2006-01-02T15:04:05.000Z"), s.host, header(l.Entry.Verb, 32))
	n := len(b)
	b = appendLine(b, l, s.spec.Openings)
	if s.stream() || len(b) <= maxDatagram {
		return b
	}
	if b = appendLine(b[:n], l, false); len(b) <= maxDatagram {
		return b
	}
	return fmt.Appendf(b[:n], `{"leaf":%d,"chain":%q,"seq":%d,"hash":%q,"bytes":%d,"left_out":"too large for a datagram; use tcp, http or a file"}`,
		l.Index, l.Entry.Chain, l.Entry.Seq, l.Entry.Hash, len(l.Entry.Bytes))
}

// header is a field of the header: printable ASCII without spaces, or "-".
func header(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x21 || r > 0x7e {
			return '_'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// Close implements Sink.
func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	err := s.conn.Close()
	s.conn = nil
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
