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
	// Sums are those of the days from and to, both included, in a flow, or in all of them
	// if it is empty.
	Sums(ctx context.Context, from, to time.Time, flow flows.FlowID) (flows.Sums, error)
	// TargetDays are those of some targets by day.
	TargetDays(ctx context.Context, from, to time.Time, flow flows.FlowID, targets []flows.TargetID) ([]flows.TargetDay, error)
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
	if err := w.count(r.Context(), page); err != nil {
		w.failBy(rw, r, c, err)
		return
	}
	page.Seen = d.look(r.Context(), history.Look{What: history.LookCharts, Search: flows.Search{Since: page.From, Flow: page.Flow}})
	w.choices(page)
	w.show(rw, r, c, http.StatusOK, "Charts", shown((*view).auditCharts, page))
}

const day = 24 * time.Hour

// count fills a page with numbers.
func (w *Web) count(ctx context.Context, page *chartsPage) error {
	sums, err := w.o.Archive.Sums(ctx, page.From, page.To, page.Flow)
	if err != nil {
		return err
	}
	live, err := w.liveIn(ctx, page.Flow)
	if err != nil {
		return err
	}
	if page.Flow == "" { // however many
		n, err := w.o.Live(ctx)
		if err != nil {
			return err
		}
		live.All = int64(n)
	}
	page.Active = activeOver(sums.Days, live.All, page.From, page.To)
	page.Outcomes = outcomesOver(sums.Days, page.From, page.Days)
	page.Waits, page.Approved = waited(sums.Days)
	page.Self = w.selfApproved(sums.Days)
	for _, s := range page.Self {
		page.SelfAll.N, page.SelfAll.Part = page.SelfAll.N+s.N, page.SelfAll.Part+s.Part
	}
	page.SelfAll = shares([]share{page.SelfAll})[0]
	page.Teams = selfByTeam(sums.Parts)
	page.Targets = w.mostAccess(sums.Parts, live.ByTarget)
	days, err := w.o.Archive.TargetDays(ctx, page.From, page.To, page.Flow, ids(page.Targets))
	if err != nil {
		return err
	}
	drawTargets(page.Targets, days, page.From, page.To)
	return nil
}

// choices fills a page with what else can be asked.
func (w *Web) choices(page *chartsPage) {
	for id, f := range w.o.Catalog().Flows {
		page.Flows = append(page.Flows, choice{string(id), f.Label, id == page.Flow})
	}
	slices.SortFunc(page.Flows, func(a, b choice) int { return strings.Compare(a.Label+a.Value, b.Label+b.Value) })
	page.Ranges = ranges("/audit/charts?days=", page.Days)
	if page.Flow != "" {
		for i := range page.Ranges {
			page.Ranges[i].Value += "&flow=" + string(page.Flow)
		}
	}
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
	days := daily(from, to)
	for _, t := range all {
		switch t.Name {
		case flows.TotalBegan:
			days.add(t.Day, t.N, 0)
		case flows.TotalOver:
			days.add(t.Day, 0, t.N)
		}
	}
	return days.draw(live)
}

// accessDays is how much access began and was over on each of some days.
type accessDays struct {
	from        time.Time
	began, over []int64
}

func daily(from, to time.Time) *accessDays {
	n := int(to.Sub(from)/day) + 1
	return &accessDays{from, make([]int64, n), make([]int64, n)}
}

func (d *accessDays) add(at time.Time, began, over int64) {
	if i := int(at.Sub(d.from) / day); !at.Before(d.from) && i < len(d.began) {
		d.began[i], d.over[i] = d.began[i]+began, d.over[i]+over
	}
}

// draw draws them back from the last day, at the end of which there were so many.
func (d *accessDays) draw(live int64) *curve {
	points := make([]point, len(d.began))
	for i := range slices.Backward(points) {
		points[i] = point{Label: d.from.AddDate(0, 0, i).Format("2 Jan"), N: max(live, 0), Began: d.began[i]}
		live -= d.began[i] - d.over[i]
	}
	c := draw(points)
	return &c
}
