package flows

import (
	"context"
	"slices"
)

// Roll answers who somebody is and which roles they have, the same for every door:
// the standing from the directory, the roles from the configuration.
type Roll struct {
	Catalog   func() *Catalog
	Directory Directory
}

// Known is what the roll knows about a person.
type Known struct {
	Profile
	Roles []Role
}

// Is reports whether the person has the role.
func (k Known) Is(role Role) bool { return slices.Contains(k.Roles, role) }

// Of looks a person up; fresh asks the directory now. An account that is no member of
// the company has no role beyond guest, whatever the configuration says.
func (r Roll) Of(ctx context.Context, p PersonID, fresh bool) Known {
	cat := r.Catalog()
	k := Known{Profile: Profile{Person: p, Standing: StandingUnknown}}
	switch {
	case p.IsService():
		k.Profile = Profile{Person: p, Standing: StandingMember, Name: p.User()}
		return k
	case cat.Team != "" && p.Team() != cat.Team:
		k.Standing = StandingForeign
		return k
	}
	if profile, err := r.Directory.Profile(ctx, p, fresh); err == nil {
		k.Profile = profile
	}
	switch k.Standing {
	case StandingMember, StandingUnknown: // a member until somebody says otherwise; deciding is refused to the unknown
		k.Roles = append(k.Roles, RoleMember)
	case StandingGuest:
		k.Roles = append(k.Roles, RoleGuest)
		return k
	default:
		return k
	}
	if r.among(ctx, cat, cat.Admins, p) {
		k.Roles = append(k.Roles, RoleAdmin)
	}
	if r.among(ctx, cat, cat.Auditors, p) {
		k.Roles = append(k.Roles, RoleAuditor)
	}
	return k
}

// Admin reports whether the configuration names p an admin.
func (r Roll) Admin(ctx context.Context, p PersonID) bool {
	cat := r.Catalog()
	return r.among(ctx, cat, cat.Admins, p)
}

// Auditor reports whether the configuration names p an auditor.
func (r Roll) Auditor(ctx context.Context, p PersonID) bool {
	cat := r.Catalog()
	return r.among(ctx, cat, cat.Auditors, p)
}

// Reviews reports whether the review of a request is a member's to do, being among the
// flow's fallback and nobody who had a part in it, or was done by them. Auditors and admins
// review everything; they are not asked about here.
func (r Roll) Reviews(ctx context.Context, req *Request, p PersonID) bool {
	cat := r.Catalog()
	switch req.ReviewIs() {
	case ReviewClosed:
		return p != "" && req.Review.By == p && r.Of(ctx, p, false).Is(RoleMember)
	case ReviewOpen:
		flow := cat.Flows[req.Content.Flow]
		return flow != nil && req.ReviewableBy(p) && r.among(ctx, cat, flow.Fallback.Approvers, p) && r.Of(ctx, p, false).Is(RoleMember)
	}
	return false
}

// among looks at one principal after the other: a group that cannot be read makes
// nobody else less.
func (r Roll) among(ctx context.Context, cat *Catalog, all []Principal, p PersonID) bool {
	for _, one := range all {
		if one.IsUser() {
			if Person(cat.Team, string(one)) == p {
				return true
			}
			continue
		}
		if members, err := r.Directory.Members(ctx, []Principal{one}); err == nil && contains(members, p) {
			return true
		}
	}
	return false
}
