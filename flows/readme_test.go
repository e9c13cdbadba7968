package flows_test

import (
	"os"
	"strings"
	"testing"

	"breakglass/flows"
)

// The README's diagram is the life cycle's own.
func TestREADMEShowsTheLifecycle(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "```mermaid\n" + flows.Diagram() + "```"; !strings.Contains(string(b), want) {
		t.Errorf("README.md does not show the life cycle as it is; put this there:\n%s", want)
	}
}
