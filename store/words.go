package store

import (
	"context"
	"database/sql"
	"errors"
	"unicode/utf8"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// wordsWindow is what the index of words on PostgreSQL keeps apart, in milliseconds: as
// in 00009_words.sql.
const wordsWindow = 345_600_000

// leadingWord is the longest of the words that are looked for within a time, if it leads
// the way to the requests: an incident or a person has few, and they are looked at.
func leadingWord(f flows.Search) string {
	if f.Since.IsZero() || f.Incident != "" || f.Number > 0 || len(f.People) > 0 || f.Viewer != "" {
		return ""
	}
	lead := ""
	for _, w := range f.Words {
		if w = searched(w); utf8.RuneCountInString(w) > utf8.RuneCountInString(lead) {
			lead = w
		}
	}
	if utf8.RuneCountInString(lead) < 3 {
		return ""
	}
	return lead
}

// byWords looks for what stands in reasons, a window of time after the other, the newest
// first, until there is a page; each is twice as long as the one before, since the first
// found few. A window of 0 is all of the time at once.
func byWords(word string, window int64) way {
	return func(ctx context.Context, q queries, a asked) ([]string, error) {
		oldest, err := q.OldestRequest(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		newest, err := q.NewestRequest(ctx)
		if err != nil {
			return nil, err
		}
		p := a.among(a.people)
		since, before, beforeID := max(p.Since, oldest), p.BeforeAt, p.BeforeID
		if before > newest {
			before, beforeID = newest, lastID
		}
		var docs []string
		for ; since <= before && int64(len(docs)) < p.Lim; window *= 2 { // the rarer it is, the further at once
			from := since
			if window > 0 {
				from = max(since, before-before%wordsWindow-window+wordsWindow)
			}
			more, err := q.SearchByWords(ctx, postgresdb.SearchByWordsParams{
				Since: from, Way: word, BeforeAt: before, BeforeID: beforeID, Bare: p.Bare, Flow: p.Flow, Target: p.Target, States: p.States, Review: p.Review,
				Person1: p.Person1, Roles1: p.Roles1, Person2: p.Person2, Roles2: p.Roles2,
				Viewer: p.Viewer, Word1: p.Word1, Word2: p.Word2, Word3: p.Word3, Lim: p.Lim - int64(len(docs)),
			})
			if err != nil {
				return nil, err
			}
			docs = append(docs, more...)
			before, beforeID = from-1, lastID
		}
		return docs, nil
	}
}
