package store

import (
	"errors"
	"sync/atomic"

	"breakglass/flows"
)

// failure remembers that the last write was refused by the database or the disk.
type failure struct{ last atomic.Pointer[error] }

// note remembers err if it means that the store does not write, forgets the last such
// error on a success, and returns err as it is.
func (f *failure) note(err error) error {
	switch {
	case errors.Is(err, flows.ErrReadOnly), errors.Is(err, ErrDamaged):
		f.last.Store(&err)
	case err == nil && f.last.Load() != nil:
		f.last.Store(nil)
	}
	return err
}

func (f *failure) err() error {
	if p := f.last.Load(); p != nil {
		return *p
	}
	return nil
}
