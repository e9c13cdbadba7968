package pagerdutyfake

import (
	"fmt"
	"strings"
)

// User is a person of the account. ID is made when empty; Email must be
// unique, as the login is.
type User struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	TimeZone    string `json:"time_zone,omitempty"`
	Role        string `json:"role,omitempty"`
	JobTitle    string `json:"job_title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Service is what incidents are opened against.
type Service struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name"`
	Policy string `json:"escalation_policy"`
}

// AddUser adds or, when the id is known, replaces a user.
func (a *Account) AddUser(u User) (User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if u.Name == "" || u.Email == "" {
		return User{}, fmt.Errorf("user %q <%s>: both name and e-mail are needed; not added", u.Name, u.Email)
	}
	for _, other := range a.users.all() {
		if other.ID != u.ID && strings.EqualFold(other.Email, u.Email) {
			return User{}, fmt.Errorf("user %q: %s has the login %s already; not added", u.Name, other.ID, u.Email)
		}
	}
	if u.ID == "" {
		u.ID = a.resourceID()
	}
	if u.TimeZone == "" {
		u.TimeZone = "Etc/UTC"
	}
	if u.Role == "" {
		u.Role = "user"
	}
	a.users.put(u.ID, &u)
	a.notify()
	return u, nil
}

// RemoveUser deletes a user. Schedules and policies that name the user then
// have a hole, as after a deletion by support.
func (a *Account) RemoveUser(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.notify()
	return a.users.remove(id)
}

// Users lists everybody.
func (a *Account) Users() []User {
	a.mu.Lock()
	defer a.mu.Unlock()
	return values(a.users.all())
}

// AddService adds or replaces a service; its escalation policy must exist.
func (a *Account) AddService(s Service) (Service, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.policies.get(s.Policy) == nil {
		return Service{}, fmt.Errorf("service %q: there is no escalation policy %q; add the policy first", s.Name, s.Policy)
	}
	if s.ID == "" {
		s.ID = a.resourceID()
	}
	a.services.put(s.ID, &s)
	a.notify()
	return s, nil
}

// Services lists all services.
func (a *Account) Services() []Service {
	a.mu.Lock()
	defer a.mu.Unlock()
	return values(a.services.all())
}

// userByEmail finds a user by login, without regard to case.
func (a *Account) userByEmail(email string) *User {
	for _, u := range a.users.all() {
		if strings.EqualFold(u.Email, email) {
			return u
		}
	}
	return nil
}

func values[T any](in []*T) []T {
	out := make([]T, 0, len(in))
	for _, v := range in {
		out = append(out, *v)
	}
	return out
}
