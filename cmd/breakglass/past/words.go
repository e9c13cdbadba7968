package past

import (
	"fmt"
	"math/rand/v2"
)

// What people and things are called.
var (
	firstNames = [...]string{
		"Wanda", "Idris", "Mei", "Tomás", "Aoife", "Ravi", "Lena", "Kofi", "Sanna", "Pavel", "Yara", "Hugo", "Noor", "Bram", "Ines", "Jun", "Marta",
		"Oskar", "Priya", "Quinn", "Rosa", "Stig", "Tala", "Ugo", "Vera", "Wim", "Xenia", "Yusuf", "Zoe", "Amara", "Bela", "Cleo", "Dario", "Elif",
		"Femi", "Greta", "Hana", "Ivo", "Jana", "Karim",
	}
	lastNames = [...]string{
		"Okafor", "Lindqvist", "Tanaka", "Moreau", "Byrne", "Iyer", "Novak", "Mensah", "Virtanen", "Sokolov", "Haddad", "Castro", "Jansen", "Ferreira",
		"Park", "Kowalska", "Berg", "Nair", "Walsh", "Romero", "Dahl", "Cruz", "Ricci", "Holm", "Visser", "Petrou", "Demir", "Weiss", "Adeyemi", "Szabo",
		"Laurent", "Greco", "Yilmaz", "Bello", "Schmidt", "Kimura", "Horvat", "Svoboda", "Aziz", "Clarke", "Dubois", "Eriksen", "Fontana", "Gruber",
		"Hansen", "Ito", "Jovanovic", "Keller", "Lopez", "Marin",
	}
	teams = [...]string{
		"payments", "ledger", "search", "identity", "checkout", "billing", "catalog", "shipping", "messaging", "pricing", "fraud", "reporting",
		"mobile", "gateway", "storage", "streaming", "warehouse", "support", "onboarding", "risk", "loyalty", "invoicing", "maps", "media",
	}
	things = [...]string{
		"database", "replica", "queue", "console", "cluster", "bucket", "cache", "admin", "backups", "broker", "vault", "proxy", "jobs", "logs", "api",
		"scheduler", "topics", "index", "warehouse", "config", "shell",
	}
	regions = [...]string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1", "sa-east-1"}
)

// symptoms say what is wrong with %[1]s, a team's, in %[2]s.
var symptoms = [...]string{
	"payouts of %s are stuck since the last deploy in %s, need to look at the queue", "%s: database is down in %s, failing over by hand",
	"customers of %s cannot log in, checking the session store of %s", "reconcile the ledger of %s after the incident in %s",
	"certificate of %s expires tonight in %s", "%s writes time out in %s since 02:40, looking for what holds the lock",
	"disk of the %s primary in %s is 97 percent full, deleting old segments", "%s consumer lag in %s grows by a million a minute, restarting one by one",
	"a bad migration of %s has to be rolled back by hand in %s", "%s sends every mail twice in %s, pausing the worker and draining what waits",
	"duplicate charges at %s in %s, need the rows of the last hour", "failed import of %s, file 3 of 9 has to be loaded again into %s",
	"%s pods in %s are killed for memory every ten minutes, taking a heap dump", "wrong prices from %s in %s after the config push, reverting it",
	"nightly job of %s did not run in %s, starting it by hand before the market opens", "%s answers 502 behind the proxy in %s, comparing its routes",
	"a customer of %s asked for the export that failed yesterday in %s", "key rotation of %s stopped half way in %s, finishing it",
	"replication of %s to %s is broken at one table, skipping the row", "the feature flag of %s does not take in %s, reading what is stored",
}

// titles are what an incident says of itself.
var titles = [...]string{
	"[%s] error rate above 5 percent in %s", "%s: p99 latency over 2 s (%s)", "%s database replication lag in %s", "Queue depth of %s critical in %s",
	"%s is down in %s", "%s: disk usage over 90 percent, %s", "Deploy of %s failed its health checks in %s", "%s cannot reach its dependencies in %s",
	"Certificate of %s expires within 24 h (%s)", "Synthetic checks of %s failing from %s", "Dead letters of %s above threshold in %s",
}

var denials = [...]string{
	"use the read-only replica of %s", "the %s team is on it already, ask them first", "not during the freeze, see the runbook of %s", "this needs a change ticket for %s",
	"please pair with somebody of %s", "the dashboards of %s show this without access", "wrong target: %s has moved", "half an hour is enough for %s, ask again", "the %s runbook does this without production access",
}

var goodbyes = [...]string{"%s is up again, thank you", "no longer needed for %s", "the wrong one, %s has another owner", "closing this, %s is handed over"}

// pick is one of a few.
func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// say is one of a few sentences, about a team.
func say(r *rand.Rand, from []string) string { return fmt.Sprintf(pick(r, from), pick(r, teams[:])) }

// few is a number below n; a few of them come up most of the time.
func few(r *rand.Rand, n int) int { return int(float64(n) * r.Float64() * r.Float64() * r.Float64()) }

const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// code is n letters and digits, as vendors' ids are made of.
func code(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}
