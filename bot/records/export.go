package records

import (
	"net/http"
	"time"

	"breakglass/flows/audit/history"
	"breakglass/flows/audit/query"
)

// Export is GET /v1/audit/export?q=…&format=…: everything that answers, streamed. A
// break in the middle cuts the connection, so that half is never taken for the whole.
func (x *Records) Export(w http.ResponseWriter, r *http.Request, a history.Asker) {
	form := history.Form(r.FormValue("format"))
	if form == "" {
		form = history.FormJSONL
	}
	q, err := x.question(a, r.FormValue("q"), "", 0)
	if err == nil {
		switch form {
		case history.FormJSON, history.FormJSONL, history.FormCSV, history.FormSym:
		default:
			err = &query.Error{What: "There is no such format.", Hint: "Write jsonl, json, csv or sym."}
		}
	}
	f := q.Search
	if err == nil {
		f, err = a.Narrow(q.Search)
	}
	if err != nil {
		x.refuse(w, r, err)
		return
	}
	recorded := "false"
	if x.look(r.Context(), a, history.Look{What: history.LookExport, Form: string(form), Search: q.Search}) {
		recorded = "true"
	}
	head := w.Header()
	head.Set("Content-Type", form.ContentType())
	head.Set("Content-Disposition", `attachment; filename="breakglass-audit.`+extension(form)+`"`)
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Breakglass-Recorded", recorded)
	flush := http.NewResponseController(w)
	_ = flush.SetWriteDeadline(time.Time{}) // it takes as long as it is read
	out := history.Exporter{Finder: x.o.Finder, Chains: x.o.Finder, Name: x.o.Name, Flush: func() { _ = flush.Flush() }}
	if n, err := out.Write(r.Context(), w, form, f); err != nil {
		x.log.ErrorContext(r.Context(), "an export broke", "written", n, "error", err)
		panic(http.ErrAbortHandler)
	}
}

func extension(f history.Form) string {
	if f == history.FormSym {
		return "jsonl"
	}
	return string(f)
}
