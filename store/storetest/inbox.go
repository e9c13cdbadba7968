package storetest

import (
	"time"

	"breakglass/flows"
)

func inboxCases() []contractCase {
	return []contractCase{
		{"Inbox/Accept", inboxAccept},
		{"Inbox/NotFound", func(f *fixture) {
			_, err := f.s.InboxRow(f.ctx, "none")
			f.is(err, flows.ErrNotFound)
		}},
		{"Inbox/HandledOnce", inboxHandledOnce},
		{"Inbox/BodyIsExact", func(f *fixture) {
			body := []byte("\x00\xff{\"é\": 1} \n ")
			f.accept("k", body)
			row, err := f.s.InboxRow(f.ctx, "k")
			f.is(err, nil)
			f.same(flows.InboxRow{Key: "k", Kind: "block_actions", Body: body, At: noon}, row)
			f.accept("empty", nil)
			row, err = f.s.InboxRow(f.ctx, "empty")
			f.is(err, nil)
			f.same(0, len(row.Body))
		}},
	}
}

func (f *fixture) accept(key string, body []byte) flows.Job {
	f.Helper()
	j, fresh, err := f.s.Accept(f.ctx, flows.InboxRow{Key: key, Kind: "block_actions", Body: body, At: noon}, leasedTo("a", job(flows.JobInbox, key, noon)))
	if err != nil || !fresh {
		f.Fatalf("accept %s: fresh %v, %v", key, fresh, err)
	}
	return j
}

func inboxAccept(f *fixture) {
	got := f.accept("k", []byte("one"))
	want := leasedTo("a", job(flows.JobInbox, "k", noon))
	want.ID, want.Rev, want.Lease = got.ID, 1, 1
	f.same(want, got)
	j, fresh, err := f.s.Accept(f.ctx, flows.InboxRow{Key: "k", Kind: "other", Body: []byte("two"), At: noon}, leasedTo("b", job(flows.JobInbox, "k2", noon)))
	if fresh || err != nil {
		f.Fatalf("a second delivery: fresh %v, %v", fresh, err)
	}
	f.same(flows.Job{}, j)
	row, err := f.s.InboxRow(f.ctx, "k")
	f.is(err, nil)
	f.same([]byte("one"), row.Body)
	f.same([]string{"inbox:k"}, keys(f.claim("c", noon.Add(time.Minute), 10))) // and no second job
}

func inboxHandledOnce(f *fixture) {
	j := f.accept("k", []byte("one"))
	f.apply(flows.Change{Inbox: "k", Done: &j})
	f.refused(flows.Change{Inbox: "k", Jobs: []flows.Job{job(flows.JobLapse, "req_1", noon)}}, flows.ErrLeaseLost)
	f.refused(flows.Change{Inbox: "never seen"}, flows.ErrLeaseLost)
	_, fresh, err := f.s.Accept(f.ctx, flows.InboxRow{Key: "k", Body: []byte("late"), At: noon}, job(flows.JobInbox, "k", noon))
	if fresh || err != nil {
		f.Errorf("a replay of what was handled: fresh %v, %v", fresh, err)
	}
	f.same([]string{}, keys(f.claim("c", noon.Add(time.Minute), 10)))
}
