package past

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"breakglass/flows"
)

// policy is an escalation policy. Its shifts are a week long.
type policy struct {
	id, name string
	shifts   []shift
}

// shift is a schedule at a level of a policy: its people take turns.
type shift struct {
	level    int
	id, name string
	people   []int // of the staff
	starts   time.Duration
}

const week = 7 * 24 * time.Hour

func teamPolicy(r *rand.Rand, name string) policy {
	p := policy{id: "P" + code(r, 6), name: name}
	for level := 1; level <= 2; level++ {
		s := shift{level: level, id: "P" + code(r, 6), name: fmt.Sprintf("%s, level %d", name, level), starts: time.Duration(r.IntN(7*24)) * time.Hour}
		for range 6 {
			s.people = append(s.people, r.IntN(staff-managers))
		}
		p.shifts = append(p.shifts, s)
	}
	return p
}

func managerPolicy(r *rand.Rand, desk int) policy {
	p := policy{id: "P" + code(r, 6), name: teams[desk] + "_managers"}
	each := managers / desks / 2
	for i := range 2 { // two at once
		s := shift{level: 1, id: "P" + code(r, 6), name: fmt.Sprintf("%s, level 1 (%d)", p.name, i+1), starts: time.Duration(r.IntN(7*24)) * time.Hour}
		for k := range each {
			s.people = append(s.people, staff-managers+desk*managers/desks+i*each+k)
		}
		p.shifts = append(p.shifts, s)
	}
	return p
}

// at is whose turn it is at t, and since when.
func (s *shift) at(t time.Time) (who int, since time.Time) {
	n := t.Add(-s.starts).Unix() / int64(week/time.Second)
	return s.people[int(n)%len(s.people)], time.Unix(n*int64(week/time.Second), 0).UTC().Add(s.starts)
}

// rota says who is on call at the time of its clock.
type rota struct {
	*company
	clock *flows.HandClock
	age   time.Duration // of what was read before
}

// OnCall implements flows.OnCall. As PagerDuty has it, only a click asks whether a shift
// is an override; and what was just read is not read again.
func (o *rota) OnCall(_ context.Context, q flows.OnCallQuery) flows.OnCallAnswer {
	now := o.clock.Now()
	a := flows.OnCallAnswer{Known: true, ReadAt: now.Add(-min(o.age, q.MaxAge)), Pages: 1}
	a.Entries = make([]flows.OnCallEntry, 0, 2*len(o.policies))
	for i := range o.policies {
		p := &o.policies[i]
		if q.Policy != "" && q.Policy != p.name && q.Policy != p.id {
			continue
		}
		for k := range p.shifts {
			if s := &p.shifts[k]; q.Schedule == "" || q.Schedule == s.name || q.Schedule == s.id {
				a.Entries = append(a.Entries, o.entry(p, s, now, q.Click))
			}
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "what PagerDuty said in hour %d", a.ReadAt.Unix()/3600))
	a.Digest = hex.EncodeToString(sum[:])
	return a
}

func (o *rota) entry(p *policy, s *shift, now time.Time, click bool) flows.OnCallEntry {
	who, since := s.at(now)
	e := flows.OnCallEntry{
		User: o.pager[who], PolicyID: p.id, PolicyName: p.name, Level: s.level, ScheduleID: s.id, Schedule: s.name, Start: since, End: since.Add(week),
	}
	if click {
		if e.Override = flows.No; since.Unix()/int64(week/time.Second)%20 == 0 {
			e.Override = flows.Yes
		}
	}
	return e
}

// onCall is whether somebody is on call anywhere.
func (o *rota) onCall(who int) bool {
	now := o.clock.Now()
	return slices.ContainsFunc(o.policies, func(p policy) bool {
		return slices.ContainsFunc(p.shifts, func(s shift) bool { turn, _ := s.at(now); return turn == who })
	})
}

// decider is one of the managers who are on call at a desk.
func (o *rota) decider(r *rand.Rand, desk int) flows.PersonID {
	p := &o.policies[len(teams)+desk]
	who, _ := p.shifts[r.IntN(len(p.shifts))].at(o.clock.Now())
	return o.people[who]
}
