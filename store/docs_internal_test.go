package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"breakglass/flows"
)

// cutReader loses what it reads after two documents, once, and reads it again.
type cutReader struct{ reader }

func (c cutReader) read(ctx context.Context, w way, a asked, begin func(), each func(doc []byte) error) error {
	n := 0
	err := c.reader.read(ctx, w, a, begin, func(doc []byte) error {
		if n++; n > 2 {
			return errCutOff
		}
		return each(doc)
	})
	if !errors.Is(err, errCutOff) {
		return fmt.Errorf("it was to be cut off: %w", err)
	}
	begin()
	return c.reader.read(ctx, w, a, begin, each)
}

// TestSearchDocsAgain: a page that was read in part is read again from its beginning, and
// who listens is told so.
func TestSearchDocsAgain(t *testing.T) {
	t.Parallel()
	db := lowStore(t)
	for i := range 5 {
		r := plainRequest()
		r.ID = flows.RequestID(fmt.Sprint("req_", i))
		r.SubmittedAt = late.Add(time.Duration(i) * time.Hour)
		doc, err := encodeRequest(r)
		if err != nil {
			t.Fatal(err)
		}
		writeBeside(t, db, `INSERT INTO requests (id, version, state, flow, target, scope, requester, beneficiary, incident, hash, submitted_at, decided_at, due_at, overdue, doc)
			VALUES (?, 1, 'submitted', 'f', 't', ?, 'r', 'b', '', '', ?, 0, 0, 0, ?)`, string(r.ID), fmt.Sprint(i), millis(r.SubmittedAt), doc)
	}
	s := &Store{tx: db, srv: db, way: db, doc: cutReader{db}}
	var got []flows.RequestID
	heard := 0
	next, err := s.SearchDocs(t.Context(), flows.Search{Limit: 4}, func(i int, doc []byte) error {
		heard++
		var r flows.Request
		got = append(got[:i], "")
		err := json.Unmarshal(doc, &r)
		got[i] = r.ID
		return err
	})
	if want := []flows.RequestID{"req_4", "req_3", "req_2", "req_1"}; err != nil || !slices.Equal(got, want) || next.ID != "req_1" || heard != 6 {
		t.Errorf("got %v, next %v, heard %d, %v", got, next, heard, err)
	}
}
