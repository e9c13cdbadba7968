package pagerdutyfake

import (
	"fmt"
	"strings"
)

// table keeps resources by id, in the order they were added.
type table[T any] struct {
	order []string
	byID  map[string]*T
}

func (t *table[T]) put(id string, v *T) {
	if t.byID == nil {
		t.byID = map[string]*T{}
	}
	if _, known := t.byID[id]; !known {
		t.order = append(t.order, id)
	}
	t.byID[id] = v
}

func (t *table[T]) get(id string) *T { return t.byID[id] }

func (t *table[T]) remove(id string) bool {
	if t.byID[id] == nil {
		return false
	}
	delete(t.byID, id)
	for i, o := range t.order {
		if o == id {
			t.order = append(t.order[:i:i], t.order[i+1:]...)
			break
		}
	}
	return true
}

func (t *table[T]) all() []*T {
	out := make([]*T, 0, len(t.order))
	for _, id := range t.order {
		out = append(out, t.byID[id])
	}
	return out
}

const idAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// newID makes an id as PagerDuty's look: a letter, then capitals and digits.
func (a *Account) newID(letter string, n int) string {
	var b strings.Builder
	b.WriteString(letter)
	for range n {
		b.WriteByte(idAlphabet[a.rand.IntN(len(idAlphabet))])
	}
	return b.String()
}

func (a *Account) resourceID() string { return a.newID("P", 6) }
func (a *Account) incidentID() string { return a.newID("Q", 13) }

func (a *Account) uuid() string {
	hi, lo := a.rand.Uint64(), a.rand.Uint64()
	hi = hi&^uint64(0xf000) | 0x4000
	lo = lo&^(uint64(3)<<62) | 1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}
