package bot

import (
	"testing"
	"time"
)

func TestLengthIn(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]time.Duration{
		"1h": time.Hour, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, " 2 H ": 2 * time.Hour, "1d": 24 * time.Hour,
		"": 0, "1": 0, "-1h": 0, "soon": 0, "99999d": 0, "1h1": 0, "9999999999999h": 0,
	} {
		if got := lengthIn(typed); got != want {
			t.Errorf("%q is %s, want %s", typed, got, want)
		}
	}
}

func TestIncidentIn(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"4711": "4711", "#4711": "4711", "INC-4711": "4711", "inc4711": "4711", "Q2AKJF9MPY7T1C": "Q2AKJF9MPY7T1C", "PT4KHLK": "PT4KHLK",
		"https://acme.pagerduty.com/incidents/Q2AKJF9MPY7T1C":             "Q2AKJF9MPY7T1C",
		"<https://acme.pagerduty.com/incidents/PT4KHLK|the incident>":     "PT4KHLK",
		"https://acme.eu.pagerduty.com/incidents/PT4KHLK/timeline?tz=utc": "PT4KHLK",
		"": "", "1h": "", "because": "", "PRODUCTION": "", "../../users": "", "https://acme.pagerduty.com/incidents/../users": "", "0000000000001": "",
	} {
		got, ok := incidentIn(typed)
		if got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", typed, got, ok, want)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"list", "lst", 1}, {"help", "hlep", 2}, {"kitten", "sitting", 3}, {"böse", "bose", 1}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestStartsWith(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s, name string
		want    int
	}{
		{"lab 1h", "lab", 3}, {"LAB", "lab", 3}, {"labs 1h", "lab", 0}, {`"Production console" 1h`, "Production console", 20},
		{"production-console", "production_console", 18}, {"", "lab", 0}, {"lab", "", 0}, {`"lab`, "lab", 4}, {"la", "lab", 0},
	} {
		if got := startsWith(c.s, c.name); got != c.want {
			t.Errorf("startsWith(%q, %q) = %d, want %d", c.s, c.name, got, c.want)
		}
	}
}

func TestChannelIncident(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"inc-4711-payouts": "4711", "incident-12": "12", "INC_7_x": "7", "pd-99": "99", "inc4711": "4711",
		"general": "", "inc-payouts": "", "incidents": "", "inc-47x": "", "directmessage": "", "": "",
	} {
		if got := channelIncident(name); got != want {
			t.Errorf("#%s is named after %q, want %q", name, got, want)
		}
	}
}
