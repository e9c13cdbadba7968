package httpadapter_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/httpadapter"
)

// real is the clock on the wall.
type real struct{}

func (real) Now() time.Time { return time.Now().UTC() }
func (real) At(t time.Time) (<-chan struct{}, func()) {
	done := make(chan struct{})
	timer := time.AfterFunc(time.Until(t), func() { close(done) })
	return done, func() { timer.Stop() }
}

// unwritten is a recorder that keeps nothing.
type unwritten struct{}

func (unwritten) Append(context.Context, string, []flows.Entry) error { return nil }

// benched is a world by the real clock, whose upstream answers with 3.5 KB of JSON.
func benched(b *testing.B, recorded bool) *world {
	w := open(b, func(_ *world, _ *flows.Adapter, o *httpadapter.Options) {
		o.Clock = real{}
		if !recorded {
			o.Recorder = unwritten{}
		}
	})
	body := strings.Repeat(`{"id":"P1","status":"acknowledged"},`, 100)
	w.answers(func(rw http.ResponseWriter, _ *http.Request) {
		w.mu.Lock()
		w.seen = w.seen[:0]
		w.mu.Unlock()
		rw.Header().Set("Content-Length", sprint(len(body)))
		_, _ = io.WriteString(rw, body)
	})
	return w
}

// fetch makes one call and throws the answer away.
func fetch(b *testing.B, client *http.Client, url string) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != 3600 || resp.StatusCode != 200 {
		b.Fatalf("%d bytes, %d, %v", n, resp.StatusCode, err)
	}
}

// One call after the other, in turns: to the upstream itself, through the proxy without
// the record, and with the entry durably written ahead (SQLite).
func BenchmarkOverhead(b *testing.B) {
	plain, recorded := benched(b, false), benched(b, true)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	ways := [...]string{plain.upstream.URL + "/base/incidents", plain.front.URL + httpadapter.Root + "pd/incidents", recorded.front.URL + httpadapter.Root + "pd/incidents"}
	var took [len(ways)][]time.Duration
	for b.Loop() {
		for i, url := range ways {
			begun := time.Now()
			fetch(b, client, url)
			took[i] = append(took[i], time.Since(begun))
		}
	}
	at := func(i int, part float64) float64 {
		slices.Sort(took[i])
		return float64(took[i][int(part*float64(len(took[i])-1))].Microseconds())
	}
	b.ReportMetric(at(0, 0.5), "direct-p50-µs")
	b.ReportMetric(at(1, 0.5)-at(0, 0.5), "added-p50-µs")
	b.ReportMetric(at(2, 0.5)-at(0, 0.5), "recorded-added-p50-µs")
	b.ReportMetric(at(2, 0.99)-at(0, 0.99), "recorded-added-p99-µs")
}

// As many calls as go through at a time, each durably recorded first: many callers, whose
// calls share commits.
func BenchmarkRecordedCalls(b *testing.B) {
	w := benched(b, true)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			fetch(b, client, w.front.URL+httpadapter.Root+"pd/incidents")
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// Eight callers, a thousand calls a second together, one each millisecond, half of them by
// a grant: what the proxy adds with the entry written ahead to calls without any proxy.
func BenchmarkOverheadTogether(b *testing.B) {
	w := benched(b, true)
	w.grants.set(grant(dana, "write", "P1", time.Now().Add(time.Hour)))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	proxied, direct := w.front.URL+httpadapter.Root+"pd/", w.upstream.URL+"/base/"
	ways := [...][2]string{{direct + "incidents", direct + "stream"}, {proxied + "incidents", proxied + "stream"}}
	var took [len(ways)][]time.Duration
	const callers, pace = 8, 8 * time.Millisecond
	each := b.N/callers/len(ways) + 1
	for i, urls := range ways {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				mine := make([]time.Duration, 0, each)
				<-time.After(time.Duration(caller) * time.Millisecond)
				tick := time.NewTicker(pace)
				defer tick.Stop()
				for range each {
					<-tick.C
					begun := time.Now()
					fetch(b, client, urls[caller%2])
					mine = append(mine, time.Since(begun))
				}
				mu.Lock()
				defer mu.Unlock()
				took[i] = append(took[i], mine...)
			})
		}
		wg.Wait()
		slices.Sort(took[i])
	}
	added := func(part float64) float64 {
		n := int(part * float64(len(took[0])-1))
		return float64((took[1][n] - took[0][n]).Microseconds())
	}
	b.ReportMetric(added(0.5), "recorded-added-p50-µs")
	b.ReportMetric(added(0.99), "recorded-added-p99-µs")
}
