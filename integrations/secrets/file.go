package secrets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"breakglass/flows"
)

// maxFile is more than any secret has.
const maxFile = 64 << 10

// fileReader reads a file again whenever it is another one, or has another size or
// time, so that a mounted secret rotates without a restart. There is no previous
// value.
type fileReader struct {
	path, jsonKey string
	log           *slog.Logger

	mu    sync.Mutex
	read  fs.FileInfo // of what value came from; nil before
	value string
}

// Value implements flows.SecretReader.
func (r *fileReader) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return "", flows.ErrNoSuchVersion
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if which == flows.SecretCached && r.read != nil {
		if now, err := os.Stat(r.path); err == nil && unchanged(r.read, now) {
			return r.value, nil
		}
	}
	v, info, err := r.load()
	if err != nil {
		return "", fmt.Errorf("the secret's file %s: %w", r.path, err)
	}
	r.value, r.read = v, info
	return v, nil
}

func unchanged(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// load reads the file that was looked at, not one that was put there meanwhile.
func (r *fileReader) load() (string, fs.FileInfo, error) {
	if info, err := os.Stat(r.path); err != nil {
		return "", nil, reason(err)
	} else if !info.Mode().IsRegular() { // opening a pipe would wait for its writer
		return "", nil, errors.New("is not a regular file")
	}
	f, err := os.Open(r.path)
	if err != nil {
		return "", nil, reason(err)
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return "", nil, reason(err)
	}
	if err := r.checkMode(info); err != nil {
		return "", nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", nil, reason(err)
	}
	if len(raw) > maxFile {
		return "", nil, fmt.Errorf("is larger than %d bytes", maxFile)
	}
	v, err := pick(string(raw), r.jsonKey)
	return v, info, err
}

// checkMode refuses a file that everybody may write, and warns of one that everybody
// may read: containers mount their secrets like that.
func (r *fileReader) checkMode(info fs.FileInfo) error {
	switch mode := info.Mode().Perm(); {
	case mode&0o002 != 0:
		return fmt.Errorf("may be written by everybody (mode %04o); chmod o-w it", mode)
	case mode&0o004 != 0:
		r.log.Warn("a secret's file may be read by everybody on this machine", "path", r.path, "mode", fmt.Sprintf("%04o", mode))
	}
	return nil
}

// reason is the cause without the path, which is said already.
func reason(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}
