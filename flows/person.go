package flows

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// PersonID is a person: a Slack team and user, "T0123ABC/U0DANA". Names, e-mail
// addresses and handles never identify anybody.
type PersonID string

// Person joins a Slack team and user to a PersonID.
func Person(team, user string) PersonID { return PersonID(team + "/" + user) }

// Team is the Slack team of the person.
func (p PersonID) Team() string { t, _, _ := strings.Cut(string(p), "/"); return t }

// User is the Slack user of the person.
func (p PersonID) User() string { _, u, _ := strings.Cut(string(p), "/"); return u }

// PagerDutyUser is the id of a user at PagerDuty, "PDANA01".
type PagerDutyUser string

// Link is the pinned tie between a Slack person and a PagerDuty user. It is unique
// on both sides.
type Link struct {
	Name        string // how the configuration calls the person: "dana"
	Person      PersonID
	PagerDuty   PagerDutyUser
	Email       string
	Subject     string // at the company's sign-in, as an admin wrote it down; may be empty
	Proposed    bool   // born from an e-mail match and not yet confirmed by an admin: no self-approval
	Quarantined string // why the link may not be used; empty when it may
}

// String names the link for the audit: who it ties to whom, whether an admin confirmed
// it, and a version that is another one whenever anything of it is.
func (l Link) String() string {
	by := "confirmed"
	if l.Proposed {
		by = "proposed"
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{l.Name, string(l.Person), string(l.PagerDuty), l.Email, l.Subject, by, l.Quarantined}, "\n")))
	return l.Name + "=" + string(l.PagerDuty) + " (" + by + ", version " + hex.EncodeToString(sum[:4]) + ")"
}

// Usable reports whether the link may identify somebody at all.
func (l Link) Usable() bool { return l.Quarantined == "" && l.PagerDuty != "" && l.Person != "" }

// Standing is what the company's Slack says about an account.
type Standing string

// The standings. Only StandingMember may request or decide, unless a flow opens
// itself to guests; StandingUnknown is refused like the others, with another sentence.
const (
	StandingMember   Standing = "member"
	StandingGuest    Standing = "guest"    // restricted or ultra-restricted
	StandingStranger Standing = "stranger" // from another organisation, by Slack Connect
	StandingForeign  Standing = "foreign"  // from a team that is not the configured one
	StandingBot      Standing = "bot"
	StandingDeleted  Standing = "deleted"
	StandingUnknown  Standing = "unknown" // Slack could not be asked
)

// Profile is what is shown about a person.
type Profile struct {
	Person   PersonID
	Standing Standing
	Name     string // display name, for pages and the terminal; never identity
	Email    string
	TimeZone string // IANA name; may be empty
}

// Role is what a person may do beyond asking.
type Role string

// The roles, from the configuration only.
const (
	RoleAdmin   Role = "admin"
	RoleAuditor Role = "auditor"
	RoleMember  Role = "member"
	RoleGuest   Role = "guest"
)

// Principal is a reference in the configuration to people: a Slack user id
// ("U0DANA"), a user group by id ("S0SRE") or handle ("@sre-managers").
type Principal string

// IsUser reports whether the principal is one Slack user.
func (p Principal) IsUser() bool {
	return strings.HasPrefix(string(p), "U") || strings.HasPrefix(string(p), "W")
}

// Door is where somebody came in.
type Door string

// The doors.
const (
	DoorSlack  Door = "slack"
	DoorCLI    Door = "cli"
	DoorWeb    Door = "web"
	DoorAPI    Door = "api"
	DoorEngine Door = "engine" // nobody: the program itself, at a time-out or an end
)

// Actor is who does something, from a verified payload or session, and where.
type Actor struct {
	Person   PersonID // empty for the engine
	Door     Door
	Standing Standing
	Admin    bool
	// Unconfirmed: only an e-mail address ties who came in to the person, so they do
	// not approve their own requests.
	Unconfirmed bool
	// SteppedUp is when they signed in anew to take this very step; zero: they did not.
	SteppedUp time.Time
	Trace     string // ids of the interaction, for the audit: "action_ts=…"
	Visit
}

// Visit is how somebody came in, for the audit; zero where that is not known.
type Visit struct {
	Permalink string    // of the message at Slack that they acted on
	From      string    // the network address that the call came from: a proxy's, behind one
	Signed    time.Time // when Slack signed it
}

// ByEngine is the actor of what the program does by itself.
func ByEngine() Actor { return Actor{Door: DoorEngine, Standing: StandingMember} }
