package handler

import (
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// maxHeap is what a handler may make the process hold, garbage included.
const maxHeap = 64 << 20

// TestMain collects garbage as the program does, whatever GOGC the tests run with.
func TestMain(m *testing.M) {
	debug.SetGCPercent(100)
	os.Exit(m.Run())
}

// TestBombs runs every file of testdata/bombs: each must stop with a fault, soon, and
// without the heap ever growing by more than maxHeap. It is not parallel: it measures.
func TestBombs(t *testing.T) {
	files, err := filepath.Glob("testdata/bombs/*.py")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d bombs: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".py"), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			peak := watchHeap(t)
			got := New(Options{OnCall: testRota()}).Reduce(t.Context(), testInput(string(source), dana))
			top := peak()
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if got.Fault == "" {
				t.Errorf("the bomb went off: %+v", got)
			}
			if grown := int64(top) - int64(before.HeapAlloc); grown > maxHeap {
				t.Errorf("the heap grew by %d MiB", grown>>20)
			}
			if took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			t.Logf("%s; heap +%d KiB; allocated %d KiB; %s", took.Round(time.Millisecond),
				(int64(top)-int64(before.HeapAlloc))>>10, (after.TotalAlloc-before.TotalAlloc)>>10, got.Fault)
		})
	}
}

// watchHeap samples the heap until the function it returns is called, which gives the
// highest reading.
func watchHeap(t *testing.T) func() uint64 {
	t.Helper()
	done, result := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		var m runtime.MemStats
		tick := time.NewTicker(200 * time.Microsecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapAlloc)
			select {
			case <-done:
				result <- top
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(done); return <-result }
}
