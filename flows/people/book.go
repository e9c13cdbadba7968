package people

import (
	"context"
	"maps"
	"slices"
	"sync"

	"breakglass/flows"
)

// Reader reads links, and whether they changed.
type Reader interface {
	// Links lists every stored link.
	Links(ctx context.Context) ([]flows.StoredLink, error)
	// LinksVersion rises with every change.
	LinksVersion(ctx context.Context) (int64, error)
}

// Book is who is who as this process knows it: the configuration's links, those of the
// store, and what it just saw of an account and has not written yet. Safe for concurrent
// use.
type Book struct {
	store Reader
	found chan struct{} // told when there is something to write

	reading sync.Mutex // one reading at a time

	mu        sync.Mutex
	read      bool
	version   int64
	stored    []flows.StoredLink
	held      map[flows.PersonID]string
	own       *flows.Catalog // that merged was made of
	merged    *flows.Catalog
	conflicts []flows.LinkConflict
}

// NewBook returns a book that has read nothing yet.
func NewBook(r Reader) *Book {
	return &Book{store: r, found: make(chan struct{}, 1), held: map[flows.PersonID]string{}}
}

// Refresh reads the links again, if they changed.
func (b *Book) Refresh(ctx context.Context) error {
	b.reading.Lock()
	defer b.reading.Unlock()
	version, err := b.store.LinksVersion(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	fresh := b.read && b.version == version
	b.mu.Unlock()
	if fresh {
		return nil
	}
	stored, err := b.store.Links(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.read, b.version, b.stored, b.own = true, version, stored, nil
	for _, s := range stored {
		if s.Held != "" {
			delete(b.held, s.Person) // it is written
		}
	}
	return nil
}

// Over is a configuration's catalog with all that is known of who is who.
func (b *Book) Over(own *flows.Catalog) *flows.Catalog {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own != own || b.merged == nil {
		b.own = own
		b.merged, b.conflicts = own.WithLinks(b.stored, b.held)
	}
	return b.merged
}

// Conflicts are the stored links that the configuration contradicts.
func (b *Book) Conflicts() []flows.LinkConflict {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.conflicts)
}

// Saw is told how an account is, whenever one was looked at. A link whose account is not
// as it was is set aside from this moment on.
func (b *Book) Saw(now flows.Profile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.merged == nil || b.held[now.Person] != "" {
		return
	}
	if _, linked := b.merged.Links.Of(now.Person); !linked {
		return
	}
	row, _ := of(b.stored, now.Person)
	why := row.Seen.Slack(now)
	if why == "" {
		return
	}
	b.held[now.Person] = why
	b.own = nil
	select {
	case b.found <- struct{}{}:
	default:
	}
}

// Linked reports whether somebody has a link, and how its account was seen last.
func (b *Book) Linked(p flows.PersonID) (flows.Seen, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.merged == nil {
		return flows.Seen{}, false
	}
	_, linked := b.merged.Links.Of(p)
	row, _ := of(b.stored, p)
	return row.Seen, linked
}

// Found is told when a link was set aside that is still to be written.
func (b *Book) Found() <-chan struct{} { return b.found }

// unwritten are the links that were set aside here and not written yet.
func (b *Book) unwritten() map[flows.PersonID]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.held)
}

// wrote forgets what was written, or found to be settled.
func (b *Book) wrote(held map[flows.PersonID]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for p := range held {
		delete(b.held, p)
	}
	b.own = nil
}
