package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"strconv"
	"time"
)

// perPage is PagerDuty's largest page; lastRow is as far as its offsets reach.
const (
	perPage = 100
	lastRow = 10_000
)

// listing says what was read for one list: every page of it, or it would not exist.
type listing struct {
	pages  int
	sent   time.Time // our clock, before the first page was asked for
	date   time.Time // PagerDuty's clock, at the first page
	asked  time.Time // since when this is known: the earlier of the two
	digest string
}

// receipts collects what a read rests on.
type receipts struct {
	listing
	sum hash.Hash
}

func newReceipts() *receipts { return &receipts{sum: sha256.New()} }

func (l *receipts) add(r *reply) {
	if l.pages == 0 {
		l.sent, l.date, l.asked = r.asked, r.date, r.asked
		if r.date.Before(r.asked.Add(-2 * time.Second)) {
			l.asked = r.date // a cache in between may have answered
		}
	}
	l.pages++
	l.sum.Write(r.body)
}

func (l *receipts) done() listing {
	l.digest = hex.EncodeToString(l.sum.Sum(nil))
	return l.listing
}

// errTooMany says that a list has more pages than may be read.
type errTooMany struct{ pages int }

func (e *errTooMany) Error() string {
	return fmt.Sprintf("the list goes on after %d pages; a part of it is not an answer", e.pages)
}

// list reads every page of a list and hands each item, with the date of its page, to
// item. A list that is not complete is an error.
func (c *Client) list(ctx context.Context, r request, key string, pages int, item func(v value, date time.Time)) (listing, error) {
	got := newReceipts()
	rows, total := 0, -1
	for page := 0; ; page++ {
		if page >= pages || (page+1)*perPage > lastRow {
			return listing{}, c.garbled(r, &errTooMany{page})
		}
		one := r
		one.query = withPage(r.query, page*perPage)
		rep, err := c.call(ctx, one)
		if err != nil {
			return listing{}, err
		}
		got.add(rep)
		doc, err := parse(rep.body)
		if err != nil {
			return listing{}, c.garbled(r, err)
		}
		items := doc.at(key).list()
		more := doc.at("more").flag()
		for _, it := range items {
			item(it, rep.date)
		}
		rows += len(items)
		total = checkPage(doc, page, len(items), more, total)
		if !more && total >= 0 && rows != total {
			doc.fail("says that there are %d rows, but %d came", total, rows)
		}
		if doc.err() != nil {
			return listing{}, c.garbled(r, doc.err())
		}
		if !more {
			return got.done(), nil
		}
	}
}

// checkPage notes what is wrong with a page as a part of its list, and returns the
// number of rows the list says it has; -1 where it does not.
func checkPage(doc value, page, n int, more bool, total int) int {
	if o := doc.maybe("offset"); !o.null() && o.whole() != page*perPage {
		o.fail("is not the page that was asked for")
	}
	switch {
	case n > perPage:
		doc.fail("has more rows than were asked for")
	case more && n == 0:
		doc.fail("has no rows, but says that there are more")
	case more && n < perPage:
		doc.fail("is a part of a page (%d rows), but says that there are more", n)
	}
	if t := doc.maybe("total"); !t.null() {
		if now := t.whole(); total >= 0 && now != total {
			t.fail("changed between two pages")
		} else {
			total = now
		}
	}
	return total
}

func withPage(q url.Values, offset int) url.Values {
	out := url.Values{}
	maps.Copy(out, q)
	out.Set("limit", strconv.Itoa(perPage))
	out.Set("offset", strconv.Itoa(offset))
	return out
}

// one reads a single document.
func (c *Client) one(ctx context.Context, r request) (value, *reply, error) {
	rep, err := c.call(ctx, r)
	if err != nil {
		return value{}, nil, err
	}
	doc, err := parse(rep.body)
	if err != nil {
		return value{}, nil, c.garbled(r, err)
	}
	return doc, rep, nil
}
