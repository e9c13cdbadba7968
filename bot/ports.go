package bot

import (
	"context"
	"encoding/json"

	"breakglass/flows"
)

// Message is what is posted to Slack. Text is always a whole sentence: it is what a
// push notification and a screen reader say. Blocks are Block Kit JSON.
type Message struct {
	Text     string
	Blocks   json.RawMessage
	ThreadTS string
}

// Poster sends messages; integrations/slack implements it through app. Errors are
// *flows.Temporary or *flows.Permanent.
type Poster interface {
	// Post sends to a channel id, "#name" or user id (a DM) and returns where it went.
	Post(ctx context.Context, channel string, m Message) (channelID, ts string, err error)
	// Update changes a message of ours.
	Update(ctx context.Context, channelID, ts string, m Message) error
	// Ephemeral shows a message to one person in a channel; it may get lost.
	Ephemeral(ctx context.Context, channelID, user string, m Message) error
}

// Viewer opens and changes modals.
type Viewer interface {
	// OpenView opens a modal; a trigger is good for 3 s and once (a Slack limit).
	OpenView(ctx context.Context, triggerID string, view json.RawMessage) (viewID, hash string, err error)
	// UpdateView changes it; a non-empty hash must still stand (hash_conflict).
	UpdateView(ctx context.Context, viewID, hash string, view json.RawMessage) error
}

// Engine takes commands; *flows.Engine implements it.
type Engine interface {
	Do(ctx context.Context, cmd flows.Command, fin flows.Finish) (flows.Result, error)
	Record(ctx context.Context, chain string, entry flows.Entry, fin flows.Finish) error
	Load(ctx context.Context, id flows.RequestID) (flows.Record, error)
}

// Cards keeps where copies of cards are; the store implements it through app.
type Cards interface {
	// CardByToken finds the card whose current or next button value has the hash.
	CardByToken(ctx context.Context, hash string) (flows.Card, error)
	// Apply stores a changed card, with the job whose outcome it is.
	Apply(ctx context.Context, c flows.Change) ([]flows.Job, error)
}

// CardFinder tells which card a button belongs to; the store implements it.
type CardFinder interface {
	// CardByToken finds the card whose current or next button value has the hash.
	// flows.ErrNotFound.
	CardByToken(ctx context.Context, hash string) (flows.Card, error)
}

// History answers questions about the past; the store implements it.
type History interface {
	// Search answers a question with a page of requests, newest first.
	Search(ctx context.Context, f flows.Search) (flows.Found, error)
	// PartIn is what a person did in a request; 0 for nothing.
	PartIn(ctx context.Context, id flows.RequestID, p flows.PersonID) (flows.Part, error)
	// Entries reads the entries of a request, with the openings that are left.
	Entries(ctx context.Context, chain string) ([]flows.Sealed, error)
}

// Recorder writes entries that belong to no request; *flows.Engine implements it.
type Recorder interface {
	Record(ctx context.Context, chain string, e flows.Entry, fin flows.Finish) error
}

// LinkDesk takes what people say on cards about links.
type LinkDesk interface {
	// Answer is the person's own yes or no.
	Answer(ctx context.Context, card string, yes bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error)
	// Rule is an admin's: the link is right, or is taken away.
	Rule(ctx context.Context, card string, keep bool, by flows.Actor, fin flows.Finish) (*flows.Refusal, error)
}

// Newcomers is told who used Breakglass, and whose account changed.
type Newcomers interface {
	// Met is told that somebody used Breakglass.
	Met(ctx context.Context, who flows.PersonID) error
	// Watches reports whether an account that is said to be so is worth a look.
	Watches(said flows.Profile) bool
	// Changed is told that an account changed; it is looked at.
	Changed(ctx context.Context, who flows.PersonID, fin flows.Finish) error
}

// LinkReader reads stored links.
type LinkReader interface {
	Links(ctx context.Context) ([]flows.StoredLink, error)
	// Card reads one card by its id. flows.ErrNotFound.
	Card(ctx context.Context, id string) (flows.Card, error)
}

// RequestFinder lists requests, newest first; the store implements it.
type RequestFinder interface {
	Requests(ctx context.Context, f flows.RequestFilter) ([]flows.Request, error)
}
