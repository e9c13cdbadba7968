package web

import (
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
)

// step is an audit entry as pages tell it.
type step struct {
	Seq     int64
	At      time.Time
	Verb    string
	By      who // empty for the program itself
	Did     string
	Tone    string
	Reason  said
	Door    string
	Trace   string
	Link    said // of the message at Slack
	From    said // the network address
	Facts   []fact
	Hash    string
	Proof   proof
	Request flows.RequestID
	Label   string     // of the request's target, on pages about several
	Calls   *callsPart // not an entry, but the calls by a grant
}

// proof is how an entry stands in the tree.
type proof struct {
	Known  bool   // it was looked up
	State  string // "proven", "placed", "waiting", "broken"
	Index  int64
	Size   int64 // of the checkpoint
	At     time.Time
	Hashes []string
	Why    string // of broken
}

func proofOf(in *audit.Inclusion) proof {
	p := proof{Known: true, Index: in.Index, Size: in.Checkpoint.Size, At: in.Checkpoint.At}
	switch {
	case in.Broken != nil:
		p.State, p.Why = "broken", in.Broken.Error()
	case in.Proven():
		p.State = "proven"
		for _, h := range in.Proof {
			p.Hashes = append(p.Hashes, h.String())
		}
	case in.Index >= 0:
		p.State = "placed"
	default:
		p.State = "waiting"
	}
	return p
}

// deeds says what each kind of entry is about, behind the name of who did it; where
// nobody did, the sentence begins with it.
var deeds = map[string]string{
	"submit": "asked for access", "route": "routed to who may decide", "reroute": "routed again, as something had changed", "approve": "approved",
	"deny": "denied", "forward": "asked the next people", "cancel": "withdrew the request", "lapse": "lapsed, as nobody decided in time",
	"activate": "access is being given", "observed": "read what was there before", "granted": "the target confirmed the access",
	"grant_failed": "the target did not give the access", "done": "said that they are done", "revoke": "ended the access", "end": "the access ends",
	"revoked": "the target confirmed the end", "refused": "was refused", "extended": "the access goes on through another request", "expiring": "told the holder that the end is near", "remind": "reminded who may decide",
	"overdue": "the end is overdue, and the operators were told", "incident_opened": "an incident was opened for it", "incident_merged": "the incident was merged into another",
	"incident_resolved": "the incident was resolved", "incident_changed": "the incident changed", "incident_unreadable": "the incident could not be read", "incident_readable": "the incident can be read again",
	"review_opened": "a review by somebody else is open", "review_asked": "asked who may review it", "review_overdue": "nobody has reviewed it in time", "review": "reviewed it",
	"ended_from_memory": "ended while the database did not write",
}

// tones are the colours of the steps that matter most.
var tones = map[string]string{
	"approve": "good", "granted": "good", "deny": "bad", "refused": "bad", "grant_failed": "bad", "overdue": "bad", "lapse": "over", "cancel": "over",
	"review_overdue": "bad", "revoke": "bad", "revoked": "over", "submit": "waiting",
}

func (w *Web) step(e *history.Event) step {
	f := factsOf(e.Facts)
	s := step{
		Seq: e.Seq, At: e.At, Verb: e.Verb, By: w.who(flows.PersonID(e.Who())), Tone: tones[e.Verb], Reason: saidOf(f.text("reason")),
		Door: doorWords[factsOf(e.Actor).text("door")], Trace: factsOf(e.Actor).text("trace"),
		Link: saidOf(factsOf(e.Actor).text("permalink")), From: saidOf(factsOf(e.Actor).text("from")), Facts: w.flat(e.Facts), Hash: e.Hash, Request: flows.RequestID(e.Chain),
	}
	s.Did = deeds[e.Verb]
	if s.Did == "" {
		s.Did = strings.ReplaceAll(e.Verb, "_", " ")
	}
	switch {
	case e.Verb == "refused" && e.Code != "":
		s.Did += ": " + strings.ReplaceAll(e.Code, "_", " ")
	case e.Verb == "approve" && f.yes("self"):
		if s.Did = "approved their own request"; f["on_call"] != nil {
			s.Did += ", on call"
		}
	case e.Verb == "incident_changed":
		if now := changesOf(f); now != "" {
			s.Did += ": now " + now
		}
	case e.Verb == "review":
		s.Reason = saidOf(f.text("note"))
		if s.Did, s.Tone = "reviewed it: in order", "good"; f.text("verdict") != string(flows.VerdictOK) {
			s.Did, s.Tone = "reviewed it: not in order", "bad"
		}
	case e.Verb == "end":
		s.Did += " " + endWords[flows.EndCause(f.text("cause"))]
	}
	if s.By == (who{}) {
		s.Did = strings.ToUpper(s.Did[:1]) + s.Did[1:]
	}
	return s
}

// changesOf is how an incident is now, as far as it was otherwise before.
func changesOf(f facts) string {
	is, was := factsOf(f["incident_as_read"]), factsOf(f["was"])
	if was.text("status") == "" { // it was not read before
		return is.text("status")
	}
	var now []string
	for _, name := range [...]string{"status", "urgency"} {
		if v := is.text(name); v != "" && v != was.text(name) {
			if name == "urgency" {
				v = "of " + v + " urgency"
			}
			now = append(now, v)
		}
	}
	switch v := f.text("priority"); v {
	case "":
	case flows.NoPriority:
		now = append(now, "without a priority")
	default:
		now = append(now, "of priority "+v)
	}
	if is.text("service") != was.text("service") {
		now = append(now, "at another service")
	}
	if _, moved := f["assignees"]; moved {
		now = append(now, "assigned to others")
	}
	if f.yes("title_changed") {
		now = append(now, "under another title")
	}
	if f.text("later_changes") != "" {
		now = append(now, "and changes after this one are not recorded one by one")
	}
	return strings.Join(now, ", ")
}

// doorWords say where somebody came in.
var doorWords = map[string]string{"slack": "in Slack", "cli": "by the command line", "web": "on the web", "api": "by the API"}

// steps tells entries, each with its proof where those are given.
func (w *Web) steps(entries []flows.Sealed, proofs []audit.Inclusion) ([]step, []history.Event, error) {
	events, err := history.Events(entries)
	if err != nil {
		return nil, nil, err
	}
	out := make([]step, 0, len(events))
	for i := range events {
		s := w.step(&events[i])
		if i < len(proofs) {
			s.Proof = proofOf(&proofs[i])
		}
		out = append(out, s)
	}
	return out, events, nil
}
