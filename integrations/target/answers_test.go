package target

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"breakglass/flows"
	"breakglass/integrations/target/receiver"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsOfAReceiver(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault receiver.Fault
		says  string
		after int
		done  bool
	}{
		"dropped":                {receiver.Fault{Drop: true}, "not known", 0, false},
		"lost answer":            {receiver.Fault{Lose: true}, "not known", 0, true},
		"pending":                {receiver.Fault{Pending: true, RetryAfter: 20}, "has not finished yet", 20, false},
		"500":                    {receiver.Fault{Status: 500}, "HTTP status 500", 0, false},
		"503, come back":         {receiver.Fault{Status: 503, RetryAfter: 30}, "HTTP status 503", 30, false},
		"429, come back in days": {receiver.Fault{Status: 429, RetryAfter: 86400}, "HTTP status 429", maxAfter, false},
		"204":                    {receiver.Fault{Status: 204}, "cannot be believed", 0, false},
		"409":                    {receiver.Fault{Status: 409}, "a newer order", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tc.fault.Times = 1
			b.Fail(tc.fault)
			_, err := b.hook.Grant(t.Context(), b.order)
			if temp := wantTemporary(t, err, tc.says); temp.After != tc.after {
				t.Errorf("After = %d, want %d", temp.After, tc.after)
			}
			if b.Access(dana).Has != tc.done {
				t.Fatalf("access = %v, want %v", b.Access(dana).Has, tc.done)
			}
			// Another try makes it good, once.
			b.grant(t, b.order)
			if n := len(b.Holders()); n != 1 || b.Access(dana).Receipt != "rcpt_000001" {
				t.Errorf("%d holders, receipt %q", n, b.Access(dana).Receipt)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for says, fault := range map[string]receiver.Fault{
		`refuses: "no such account on the console"`: {Refuse: "no such\naccount\x1b on the console"},
		"HTTP status 400": {Status: 400}, "HTTP status 403": {Status: 403}, "HTTP status 404": {Status: 404},
		"HTTP status 410": {Status: 410}, "redirects (HTTP status 307)": {Status: 307},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Fail(fault)
			_, err := b.hook.Grant(t.Context(), b.order)
			wantPermanent(t, err, says)
			wantPermanent(t, b.hook.Revoke(t.Context(), b.revocation(8)), says)
			_, err = b.hook.Read(t.Context(), b.order)
			wantPermanent(t, err, says)
			if len(b.Ledger()) != 0 {
				t.Error("something was done")
			}
		})
	}
}

// An answer to another message, as a cache or a mix-up on the way would give it.
func TestARepeatedAnswerIsNotBelieved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.grant(t, b.order)
	b.Fail(receiver.Fault{Repeat: true, Times: 2})
	other := b.order
	other.Key, other.Request, other.Person, other.Fence = "grant:req_sam", "req_sam", "T0123ABC/U0SAM", 1
	_, err := b.hook.Grant(t.Context(), other)
	wantTemporary(t, err, "it answers another message")
	if _, err := b.hook.Read(t.Context(), b.order); err != nil {
		t.Fatal(err) // the first read: there is no older answer
	}
	b.Fail(receiver.Fault{Repeat: true, Times: 1})
	_, err = b.hook.Read(t.Context(), b.order)
	wantTemporary(t, err, "it answers another message")
}

func TestAnswersThatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	id := order("", nil).Key
	for name, tc := range map[string]struct{ body, says string }{
		"nothing":               {"", "not one JSON object"},
		"ok":                    {"ok", "not one JSON object"},
		"HTML":                  {"<html>granted</html>", "not one JSON object"},
		"half":                  {`{"id":"` + id + `","status":"gran`, "not one JSON object"},
		"two":                   {`{"id":"` + id + `","status":"granted"}{}`, "not one JSON object"},
		"no id":                 {`{"status":"granted"}`, "answers another message"},
		"no status":             {`{"id":"` + id + `"}`, `status of a grant is ""`},
		"revoked":               {`{"id":"` + id + `","status":"revoked"}`, `status of a grant is "revoked"`},
		"Granted":               {`{"id":"` + id + `","status":"Granted"}`, `status of a grant is "Granted"`},
		"a long receipt":        {`{"id":"` + id + `","status":"granted","receipt":"` + strings.Repeat("x", 201) + `"}`, "the receipt"},
		"a receipt with escape": {`{"id":"` + id + `","status":"granted","receipt":"a\u001b[31m"}`, "the receipt"},
		"more than we read":     {`{"id":"` + id + `","status":"granted","x":"` + strings.Repeat("x", maxAnswer) + `"}`, "not one JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tc.body) }))
			defer srv.Close()
			_, err := newHook(t, flows.NewHandClock(start)).Grant(t.Context(), order(srv.URL, always(oldSecret)))
			wantTemporary(t, err, tc.says)
		})
	}
}

// A revocation is not over before the receiver says so.
func TestARevocationThatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	for status, says := range map[string]string{"granted": `status of a revocation is "granted"`, "": `status of a revocation is ""`, "pending": "has not finished yet"} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"id":%q,"status":%q}`, r.Header.Get("webhook-id"), status)
		}))
		err := newHook(t, flows.NewHandClock(start)).Revoke(t.Context(), order(srv.URL, always(oldSecret)))
		srv.Close()
		wantTemporary(t, err, says)
	}
}

func TestReadings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]flows.Reading{
		`"has":true`: {Has: flows.Yes},
		`"has":true,"until":"2026-11-22T04:00:00Z"`: {Has: flows.Yes, Until: start.Add(time.Hour)},
		`"has":true,"until":"tomorrow"`:             {Has: flows.Yes},
		`"has":false`:                               {Has: flows.No},
		`"has":null`:                                {Has: flows.Unknown},
		`"status":"granted"`:                        {Has: flows.Unknown},
	} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"id":%q,%s}`, r.Header.Get("webhook-id"), body)
		}))
		got, err := newHook(t, flows.NewHandClock(start)).Read(t.Context(), order(srv.URL, always(oldSecret)))
		srv.Close()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestASlowReceiverIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Timeout = 100 * time.Millisecond })
	b.Fail(receiver.Fault{HoldAnswer: true, Times: 1})
	_, err := b.hook.Grant(t.Context(), b.order)
	wantTemporary(t, err, "whether it was done is not known")
	if !b.Access(dana).Has {
		t.Error("the order was not done: the test shows nothing")
	}
}
