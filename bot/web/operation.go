package web

import (
	"context"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Operation is a door of the JSON API: input and output are checked and documented by
// their types. The caller is nil where anybody may enter.
func Operation[I, O any](method, path string, who Entry, doc string, h func(context.Context, *doors.Caller, *I) (*O, error)) Door {
	return operation(method, path, who, doc, 0, h)
}

// Creation is an Operation that makes something: it answers 201.
func Creation[I, O any](method, path string, who Entry, doc string, h func(context.Context, *doors.Caller, *I) (*O, error)) Door {
	return operation(method, path, who, doc, http.StatusCreated, h)
}

// Streaming is an Operation whose answer has one of the content types and is written
// while it is made; h says no before anything is written.
func Streaming[I any](method, path string, who Entry, doc string, types []string, h func(context.Context, *doors.Caller, *I) (func(http.ResponseWriter), error)) Door {
	d := operation(method, path, who, doc, 0, func(ctx context.Context, c *doors.Caller, in *I) (*huma.StreamResponse, error) {
		write, err := h(ctx, c, in)
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			_, rw := humachi.Unwrap(ctx)
			write(rw)
		}}, err
	})
	d.types = types
	return d
}

func operation[I, O any](method, path string, who Entry, doc string, status int, h func(context.Context, *doors.Caller, *I) (*O, error)) Door {
	d := Door{Method: method, Path: path, Who: who, Doc: doc}
	d.operation = func(w *Web, api huma.API, d Door) {
		register(w, api, d, func(op *huma.Operation) {
			op.DefaultStatus = status
			if len(d.types) > 0 {
				op.Responses["200"] = &huma.Response{Content: map[string]*huma.MediaType{}}
			}
			for _, t := range d.types {
				op.Responses["200"].Content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
			}
		}, h)
	}
	return d
}

// register puts an operation into the document and the router; more says what it has
// beside what all have.
func register[I, O any](w *Web, api huma.API, d Door, more func(*huma.Operation), h func(context.Context, *doors.Caller, *I) (*O, error)) {
	op := huma.Operation{
		OperationID: operationID(d.Method, d.Path), Method: d.Method, Path: d.Path, Summary: d.Doc, Description: "For " + d.Who.Name + ".",
		MaxBodyBytes: maxBody, Middlewares: huma.Middlewares{w.admitted(d)},
		Responses: map[string]*huma.Response{"default": refused(api)},
	}
	if !d.Who.open {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	more(&op)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		c, _ := ctx.Value(callerKey{}).(*doors.Caller)
		out, err := h(ctx, c, in)
		if err != nil {
			return nil, w.problem(ctx, d.Path, err)
		}
		return out, nil
	})
}

// callerKey finds the caller between a middleware and its operation; nowhere else.
type callerKey struct{}

// admitted is enter, for operations.
func (w *Web) admitted(d Door) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, rw := humachi.Unwrap(ctx)
		c, err := w.admit(d, r)
		if err != nil {
			w.keepOut(rw, r, d, err)
			return
		}
		rw.Header().Set("Cache-Control", "no-store")
		next(huma.WithValue(ctx, callerKey{}, c))
	}
}

// problem turns an error into an answer; what broke goes to the log.
func (w *Web) problem(ctx context.Context, path string, err error) error {
	p := problemOf(err)
	if p.Code == fault.Code {
		w.log.ErrorContext(ctx, "answer an operation", "path", path, "error", err)
	}
	return p
}

// refused documents how operations say no.
func refused(api huma.API) *huma.Response {
	schema := huma.SchemaFromType(api.OpenAPI().Components.Schemas, problemType)
	return &huma.Response{Description: "Not done, and why", Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schema}}}
}

// operationID is "get-v1-requests-id" for GET /v1/requests/{id}.
func operationID(method, path string) string {
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '{' || r == '}' || r == '.' })
	return strings.ToLower(method) + "-" + strings.Join(words, "-")
}

// newAPI prepares the operations of a router. No page of documentation is served: it
// would load its scripts from elsewhere.
func (w *Web) newAPI(r chi.Router) huma.API {
	conf := huma.DefaultConfig("Breakglass", w.o.Version)
	conf.OpenAPIPath, conf.DocsPath, conf.SchemasPath, conf.CreateHooks = "", "", "", nil
	conf.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	conf.Transformers = []huma.Transformer{unfit}
	conf.Info.Description = "Access when you are on call: ask, decide, end, and see what was decided. Refusals have a code and a sentence."
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "A token (bgt_…), or a login together with the machine's proof"},
		"session": {Type: "apiKey", In: "cookie", Name: w.cookieName(sessionCookie), Description: "A browser's session"},
	}
	return humachi.New(r, conf)
}

// schemaName names a type in the description. Types of other packages than this one are
// those of the audit, and may have the same names.
func schemaName(t reflect.Type, hint string) string {
	name, pkg := huma.DefaultSchemaNamer(t, hint), t.PkgPath()
	if t.Kind() == reflect.Pointer {
		pkg = t.Elem().PkgPath()
	}
	if strings.HasPrefix(pkg, "breakglass/") && pkg != problemType.PkgPath() {
		return "Audit" + name
	}
	return name
}

// unfit says that an input does not fit its description, without repeating it: it may
// hold a secret.
func unfit(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Status: e.Status, Title: e.Title, Detail: "The input does not fit its description. Nothing was done.", Code: flows.RefusedInput}
	for _, one := range e.Errors {
		p.Errors = append(p.Errors, Misfit{Where: one.Location, What: one.Message})
	}
	return p, nil
}

// OpenAPI is GET /v1/openapi.json.
func (w *Web) OpenAPI(rw http.ResponseWriter, r *http.Request, _ *doors.Caller) {
	b, err := w.api.OpenAPI().MarshalJSON()
	if err != nil {
		w.log.ErrorContext(r.Context(), "write the API's description", "error", err)
		writeProblem(rw, problemOf(err))
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(b) // the caller has gone
}
