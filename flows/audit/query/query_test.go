package query_test

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"breakglass/flows"
	"breakglass/flows/audit/query"
)

var now = time.Date(2026, time.March, 15, 12, 0, 0, 0, time.UTC)

// people know dana and sam; whole ids they take as they are.
func people(typed string) (flows.PersonID, error) {
	switch {
	case strings.Contains(typed, "/"):
		return flows.PersonID(typed), nil
	case strings.EqualFold(typed, "dana"), typed == "U0DANA":
		return "T/U0DANA", nil
	case typed == "sam":
		return "T/U0SAM", nil
	}
	return "", errors.New("nobody is called " + typed)
}

var options = query.Options{Now: now, Me: "T/U0SAM", Person: people}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func TestParse(t *testing.T) {
	t.Parallel()
	dana := func(p flows.Part) []flows.Involved { return []flows.Involved{{Person: "T/U0DANA", Part: p}} }
	for text, want := range map[string]query.Query{
		"":                         {},
		"  ":                       {},
		"incident 4711":            {Search: flows.Search{Number: 4711}},
		"#4711":                    {Search: flows.Search{Number: 4711}},
		"Incident:#4711":           {Search: flows.Search{Number: 4711}},
		"incident:q2akjf9mpy7t1c":  {Search: flows.Search{Incident: "Q2AKJF9MPY7T1C"}},
		"incident:none":            {Search: flows.Search{Bare: true}},
		"Incident NONE denied":     {Search: flows.Search{Bare: true, States: []flows.State{flows.StateDenied}}},
		"@dana":                    {Search: flows.Search{People: dana(flows.AnyPart)}},
		"<@U0DANA|dana>":           {Search: flows.Search{People: dana(flows.AnyPart)}},
		"by:dana":                  {Search: flows.Search{People: dana(flows.PartRequester)}},
		"by @dana by:T/U0DANA":     {Search: flows.Search{People: dana(flows.PartRequester)}},
		"for:@dana":                {Search: flows.Search{People: dana(flows.PartHolder)}},
		"approved-by:@dana":        {Search: flows.Search{People: dana(flows.PartApprover)}},
		"decided-by:@dana":         {Search: flows.Search{People: dana(flows.PartApprover | flows.PartDenier)}},
		"target:prod_db flow prod": {Search: flows.Search{Target: "prod_db", Flow: "prod"}},
		`target:"prod db"`:         {Search: flows.Search{Target: "prod db"}},
		"denied":                   {Search: flows.Search{States: []flows.State{flows.StateDenied}}},
		"outcome:denied,lapsed":    {Search: flows.Search{States: []flows.State{flows.StateDenied, flows.StateLapsed}}},
		"is:open":                  {Search: flows.Search{States: []flows.State{flows.StateSubmitted, flows.StatePending}}},
		"review:open":              {Search: flows.Search{Review: flows.ReviewOpen}},
		"Review closed @dana":      {Search: flows.Search{Review: flows.ReviewClosed, People: dana(flows.AnyPart)}},
		"unreviewed":               {Search: flows.Search{Review: flows.ReviewOpen}},
		"to-review review:due":     {Search: flows.Search{Review: flows.ReviewOpen}},
		"reviewed":                 {Search: flows.Search{Review: flows.ReviewClosed}},
		"open review:done":         {Search: flows.Search{Review: flows.ReviewClosed, States: []flows.State{flows.StateSubmitted, flows.StatePending}}},
		"last 30d":                 {Search: flows.Search{Since: now.Add(-30 * 24 * time.Hour)}},
		"last:90m":                 {Search: flows.Search{Since: now.Add(-90 * time.Minute)}},
		"today":                    {Search: flows.Search{Since: day(2026, 3, 15)}},
		"since:2026-01-01":         {Search: flows.Search{Since: day(2026, 1, 1)}},
		"until:2026-01-31":         {Search: flows.Search{Until: day(2026, 2, 1)}},
		"since 2025 until 2026-02": {Search: flows.Search{Since: day(2025, 1, 1), Until: day(2026, 3, 1)}},
		"since:2026-01-01t10:00z":  {Search: flows.Search{Since: day(2026, 1, 1).Add(10 * time.Hour)}},
		"since:2026-01-01T10:00:00+02:00": {
			Search: flows.Search{Since: day(2026, 1, 1).Add(8 * time.Hour)},
		},
		`"stuck  payouts"`: {
			Search: flows.Search{Words: []string{"stuck payouts"}, Since: now.Add(-query.WordsWithin)}, Narrowed: true,
		},
		"incident 4711 “role: all”": {Search: flows.Search{Number: 4711, Words: []string{"role: all"}}},
		"reason:payouts last 1y":    {Search: flows.Search{Words: []string{"payouts"}, Since: now.Add(-365 * 24 * time.Hour)}},
		`"payouts" until:2025`: {
			Search: flows.Search{Words: []string{"payouts"}, Since: day(2026, 1, 1).Add(-query.WordsWithin), Until: day(2026, 1, 1)}, Narrowed: true,
		},
		"me @dana last 2w granted target:db": {Search: flows.Search{
			People: []flows.Involved{{Person: "T/U0SAM", Part: flows.AnyPart}, {Person: "T/U0DANA", Part: flows.AnyPart}},
			Since:  now.Add(-14 * 24 * time.Hour), Target: "db",
			States: []flows.State{flows.StateApproved, flows.StateGranting, flows.StateActive, flows.StateEnding, flows.StateEnded},
		}},
	} {
		got, err := query.Parse(text, options)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q:\n%s", text, d)
		}
	}
}

// TestMistakes: what is not understood is said, with what to write instead.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"payouts":                        `"payouts" is not understood. Words to look for in reasons stand in quotes.`,
		"incidnt 4711":                   `"incidnt" is not understood. Did you mean incident?`,
		"tarqet:db":                      `There is no filter "tarqet". Did you mean target:db?`,
		"colour:red":                     `There is no filter "colour". Write for example:`,
		"incident":                       `"incident" needs a value. Write its number or its id, or that there is none: incident 4711, incident:none.`,
		"incident none incident 2":       "A request belongs to an incident or to none, not both.",
		"incident Q1AB incident:none":    "A request belongs to an incident or to none, not both.",
		"incident target:db":             `"incident" needs a value.`,
		"target:":                        `"target" needs a value.`,
		"incident payments-down":         `"payments-down" is neither the number nor the id of an incident.`,
		"#0":                             `"0" is neither`,
		"incident 1 incident 2":          "Only one incident can be asked for at a time.",
		"incident Q1AB incident 2":       "Only one incident can be asked for at a time.",
		"target:a target:b":              `A request has one target, and "a" and "b" are two.`,
		"@bob":                           "nobody is called bob.",
		"@":                              "A name is missing.",
		"@dana by:@sam for:@sam":         "At most 2 people",
		"outcome:granded":                `"granded" is no outcome. Write one of open,`,
		"review:perhaps":                 `"perhaps" is not where a review stands. Write review:open or review:closed.`,
		"review":                         `"review" needs a value. Write review:open`,
		"reviewed unreviewed":            "A review is open or closed, not both. Ask twice.",
		"denied lapsed":                  "The outcome is asked for twice. Write several with commas",
		"last month":                     `"month" is no length of time. Write last 30d`,
		"last 0d":                        `"0d" is no length of time.`,
		"last 999999y":                   "is no length of time.",
		"since:yesterday":                `"yesterday" is no date.`,
		"since:2026-13-01":               `"2026-13-01" is no date.`,
		"last 1d since:2026":             "The beginning of the time is given twice.",
		"until:2026 until:2025":          "The end of the time is given twice.",
		"since:2026-02 until:2026-01-31": "The time asked for ends before it begins.",
		`"stuck`:                         "A quote is not closed.",
		`stuck"payouts"`:                 "A quote begins inside a word.",
		`"no"`:                           `"no" is too short to look for.`,
		`"one" "two" "three" "four"`:     "At most 3 texts",
		strings.Repeat("a", 1001):        "longer than 1000 characters",
	} {
		_, err := query.Parse(text, options)
		var mistake *query.Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	if _, err := query.Parse("me", query.Options{Now: now, Person: people}); err == nil || !strings.Contains(err.Error(), "Nobody has signed in") {
		t.Errorf("me, of nobody: %v", err)
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	for _, p := range []flows.Place{{}, {At: now, ID: "req_1"}, {At: time.UnixMilli(-5).UTC(), ID: "a.b"}} {
		got, err := query.ReadCursor(query.Cursor(p))
		if err != nil || got != p {
			t.Errorf("%v: %v, %v", p, got, err)
		}
	}
	for _, bad := range []string{"x", "1", "1.", "x.req_1", "." + strings.Repeat("a", 70)} {
		if _, err := query.ReadCursor(bad); err == nil {
			t.Errorf("%q is a place", bad)
		}
	}
}

// TestReadme: every example of the documentation is understood.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `") && !strings.HasPrefix(line, "For example:") {
			continue
		}
		cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			q := m[1]
			if strings.HasSuffix(q, ":") {
				q += "@dana"
			}
			examples++
			if _, err := query.Parse(q, options); err != nil {
				t.Errorf("%s: %v", m[1], err)
			}
		}
	}
	if examples < 25 {
		t.Errorf("only %d examples were found", examples)
	}
}

// FuzzParse: whatever is typed, the answer is a question that reads back the same, or a
// mistake with two sentences.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"incident 4711", "incident:none me", "@dana last 30d", `target:"a b" "x y z" denied`, "since:2026-01-01T10:00:00.5Z until:2026", "by:T/U1 for:me #Q1A",
		"<@U0DANA|dana> is:granted,denied", `"a%b_c\"`, "“stuck”", "last 9223372036854775807m", "x:y:z", `reason:"it: is"`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := query.Parse(text, options)
		if err != nil {
			var mistake *query.Error
			if !errors.As(err, &mistake) || mistake.What == "" || mistake.Hint == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		written := query.Write(q.Search)
		again, err := query.Parse(written, options)
		if err != nil && len(written) <= 1000 {
			t.Fatalf("%q became %q: %v", text, written, err)
		}
		if d := cmp.Diff(q.Search, again.Search, cmpopts.EquateEmpty()); d != "" && err == nil {
			t.Fatalf("%q became %q:\n%s", text, written, d)
		}
	})
}
