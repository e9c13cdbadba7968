package audit

import (
	"context"
	"runtime"
	"sync"

	"breakglass/flows"
)

// Record is one thing of a log: a leaf, a checkpoint that stands after the leaves it
// covers, or a line of an export that is one of them.
type Record struct {
	Leaf       *flows.LeafRow
	Checkpoint *flows.Checkpoint
	Line       []byte
}

// Room is what a page is read into. It is used again for a later page.
type Room struct {
	Leaves  flows.LeafPage
	Records []Record
}

// Page reads records that stand one after the other, and is called once, on any goroutine:
// others are read at the same time. What it returns is good until the room is used again.
type Page func(ctx context.Context, room *Room) ([]Record, error)

// Log gives the pages of a log, of so many entries, in the order of the tree. An error of
// give ends it.
type Log func(ctx context.Context, entries int, give func(Page) error) error

// batch is a page on its way from whoever reads it to whoever takes it in order.
type batch struct {
	page    Page
	room    Room
	records []Record
	err     error
	done    chan struct{}
	items   []item   // what a verification makes of the records
	commits []commit // room for those of one entry
	paths   []byte   // and for where they stand
	shapes  shapes   // that its records had
	out     []byte   // what an export makes of them
}

// pace is how a log is read.
type pace struct {
	readers int // pages that are read and looked at side by side; as many may wait to be taken
	page    int // records of each
}

// asFastAsItGoes is the pace of a verification: with more readers than processors, since a
// database that is a server lets them wait, and with large pages, since each is six questions
// to it. A page takes about 6 MB.
func asFastAsItGoes() pace { return pace{runtime.GOMAXPROCS(0) + 2, 2000} }

// inLittleRoom is the pace of an export, which may run beside the server.
func inLittleRoom() pace { return pace{min(runtime.GOMAXPROCS(0), 4), 250} }

// walk reads a log: look is called for each page once it is read, side by side with others,
// and take then, in order, on the goroutine of the caller.
func walk(ctx context.Context, log Log, by pace, look func(*batch), take func(*batch) error) error {
	ctx, cancel := context.WithCancel(ctx)
	todo, order := make(chan *batch, by.readers), make(chan *batch, by.readers)
	free := make(chan *batch, 2*by.readers+2) // as many as there are at once
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for range by.readers {
		all.Go(func() {
			for b := range todo {
				if b.records, b.err = b.page(ctx, &b.room); b.err == nil {
					look(b)
				}
				b.done <- struct{}{}
			}
		})
	}
	var read error
	all.Go(func() {
		defer close(order)
		defer close(todo)
		read = log(ctx, by.page, func(p Page) error { return send(ctx, p, free, todo, order) })
	})
	for b := range order {
		<-b.done
		if b.err != nil {
			return b.err
		}
		if err := take(b); err != nil {
			return err
		}
		select {
		case free <- b:
		default:
		}
	}
	return read
}

// send has a page read, into the room of one that was taken if there is one. What it sends
// in order was sent to be read: nobody waits for a page that nobody reads.
func send(ctx context.Context, p Page, free <-chan *batch, to ...chan<- *batch) error {
	var b *batch
	select {
	case b = <-free:
	default:
		b = &batch{done: make(chan struct{}, 1)}
	}
	b.page = p
	for _, c := range to {
		select {
		case c <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
