package openapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"breakglass/flows/config/openapi"
)

const document = `openapi: 3.0.2
info: {title: "An API", version: '1'}
paths:
  /incidents:
    summary: all of them
    get:
      description: |
        Lists them: "all".
    post: {}
  /incidents/{id}:
    parameters: [{name: id, in: path}]
    get: {operationId: getIncident}
    put: {}
    trace: {}
  '/incidents/{incident}/notes/':
    get: {}
  /a b/{c}.json:
    get: {}
  /teams/{team-id}/{2nd}:
    delete: {}
    get: {}
`

const asJSON = `{"openapi":"3.0.2","paths":{"/incidents":{"summary":"x","get":{},"post":{}},
"/incidents/{id}":{"parameters":[],"get":{},"put":{},"trace":{}},"/incidents/{incident}/notes/":{"get":{}},
"/a b/{c}.json":{"get":{}},"/teams/{team-id}/{2nd}":{"delete":{},"get":{}}}}`

func TestCalls(t *testing.T) {
	t.Parallel()
	want := []string{
		"GET /a b/{c}.json -> ", "GET /incidents -> GET /incidents", "POST /incidents -> POST /incidents",
		"GET /incidents/{id} -> GET /incidents/{id}", "PUT /incidents/{id} -> PUT /incidents/{id}",
		"GET /incidents/{incident}/notes/ -> GET /incidents/{id}/notes",
		"GET /teams/{team-id}/{2nd} -> GET /teams/{team_id}/{_2nd}", "DELETE /teams/{team-id}/{2nd} -> DELETE /teams/{team_id}/{_2nd}",
	}
	for form, src := range map[string]string{"YAML": document, "JSON": asJSON, "JSON with a mark": "\ufeff\n" + asJSON} {
		calls, err := openapi.Calls([]byte(src))
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		var got []string
		for _, c := range calls {
			got = append(got, c.Method+" "+c.Path+" -> "+c.Rule)
			if (c.Rule == "") != (c.Why != "") {
				t.Errorf("%s: %s %s has the rule %q and no reason", form, c.Method, c.Path, c.Rule)
			}
			if c.Reads() != (c.Method == "GET") {
				t.Errorf("%s reads: %v", c.Method, c.Reads())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: wanted -, got +:\n%s", form, diff)
		}
	}
}

func TestNoDocument(t *testing.T) {
	t.Parallel()
	for src, says := range map[string]string{
		"": "no OpenAPI document", "a: b": "no OpenAPI document", `{"a": 1}`: "no OpenAPI document", "{\n\n": "line 3", "a: *x": "aliases",
		"openapi: 3\npaths: [a]\nx: &a b": "line 3", `{"openapi":"3","paths":{"/a":[]}}`: "cannot unmarshal",
	} {
		if _, err := openapi.Calls([]byte(src)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is read: %v", src, err)
		}
	}
	for _, src := range []string{"openapi: 3", "openapi: 3\npaths:\n", "openapi: 3\npaths: words", "openapi: 3\npaths:\n  /a: words", `{"swagger":"2.0"}`} {
		if calls, err := openapi.Calls([]byte(src)); err != nil || len(calls) > 0 {
			t.Errorf("%q has the calls %v (%v)", src, calls, err)
		}
	}
	if _, err := openapi.Calls(make([]byte, openapi.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "larger") {
		t.Errorf("a huge document is read: %v", err)
	}
}

// Whatever a document says, only rules come of it that say what the document says.
func FuzzCalls(f *testing.F) {
	f.Add([]byte(document))
	f.Add([]byte(asJSON))
	f.Add([]byte("openapi: 3\npaths:\n  /{a...}: {get: }\n  /{: {get: }\n  /}{: {put: }\n  '/{x}/{x}y': {get: }\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		calls, err := openapi.Calls(src)
		if err != nil {
			return
		}
		for _, c := range calls {
			if strings.Contains(c.Rule, "...") || strings.Contains(c.Rule, "{incident}") {
				t.Errorf("%s %s becomes %s, which opens more", c.Method, c.Path, c.Rule)
			}
			if c.Rule != "" && strings.Count(c.Rule, "/") > strings.Count(c.Path, "/") {
				t.Errorf("%s %s becomes %s", c.Method, c.Path, c.Rule)
			}
		}
	})
}
