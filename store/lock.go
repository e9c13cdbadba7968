package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// fileLock keeps a second serving process off a SQLite file. The operating system lets
// it go when the process ends, however it ends.
type fileLock struct{ f *os.File }

// errLocked says that another process has the lock.
var errLocked = errors.New("locked")

// lockFile takes the lock or says who has it.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = tryLock(f)
	if errors.Is(err, errLocked) {
		return nil, errors.Join(inUse(path), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &fileLock{f: f}, nil
}

// inUse names the process that has the lock, as it signed it.
func inUse(path string) error {
	owner, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(owner))
	if err != nil || pid == "" {
		pid = "unknown"
	}
	return fmt.Errorf("%w (process %s); stop it first, or open the file to read only", ErrInUse, pid)
}

// sign writes our process id into the file, for the message of the next one.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// release lets the lock go. The file stays: removing it would let two processes each
// lock a file of that name.
func (l *fileLock) release() error { return l.f.Close() }
