package flows

import "time"

// FlowID, TargetID and Scope name what the configuration declares.
type (
	// FlowID is the name of a flow block.
	FlowID string
	// TargetID is the name of a target block.
	TargetID string
	// Scope narrows a target, where its kind knows scopes; empty is all of it.
	Scope string
)

// Flow is what may be asked and how it is routed: one flow block of the
// configuration, resolved and validated. Immutable once loaded.
type Flow struct {
	ID           FlowID
	Label        string
	Environment  string
	Targets      []TargetID
	Channel      string // "#name" or id; FYIs and, unless a route says otherwise, cards
	ErrorsTo     string // channel for faults, of the environment
	Handler      string // file name, as configured
	Source       []byte // the handler's text
	SourceHash   string // SHA-256 of Source, hex
	Hash         string // SHA-256 of the flow block as canonical bytes, with SourceHash; changes when anything that decides changes
	Requesters   []Principal
	AllowGuests  bool
	Durations    []time.Duration // choices, in the order given
	MaxDuration  time.Duration
	MaxTotal     time.Duration // with extensions
	Incident     IncidentRule
	OpensAt      string     // PagerDuty service that new incidents are opened at, for IncidentCreate
	EndWith      []EndCause // incident_resolved, shift_ended
	SelfApproval SelfRule
	OnCall       OnCallLimits
	Quorum       int // least number of approvals, 1 unless said
	Fallback     Fallback
	Review       ReviewRule
	ReviewWithin time.Duration  // after the end of the access
	StageTimeout time.Duration  // of a stage that names none
	RemindAfter  time.Duration  // within a stage; zero: never
	MaxOpen      int            // open requests per person
	Vars         map[string]any // string, int64, bool, []string
	Fields       []PromptField
}

// IncidentRule says whether a request names a PagerDuty incident.
type IncidentRule string

// The incident rules.
const (
	IncidentOptional IncidentRule = "optional"
	IncidentRequired IncidentRule = "required"
	IncidentCreate   IncidentRule = "create" // chosen, or a new one is created
)

// SelfRule says when a requester may approve herself, if the route asks for it.
type SelfRule string

// The self-approval rules.
const (
	SelfNever  SelfRule = "never"
	SelfOnCall SelfRule = "on_call" // only with on-call evidence within the flow's limits
	SelfAlways SelfRule = "always"  // whenever the handler says so
)

// ReviewRule says which access is looked back at by somebody else when it has ended.
type ReviewRule string

// The review rules.
const (
	ReviewNever ReviewRule = "never"
	ReviewSelf  ReviewRule = "self_approved"
)

// OnCallLimits are the ceilings on what counts as on call for self-approval; the
// engine holds them whatever the handler returns.
type OnCallLimits struct {
	MaxLevel     int           // escalation level, 1 is first; zero: any
	ScheduleOnly bool          // permanent (direct) entries do not count
	MinShiftAge  time.Duration // the shift must have begun this long ago
	Overrides    OverrideRule
	Policies     []string // ids or exact names; empty: any
}

// OverrideRule says whether a shift that comes from a schedule override counts.
type OverrideRule string

// The override rules; empty means allow, and the override is named in the evidence.
const (
	OverridesAllow OverrideRule = "allow"
	OverridesDeny  OverrideRule = "deny"
)

// Fallback decides where the handler gives no route.
type Fallback struct {
	Approvers   []Principal
	Destination string // "#channel" or empty: a DM to each
}

// PromptField is a question of the flow's own in the modal.
type PromptField struct {
	Name     string
	Label    string
	Type     FieldType
	Required bool
	Default  string
	Choices  []string
	Hint     string
}

// FieldType is the type of a prompt field.
type FieldType string

// The field types.
const (
	FieldString   FieldType = "string"
	FieldInt      FieldType = "int"
	FieldBool     FieldType = "bool"
	FieldDuration FieldType = "duration"
	FieldUser     FieldType = "slack_user"
	FieldUsers    FieldType = "slack_user_list"
)

// TargetSpec is one target block: what access is given to.
type TargetSpec struct {
	ID          TargetID
	Kind        string // "approval_only", "webhook", …
	Label       string
	Hash        string // SHA-256 of the block as canonical bytes
	Means       string // SHA-256 of what executes its grants, and where: kind and settings
	MaxDuration time.Duration
	HowTo       string // shown to the holder: how to use the access; Slack mrkdwn by the operator
	HighRisk    bool   // Approve asks for confirmation
	StepUp      bool   // an approval counts only after a fresh sign-in by who approves
	Settings    map[string]any
	Secrets     map[string]Secret
}

// Catalog is one loaded configuration: everything Decide and the front doors look
// up. Immutable; a reload makes a new one.
type Catalog struct {
	Hash      string // over everything below
	Team      string // the Slack team
	World     World
	Console   string // where people reach the web console, without a slash at the end; empty: not said
	Flows     map[FlowID]*Flow
	FlowOrder []FlowID
	Targets   map[TargetID]*TargetSpec
	Links     Links
	Admins    []Principal
	Auditors  []Principal

	Adapters       map[AdapterID]*Adapter
	AdapterTargets map[AdapterID][]AdapterTarget // by name of the target
}

// World says whether the vendors behind this installation are real; the two never
// mix in one store.
type World string

// The worlds.
const (
	WorldReal      World = "real"
	WorldSimulated World = "simulated"
)

// Links looks pinned links up from both sides.
type Links struct {
	byPerson map[PersonID]Link
	byPD     map[PagerDutyUser]Link
}

// NewLinks indexes links; of two that share a side neither is kept usable (both are
// quarantined), because a person must be one person on both sides.
func NewLinks(all []Link) Links {
	l := Links{byPerson: map[PersonID]Link{}, byPD: map[PagerDutyUser]Link{}}
	for _, link := range all {
		if other, taken := l.byPerson[link.Person]; taken {
			other.Quarantined = "two links name the Slack user " + link.Person.User()
			link.Quarantined = other.Quarantined
			l.put(other)
		}
		if other, taken := l.byPD[link.PagerDuty]; taken && link.PagerDuty != "" {
			other.Quarantined = "two links name the PagerDuty user " + string(link.PagerDuty)
			link.Quarantined = other.Quarantined
			l.put(other)
		}
		l.put(link)
	}
	return l
}

func (l Links) put(link Link) {
	l.byPerson[link.Person] = link
	if link.PagerDuty != "" {
		l.byPD[link.PagerDuty] = link
	}
}

// Of is the link of a Slack person; false where there is none that may be used.
func (l Links) Of(p PersonID) (Link, bool) {
	link, ok := l.byPerson[p]
	return link, ok && link.Usable()
}

// At is the link of a PagerDuty user; false where there is none that may be used.
func (l Links) At(u PagerDutyUser) (Link, bool) {
	link, ok := l.byPD[u]
	return link, ok && link.Usable()
}

// All lists every link, usable or not, in no order.
func (l Links) All() []Link {
	out := make([]Link, 0, len(l.byPerson))
	for _, link := range l.byPerson {
		out = append(out, link)
	}
	return out
}
