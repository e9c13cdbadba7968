package web

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"breakglass/flows"
)

// The charts are drawn on a canvas of this size and stretched to the page; words and
// numbers stand beside them as text, so that they are read at any width.
const (
	canvasW = 1000
	canvasH = 100
)

// accessSpan is one access of a person.
type accessSpan struct {
	ID       flows.RequestID
	Target   string
	From, To time.Time
	Live     bool
}

// bars is a person's access over time, a row for each target.
type bars struct {
	Rows     []barRow
	From, To time.Time
}

type barRow struct {
	Label string
	Bars  []bar
}

type bar struct {
	X, W  int
	ID    flows.RequestID
	Title string
	Live  bool
}

// narrowest is how wide the shortest access is drawn, so that it is seen and hit.
const narrowest = 6

func barsOf(spans []accessSpan, from, to time.Time) bars {
	out := bars{From: from, To: to}
	at := func(t time.Time) int {
		return min(max(int(canvasW*t.Sub(from)/to.Sub(from)), 0), canvasW)
	}
	for _, s := range slices.Backward(spans) { // oldest first
		i := slices.IndexFunc(out.Rows, func(r barRow) bool { return r.Label == s.Target })
		if i < 0 {
			i = len(out.Rows)
			out.Rows = append(out.Rows, barRow{Label: s.Target})
		}
		b := bar{X: at(s.From), ID: s.ID, Live: s.Live}
		b.W = max(at(s.To)-b.X, narrowest)
		b.X = min(b.X, canvasW-b.W)
		until := exact(s.To)
		if s.Live {
			until = "now"
		}
		b.Title = fmt.Sprintf("%s, %s to %s (%s)", s.Target, exact(s.From), until, flows.Ago(s.To.Sub(s.From)))
		out.Rows[i].Bars = append(out.Rows[i].Bars, b)
	}
	slices.SortStableFunc(out.Rows, func(a, b barRow) int { return strings.Compare(a.Label, b.Label) })
	return out
}

// series is one colour of a chart.
type series struct {
	Label, Tone string
	N           int64
}

// columns is a chart of stacked columns over time.
type columns struct {
	Columns []column
	Series  []series
	Max     int64
	Total   int64
}

type column struct {
	X, W  float64
	Label string
	Parts []block
	N     []int64 // by series
}

type block struct {
	Y, H  float64
	Tone  string
	Title string
}

// column spaces.
const gap = 0.18

// stack draws columns; counts are by column, then by series.
func stack(labels []string, all []series, counts [][]int64) columns {
	out := columns{Series: all}
	for _, c := range counts {
		n := int64(0)
		for i := range c {
			n += c[i]
			out.Series[i].N += c[i]
		}
		out.Max, out.Total = max(out.Max, n), out.Total+n
	}
	width := canvasW / float64(max(len(counts), 1))
	for i, c := range counts {
		col := column{X: float64(i)*width + width*gap/2, W: width * (1 - gap), Label: labels[i], N: c}
		y := float64(canvasH)
		for j, n := range c {
			if n == 0 {
				continue
			}
			h := canvasH * float64(n) / float64(out.Max)
			y -= h
			col.Parts = append(col.Parts, block{Y: y, H: h, Tone: all[j].Tone, Title: fmt.Sprintf("%s: %d %s", labels[i], n, all[j].Label)})
		}
		out.Columns = append(out.Columns, col)
	}
	return out
}

// share is a bar of a chart of bars that lie, and a part of it.
type share struct {
	Label   string
	N, Part int64
	W, PW   int // on the canvas
	Percent int64
}

// shares draws bars, the longest over the whole width.
func shares(all []share) []share {
	most := int64(1)
	for _, s := range all {
		most = max(most, s.N)
	}
	for i := range all {
		s := &all[i]
		s.W, s.PW = int(canvasW*s.N/most), int(canvasW*s.Part/most)
		if s.N > 0 {
			s.Percent = (100*s.Part + s.N/2) / s.N
		}
	}
	return all
}

// curve is a chart of how many there are at the end of each day, over columns of how
// many came on it.
type curve struct {
	Line   string // the points of a polyline
	Max    int64
	Points []point
}

type point struct {
	Label    string
	N, Began int64
	X, W     float64 // of the column
	Y, H     float64
}

func draw(points []point) curve {
	out := curve{Points: points, Max: 1}
	for _, p := range points {
		out.Max = max(out.Max, p.N, p.Began)
	}
	width := canvasW / float64(max(len(points), 1))
	var line []byte
	for i := range points {
		p := &points[i]
		p.X, p.W, p.H = (float64(i)+gap/2)*width, width*(1-gap), canvasH*float64(p.Began)/float64(out.Max)
		p.Y = canvasH - p.H
		if i > 0 {
			line = append(line, ' ')
		}
		line = strconv.AppendFloat(line, (float64(i)+0.5)*width, 'f', 1, 64)
		line = append(line, ',')
		line = strconv.AppendFloat(line, canvasH-canvasH*float64(p.N)/float64(out.Max), 'f', 1, 64)
	}
	out.Line = string(line)
	return out
}

// columns are the days on which some came.
func (c *curve) columns() []rect {
	out := make([]rect, 0, len(c.Points))
	for i := range c.Points {
		if p := &c.Points[i]; p.Began > 0 {
			title := p.Label + ": " + strconv.FormatInt(p.Began, 10) + " began, " + strconv.FormatInt(p.N, 10) + " active at its end"
			out = append(out, rect{"began", p.X, p.Y, p.W, p.H, title})
		}
	}
	return out
}

// rect is a part of a column.
type rect struct {
	Tone       string
	X, Y, W, H float64
	Title      string
}

// rects draws parts of columns. A page of a year has thousands: they are written as they
// are, which takes a fifth of the time that a template takes for them.
func rects(all ...rect) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b []byte
		for i := range all {
			r := &all[i]
			b = append(append(b, `<rect class="`...), templ.EscapeString(r.Tone)...)
			for _, side := range [...]struct {
				name string
				n    float64
			}{{`" x="`, r.X}, {`" y="`, r.Y}, {`" width="`, r.W}, {`" height="`, r.H}} {
				b = strconv.AppendFloat(append(b, side.name...), side.n, 'g', -1, 64)
			}
			b = append(append(append(b, `"><title>`...), templ.EscapeString(r.Title)...), "</title></rect>"...)
		}
		_, err := w.Write(b)
		return err
	})
}
