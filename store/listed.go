package store

import (
	"context"
	"encoding/binary"
	"hash/maphash"

	"breakglass/flows"
	"breakglass/store/internal/postgresdb"
)

// The list by incident is not kept by request: looking up the rows of each request in it,
// and the request of each of its rows, costs more than reading both. So all rows that
// requests want are added up, those of some incidents apart from those of others, and all
// rows that there are. Only where the two sums differ is anything looked up.

// incidentSums add up rows of the list by incident. What a row adds is a hash of all that
// it has, under a seed that nobody knows before: rows come to the same sum, in whatever
// order, if they are the same.
type incidentSums struct {
	seed maphash.Seed
	sums []uint64
	room []byte
}

// incidentShelves is how many sums there are: a few rows of each in a log of ten million
// entries.
const incidentShelves = 1 << 18

func newIncidentSums(seed maphash.Seed) *incidentSums {
	return &incidentSums{seed: seed, sums: make([]uint64, incidentShelves)}
}

// shelf is the sum that an incident's rows are added to.
func (s *incidentSums) shelf(incident []byte) int {
	return int(maphash.Bytes(s.seed, incident) % incidentShelves)
}

// added is what a row adds to a shelf.
type added struct {
	shelf int
	n     uint64
}

func (s *incidentSums) row(incident, request []byte, at, number int64) added {
	s.room = append(s.room[:0], incident...)
	s.room = binary.BigEndian.AppendUint64(s.room, uint64(len(incident)))
	s.room = binary.BigEndian.AppendUint64(s.room, uint64(at))
	s.room = binary.BigEndian.AppendUint64(s.room, uint64(number))
	s.room = append(s.room, request...)
	return added{s.shelf(incident), maphash.Bytes(s.seed, s.room)}
}

func (s *incidentSums) add(one added) { s.sums[one.shelf] += one.n }

// want adds the rows that a request is to have.
func (s *incidentSums) want(r *flows.Request, refs []flows.IncidentRef) {
	for i := range refs {
		s.add(s.row([]byte(refs[i].ID), []byte(r.ID), millis(r.SubmittedAt), int64(max(refs[i].Number, 0))))
	}
}

// otherThan are the shelves on which another sum is.
func (s *incidentSums) otherThan(t *incidentSums) map[int]bool {
	other := map[int]bool{}
	for i := range s.sums {
		if s.sums[i] != t.sums[i] {
			other[i] = true
		}
	}
	return other
}

// listedIncidents asks for the list by incident after one of its rows.
const listedIncidents = `SELECT incident, submitted_at, request, number FROM request_incidents
	WHERE (incident, submitted_at, request) > ($1, $2, $3) ORDER BY incident, submitted_at, request LIMIT $4`

// requestsByIncident asks for the requests that are for an incident.
const requestsByIncident = `SELECT incident, id FROM requests WHERE incident <> '' AND (incident, id) > ($1, $2) ORDER BY incident, id LIMIT $3`

// listed is what all rows that there are come to.
type listed struct {
	sums *incidentSums
	err  error
}

// addUpListed adds up, on a goroutine of its own, all rows that there are.
func (s *Store) addUpListed(ctx context.Context, seed maphash.Seed) <-chan listed {
	out := make(chan listed, 1)
	go func() {
		sums := newIncidentSums(seed)
		err := s.addListed(ctx, sums)
		out <- listed{sums, err}
	}()
	return out
}

func (s *Store) addListed(ctx context.Context, to *incidentSums) error {
	page := make([]added, 0, incidentsAtOnce)
	return s.eachListed(ctx, func() { page = page[:0] }, func(r rawRow) {
		page = append(page, to.row(r.bytes(0), r.bytes(2), r.int(1), r.int(3)))
	}, func() error {
		for _, one := range page {
			to.add(one)
		}
		return nil
	})
}

// eachListed calls each for the rows of the list by incident, page by page. A page that has
// to be read again begins again.
func (s *Store) eachListed(ctx context.Context, begin func(), each func(rawRow), end func() error) error {
	for last, n := (postgresdb.IncidentNumberParams{}), int64(incidentsAtOnce); n == incidentsAtOnce; {
		after := last
		err := s.raw.along(ctx, func(ctx context.Context, ask asker) error {
			begin()
			n = 0
			return ask(ctx, listedIncidents, []any{after.Incident, after.SubmittedAt, after.Request, int64(incidentsAtOnce)}, func(r rawRow) error {
				each(r)
				if n++; n == incidentsAtOnce {
					last = postgresdb.IncidentNumberParams{Incident: string(r.bytes(0)), SubmittedAt: r.int(1), Request: string(r.bytes(2))}
				}
				return nil
			})
		})
		if err == nil {
			err = end()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// requestsOn calls each for the requests whose incident is on one of the shelves.
func (s *Store) requestsOn(ctx context.Context, sums *incidentSums, shelves map[int]bool, each func(id string)) error {
	var ids []string
	for incident, id, n := "", "", int64(incidentsAtOnce); n == incidentsAtOnce; {
		afterIncident, afterID := incident, id
		err := s.raw.along(ctx, func(ctx context.Context, ask asker) error {
			ids, n = ids[:0], 0
			return ask(ctx, requestsByIncident, []any{afterIncident, afterID, int64(incidentsAtOnce)}, func(r rawRow) error {
				if shelves[sums.shelf(r.bytes(0))] {
					ids = append(ids, string(r.bytes(1)))
				}
				if n++; n == incidentsAtOnce {
					incident, id = string(r.bytes(0)), string(r.bytes(1))
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		for _, id := range ids {
			each(id)
		}
	}
	return nil
}

// holdListed holds those rows of the list by incident to the requests that are on one of
// the shelves.
func (s *Store) holdListed(ctx context.Context, sums *incidentSums, shelves map[int]bool, each func(Contradiction)) error {
	if len(shelves) == 0 {
		return nil
	}
	var doubtful []postgresdb.IncidentNumberParams
	return s.eachListed(ctx, func() { doubtful = nil }, func(r rawRow) {
		if shelves[sums.shelf(r.bytes(0))] {
			doubtful = append(doubtful, postgresdb.IncidentNumberParams{Incident: string(r.bytes(0)), SubmittedAt: r.int(1), Request: string(r.bytes(2))})
		}
	}, func() error {
		for _, row := range doubtful {
			if err := s.holdIncident(ctx, row, each); err != nil {
				return err
			}
		}
		return nil
	})
}
