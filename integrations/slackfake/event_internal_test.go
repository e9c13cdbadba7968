package slackfake

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestEventRetryStops calls the delivery itself, which returns when Slack would
// not try again.
func TestEventRetryStops(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"accepted": func(http.ResponseWriter, *http.Request) {},
		"no retry": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Slack-No-Retry", "1")
			w.WriteHeader(http.StatusInternalServerError)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := httptest.NewServer(h)
			defer app.Close()
			ws, err := New(Options{Now: time.Now, Endpoints: Endpoints{Events: app.URL}, AckTimeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			ws.deliverEvent(map[string]any{"type": "event_callback"})
			if n := len(ws.Calls("event_callback")); n != 1 {
				t.Errorf("%d deliveries, want 1", n)
			}
			if err := ws.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
