package web

import (
	"strings"
	"testing"
)

// Pages are read when they are first shown; that each can be is seen here.
func TestEveryPageCanBeRead(t *testing.T) {
	t.Parallel()
	all, err := files.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	p, n := newPages(), 0
	for _, f := range all {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		page, err := p.page(name)
		if err != nil || page.Lookup("main") == nil {
			t.Errorf("%s: %v, or it has no main", name, err)
		}
		if again, _ := p.page(name); again != page {
			t.Errorf("%s is read each time", name)
		}
		n++
	}
	if n < 10 {
		t.Errorf("only %d pages were found", n)
	}
}
