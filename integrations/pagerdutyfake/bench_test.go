package pagerdutyfake_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	pd "breakglass/integrations/pagerdutyfake"
)

// BenchmarkOnCalls is one page of who is on call in an account of 50 policies,
// each with two people who never go off call: the longest way to compute it.
func BenchmarkOnCalls(b *testing.B) {
	c := &clock{at: monday}
	acc := pd.New(pd.Options{Now: c.Now, Keys: []pd.Key{{Token: fullKey}}, RequestsPerMinute: -1, LedgerSize: 100})
	for i := range 100 {
		if _, err := acc.AddUser(pd.User{ID: fmt.Sprint("PUSER", i), Name: fmt.Sprint("u", i), Email: fmt.Sprintf("u%d@x", i)}); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 50 {
		p, err := acc.AddPolicy(pd.Policy{Name: fmt.Sprint("p", i)})
		if err != nil {
			b.Fatal(err)
		}
		if err := acc.SetOnCall(p.ID, 1, fmt.Sprint("PUSER", i), fmt.Sprint("PUSER", 99-i)); err != nil {
			b.Fatal(err)
		}
	}
	h := acc.Handler()
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequest(http.MethodGet, "/oncalls?limit=100", nil)
		req.Header.Set("Authorization", "Token token="+fullKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
