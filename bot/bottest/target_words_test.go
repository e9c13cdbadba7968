package bottest_test

import "breakglass/integrations/target/receiver"

// pending has the database take its time over every grant.
func pending() receiver.Fault { return receiver.Fault{Type: "access.grant", Pending: true} }
