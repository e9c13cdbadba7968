package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are Prometheus numbers, read when they are asked for. No names, no ids.
func (a *App) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), numbers{a})
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 10 * time.Second})
}

// numbers reads the store's and the worker's figures.
type numbers struct{ a *App }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("breakglass_"+name, help, labels, nil)
}

// Describe implements prometheus.Collector; the numbers are made as they are read.
func (n numbers) Describe(ch chan<- *prometheus.Desc) {
	ch <- desc("end_only", "1 while nothing is granted.")
}

// Collect implements prometheus.Collector.
func (n numbers) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	endOnly := 0.0
	if n.a.guard.reason() != "" {
		endOnly = 1
	}
	gauge(desc("end_only", "1 while nothing is granted."), endOnly)
	gauge(desc("config_refused", "1 while the last reload of the configuration was refused."), float64(len(n.a.warnings())))
	n.a.mu.Lock()
	altered := len(n.a.altered)
	n.a.mu.Unlock()
	gauge(desc("requests_altered", "Requests that are not what their audit entries say. Alarm on more than 0."), float64(altered))
	done, failed, givenUp := n.a.runner.Stats()
	for outcome, v := range map[string]int64{"done": done, "failed": failed, "given_up": givenUp} {
		ch <- prometheus.MustNewConstMetric(desc("jobs_total", "Tries of jobs since the start.", "outcome"), prometheus.CounterValue, float64(v), outcome)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s, err := n.a.auditState(ctx); err == nil {
		gauge(desc("audit_waiting", "Audit entries that are not in the tree yet."), float64(s.Waiting))
		gauge(desc("audit_lag_seconds", "For how long the first of them waits. Alarm on more than 60."), s.Lag)
		gauge(desc("audit_checkpoint_entries", "Audit entries under the last signed checkpoint."), float64(s.Checkpoint))
	}
	n.sinks(ctx, ch)
	st, err := n.a.store.Stats(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(desc("requests", "Requests that are not final."), err)
		return
	}
	for state, v := range st.Requests {
		gauge(desc("requests", "Requests that are not final.", "state"), float64(v), string(state))
	}
	gauge(desc("grants_live", "Requests whose access exists or may exist."), float64(st.Live))
	gauge(desc("grants_overdue", "Live ones whose end is late. Alarm on more than 0."), float64(st.Overdue))
	gauge(desc("inbox_unhandled", "Payloads that wait to be handled."), float64(st.Unhandled))
	for _, j := range st.Jobs {
		gauge(desc("jobs_due", "Jobs that are due and free.", "kind"), float64(j.Due), string(j.Kind))
		gauge(desc("jobs_failing", "Jobs that failed at least once.", "kind"), float64(j.Failing), string(j.Kind))
	}
}

// sinks are the figures of the sinks: how far behind they are, as the database says it
// (the same at every replica), and what this process sent.
func (n numbers) sinks(ctx context.Context, ch chan<- prometheus.Metric) {
	behind, since := desc("sink_behind_entries", "Entries that the sink has not taken.", "sink"),
		desc("sink_behind_seconds", "Age of the oldest entry that the sink has not taken. Alarm on more than 300.", "sink")
	lags, err := n.a.store.SinkLags(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(behind, err)
		return
	}
	states := n.a.sinkStates()
	for _, l := range lags {
		s, configured := states[l.Name]
		if !configured {
			continue // it was one once
		}
		age := 0.0
		if !l.Since.IsZero() {
			age = max(n.a.o.Clock.Now().Sub(l.Since).Seconds(), 0)
		}
		ch <- prometheus.MustNewConstMetric(behind, prometheus.GaugeValue, float64(l.Entries), l.Name)
		ch <- prometheus.MustNewConstMetric(since, prometheus.GaugeValue, age, l.Name)
		ch <- prometheus.MustNewConstMetric(desc("sink_sent_total", "Entries that this process sent.", "sink"), prometheus.CounterValue, float64(s.Sent), l.Name)
		ch <- prometheus.MustNewConstMetric(desc("sink_failed_total", "Batches that this process could not send.", "sink"), prometheus.CounterValue, float64(s.Failed), l.Name)
	}
}
