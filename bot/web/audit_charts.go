package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
	"breakglass/flows/doors"
)

// Counts reads the running totals.
type Counts interface {
	// Totals are those of the days from and to, both included.
	Totals(ctx context.Context, from, to time.Time) ([]flows.Total, error)
}

// chartsPage is the past in numbers.
type chartsPage struct {
	Days     int
	Ranges   []choice
	Flows    []choice
	Flow     flows.FlowID
	Outcomes columns
	Waits    []share
	Approved int64
	Self     []share
	SelfAll  share
	Teams    []share // self-approvals by escalation policy
	Active   *curve
	Targets  []targetCurve
	From, To time.Time
	Seen     seenBy
}

// ChartsPage is GET /audit/charts.
func (w *Web) ChartsPage(rw http.ResponseWriter, r *http.Request, c *doors.Caller) {
	d := w.desk(c)
	in := r.URL.Query()
	page := &chartsPage{Days: rangeOf(in.Get("days")), Flow: flows.FlowID(in.Get("flow"))}
	page.To = w.o.Clock.Now().UTC().Truncate(day)
	page.From = page.To.AddDate(0, 0, 1-page.Days)
	all, err := w.o.Archive.Totals(r.Context(), page.From, page.To)
	var live livePart
	if err == nil {
		live, err = w.liveIn(r.Context(), page.Flow)
	}
	if err == nil && page.Flow == "" { // however many
		var n int
		n, err = w.o.Live(r.Context())
		live.All = int64(n)
	}
	if err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookCharts, Search: flows.Search{Since: page.From, Flow: page.Flow}})
	w.fillCharts(page, all, live)
	w.show(rw, r, c, http.StatusOK, "Charts", shown((*view).auditCharts, page))
}

const day = 24 * time.Hour

func (w *Web) fillCharts(page *chartsPage, all []flows.Total, live livePart) {
	path := "/audit/charts?days="
	if page.Flow != "" {
		all = slices.DeleteFunc(all, func(t flows.Total) bool { return t.Flow != page.Flow })
	}
	page.Active = activeOver(all, live.All, page.From, page.To)
	page.Targets = w.activeByTarget(all, live.ByTarget, page.From, page.To)
	page.Teams = selfByTeam(all)
	for id, f := range w.o.Catalog().Flows {
		page.Flows = append(page.Flows, choice{string(id), f.Label, id == page.Flow})
	}
	slices.SortFunc(page.Flows, func(a, b choice) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	page.Ranges = ranges(path, page.Days)
	if page.Flow != "" {
		for i := range page.Ranges {
			page.Ranges[i].Value += "&flow=" + string(page.Flow)
		}
	}
	page.Outcomes = outcomesOver(all, page.From, page.Days)
	page.Waits, page.Approved = waited(all)
	page.Self = w.selfApproved(all)
	for _, s := range page.Self {
		page.SelfAll.N, page.SelfAll.Part = page.SelfAll.N+s.N, page.SelfAll.Part+s.Part
	}
	page.SelfAll = shares([]share{page.SelfAll})[0]
}

// outcomesOver counts what became of requests, by day, or by week over a longer time.
func outcomesOver(all []flows.Total, from time.Time, days int) columns {
	width := 1
	if days > 31 {
		width = 7
	}
	labels := make([]string, (days+width-1)/width)
	counts := make([][]int64, len(labels))
	kinds := []series{{Label: "given and ended", Tone: "good"}, {Label: "denied", Tone: "bad"}, {Label: "lapsed", Tone: "waiting"}, {Label: "withdrawn", Tone: "over"}, {Label: "failed", Tone: "busy"}}
	names := []flows.TotalName{flows.TotalName(flows.StateEnded), flows.TotalName(flows.StateDenied), flows.TotalName(flows.StateLapsed), flows.TotalName(flows.StateCancelled), flows.TotalName(flows.StateFailed)}
	for i := range labels {
		labels[i], counts[i] = from.AddDate(0, 0, i*width).Format("2 Jan"), make([]int64, len(kinds))
	}
	for _, t := range all {
		i, kind := int(t.Day.Sub(from)/day)/width, slices.Index(names, t.Name)
		if kind >= 0 && !t.Day.Before(from) && i < len(counts) {
			counts[i][kind] += t.N
		}
	}
	return stack(labels, kinds, counts)
}

// waitWords are the buckets of the time to an approval.
var waitWords = [...]string{"within a minute", "1 to 5 minutes", "5 to 15 minutes", "15 minutes to an hour", "1 to 4 hours", "longer"}

func waited(all []flows.Total) ([]share, int64) {
	buckets := flows.WaitBuckets()
	out := make([]share, len(buckets))
	total := int64(0)
	for i := range buckets {
		out[i].Label = waitWords[i]
	}
	for _, t := range all {
		if i := slices.Index(buckets, t.Name); i >= 0 {
			out[i].N += t.N
			total += t.N
		}
	}
	out = shares(out)
	for i := range out {
		if total > 0 {
			out[i].Percent = (100*out[i].N + total/2) / total
		}
	}
	return out, total
}

// selfApproved counts, by flow, the approvals and those of people's own requests.
func (w *Web) selfApproved(all []flows.Total) []share {
	by := map[flows.FlowID]*share{}
	for _, t := range all {
		if t.Name != flows.TotalApproved && t.Name != flows.TotalSelf {
			continue
		}
		s := by[t.Flow]
		if s == nil {
			s = &share{Label: string(t.Flow)}
			if f := w.o.Catalog().Flows[t.Flow]; f != nil && f.Label != "" {
				s.Label = f.Label
			}
			by[t.Flow] = s
		}
		if t.Name == flows.TotalApproved {
			s.N += t.N
		} else {
			s.Part += t.N
		}
	}
	out := make([]share, 0, len(by))
	for _, s := range by {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b share) int { return strings.Compare(a.Label, b.Label) })
	return shares(out)
}

// activeOver is how many accesses there were at the end of each day, counted back from
// those that there are now.
func activeOver(all []flows.Total, live int64, from, to time.Time) *curve {
	change, began := map[time.Time]int64{}, map[time.Time]int64{}
	for _, t := range all {
		switch t.Name {
		case flows.TotalBegan:
			change[t.Day] += t.N
			began[t.Day] += t.N
		case flows.TotalOver:
			change[t.Day] -= t.N
		}
	}
	var points []point
	for d := to; !d.Before(from); d = d.AddDate(0, 0, -1) {
		points = append(points, point{Label: d.Format("2 Jan"), N: max(live, 0), Began: began[d]})
		live -= change[d]
	}
	slices.Reverse(points)
	c := draw(points)
	return &c
}
