package receiver

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Event is one thing that happened at the target, in the order it did.
type Event struct {
	At      time.Time
	Outcome Outcome
	Type    string
	ID      string
	Fence   int64
	Request string
	Holder  Holder
	Receipt string
	Until   time.Time
}

// Outcome is what became of a message.
type Outcome string

// The outcomes.
const (
	Granted  Outcome = "granted"  // access was given
	Revoked  Outcome = "revoked"  // access was taken, or was not there
	Repeated Outcome = "repeated" // the same order again: nothing was done
	Stale    Outcome = "stale"    // a newer order was there first: nothing was done
	Reused   Outcome = "reused"   // a key that was used for something else: nothing was done
	Read     Outcome = "read"
)

// Holder is who holds what.
type Holder struct{ SlackTeam, Slack, Target, Scope string }

// Access is what somebody has.
type Access struct {
	Has     bool
	Until   time.Time
	Receipt string
	Fence   int64 // the highest of any order
}

type account struct {
	Access
	lastRevoke int64 // fence of the last revocation
}

// done is an order that was carried out, kept to answer its repeats.
type done struct {
	kind, request string
	holder        Holder
	receipt       string
}

type ledger struct {
	accounts map[Holder]*account
	orders   map[string]done
	events   []Event
	receipts int
}

func newLedger() ledger {
	return ledger{accounts: map[Holder]*account{}, orders: map[string]done{}}
}

// do carries a message out and answers it; repeat answers with the last answer to
// such a message instead.
func (r *Receiver) do(m Message, repeat bool) reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.ledger.carryOut(m, r.now().UTC())
	if last, ok := r.answers[m.Type]; repeat && ok {
		out = last
	} else {
		r.answers[m.Type] = out
	}
	r.touch()
	return out
}

// carryOut is the protocol. An order with a lower fence than one seen is stale, and so
// is a grant that is not newer than the last revocation, or that was carried out and
// revoked since: it was overtaken. The same key again is answered as before and not
// done twice.
func (l *ledger) carryOut(m Message, now time.Time) reply {
	h := Holder{SlackTeam: m.Person.SlackTeam, Slack: m.Person.Slack, Target: m.Target, Scope: m.Scope}
	a := l.accounts[h]
	if a == nil {
		a = &account{}
		l.accounts[h] = a
	}
	e := Event{At: now, Type: m.Type, ID: m.ID, Fence: m.Fence, Request: m.Request, Holder: h}
	before, known := l.orders[m.ID]
	same := before.kind == m.Type && before.request == m.Request && before.holder == h
	switch {
	case m.Type == "access.read":
		return l.read(e, a)
	case m.Type != "access.grant" && m.Type != "access.revoke":
		return reply{code: http.StatusBadRequest, ID: m.ID, Status: "refused", Reason: "unknown type"}
	case known && !same:
		return l.note(e, Reused, reply{code: http.StatusUnprocessableEntity, ID: m.ID, Status: "refused", Reason: "the key was used for another order"})
	case m.Fence < a.Fence, m.Type == "access.grant" && (a.lastRevoke > 0 && m.Fence <= a.lastRevoke || known && !a.Has):
		return l.note(e, Stale, reply{code: http.StatusConflict, ID: m.ID, Status: "refused", Reason: "stale fence", Fence: a.Fence})
	}
	a.Fence = m.Fence
	e.Until, _ = time.Parse(time.RFC3339, m.Until)
	if m.Type == "access.grant" {
		return l.grant(e, a, before.receipt)
	}
	return l.revoke(e, a, known)
}

// grant gives access; receipt is that of the same order before, if it was there.
func (l *ledger) grant(e Event, a *account, receipt string) reply {
	e.Receipt = receipt
	outcome := Repeated
	if receipt == "" {
		l.receipts++
		e.Receipt = fmt.Sprintf("rcpt_%06d", l.receipts)
		l.orders[e.ID] = done{kind: e.Type, request: e.Request, holder: e.Holder, receipt: e.Receipt}
		a.Has, a.Until, a.Receipt = true, e.Until, e.Receipt
		outcome = Granted
	}
	return l.note(e, outcome, reply{code: http.StatusOK, ID: e.ID, Status: "granted", Rcpt: e.Receipt, Until: stamp(a.Until)})
}

func (l *ledger) revoke(e Event, a *account, known bool) reply {
	outcome := Repeated
	if !known || a.Has {
		l.orders[e.ID] = done{kind: e.Type, request: e.Request, holder: e.Holder}
		a.Has, a.Until, a.Receipt, a.lastRevoke = false, time.Time{}, "", e.Fence
		outcome = Revoked
	}
	return l.note(e, outcome, reply{code: http.StatusOK, ID: e.ID, Status: "revoked"})
}

func (l *ledger) read(e Event, a *account) reply {
	has := a.Has
	return l.note(e, Read, reply{code: http.StatusOK, ID: e.ID, Has: &has, Until: stamp(a.Until), Fence: a.Fence})
}

// note writes down what became of a message.
func (l *ledger) note(e Event, o Outcome, out reply) reply {
	e.Outcome = o
	l.events = append(l.events, e)
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Ledger lists what happened, oldest first.
func (r *Receiver) Ledger() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ledger.events)
}

// Access is what somebody has now.
func (r *Receiver) Access(h Holder) Access {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a := r.ledger.accounts[h]; a != nil {
		return a.Access
	}
	return Access{}
}

// Holders lists who has access now, in no order.
func (r *Receiver) Holders() []Holder {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Holder
	for h, a := range r.ledger.accounts {
		if a.Has {
			out = append(out, h)
		}
	}
	return out
}

// Give gives somebody access by another way than an order: what they had before.
func (r *Receiver) Give(h Holder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.ledger.accounts[h]
	if a == nil {
		a = &account{}
		r.ledger.accounts[h] = a
	}
	a.Has = true
	r.touch()
}

// Changed returns a channel that is closed with the next thing that happens.
func (r *Receiver) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// touch wakes whoever waits. The caller holds the lock.
func (r *Receiver) touch() {
	close(r.changed)
	r.changed = make(chan struct{})
}
