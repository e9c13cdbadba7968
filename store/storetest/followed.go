package storetest

import (
	"context"
	"time"

	"breakglass/flows"
)

func followedCases() []contractCase {
	return []contractCase{
		{"Followed/FromTheEndOn", followedFromTheEnd},
		{"Followed/Turns", followedTurns},
		{"Followed/MovedAndReopened", followedMoved},
	}
}

// follower is the store as the worker sees it that follows the incidents of what is over.
type follower interface {
	Followed(ctx context.Context, before time.Time, limit int) ([]flows.Followed, error)
	Follow(ctx context.Context, was, is flows.Followed) error
	OverWithIncident(ctx context.Context, id flows.IncidentID, since time.Time, after flows.RequestID, limit int) ([]flows.RequestID, error)
}

func (f *fixture) follower() follower {
	f.Helper()
	s, ok := f.s.(follower)
	if !ok {
		f.Skip("this store follows no incidents")
	}
	return s
}

// followed are the incidents that are followed, in their turn.
func (f *fixture) followed(want ...flows.Followed) {
	f.Helper()
	all, err := f.follower().Followed(f.ctx, noon.Add(72*time.Hour), 10)
	f.is(err, nil)
	for i := range all {
		all[i].Read = time.Time{}
	}
	if len(want) == 0 {
		want = []flows.Followed{}
	}
	f.same(want, all)
}

// finished is a request of an incident whose access has ended.
func (f *fixture) finished(id flows.RequestID, incident flows.IncidentID, status flows.IncidentStatus, at time.Time) flows.Request {
	f.Helper()
	r := asks(id, "T/U"+flows.PersonID(id), "db")
	r.Content.Incident.ID, r.IncidentSeen.Status = incident, status
	c := f.step(f.walk(r, pathTo(flows.StateEnding)...), flows.StateEnded)
	c.Request.EndedAt = at
	f.apply(c)
	return *c.Request
}

func followedFromTheEnd(f *fixture) {
	f.follower()
	until := noon.Add(time.Hour + flows.FollowFor)
	f.walk(asks("req_1", "T/UDANA", "db"), pathTo(flows.StateEnding)...) // it is live
	f.followed()
	f.finished("req_2", "QOPEN1", flows.IncidentAcknowledged, noon)
	f.finished("req_3", "QGONE1", flows.IncidentResolved, noon)
	f.finished("req_4", "", "", noon)
	f.finished("req_5", "the one of yesterday", "", noon)
	f.finished("req_6", "QOPEN1", flows.IncidentAcknowledged, noon.Add(time.Hour)) // the last one says until when
	f.finished("req_7", "QOPEN1", flows.IncidentAcknowledged, noon.Add(-time.Hour))
	f.followed(flows.Followed{Incident: "QOPEN1", Until: until})
	ids := func(since time.Time, after flows.RequestID, limit int, want ...flows.RequestID) {
		f.Helper()
		got, err := f.follower().OverWithIncident(f.ctx, "QOPEN1", since, after, limit)
		f.is(err, nil)
		f.same(want, got)
	}
	ids(time.Time{}, "", 10, "req_2", "req_6", "req_7")
	ids(time.Time{}, "req_2", 1, "req_6")
	ids(noon.Add(24*time.Hour), "", 10)
}

func followedTurns(f *fixture) {
	s := f.follower()
	f.finished("req_1", "QONE01", flows.IncidentAcknowledged, noon)
	f.finished("req_2", "QTWO01", flows.IncidentAcknowledged, noon)
	all, err := s.Followed(f.ctx, noon.Add(24*time.Hour), 10)
	f.is(err, nil)
	if len(all) != 2 {
		f.Fatalf("followed are %+v", all)
	}
	one, two := all[0], all[1]
	is := one
	is.Read, is.Seen = noon.Add(48*time.Hour), "acknowledged"
	f.is(s.Follow(f.ctx, one, is), nil)
	all, err = s.Followed(f.ctx, noon.Add(24*time.Hour), 10)
	f.is(err, nil)
	f.same([]flows.Followed{two}, all) // the other has had its turn
	all, err = s.Followed(f.ctx, noon.Add(72*time.Hour), 1)
	f.is(err, nil)
	f.same([]flows.Followed{two}, all)
	f.is(s.Follow(f.ctx, one, flows.Followed{}), nil) // it is not as it was read any more
	f.finished("req_3", one.Incident, flows.IncidentAcknowledged, noon)
	f.is(s.Follow(f.ctx, is, flows.Followed{}), nil) // another request is over meanwhile, which was not told
	f.followed(flows.Followed{Incident: two.Incident, Until: two.Until}, flows.Followed{Incident: one.Incident, Until: one.Until})
	f.is(s.Follow(f.ctx, two, flows.Followed{}), nil)
	f.is(s.Follow(f.ctx, one, flows.Followed{}), nil)
	f.followed()
}

func followedMoved(f *fixture) {
	s := f.follower()
	until := noon.Add(flows.FollowFor)
	r := f.finished("req_1", "QCHILD", flows.IncidentAcknowledged, noon)
	r.MovedTo, r.IncidentSeen = "QPARENT", flows.IncidentState{}
	c := f.step(r, flows.StateEnded)
	f.apply(c)
	f.followed(flows.Followed{Incident: "QCHILD", Until: until}, flows.Followed{Incident: "QPARENT", Until: until})
	for _, id := range []flows.IncidentID{"QCHILD", "QPARENT"} {
		f.is(s.Follow(f.ctx, flows.Followed{Incident: id, Until: until}, flows.Followed{}), nil)
	}
	r = *c.Request
	r.IncidentSeen.Status = flows.IncidentResolved
	c = f.step(r, flows.StateEnded)
	f.apply(c)
	f.followed()
	r = *c.Request
	r.IncidentSeen.Status = flows.IncidentTriggered // reopened
	f.apply(f.step(r, flows.StateEnded))
	f.followed(flows.Followed{Incident: "QPARENT", Until: until})
}
