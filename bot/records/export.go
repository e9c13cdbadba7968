package records

import (
	"context"
	"net/http"
	"time"

	"breakglass/flows"
	"breakglass/flows/audit/history"
)

// ExportInput is a question, and the form of everything that answers it.
type ExportInput struct {
	Query string       `query:"q" doc:"filters, all of which must hold; nothing asks for everything" example:"@dana last 90d" maxLength:"2000"`
	Form  history.Form `query:"format" enum:"jsonl,json,csv,sym" default:"jsonl" doc:"a row a line, one array, CSV, or events in Sym's shape with the incident"`
}

// ExportTypes are what exports are called over HTTP.
var ExportTypes = []string{history.FormJSONL.ContentType(), history.FormCSV.ContentType(), history.FormJSON.ContentType()}

// Export is GET /v1/audit/export: everything that answers, streamed. A break in the
// middle cuts the connection, so that half is never taken for the whole.
func (x *Records) Export(ctx context.Context, a history.Asker, in *ExportInput) (func(http.ResponseWriter), error) {
	q, err := x.question(a, in.Query, "", 0)
	f := q.Search
	if err == nil {
		f, err = a.Narrow(q.Search)
	}
	if err != nil {
		return nil, refusal(err)
	}
	recorded := "false"
	if x.look(ctx, a, history.Look{What: history.LookExport, Form: string(in.Form), Search: q.Search}) {
		recorded = "true"
	}
	return func(w http.ResponseWriter) { x.stream(ctx, w, in.Form, f, recorded) }, nil
}

func (x *Records) stream(ctx context.Context, w http.ResponseWriter, form history.Form, f flows.Search, recorded string) {
	head := w.Header()
	head.Set("Content-Type", form.ContentType())
	head.Set("Content-Disposition", `attachment; filename="breakglass-audit.`+extension(form)+`"`)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Breakglass-Recorded", recorded)
	flush := http.NewResponseController(w)
	_ = flush.SetWriteDeadline(time.Time{}) // it takes as long as it is read
	out := history.Exporter{Finder: x.o.Finder, Chains: x.o.Finder, Name: x.o.Name, Flush: func() { _ = flush.Flush() }}
	if n, err := out.Write(ctx, w, form, f); err != nil {
		x.log.ErrorContext(ctx, "an export broke", "written", n, "error", err)
		panic(http.ErrAbortHandler)
	}
}

func extension(f history.Form) string {
	if f == history.FormSym {
		return "jsonl"
	}
	return string(f)
}
