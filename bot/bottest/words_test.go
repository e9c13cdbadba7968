package bottest_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
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
