package slackfake_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestREADMENamesEveryDoor holds the README's table against control.go.
func TestREADMENamesEveryDoor(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	noError(t, err)
	source, err := os.ReadFile("control.go")
	noError(t, err)
	doors := regexp.MustCompile(`"((?:GET|PUT|POST|DELETE) /control/[^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(doors) < 20 {
		t.Fatalf("found only %d doors in control.go", len(doors))
	}
	for _, d := range doors {
		if !strings.Contains(string(readme), "`"+d[1]+"`") {
			t.Errorf("README.md does not name %s", d[1])
		}
	}
}
