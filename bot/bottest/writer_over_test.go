package bottest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
)

// afterwards are what a writer might do to requests that are over, of which exports, the
// evidence and the pages tell: to one that ended, or to one that was denied.
var afterwards = map[string]struct {
	denied bool
	change func(doc map[string]any)
	why    string
}{
	"the requester did not approve it": {false, func(doc map[string]any) { doc["SelfMade"] = true }, "whether its requester approved it"},
	"another approval":                 {false, func(doc map[string]any) { firstVote(doc)["By"] = "T0DEMO01/U0LENA" }, "an approval that no entry tells of"},
	"at another time":                  {false, func(doc map[string]any) { later(firstVote(doc), "At", time.Hour) }, "an approval that no entry tells of"},
	"no approval":                      {false, func(doc map[string]any) { delete(doc, "Votes") }, "another number of approvals"},
	"erased by nobody":                 {false, func(doc map[string]any) { doc["DecidedBy"] = "erased/0123456789" }, "somebody else decided"},
	"ended by somebody else":           {false, func(doc map[string]any) { doc["EndedBy"] = "T0DEMO01/U0MARA" }, "somebody else ended it"},
	"ended by itself":                  {false, func(doc map[string]any) { delete(doc, "EndedBy") }, "somebody else ended it"},
	"ended for another cause":          {false, func(doc map[string]any) { doc["EndCause"] = "time" }, "somebody has written"},
	"in time":                          {false, func(doc map[string]any) { later(doc, "EndsAt", 24*time.Hour) }, "was to end at another time"},
	"denied for another reason":        {true, func(doc map[string]any) { doc["DenyWhy"] = "it was a holiday" }, "for another reason"},
	"denied for no reason":             {true, func(doc map[string]any) { delete(doc, "DenyWhy") }, "for another reason"},
	"for longer, as if it named somebody": {false, func(doc map[string]any) {
		doc["Content"].(map[string]any)["Reason"] = "for erased/0123456789"
		doc["Content"].(map[string]any)["Duration"] = time.Minute
	}, "what is asked is not what was submitted"},
	"another reason, as if it named somebody": {false, func(doc map[string]any) {
		doc["Content"].(map[string]any)["Reason"] = "for erased/0123456789"
	}, "nobody was erased from it"},
}

func firstVote(doc map[string]any) map[string]any {
	return doc["Votes"].([]any)[0].(map[string]any)
}

// TestADatabaseWriterIsFoundAfterwards: what is told of requests that are over is held to
// their entries, too.
func TestADatabaseWriterIsFoundAfterwards(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	sam, noor := s.As(company.Sam), s.As(company.Noor)
	givenBy(s, "Production database")
	sam.Presses(sam.Sees("You asked for Production database", "Access works until"), "bg:done")
	sam.Sees("Your access to Production database has ended")
	s.Quiet()
	_, _, card := askedManagers(s, "Production database", "erased/ is not what I meant") // words that an erasure leaves, too
	noor.Denies(card, "use the read-only replica")
	sam.Sees("Production database was not granted: denied by <@U0NOOR>")
	s.Quiet()
	foundOnly(t, s.App.Store(), "")
	w := newWriter(t, "sqlite", "file:"+s.DatabaseFile()+"?_pragma=busy_timeout(30000)", "")
	w.do("CREATE TEMP TABLE was (id TEXT, doc TEXT)")
	w.do("INSERT INTO was SELECT id, doc FROM requests")
	for _, name := range slices.Sorted(maps.Keys(afterwards)) {
		alter := afterwards[name]
		i := slices.IndexFunc(s.Requests(), func(r flows.Request) bool { return (r.State == flows.StateDenied) == alter.denied })
		t.Log(name)
		w.request(s.Requests()[i].ID, "", alter.change)
		some, _, err := s.App.Store().HoldSome(t.Context(), "")
		if must(t, err); len(some) != 1 || !strings.Contains(fmt.Sprint(some[0]), alter.why) {
			t.Errorf("%s: found %v, not that %q", name, some, alter.why)
		}
		w.do("UPDATE requests SET doc = (SELECT was.doc FROM was WHERE was.id = requests.id)")
		foundOnly(t, s.App.Store(), "")
	}
	w.do("DROP TABLE was")
	s.Overlook()
}
