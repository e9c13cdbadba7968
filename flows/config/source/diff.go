package source

import (
	"fmt"
	"slices"
	"strings"
)

// around is how many lines are shown around a change.
const around = 3

// unified is the difference of two texts as patch reads it.
func unified(name, before, after string) string {
	a, b := lines(before), lines(after)
	pairs := append(match(a, b), [2]int{len(a), len(b)})
	var out strings.Builder
	var h hunk
	ai, bi := 0, 0
	for _, p := range pairs {
		if ai < p[0] || bi < p[1] {
			if h.open && ai-h.end > 2*around {
				h.close(&out, a)
			}
			h.add(a, ai, p[0], b, bi, p[1])
		}
		ai, bi = p[0]+1, p[1]+1
	}
	h.close(&out, a)
	if out.Len() == 0 {
		return ""
	}
	return "--- a/" + name + "\n+++ b/" + name + "\n" + out.String()
}

// hunk is a part of the difference while it is made.
type hunk struct {
	open       bool
	from, end  int // lines of the old text that are in it
	begin      int // where it begins in the new one
	rows       []string
	less, more int
}

// add takes in that lines of the old text were replaced by those of the new one.
func (h *hunk) add(a []string, a1, a2 int, b []string, b1, b2 int) {
	if !h.open {
		from := max(0, a1-around)
		*h = hunk{open: true, from: from, end: from, begin: b1 - (a1 - from)}
	}
	h.keep(a, a1)
	for _, l := range a[a1:a2] {
		h.rows = append(h.rows, "-"+l)
		h.less++
	}
	for _, l := range b[b1:b2] {
		h.rows = append(h.rows, "+"+l)
		h.more++
	}
	h.end = a2
}

// keep shows unchanged lines up to one.
func (h *hunk) keep(a []string, to int) {
	for ; h.end < to; h.end++ {
		h.rows = append(h.rows, " "+a[h.end])
		h.less++
		h.more++
	}
}

// close writes the hunk.
func (h *hunk) close(out *strings.Builder, a []string) {
	if !h.open {
		return
	}
	h.keep(a, min(len(a), h.end+around))
	fmt.Fprintf(out, "@@ -%s +%s @@\n%s\n", span(h.from, h.less), span(h.begin, h.more), strings.Join(h.rows, "\n"))
	h.open = false
}

func span(from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, n)
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	all := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	if !strings.HasSuffix(s, "\n") {
		all[len(all)-1] += "\n\\ No newline at end of file"
	}
	return all
}

// match pairs equal lines: from the beginning, and then by their longest common row.
func match(a, b []string) [][2]int {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	if (len(a)-head)*(len(b)-head) > most {
		for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
			tail++
		}
	}
	var out [][2]int
	for i := range head {
		out = append(out, [2]int{i, i})
	}
	out = append(out, common(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := tail; i > 0; i-- {
		out = append(out, [2]int{len(a) - i, len(b) - i})
	}
	return out
}

// most bounds the table that common makes; beyond it the middle is shown as replaced.
const most = 4 << 20

// common is the longest row of lines that both have, in order.
func common(a, b []string, offset int) [][2]int {
	if len(a)*len(b) > most || len(a) == 0 || len(b) == 0 {
		return nil
	}
	long := make([][]int, len(a)+1)
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := range slices.Backward(a) {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i + offset, j + offset})
			i, j = i+1, j+1
		case long[i+1][j] >= long[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
