package slackfake_test

import (
	"net/http"
	"testing"

	"breakglass/integrations/slackfake"
)

// BenchmarkClick is one click on a card, delivered, answered and recorded: what
// the simulator itself adds to a measurement of the app.
func BenchmarkClick(b *testing.B) {
	ws, err := slackfake.New(slackfake.Options{Now: newClock().Now, RateLimits: slackfake.RateLimits{Off: true}})
	if err != nil {
		b.Fatal(err)
	}
	if err := ws.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	ws.AddUser(slackfake.User{ID: "U0DANA"})
	app := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	ws.SetEndpoints(slackfake.Endpoints{Interactions: newServer(b, app)})
	if _, _, err := client(ws, ws.Config().BotToken).PostMessage("U0DANA", approveCard("card")); err != nil {
		b.Fatal(err)
	}
	dana := ws.User("U0DANA")
	card := dana.DM()[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dana.Click(card, "approve"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPostMessage is one card posted by the real client.
func BenchmarkPostMessage(b *testing.B) {
	ws, err := slackfake.New(slackfake.Options{Now: newClock().Now, RateLimits: slackfake.RateLimits{Off: true}})
	if err != nil {
		b.Fatal(err)
	}
	if err := ws.Start("127.0.0.1:0"); err != nil {
		b.Fatal(err)
	}
	defer ws.Close()
	ws.AddUser(slackfake.User{ID: "U0DANA"})
	api, card := client(ws, ws.Config().BotToken), approveCard("card")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := api.PostMessage("U0DANA", card); err != nil {
			b.Fatal(err)
		}
	}
}
