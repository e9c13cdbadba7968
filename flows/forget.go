package flows

// Forget empties what a person typed in a request, and what was typed for them: reasons,
// answers, the words of a fault. It is for requests that are over, when the person is
// erased; their id is replaced by whoever stores the request.
func (r *Request) Forget(p PersonID) {
	c := &r.Content
	if c.Requester == p || c.Beneficiary == p {
		c.Reason = Text{}
		fields := make([]FieldValue, 0, len(c.Fields))
		for _, f := range c.Fields {
			fields = append(fields, FieldValue{Name: f.Name})
		}
		c.Fields = fields
		r.DenyWhy, r.EndWhy, r.Fault, r.Receipt, r.View = Text{}, Text{}, "", "", ""
		if id := c.Incident.ID; !id.plausible() {
			c.Incident = IncidentRef{}
		}
	}
	if r.DecidedBy == p {
		r.DenyWhy = Text{}
	}
	if r.Proof != nil && (r.Own(p) || r.DecidedBy == p) {
		proof := *r.Proof
		proof.Entry.User = ""
		r.Proof = &proof
	}
	if r.EndedBy == p {
		r.EndWhy = Text{}
	}
	if v := r.Review; v != nil && (v.By == p || r.Own(p)) {
		forgotten := *v
		forgotten.Note = Text{}
		r.Review = &forgotten
	}
	votes := make([]Vote, 0, len(r.Votes))
	for _, v := range r.Votes {
		if v.By == p || r.Own(p) {
			v.Note = Text{}
		}
		votes = append(votes, v)
	}
	if len(votes) > 0 {
		r.Votes = votes
	}
}
