package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"breakglass/bot/bottest"
)

// Every door of the internal listener names who may enter, is mounted as it is listed,
// and is closed to who has no pass, unless it says that it is open. What is an operation
// is documented, and nothing else is.
func TestEveryDoorNamesWhoMayEnter(t *testing.T) {
	t.Parallel()
	s := bottest.Open(t)
	h := s.App.Routes()
	var mounted, listed, documented, operations []string
	router, ok := h.(chi.Routes)
	if !ok {
		t.Fatal("the internal listener is no router")
	}
	if err := chi.Walk(router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		mounted = append(mounted, method+" "+route)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{}
	for _, d := range s.App.Doors() {
		name := d.Method + " " + d.Path
		listed = append(listed, name)
		if d.Who.Name == "" {
			t.Errorf("%s does not say who may enter", name)
		}
		if d.IsOperation() {
			operations = append(operations, name)
			if d.Doc == "" {
				t.Errorf("%s does not say what it does", name)
			}
		}
		if d.Who.Open() {
			open[name] = true
			continue
		}
		knocksWithoutPass(t, h, d.Method, d.Path)
	}
	slices.Sort(mounted)
	slices.Sort(listed)
	if diff := cmp.Diff(listed, mounted); diff != "" {
		t.Errorf("what is listed and what is mounted (-listed +mounted):\n%s", diff)
	}
	var doc struct{ Paths map[string]map[string]any }
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/v1/openapi.json", nil))
	if err := json.NewDecoder(rec.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(documented)
	slices.Sort(operations)
	if diff := cmp.Diff(operations, documented); diff != "" {
		t.Errorf("operations and what is documented (-operations +documented):\n%s", diff)
	}
	want := []string{
		"GET /assets/{file}", "GET /healthz", "GET /metrics", "GET /readyz", "GET /sign-in", "GET /sign-in/{provider}",
		"GET /sign-in/{provider}/callback", "GET /v1/audit/checkpoint", "GET /v1/openapi.json", "POST /v1/login",
	}
	var got []string
	for name := range open {
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the doors that anybody may enter (-want +got):\n%s", diff)
	}
}

// knocksWithoutPass tries a door with nothing, with a made-up token and with a made-up
// session.
func knocksWithoutPass(t *testing.T, h http.Handler, method, path string) {
	t.Helper()
	path = strings.NewReplacer("{id}", "req_1", "{provider}", "company", "{file}", "style.css").Replace(path)
	for name, change := range map[string]func(*http.Request){
		"nothing":           func(*http.Request) {},
		"a made-up token":   func(r *http.Request) { r.Header.Set("Authorization", "Bearer bgt_"+strings.Repeat("x", 43)) },
		"an empty token":    func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") },
		"a made-up session": func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "breakglass_session", Value: "bgs_x"}) },
	} {
		r := httptest.NewRequest(method, path, strings.NewReader(`{}`))
		r.Header.Set("Content-Type", "application/json")
		change(r)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		signIn := rec.Code == http.StatusSeeOther && strings.HasPrefix(rec.Header().Get("Location"), "/sign-in")
		if rec.Code != http.StatusUnauthorized && !signIn {
			t.Errorf("%s %s with %s: %d %s", method, path, name, rec.Code, rec.Body)
		}
	}
}
