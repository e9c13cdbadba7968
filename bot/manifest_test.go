package bot_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"breakglass/bot"
)

// TestManifest holds the manifest to Slack's schema (version 2): known keys, lengths,
// and the scopes that the client needs, no more.
func TestManifest(t *testing.T) {
	t.Parallel()
	text, err := bot.Manifest("https://glass.acme.example/base/")
	must(t, err)
	var m struct {
		Metadata map[string]int `json:"_metadata"`
		Display  struct {
			Name        string `json:"name"`
			Description string `json:"description"`
			Color       string `json:"background_color"`
			Long        string `json:"long_description"`
		} `json:"display_information"`
		Features struct {
			AppHome   map[string]bool     `json:"app_home"`
			BotUser   map[string]any      `json:"bot_user"`
			Shortcuts []map[string]string `json:"shortcuts"`
			Commands  []struct {
				Command      string `json:"command"`
				URL          string `json:"url"`
				Description  string `json:"description"`
				UsageHint    string `json:"usage_hint"`
				ShouldEscape bool   `json:"should_escape"`
			} `json:"slash_commands"`
		} `json:"features"`
		OAuth struct {
			Scopes struct {
				Bot []string `json:"bot"`
			} `json:"scopes"`
		} `json:"oauth_config"`
		Settings struct {
			Events struct {
				URL    string   `json:"request_url"`
				Events []string `json:"bot_events"`
			} `json:"event_subscriptions"`
			Interactivity struct {
				Enabled bool   `json:"is_enabled"`
				URL     string `json:"request_url"`
				Options string `json:"message_menu_options_url"`
			} `json:"interactivity"`
			Org    bool `json:"org_deploy_enabled"`
			Socket bool `json:"socket_mode_enabled"`
			Rotate bool `json:"token_rotation_enabled"`
		} `json:"settings"`
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	must(t, dec.Decode(&m))

	within := func(what, s string, lo, hi int) {
		if n := utf8.RuneCountInString(s); n < lo || n > hi {
			t.Errorf("%s has %d characters, Slack takes %d to %d", what, n, lo, hi)
		}
	}
	within("name", m.Display.Name, 1, 35)
	within("description", m.Display.Description, 1, 140)
	within("long_description", m.Display.Long, 175, 4000)
	within("shortcut name", m.Features.Shortcuts[0]["name"], 1, 24)
	within("shortcut description", m.Features.Shortcuts[0]["description"], 1, 150)
	c := m.Features.Commands[0]
	within("command", c.Command, 2, 32)
	if !strings.HasPrefix(c.Command, "/") {
		t.Errorf("command %q", c.Command)
	}
	want := []string{"channels:history", "channels:read", "chat:write", "commands", "groups:history", "groups:read", "im:history", "im:write", "usergroups:read", "users:read", "users:read.email"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.OAuth.Scopes.Bot))); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	urls := []string{c.URL, m.Settings.Interactivity.URL, m.Settings.Interactivity.Options, m.Settings.Events.URL}
	for i, path := range []string{"commands", "interactions", "options", "events"} {
		if want := "https://glass.acme.example/base/slack/" + path; urls[i] != want {
			t.Errorf("address %q, want %q", urls[i], want)
		}
	}
}

func TestManifestNeedsAnAddress(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "glass.acme.example", "ftp://glass", "https://u:p@glass", "https://glass/?a=b", "https://"} {
		if text, err := bot.Manifest(bad); err == nil {
			t.Errorf("Manifest(%q) = %.60s…", bad, text)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("the error shows a password: %v", err)
		}
	}
}
