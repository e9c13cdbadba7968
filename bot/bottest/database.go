package bottest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"breakglass/store"
)

// newDatabase puts an empty database with today's schema into a story's directory, with an
// id of its own as any has, unless a database is there. Each story has it made once more
// only by the store's own tests: that was a tenth of the work of all of them.
func newDatabase(t testing.TB, dir string) {
	t.Helper()
	made, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		t.Fatal(err)
	}
	content := bytes.Replace(made.content, []byte(made.id), []byte(hex.EncodeToString(id[:])), 1)
	f, err := os.OpenFile(filepath.Join(dir, "breakglass.db"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err == nil {
		_, err = f.Write(content)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// madeDatabase is an empty database as a file, and the id that stands in it.
type madeDatabase struct {
	content []byte
	id      string
}

// emptyDatabase is made once a process.
var emptyDatabase = sync.OnceValues(func() (madeDatabase, error) {
	dir, err := os.MkdirTemp("", "breakglass-empty-")
	if err != nil {
		return madeDatabase{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "empty.db")
	st, err := store.Open(context.Background(), store.Options{DSN: "sqlite:" + file, Now: time.Now})
	if err != nil {
		return madeDatabase{}, err
	}
	id, err := st.ID(context.Background())
	if err := errors.Join(err, st.Close()); err != nil {
		return madeDatabase{}, err
	}
	made := madeDatabase{id: id}
	if made.content, err = os.ReadFile(file); err != nil {
		return madeDatabase{}, err
	}
	if n := bytes.Count(made.content, []byte(id)); n != 1 {
		return madeDatabase{}, fmt.Errorf("the id %s stands %d times in %s", id, n, file)
	}
	return made, nil
})
