package receiver

import (
	"net/http"
	"slices"
	"strconv"
)

// Fault is something that goes wrong with the next messages.
type Fault struct {
	// Type is the message's, "access.grant"; empty hits any.
	Type string
	// Times is how many messages it hits; 0 means until ClearFaults.
	Times int

	Drop       bool   // nothing is done, the connection is closed
	Lose       bool   // it is done, and the connection is closed without an answer
	HoldOrder  bool   // it waits for Release before it is done
	HoldAnswer bool   // it is done, and the answer waits for Release
	Repeat     bool   // it is done, and answered with the last answer to such a message
	Status     int    // nothing is done, and this is the answer's HTTP status
	RetryAfter int    // seconds, with Status or Pending
	Pending    bool   // nothing is done yet: "pending"
	Refuse     string // nothing is done: "refused", for this reason

	hits int
}

// held is a message that waits.
type held struct {
	Held
	release chan struct{}
}

// Held is a message that waits for Release: its order, or its answer.
type Held struct {
	Message Message
	What    string // "order" or "answer"
}

// Fail adds a fault; several are tried in the order they were added.
func (r *Receiver) Fail(f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, &f)
}

// ClearFaults ends all faults; what is held stays held.
func (r *Receiver) ClearFaults() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = nil
}

// take finds the fault that hits a message.
func (r *Receiver) take(kind string) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, f := range r.faults {
		if f.Type != "" && f.Type != kind {
			continue
		}
		f.hits++
		if f.Times > 0 && f.hits >= f.Times {
			r.faults = slices.Delete(r.faults, i, i+1)
		}
		return *f
	}
	return Fault{}
}

// instead is the answer the fault gives without anything being done.
func (f Fault) instead(m Message) *reply {
	out := &reply{code: http.StatusOK, ID: m.ID, header: http.Header{}}
	if f.RetryAfter > 0 {
		out.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	switch {
	case f.Drop:
	case f.Status != 0:
		out.code = f.Status
	case f.Pending:
		out.code, out.Status = http.StatusAccepted, "pending"
	case f.Refuse != "":
		out.Status, out.Reason = "refused", f.Refuse
	default:
		return nil
	}
	return out
}

// hold waits until the message is released. An order whose sender gave up is done all
// the same when it is released, as one that was slow on the way; its answer is not
// waited for.
func (r *Receiver) hold(m Message, what string, gone <-chan struct{}) bool {
	h := &held{Held: Held{Message: m, What: what}, release: make(chan struct{})}
	r.mu.Lock()
	r.held = append(r.held, h)
	r.touch()
	r.mu.Unlock()
	if what == "order" {
		<-h.release
		return true
	}
	select {
	case <-h.release:
		return true
	case <-gone:
		return false
	}
}

// Held lists the messages that wait.
func (r *Receiver) Held() []Held {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Held, len(r.held))
	for i, h := range r.held {
		out[i] = h.Held
	}
	return out
}

// Release lets go of everything that is held now.
func (r *Receiver) Release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.held {
		close(h.release)
	}
	r.held = nil
	r.touch()
}
