package store

import (
	"errors"
	"fmt"
	"strings"

	"breakglass/flows"
)

// errLaneTaken says that two replicas leased jobs of one lane at the same moment; the
// database let one of them through and the other starts over.
var errLaneTaken = errors.New("the lane was leased at the same moment")

// ErrDamaged says that the database file is not what was written to it.
var ErrDamaged = errors.New("the database is damaged")

// byConstraint says what the violation of a constraint means. PostgreSQL names it;
// SQLite names the columns of its index.
func byConstraint(name string) error {
	switch name {
	case "requests_one_open", "requests.beneficiary, requests.target, requests.scope":
		return flows.ErrDuplicate
	case "requests_pkey", "requests.id",
		"holdings_pkey", "holdings.person, holdings.target, holdings.scope",
		"entries_chain_seq_key", "entries.chain, entries.seq",
		"sign_ins_pkey", "sign_ins.issuer, sign_ins.subject", "sign_ins_issuer_person_key", "sign_ins.issuer, sign_ins.person",
		"links_pkey", "links.person", "links_one_pagerduty", "links.pagerduty", "links_one_subject", "links.subject",
		"leaves_pkey", "leaves.idx", "checkpoints_pkey", "checkpoints.size":
		return flows.ErrConflict
	case "jobs_one_leased_a_lane", "jobs.lane":
		return errLaneTaken
	}
	return nil
}

// byTrigger says what the refusal of a trigger means.
func byTrigger(message string) error {
	if strings.Contains(message, "requests: frozen by an admin") {
		return flows.ErrFrozen
	}
	return nil
}

// translate adds to a database's error what it means to the engine.
func translate(err, means error) error {
	if means == nil || errors.Is(err, means) {
		return err
	}
	return fmt.Errorf("%w: %w", means, err)
}
