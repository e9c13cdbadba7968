package web

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"breakglass/flows/doors"
)

// lines is the content type of answers that come line by line, each a JSON object.
const lines = "application/x-ndjson"

// InLines is an Operation whose answer comes in lines, each as soon as it is known.
// What is wrong before the first line is a problem, as everywhere.
func InLines[I, L any](method, path string, who Entry, doc string, h func(ctx context.Context, c *doors.Caller, in *I, say func(L)) error) Door {
	d := Door{Method: method, Path: path, Who: who, Doc: doc}
	d.operation = func(w *Web, api huma.API, d Door) {
		one := huma.SchemaFromType(api.OpenAPI().Components.Schemas, reflect.TypeFor[L]())
		register(w, api, d, func(op *huma.Operation) {
			op.Responses["200"] = &huma.Response{Description: "A JSON object a line, each as soon as it is known", Content: map[string]*huma.MediaType{lines: {Schema: one}}}
		}, func(ctx context.Context, c *doors.Caller, in *I) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(hc huma.Context) {
				_, rw := humachi.Unwrap(hc)
				out := &lineWriter{w: rw, control: http.NewResponseController(rw)}
				err := h(ctx, c, in, func(l L) { out.line(l) })
				if err == nil {
					return
				}
				if no := w.problem(ctx, path, err); !out.begun {
					writeProblem(rw, problemOf(no))
				}
			}}, nil
		})
	}
	return d
}

// lineWriter writes lines, each at once.
type lineWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (l *lineWriter) line(v any) {
	if !l.begun {
		l.begun = true
		_ = l.control.SetWriteDeadline(time.Time{}) // the server's own is for answers, not streams
		l.w.Header().Set("Content-Type", lines)
		l.w.Header().Set("Cache-Control", "no-store")
	}
	_ = json.NewEncoder(l.w).Encode(v) // the caller has gone; the work goes on
	_ = l.control.Flush()
}
