package app

import (
	"log/slog"
	"net/http"
	"runtime/debug"
)

// recovered keeps a panic in one request from ending the program, which ends access on
// time: the request fails, the log has the place.
func (a *App) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // the very value
				panic(p)
			}
			a.log.LogAttrs(r.Context(), slog.LevelError, "a panic in a request",
				slog.String("path", r.URL.Path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			w.WriteHeader(http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}
