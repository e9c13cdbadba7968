package config

import (
	"embed"
	"io/fs"
)

//go:embed example/breakglass.hcl example/prod.py
var exampleFiles embed.FS

// Example is the starter configuration: breakglass.hcl and prod.py, for the two
// simulators, whose addresses are its variables slack_api, pagerduty_api and
// database_webhook.
func Example() fs.FS {
	sub, err := fs.Sub(exampleFiles, "example")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}
