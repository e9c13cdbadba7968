package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows"
	"breakglass/flows/audit/query"
)

// TestCompose: whatever is typed into a field of the form is a value of that field.
func TestCompose(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		"sam", "sam target:prod_db", `sam" target:prod_db "`, "sam\ntarget:x", "“sam” target:x", "target:x", "me", `"`, `" "`, "person:dana", "«a» b", "'; DROP TABLE requests; --",
	} {
		for _, field := range []string{"person", "incident", "words", "target", "flow", "outcome", "review", "since", "until"} {
			text := compose(url.Values{field: {evil}})
			q, err := query.Parse(text, query.Options{
				Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Me: "T/UME",
				Person: func(typed string) (flows.PersonID, error) { return flows.PersonID("T/" + typed), nil },
			})
			if err != nil {
				continue // refused is fine: it did not become something else
			}
			got := map[string]bool{
				"person": len(q.People) > 0, "incident": q.Incident != "" || q.Number != 0, "words": len(q.Words) > 0, "target": q.Target != "",
				"flow": q.Flow != "", "outcome": len(q.States) > 0, "review": q.Review != "", "since": !q.Since.IsZero() && !q.Narrowed, "until": !q.Until.IsZero(),
			}
			for other, set := range got {
				if set && other != field {
					t.Errorf("%q as %s became %q, which sets %s", evil, field, text, other)
				}
			}
		}
	}
	in := url.Values{"incident": {"#4711"}, "person": {"dana"}, "part": {"approved-by"}, "outcome": {"denied"}, "review": {"open"}, "words": {"stuck payouts"}, "since": {"2026-01-01"}}
	want := `incident:4711 approved-by:dana outcome:denied review:open since:2026-01-01 reason:"stuck payouts"`
	if got := compose(in); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := compose(url.Values{"person": {"dana"}, "part": {"target"}}); got != "person:dana" {
		t.Errorf("a part that there is not: %s", got)
	}
}

// TestDrawing: a sample depends on the seed and the population, not on the order in
// which it is walked, and every request can be drawn.
func TestDrawing(t *testing.T) {
	t.Parallel()
	draw := func(seed string, ids []int) []flows.RequestID {
		d := &drawing{n: 5, seed: seed}
		for _, twice := range [][]int{ids, ids} { // as whoever walks may have to begin again
			for _, i := range twice {
				d.offer(flows.RequestID(fmt.Sprintf("req_%d", i)))
			}
		}
		if d.left != (len(ids) > 5) {
			t.Errorf("of %d requests there are more than were kept: %t", len(ids), d.left)
		}
		var out []flows.RequestID
		for _, k := range d.kept {
			out = append(out, k.id)
		}
		return out
	}
	ids := make([]int, 200)
	for i := range ids {
		ids[i] = i
	}
	back := slices.Clone(ids)
	slices.Reverse(back)
	if d := cmp.Diff(draw("a", ids), draw("a", back)); d != "" {
		t.Errorf("the order matters:\n%s", d)
	}
	if cmp.Equal(draw("a", ids), draw("b", ids)) {
		t.Error("the seed does not matter")
	}
	for _, n := range []int{0, 3, 5} {
		if got := draw("a", ids[:n]); len(got) != n {
			t.Errorf("of %d: %v", n, got)
		}
	}
	seen := map[flows.RequestID]int{}
	for s := range 400 {
		for _, id := range draw(fmt.Sprint(s), ids) {
			seen[id]++
		}
	}
	if len(seen) < 195 {
		t.Errorf("only %d of 200 were ever drawn", len(seen))
	}
}

// TestActiveOver: what there was on a day is what there is now, less what came since.
func TestActiveOver(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	on := func(d int, name flows.TotalName, n int64) flows.Total {
		return flows.Total{Day: first.AddDate(0, 0, d), Flow: "prod", Name: name, N: n}
	}
	c := activeOver([]flows.Total{on(0, "began", 3), on(1, "began", 2), on(1, "over", 4), on(3, "over", 1), on(3, "denied", 9)}, 7, first, first.AddDate(0, 0, 3))
	var got []int64
	for _, p := range c.Points {
		got = append(got, p.Began, p.N)
	}
	if d := cmp.Diff([]int64{3, 10, 2, 8, 0, 8, 0, 7}, got); d != "" || c.Max != 10 {
		t.Errorf("max %d:\n%s", c.Max, d)
	}
	if want := "125.0,0.0 375.0,20.0 625.0,20.0 875.0,30.0"; c.Line != want {
		t.Errorf("%s, want %s", c.Line, want)
	}
}

// TestRects: columns are written as a template would write them.
func TestRects(t *testing.T) {
	t.Parallel()
	c := draw([]point{{Label: "1 Mar", N: 1, Began: 3}, {Label: "2 Mar", N: 1}, {Label: "3 Mar", Began: 2}})
	var got strings.Builder
	if err := rects(append(c.columns(), rect{Tone: `a"b`, Title: "<db> & more"})...).Render(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	width, high := 1000.0/3, 200.0/3
	want := fmt.Sprintf(`<rect class="began" x="%v" y="0" width="%v" height="100"><title>1 Mar: 3 began, 1 active at its end</title></rect>`, gap/2*width, width*(1-gap)) +
		fmt.Sprintf(`<rect class="began" x="%v" y="%v" width="%v" height="%v"><title>3 Mar: 2 began, 0 active at its end</title></rect>`, (2+gap/2)*width, canvasH-high, width*(1-gap), high) +
		`<rect class="a&#34;b" x="0" y="0" width="0" height="0"><title>&lt;db&gt; &amp; more</title></rect>`
	if d := cmp.Diff(want, got.String()); d != "" {
		t.Error(d)
	}
}

// TestColumns: the parts of a column lie on each other, the highest fills the canvas.
func TestColumns(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	all := []flows.Total{
		{Day: first, Name: "ended", N: 3}, {Day: first, Name: "denied", N: 1}, {Day: first.AddDate(0, 0, 8), Name: "lapsed", N: 2},
		{Day: first.AddDate(0, 0, 95), Name: "ended", N: 7}, {Day: first.AddDate(0, 0, -1), Name: "ended", N: 7}, // of other times
	}
	for days, want := range map[int]int{30: 30, 90: 13} {
		c := outcomesOver(all, first, days)
		if len(c.Columns) != want || c.Total != 6 || c.Max != 4 {
			t.Fatalf("%d days: %d columns, %d in all, at most %d", days, len(c.Columns), c.Total, c.Max)
		}
		p := c.Columns[0].Parts
		if len(p) != 2 || p[0].Y+p[0].H != canvasH || p[1].Y+p[1].H != p[0].Y || p[1].Y != 0 {
			t.Errorf("%d days: %+v", days, p)
		}
		if last := c.Columns[want-1]; last.X+last.W > canvasW {
			t.Errorf("the last column ends at %f", last.X+last.W)
		}
	}
	if c := outcomesOver(nil, first, 30); c.Total != 0 || len(c.Columns) != 30 {
		t.Errorf("of nothing: %+v", c)
	}
}

// TestBars: accesses stay on the canvas, and the shortest can be seen.
func TestBars(t *testing.T) {
	t.Parallel()
	to := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	from := to.AddDate(0, 0, -30)
	b := barsOf([]accessSpan{
		{ID: "c", Target: "db", From: to.Add(-time.Minute), To: to, Live: true},
		{ID: "b", Target: "console", From: from.AddDate(0, 0, 15), To: from.AddDate(0, 0, 18)},
		{ID: "a", Target: "db", From: from.AddDate(0, 0, -3), To: from.AddDate(0, 0, 3)},
	}, from, to)
	if len(b.Rows) != 2 || b.Rows[0].Label != "console" || len(b.Rows[1].Bars) != 2 {
		t.Fatalf("%+v", b)
	}
	if x := b.Rows[0].Bars[0]; x.X != 500 || x.W != 100 {
		t.Errorf("%+v", x)
	}
	if old, now := b.Rows[1].Bars[0], b.Rows[1].Bars[1]; old.X != 0 || old.W != 100 || now.X+now.W != canvasW || now.W != narrowest || !strings.Contains(now.Title, "to now") {
		t.Errorf("%+v %+v", old, now)
	}
}

// TestFlat: what an entry says is listed in one order; nothing in it is lost.
func TestFlat(t *testing.T) {
	t.Parallel()
	w := &Web{o: Options{Name: func(p flows.PersonID) string { return "<" + p.User() + ">" }}}
	got := w.flat(map[string]any{"request": "said above", "b": []any{map[string]any{"who": "T1/U0DANA"}, nil}, "a": "(erased)", "c": true, "d": ""})
	want := []fact{{Name: "a", Value: "(erased)", Erased: true}, {Name: "b · 1 · who", Value: "<U0DANA>"}, {Name: "c", Value: "yes"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMarks(t *testing.T) {
	t.Parallel()
	m := flows.Mark{At: time.UnixMilli(1795316400000).UTC(), Entry: 7}
	if got, err := readMark(writeMark(m)); err != nil || got != m {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"x", "1", "1.", "1.0", "1.-1", "1.2.3", "' OR 1=1"} {
		if _, err := readMark(bad); err == nil {
			t.Errorf("%q is a place", bad)
		}
	}
}

// Parts of totals are drawn by themselves and change nothing of the whole.
func TestPartsOfTotals(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	on := func(days int, name flows.TotalName, n int64) flows.Total {
		return flows.Total{Day: first.AddDate(0, 0, days), Flow: "prod", Name: name, N: n}
	}
	whole := []flows.Total{on(0, flows.TotalBegan, 3), on(1, flows.TotalOver, 2), on(1, flows.TotalSelf, 3)}
	parts := []flows.Total{
		{Name: flows.TotalBegan.Of("db"), N: 2}, {Name: flows.TotalBegan.Of("console"), N: 1}, {Name: flows.TotalOver.Of("db"), N: 2}, {Name: flows.TotalOver.Of("old"), N: 1},
		{Name: flows.TotalSelf.Of("payments"), N: 1}, {Name: flows.TotalSelf.Of("payments"), N: 1}, {Name: flows.TotalSelf.Of("a@b"), N: 1}, {Name: flows.TotalSelf.Of(""), N: 9},
	}
	days := []flows.TargetDay{
		{Target: "db", Day: first, Began: 1}, {Target: "console", Day: first, Began: 1}, {Target: "db", Day: first, Began: 1}, // in pieces
		{Target: "db", Day: first.AddDate(0, 0, 1), Over: 2}, {Target: "old", Day: first.AddDate(0, 0, 1), Over: 1},
		{Target: "db", Day: first.AddDate(0, 0, 2), Over: 9}, {Target: "db", Day: first.AddDate(0, 0, -1), Over: 9}, {Target: "other", Day: first, Over: 9}, // not asked for
	}
	w := &Web{o: Options{Catalog: func() *flows.Catalog { return nil }}}
	var got []string
	targets := w.mostAccess(parts, map[string]int64{"console": 1, "idle": 0})
	drawTargets(targets, days, first, first.AddDate(0, 0, 1))
	for _, c := range targets {
		line := fmt.Sprintf("%s %d %d:", c.Label, c.Now, c.Began)
		for _, p := range c.Points {
			line += fmt.Sprintf(" %d", p.N)
		}
		got = append(got, line)
	}
	if want := "console 1 1: 1 1; db 0 2: 2 0; idle 0 0: 0 0; old 0 0: 1 0"; strings.Join(got, "; ") != want {
		t.Errorf("by target: %v, want %s", got, want)
	}
	teams := selfByTeam(parts)
	if len(teams) != 2 || teams[0].Label != "payments" || teams[0].N != 2 || teams[1].Label != "a@b" {
		t.Errorf("by team: %+v", teams)
	}
	if c := activeOver(whole, 1, first, first.AddDate(0, 0, 1)); c.Points[0].N != 3 || c.Points[1].N != 1 {
		t.Errorf("all together: %+v", c.Points)
	}
}
