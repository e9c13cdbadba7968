package pagerdutyfake

import (
	"errors"
	"time"
)

// Setup is an account as data: what to load at the start of a demo or test.
type Setup struct {
	Users        []User         `json:"users,omitempty"`
	Schedules    []Schedule     `json:"schedules,omitempty"`
	Policies     []Policy       `json:"escalation_policies,omitempty"`
	Services     []Service      `json:"services,omitempty"`
	CustomFields []CustomField  `json:"custom_fields,omitempty"`
	Webhooks     []Subscription `json:"webhook_subscriptions,omitempty"`
}

// Load adds everything of a setup, in the order in which things refer to each
// other, and says all that was not added.
func (a *Account) Load(s Setup) error {
	return errors.Join(
		each(s.Users, a.AddUser), each(s.Schedules, a.AddSchedule), each(s.Policies, a.AddPolicy),
		each(s.Services, a.AddService), each(s.CustomFields, a.AddCustomField), each(s.Webhooks, a.Subscribe),
	)
}

func each[T any](list []T, add func(T) (T, error)) error {
	var errs []error
	for _, v := range list {
		_, err := add(v)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// State is the account as it is now.
type State struct {
	Now time.Time `json:"now"`
	Setup
	Incidents []Incident `json:"incidents"`
	OnCall    []OnCall   `json:"on_call"`
	Faults    []Fault    `json:"faults"`
}

// State reads the whole account, with who is on call now.
func (a *Account) State() State {
	now := a.opts.Now()
	a.mu.Lock()
	fields := values(a.fields.all())
	a.mu.Unlock()
	return State{
		Now: now,
		Setup: Setup{
			Users: a.Users(), Schedules: a.Schedules(), Policies: a.Policies(), Services: a.Services(),
			CustomFields: fields, Webhooks: a.Subscriptions(),
		},
		Incidents: a.Incidents(), OnCall: a.OnCallAt(now), Faults: a.Faults(),
	}
}
