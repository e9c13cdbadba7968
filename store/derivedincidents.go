package store

import (
	"context"
	"database/sql"
	"errors"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// That each request has the rows of its incidents is seen where requests are held. That no
// request has more of them is seen here, along the incidents: they are not kept by request.

// incidentsAtOnce is how many rows are read at a time.
const incidentsAtOnce = 5000

// incidentPage is a stretch of the list by incident, each row beside the incident that its
// request says it is for.
type incidentPage struct {
	after, last postgresdb.IncidentNumberParams
	rows        int64
	doubtful    []postgresdb.IncidentNumberParams // for another one, or of no request
}

const incidentQuestion = `SELECT i.incident, i.submitted_at, i.request,
	coalesce((SELECT r.incident FROM requests r WHERE r.id = i.request AND r.submitted_at = i.submitted_at), '')
	FROM request_incidents i WHERE (i.incident, i.submitted_at, i.request) > ($1, $2, $3)
	ORDER BY i.incident, i.submitted_at, i.request LIMIT $4`

func (p *incidentPage) read(ctx context.Context, ask asker) error {
	*p = incidentPage{after: p.after}
	args := []any{p.after.Incident, p.after.SubmittedAt, p.after.Request, int64(incidentsAtOnce)}
	return ask(ctx, incidentQuestion, args, func(r rawRow) error {
		p.rows++
		same := string(r.bytes(0)) == string(r.bytes(3))
		if same && p.rows < incidentsAtOnce {
			return nil
		}
		row := postgresdb.IncidentNumberParams{Incident: string(r.bytes(0)), SubmittedAt: r.int(1), Request: string(r.bytes(2))}
		if !same {
			p.doubtful = append(p.doubtful, row)
		}
		p.last = row
		return nil
	})
}

// holdIncidents holds the list by incident to the requests.
func (s *Store) holdIncidents(ctx context.Context, each func(Contradiction)) error {
	for p := (incidentPage{}); ; p.after = p.last {
		if err := s.raw.along(ctx, p.read); err != nil {
			return err
		}
		for _, row := range p.doubtful {
			if err := s.holdIncident(ctx, row, each); err != nil {
				return err
			}
		}
		if p.rows < incidentsAtOnce {
			return nil
		}
	}
}

// holdIncident holds one row of the list by incident to its request.
func (s *Store) holdIncident(ctx context.Context, row postgresdb.IncidentNumberParams, each func(Contradiction)) error {
	why := ""
	err := s.tx.snapshot(ctx, func(ctx context.Context, q queries) (err error) {
		why, err = neverFor(ctx, q, row)
		return err
	})
	if err == nil && why != "" {
		each(Contradiction{Request: flows.RequestID(row.Request), Why: why, Lists: true})
	}
	return err
}

// neverFor says what is wrong with a row of the list by incident, of one that the request
// does not say it is for now; empty where it ever was.
func neverFor(ctx context.Context, q queries, row postgresdb.IncidentNumberParams) (string, error) {
	n, err := q.IncidentNumber(ctx, row)
	if errors.Is(err, sql.ErrNoRows) { // it went with an erasure
		return "", nil
	}
	if err != nil {
		return "", err
	}
	have := trace{list: incidents, key: row.Incident, n: n, at: row.SubmittedAt}
	doc, err := q.RequestDoc(ctx, row.Request)
	if errors.Is(err, sql.ErrNoRows) {
		return have.in(showsNone), nil
	}
	if err != nil {
		return "", err
	}
	r, err := decodeRequest(doc)
	if err != nil {
		return "", nil //nolint:nilerr // that is found where requests are held
	}
	told, err := toldOf(ctx, q, row.Request)
	if err != nil {
		return "", err
	}
	want := withPast(tracesOf(&r), &r, flows.BygoneOf(told))
	switch at := find(want, &have); {
	case at < 0:
		return have.added(), nil
	case want[at].at != have.at:
		return have.changed(), nil
	}
	return "", nil // its number is seen where requests are held
}
