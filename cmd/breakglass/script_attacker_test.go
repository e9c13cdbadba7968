package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/flows/audit"
	"breakglass/integrations/slackfake"
	"breakglass/store"
)

// given has Sam let in by Mara, for the first incident; both managers were asked.
func (h *hall) given(ctx context.Context) error {
	inc := h.company.PagerDuty.Incidents()[0]
	if err := h.company.Ask(ctx, company.Sam, "Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID, "duration": "1h"}); err != nil {
		return err
	}
	if err := h.decide(ctx, company.Mara, "the ledger is stuck", "bg:approve"); err != nil {
		return err
	}
	return h.quiet(ctx, 0)
}

// attacker has a copy of the database, and the signing key.
type attacker struct {
	ts *testscript.TestScript
	db *sql.DB
}

func (a *attacker) do(statement string, args ...any) {
	_, err := a.db.ExecContext(context.Background(), statement, args...)
	a.ts.Check(err)
}

func (a *attacker) texts(statement string, args ...any) (out []string) {
	rows, err := a.db.QueryContext(context.Background(), statement, args...)
	a.ts.Check(err)
	defer rows.Close()
	for rows.Next() {
		var s string
		a.ts.Check(rows.Scan(&s))
		out = append(out, s)
	}
	a.ts.Check(rows.Err())
	return out
}

// forgeDecision makes forged.db of breakglass.db: Noor and not Mara let Sam in, by her own
// card, and everything is signed anew as if it had always been so.
func (h *hall) forgeDecision(ts *testscript.TestScript) {
	ctx, file := context.Background(), ts.MkAbs("forged.db")
	a := &attacker{ts: ts}
	var err error
	a.db, err = sql.Open("sqlite", ts.MkAbs("breakglass.db"))
	ts.Check(err)
	a.do("VACUUM INTO ?", file)
	ts.Check(a.db.Close())
	key, err := os.ReadFile(ts.MkAbs("breakglass.db.audit-key"))
	ts.Check(err)
	ts.Check(os.WriteFile(file+".audit-key", key, 0o600))

	st, err := store.Open(ctx, store.Options{DSN: "sqlite:" + file, Now: h.clock.Now})
	ts.Check(err)
	newest, err := st.Requests(ctx, flows.RequestFilter{Limit: 1})
	ts.Check(err)
	r := newest[0]
	entries, err := st.Entries(ctx, string(r.ID))
	ts.Check(err)
	st.Close()

	a.db, err = sql.Open("sqlite", file)
	ts.Check(err)
	defer a.db.Close()
	for _, name := range a.texts("SELECT name FROM sqlite_master WHERE type = 'trigger'") {
		a.do(`DROP TRIGGER "` + name + `"`)
	}
	mara, noor := r.DecidedBy, string(flows.Person(company.Team, company.Noor))
	r.Votes[0].By, r.DecidedBy = flows.PersonID(noor), flows.PersonID(noor)
	r.Chain.Hash = a.retell(entries, r)
	doc, err := json.Marshal(r)
	ts.Check(err)
	a.do("UPDATE requests SET doc = ? WHERE id = ?", string(doc), r.ID)
	a.do("DELETE FROM request_people WHERE request = ? AND person = ?", r.ID, noor)
	a.do("UPDATE request_people SET person = ? WHERE request = ? AND person = ?", noor, r.ID, string(mara))
	a.do("UPDATE chains SET hash = ? WHERE chain = ?", r.Chain.Hash, r.ID)
	a.sign(string(key))
}

// retell writes the entries anew with the other approver, linked as they should be.
func (a *attacker) retell(entries []flows.Sealed, r flows.Request) (last string) {
	noor := string(r.DecidedBy)
	at := a.texts("SELECT channel || '/p' || replace(ts, '.', '') FROM cards WHERE request = ? AND person = ?", r.ID, noor)[0]
	for _, e := range entries {
		was := e.Hash
		for i := range e.Openings {
			o := &e.Openings[i]
			old := flows.Commit(o.Path, o.Salt, o.Value)
			switch {
			case e.Verb != "approve":
				continue
			case o.Path == "actor.person":
				o.Value = noor
			case o.Path == "actor.permalink":
				o.Value = o.Value[:strings.Index(o.Value, "/archives/")] + "/archives/" + at
			}
			if strings.HasPrefix(o.Path, "actor.") {
				o.About = r.DecidedBy
			}
			e.Bytes = bytes.ReplaceAll(e.Bytes, []byte(old), []byte(flows.Commit(o.Path, o.Salt, o.Value)))
		}
		if last != "" {
			e.Bytes = bytes.ReplaceAll(e.Bytes, []byte(e.Prev), []byte(last))
			e.Prev = last
		}
		sum := flows.LeafHash(e.Bytes)
		last = hex.EncodeToString(sum[:])
		a.do("UPDATE entries SET hash = ?, prev = ?, bytes = ?, packed = NULL WHERE hash = ?", last, e.Prev, string(e.Bytes), was)
		a.do("DELETE FROM packed_openings WHERE entry = (SELECT id FROM entries WHERE hash = ?)", last)
		for _, o := range e.Openings {
			a.do("INSERT INTO openings (entry, path, person, salt, value) SELECT id, ?, ?, ?, ? FROM entries WHERE hash = ?", o.Path, string(o.About), o.Salt, o.Value, last)
		}
	}
	return last
}

// sign signs every checkpoint anew.
func (a *attacker) sign(key string) {
	signer, _, err := audit.Signer(key)
	a.ts.Check(err)
	var leaves [][32]byte
	for _, hash := range a.texts("SELECT hash FROM leaves JOIN entries ON entries.id = leaves.entry ORDER BY idx") {
		var leaf [32]byte
		_, err := hex.Decode(leaf[:], []byte(hash))
		a.ts.Check(err)
		leaves = append(leaves, leaf)
	}
	for _, size := range a.texts("SELECT size FROM checkpoints") {
		var n int
		a.ts.Check(json.Unmarshal([]byte(size), &n))
		root := rootOf(leaves[:n])
		note, err := audit.Sign(int64(n), root, signer)
		a.ts.Check(err)
		a.do("UPDATE checkpoints SET root = ?, note = ? WHERE size = ?", root[:], note, n)
	}
}

// rootOf is RFC 6962's hash over leaves.
func rootOf(leaves [][32]byte) [32]byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := rootOf(leaves[:k]), rootOf(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
