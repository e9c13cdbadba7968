package sink_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"breakglass/integrations/sink"
	"breakglass/store"
)

// victim names the database and the file of a process that is about to be killed.
const victim = "BREAKGLASS_TEST_SINK_VICTIM"

func TestMain(m *testing.M) {
	if dsn, path, ok := strings.Cut(os.Getenv(victim), "\n"); ok {
		if err := liveAndDie(dsn, path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// liveAndDie writes entries and streams them until it is killed.
func liveAndDie(dsn, path string) error {
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{DSN: dsn, Now: time.Now})
	if err != nil {
		return err
	}
	spec := fileSpec(path)
	to, err := sink.New(spec, sink.Options{Clock: wall{}})
	if err != nil {
		return err
	}
	stream := sink.NewStream(spec, to, sink.StreamOptions{Shelf: st, Cursors: st, Clock: wall{}, Owner: "victim", Every: time.Millisecond, Batch: 5})
	go stream.Run(ctx)
	for i := 0; ; i++ {
		for stream.State().Behind > 30 { // the file keeps up, more or less
			<-time.After(time.Millisecond)
		}
		if err := write(ctx, st, fmt.Sprintf("req_%d", i%3), 1); err != nil {
			return err
		}
	}
}

func fileSpec(path string) sink.Spec {
	return sink.Spec{Name: "file.x", Kind: sink.KindFile, Path: path}
}

// Killed in the middle, again and again: every entry is in the file, in order, and
// every line is whole.
func TestStreamKilled(t *testing.T) {
	t.Parallel()
	bothStores(t, func(t *testing.T, o store.Options) {
		if err := open(t, o).Close(); err != nil { // migrated
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		for round := range 2 {
			kill(t, o.DSN, path, int64(round+1)*20_000)
		}
		st := open(t, o)
		if _, err := st.Sequence(t.Context(), 100_000); err != nil {
			t.Fatal(err)
		}
		size, err := st.TreeSize(t.Context())
		if err != nil || size < 20 {
			t.Fatalf("%d entries, %v", size, err)
		}
		next, _, err := st.SinkAt(t.Context(), "file.x", "", time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		dead := time.Now().Add(time.Minute) // the turn of the dead one has run out by then
		if _, mine, err := st.ClaimSink(t.Context(), "file.x", "heir", 0, dead, dead); err != nil || !mine {
			t.Fatalf("%v, %v", mine, err)
		}
		s, stop := streamTo(t, st, fileSpec(path), "heir", func(o *sink.StreamOptions) { o.Batch = 256 })
		settled(t, st, s)
		stop()
		got := &received{lines: linesOf(t, path)}
		t.Logf("%d entries, %d at the last kill, %d written twice", size, next, got.places(t, int(size)))
	})
}

// kill runs a victim until the file is so long.
func kill(t *testing.T, dsn, path string, long int64) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+dsn+"\n"+path)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := make(chan error, 1)
	go func() { dead <- cmd.Wait() }()
	deadline := time.After(60 * time.Second)
	for {
		if info, err := os.Stat(path); err == nil && info.Size() >= long {
			break
		}
		select {
		case err := <-dead:
			t.Fatalf("it ended by itself: %v\n%s", err, said.String())
		case <-deadline:
			t.Fatalf("it wrote too little\n%s", said.String())
		case <-time.After(time.Millisecond):
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-dead
}
