package bottest_test

import (
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
