package flows

import (
	"strings"
	"time"
)

// CardKind says for whom a card is.
type CardKind string

// The kinds of cards.
const (
	CardApprover  CardKind = "approver"  // asks one person, or a channel, to decide
	CardRequester CardKind = "requester" // the requester's own, in a DM
	CardFYI       CardKind = "fyi"       // tells the flow's channel; no buttons to decide
	CardReview    CardKind = "review"    // asks one person, or a channel, to look back at it
	CardLink      CardKind = "link"      // about who somebody is, and of no request; see LinkCard
)

// Card is one copy of the message that shows a request. It holds no state of the
// request: its buttons carry a random value of which only the hash is here.
type Card struct {
	ID       string // JobKey-like: request, kind and recipient
	Request  RequestID
	Kind     CardKind
	To       PersonID // a DM; empty for a channel
	Channel  string   // the channel asked for ("#name" or id), then Slack's id once posted
	TS       string   // Slack's name of the message; empty until posted
	Token    string   // SHA-256 of the buttons' value, hex
	Next     string   // of the value that is being sent and not yet confirmed
	Version  int64    // the request's version the card showed last
	PostedAt time.Time
}

// CardID is the one id of a copy.
func CardID(r RequestID, kind CardKind, to string) string {
	return string(r) + "/" + string(kind) + "/" + to
}

// Destination is where a copy in a channel was to go, as the configuration says it.
func (c Card) Destination() string {
	return strings.TrimPrefix(c.ID, CardID(c.Request, c.Kind, ""))
}

// Asks reports whether the copy still asks for a decision: whether who it was sent
// to, or the channel it stands in, is among those asked now. It is derived, so that
// only the announcer ever changes a stored card.
func (r *Request) Asks(c Card) bool {
	if r.State != StatePending || r.Route == nil {
		return false
	}
	asked := func(s Stage) bool {
		switch {
		case s.Self:
			return c.Kind == CardRequester && s.Has(c.To)
		case c.Kind != CardApprover:
			return false
		case s.Destination.Channel != "":
			return c.To == "" && c.ID == CardID(r.ID, CardApprover, s.Destination.Channel)
		}
		return c.To != "" && s.Has(c.To)
	}
	for i, s := range r.Route.Stages {
		if i <= r.Stage && asked(s) {
			return true
		}
	}
	return r.FallbackOpen && r.Route.Fallback != nil && asked(*r.Route.Fallback)
}

// Notice is something to tell once: a DM or a channel message. Args of JobNotice.
type Notice struct {
	Request RequestID `json:"request"`
	To      PersonID  `json:"to,omitempty"`
	View    string    `json:"view,omitempty"` // a modal to turn into the receipt
	Channel string    `json:"channel,omitempty"`
	About   About     `json:"about"`
	Detail  string    `json:"detail,omitempty"` // a word for the front door, or a refusal's sentence; never typed text
	By      PersonID  `json:"by,omitempty"`     // who did what is told; empty: the engine, or the operator on the machine
	Said    Text      `json:"said,omitzero"`    // why, as they typed it
}

// About says what a notice is about; the front door has the words.
type About string

// What notices are about.
const (
	AboutApproved   About = "approved" // access works now: how to use it, until when
	AboutDenied     About = "denied"
	AboutExpiring   About = "expiring"
	AboutEnded      About = "ended"
	AboutLapsed     About = "lapsed"
	AboutFailed     About = "failed"
	AboutForwarded  About = "forwarded"
	AboutReminded   About = "reminded"
	AboutFallback   About = "fallback" // the fallback decides, and why
	AboutCancelled  About = "cancelled"
	AboutResolved   About = "incident_resolved" // access ends after the grace
	AboutOverdue    About = "overdue"           // operator: an end is late
	AboutFault      About = "fault"             // operator: something broke
	AboutSelfMade   About = "self_approved"     // FYI to the flow's channel
	AboutReceipt    About = "receipt"           // the modal after submit: who is asked and why
	AboutRefused    About = "refused"           // to one person, where they clicked: a refusal's sentence
	AboutUnreadable About = "incident_unreadable"
	AboutFrozen     About = "frozen"     // everybody: nothing is given until an admin lifts it
	AboutUnfrozen   About = "unfrozen"   // everybody: access can be given again
	AboutReview     About = "review"     // who may review: it is late; or the requester and the operators: what it came to
	AboutErasure    About = "erasure"    // operator: how an erasure stands
	AboutPeople     About = "people"     // operator, or who it is about: a link was made, confirmed or set aside
	AboutEndedMany  About = "ended_many" // everybody: an admin ended much at once
	AboutStep       About = "step"       // to the thread of a channel's card: what happened; Detail is the verb
)

// LinkCard is a card about a link. Args of JobLinkCard.
type LinkCard struct {
	ID      string   `json:"id"`
	Person  PersonID `json:"person"`            // whose link it is
	To      PersonID `json:"to,omitempty"`      // asks the person; empty: tells the admins
	Channel string   `json:"channel,omitempty"` // where it tells them
}
