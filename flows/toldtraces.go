package flows

// Bygone is what the entries of a request tell that it does not say itself any more: what
// it is found by, all the same.
type Bygone struct {
	Approvers []PersonID   // who approved, the dropped approvals among them
	Erased    int          // approvals by people who were erased
	Incidents []IncidentID // that it moved to, one after the other
}

// BygoneOf reads the entries of a request.
func BygoneOf(entries []Told) Bygone {
	var b Bygone
	for i := range entries {
		switch e := &entries[i]; {
		case e.Verb == string(VerbApprove) && e.By != "":
			b.Approvers = append(b.Approvers, e.By)
		case e.Verb == string(VerbApprove) && !ofNobody(e.Bytes):
			b.Erased++
		case e.Verb == "incident_merged":
			if said, ok := factsOf(e.Bytes); ok && said.Into != "" {
				b.Incidents = append(b.Incidents, said.Into)
			}
		}
	}
	return b
}
