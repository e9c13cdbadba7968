package bottest_test

import (
	"breakglass/bot/bottest"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// pending has the database take its time over every grant.
func pending() receiver.Fault { return receiver.Fault{Type: "access.grant", Pending: true} }

// msg is a message in Slack.
type msg = slackfake.Message

func pdUser(id, name string) pagerdutyfake.User {
	return pagerdutyfake.User{ID: id, Name: name, Email: name + "@demo.example"}
}

const minute = time.Minute + time.Second

func contains(s, part string) bool { return strings.Contains(s, part) }

// unquoted is the form that was sent, without rich text: what stands in that is no markup.
func unquoted(form string) string {
	v, err := url.ParseQuery(form)
	if err != nil {
		return form
	}
	var blocks []map[string]any
	if json.Unmarshal([]byte(v.Get("blocks")), &blocks) != nil {
		return v.Get("text")
	}
	out := v.Get("text")
	for _, b := range blocks {
		if b["type"] != "rich_text" {
			out += fmt.Sprint(b)
		}
	}
	return out
}

// tick pushes the clock by seconds until something holds, each time when nothing is in
// hand: a job must not outlive its lease because the test's clock runs faster than it. What
// is done without a job gets a moment of everybody's time for each second.
func tick(s *bottest.Story, what string, cond func() bool) {
	s.T.Helper()
	moment := time.NewTicker(2 * time.Millisecond)
	defer moment.Stop()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); s.FastForward(time.Second) {
		for range 10 {
			if cond() {
				return
			}
			<-moment.C
		}
	}
	s.T.Fatalf("%s did not happen", what)
}

// tickBroken is tick while the store cannot say what is in hand, or what is in hand is
// in nobody's.
func tickBroken(s *bottest.Story, what string, cond func() bool) {
	s.T.Helper()
	s.Until(what, func() bool {
		if cond() {
			return true
		}
		s.Clock.Push(time.Second)
		return false
	})
}

// health is what the program says is wrong with it, by name.
func health(t *testing.T, s *bottest.Story) map[string]string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.App.InternalAddr()+"/healthz", nil)
	must(t, err)
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	var body struct {
		Status  string            `json:"status"`
		Reasons map[string]string `json:"reasons"`
	}
	must(t, json.NewDecoder(resp.Body).Decode(&body))
	if (body.Status == "ok") != (len(body.Reasons) == 0) {
		t.Errorf("the health is %+v", body)
	}
	return body.Reasons
}

func errorsOf(m map[string]string) string {
	var all []string
	for _, e := range m {
		all = append(all, e)
	}
	return strings.Join(all, " ")
}

// refusals are the refusals that belong to no request, as they stand in the audit: by
// code and by what was asked for.
func refusals(s *bottest.Story) (all []string) {
	s.T.Helper()
	s.Quiet()
	entries, err := s.App.Store().Entries(s.T.Context(), "system")
	must(s.T, err)
	for _, e := range entries {
		var body struct {
			Code  string
			Facts map[string]any
		}
		must(s.T, json.Unmarshal(e.Bytes, &body))
		if e.Verb == "refused" {
			all = append(all, fmt.Sprint(body.Code, " ", body.Facts["asked_for"]))
		}
	}
	return all
}
