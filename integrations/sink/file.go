package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"breakglass/flows"
)

// file appends lines to a file that its owner alone may read. A batch is on the disk
// before it counts as taken. Whoever moves or removes the file (logrotate) needs no
// signal: the next batch goes to a new one.
type file struct {
	spec  Spec
	clock flows.Clock
	f     *os.File
	size  int64
}

// Send implements Sink.
func (s *file) Send(_ context.Context, batch []flows.Leaf) error {
	var b []byte
	for i := range batch {
		b = append(appendLine(b, &batch[i], s.spec.Openings), '\n')
	}
	if err := s.write(b); err != nil {
		return fmt.Errorf("write to %s: %w; the entries stay in the database and are written later", s.spec.Path, err)
	}
	return nil
}

func (s *file) write(b []byte) error {
	if err := s.ready(int64(len(b))); err != nil {
		return err
	}
	if _, err := s.f.Write(b); err != nil {
		return errors.Join(err, s.f.Truncate(s.size), s.Close()) // no half line stays
	}
	if err := s.f.Sync(); err != nil {
		return errors.Join(err, s.Close())
	}
	s.size += int64(len(b))
	return nil
}

// ready has the file open that the path names, with room for n bytes.
func (s *file) ready(n int64) error {
	if s.f != nil && !s.current() {
		if err := s.Close(); err != nil {
			return err
		}
	}
	if s.f == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if s.spec.MaxBytes == 0 || s.size == 0 || s.size+n <= s.spec.MaxBytes {
		return nil
	}
	if err := s.setAside(); err != nil {
		return err
	}
	return s.open()
}

// current reports whether the path still names the open file.
func (s *file) current() bool {
	there, err := os.Stat(s.spec.Path)
	if err != nil {
		return false
	}
	ours, err := s.f.Stat()
	return err == nil && os.SameFile(there, ours)
}

// open opens or makes the file and cuts off half a line, which a crash may have left:
// its entry is sent again.
func (s *file) open() error {
	if info, err := os.Stat(s.spec.Path); err == nil && !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	f, err := os.OpenFile(s.spec.Path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := wholeLines(f)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil && size == 0 {
		err = syncDir(filepath.Dir(s.spec.Path))
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.f, s.size = f, size
	return nil
}

// wholeLines is the length of the file up to the end of its last whole line.
func wholeLines(f *os.File) (int64, error) {
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	block := make([]byte, 64<<10)
	for end > 0 {
		from := max(end-int64(len(block)), 0)
		part := block[:end-from]
		if _, err := f.ReadAt(part, from); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return from + int64(i) + 1, nil
		}
		end = from
	}
	return 0, nil
}

// setAside renames the full file after the time, and never over another one.
func (s *file) setAside() error {
	if err := s.Close(); err != nil {
		return err
	}
	stem := s.spec.Path + "." + s.clock.Now().UTC().Format("20060102T150405Z")
	to := stem
	for i := 2; ; i++ {
		if _, err := os.Lstat(to); errors.Is(err, os.ErrNotExist) {
			break
		}
		to = stem + "-" + strconv.Itoa(i)
	}
	if err := os.Rename(s.spec.Path, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(s.spec.Path))
}

// syncDir makes a new name durable, where a directory can be synced at all.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close implements Sink.
func (s *file) Close() error {
	if s.f == nil {
		return nil
	}
	err := s.f.Close()
	s.f = nil
	return err
}
