package flows

import (
	"strings"
	"time"
)

// What an auditor asks for beside what a decision rests on is added to the entries here,
// between Decide and the seal, so that deciding pays nothing for it: which program wrote
// the entry, for which job and try, the incident as it was, and the times of the life.

// attest adds to entries who wrote them: the replica, the program, and the job that an
// effect's outcome is of.
func (e *Engine) attest(entries []Entry, job *Job) {
	for i := range entries {
		facts := entries[i].Facts
		if facts == nil {
			facts = map[string]any{}
			entries[i].Facts = facts
		}
		if e.o.Owner != "" {
			facts["replica"] = e.o.Owner
		}
		if e.o.Version != "" {
			facts["version"] = e.o.Version
		}
		if job != nil && !job.fromInbox() {
			facts["job"], facts["attempts"] = job.Key, int64(job.Attempts+1)
		}
	}
}

// fromInbox reports whether the job is a kept payload: its key says nothing more than
// the actor's trace.
func (j *Job) fromInbox() bool { return j.Kind == JobInbox }

// witness adds to the entries of a step what was read for it and the times so far.
func witness(out *Outcome, f *Facts) {
	r := &out.Request
	for i := range out.Entries {
		e := &out.Entries[i]
		if e.Facts == nil {
			continue // belongs to no request that there is
		}
		if e.Actor.Person != "" {
			callNames(e, r, f.Profiles)
		}
		if f.Incident != nil {
			e.Facts["incident_as_read"] = f.Incident.facts(r.Content.Requester, e.At)
		}
		switch Verb(e.Verb) {
		case VerbSubmit:
			e.Facts["door"] = string(r.Door)
		case VerbRoute, VerbReroute:
			if r.Route != nil { // else nobody can decide, and the step says why
				e.Facts["why"] = why(r)
			}
		case VerbApprove, VerbDeny, "refused", VerbLapse, VerbCancel:
			if r.ID == "" {
				break // what was to be asked for stands in the refusal itself
			}
			asked(e, r, f.Catalog)
			if p := r.Proof; p != nil && e.Facts["self"] == true {
				e.Facts["on_call_age_ms"] = e.At.Sub(p.ReadAt).Milliseconds()
			}
			if e.Verb == string(VerbApprove) && e.To == StateApproved {
				e.Facts["latest_end"] = millis(r.LatestEnd)
			}
		case VerbGranted, VerbGrantFailed, VerbRevoked:
			e.Facts["submitted_at"], e.Facts["decided_at"] = millis(r.SubmittedAt), millis(r.DecidedAt)
			e.Facts["asked_seconds"] = int64(r.Content.Duration / time.Second)
			if t := f.target(&r.Content); t != nil {
				e.Facts["target_kind"], e.Facts["target_hash"] = t.Kind, t.Hash
			}
			if !r.GrantedAt.IsZero() {
				e.Facts["granted_at"] = millis(r.GrantedAt)
			}
			if Verb(e.Verb) == VerbGranted {
				e.Facts["granted_seconds"] = int64(r.EndsAt.Sub(r.GrantedAt) / time.Second)
			}
		}
	}
}

// asked adds what an answer was about, whatever the answer was: what was asked for and
// when, who is asked and why, and by which link the one who answers is who is on call.
func asked(e *Entry, r *Request, cat *Catalog) {
	e.Facts["why"], e.Facts["submitted_at"], e.Facts["seconds"] = why(r), millis(r.SubmittedAt), int64(r.Content.Duration/time.Second)
	e.Facts["requester"] = Personal{About: r.Content.Requester, Value: string(r.Content.Requester)}
	e.Facts["beneficiary"] = Personal{About: r.Content.Beneficiary, Value: string(r.Content.Beneficiary)}
	if !r.DecidedAt.IsZero() && !r.DecidedAt.Equal(e.At) {
		e.Facts["decided_at"] = millis(r.DecidedAt)
	}
	if who := e.Actor.Person; who != "" && who != r.Content.Requester && cat != nil {
		if link, ok := cat.Links.Of(who); ok {
			e.Facts["actor_link"] = Personal{About: who, Value: link.String()}
		}
	}
}

// callNames adds how the people of an entry were called when it was written.
func callNames(e *Entry, r *Request, known []Profile) {
	var names object
	for _, part := range [...]struct {
		as  string
		who PersonID
	}{{"actor", e.Actor.Person}, {"beneficiary", r.Content.Beneficiary}, {"requester", r.Content.Requester}} {
		if part.as != "actor" && part.who == e.Actor.Person || part.as == "requester" && part.who == r.Content.Beneficiary {
			continue // is named already
		}
		for i := range known {
			if p := &known[i]; p.Person == part.who && p.mailbox() != "" {
				names = append(names, member{part.as, Personal{About: part.who, Value: p.mailbox()}})
				break
			}
		}
	}
	if len(names) > 0 {
		e.Facts["names"] = names
	}
}

// mailbox is a name with its e-mail address, as far as both are known.
func (p *Profile) mailbox() string {
	if p.Email == "" {
		return p.Name
	}
	return strings.TrimSpace(p.Name + " <" + p.Email + ">")
}

// why is the route's reason: it names who is asked, so it stands as a commitment.
func why(r *Request) any {
	if r.Route == nil {
		return nil
	}
	return quoted(r.Content.Requester, r.Route.Why)
}

// facts is the incident as it was read. Its title was typed somewhere.
func (i *Incident) facts(about PersonID, now time.Time) object {
	return object{
		{"age_ms", age(now, i.ReadAt)}, {"id", string(i.ID)}, {"merged_into", string(i.MergedInto)}, {"number", int64(i.Number)},
		{"read_at", millis(i.ReadAt)}, {"service", i.ServiceID}, {"status", string(i.Status)}, {"title", quoted(about, i.Title.Raw())},
		{"urgency", i.Urgency}, {"url", i.URL},
	}
}

func age(now, read time.Time) int64 {
	if read.IsZero() {
		return 0
	}
	return now.Sub(read).Milliseconds()
}
