package flows

import "time"

// The verbs of entries about calls through adapters.
const (
	VerbCallSent    = "call_sent"    // written before the call is sent
	VerbCallsDone   = "calls_done"   // how calls ended, many in one entry
	VerbCallRefused = "call_refused" // and why; one entry may tell of many
)

// CallsChain is the chain of the calls by a grant.
func CallsChain(id RequestID) string { return "calls/" + string(id) }

// CallTotal is how many calls a rule let through by a grant, and when.
type CallTotal struct {
	Request     RequestID
	Rule        string // method and template of the path
	N           int64
	First, Last time.Time
}
