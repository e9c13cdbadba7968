package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/app"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows/audit"
	"breakglass/flows/audit/history"
	"breakglass/integrations/slackfake"
)

// schema is as much of a JSON schema as descriptions of answers use.
type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Properties map[string]*schema
	Items      *schema
	Required   []string
	Additional any `json:"additionalProperties"`
}

// description is the API's own document.
type description struct {
	Paths map[string]map[string]struct {
		Parameters []struct{ Name, In string }
		Responses  map[string]struct {
			Content map[string]struct{ Schema *schema }
		}
	}
	Components struct{ Schemas map[string]*schema }
}

// misfits says where a value is not as the schema has it, or says more than that.
func (d *description) misfits(s *schema, v any, at string) (out []string) {
	if name, is := strings.CutPrefix(s.Ref, "#/components/schemas/"); is {
		return d.misfits(d.Components.Schemas[name], v, at)
	}
	types := []string{"any"}
	switch t := s.Type.(type) {
	case string:
		types = []string{t}
	case []any: // an array may be null
		types = []string{t[0].(string), t[1].(string)}
	}
	kind := map[string]bool{"any": true}
	switch x := v.(type) {
	case map[string]any:
		kind["object"] = true
		for _, name := range s.Required {
			if _, has := x[name]; !has {
				out = append(out, at+" lacks "+name)
			}
		}
		for name, one := range x {
			if p := s.Properties[name]; p != nil {
				out = append(out, d.misfits(p, one, at+"."+name)...)
			} else if s.Type == "object" && s.Additional == false {
				out = append(out, at+" has "+name+", which is not described")
			}
		}
	case []any:
		kind["array"] = true
		for i, one := range x {
			out = append(out, d.misfits(s.Items, one, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case string:
		kind["string"] = true
	case json.Number:
		kind["number"], kind["integer"] = true, !strings.Contains(x.String(), ".")
	case bool:
		kind["boolean"] = true
	case nil:
		kind["null"] = true
	}
	if !slices.ContainsFunc(types, func(t string) bool { return kind[t] }) {
		out = append(out, fmt.Sprintf("%s is %T, not %v", at, v, s.Type))
	}
	return out
}

// asOwner reads from a door as the owner of the process.
func asOwner(t *testing.T, dir, path string) (int, http.Header, []byte) {
	t.Helper()
	d, err := app.ReadDoor(filepath.Join(dir, "breakglass.db.door"))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+d.Addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+d.Token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body
}

func decoded[T any](t *testing.T, b []byte) (v T) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %.300s", err, b)
	}
	return v
}

// What the doors to the past answer is what the served document says they do: the types
// of content, each field, and no other.
func TestTheAuditAnswersAsDescribed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	dana := s.As(company.Dana)
	inc, err := s.PagerDuty.Trigger(company.Service, "the ledger is slow", "PDANA01")
	if err != nil {
		t.Fatal(err)
	}
	dana.Asks("Production database", "the ledger is stuck", slackfake.Values{"incident": inc.ID})
	dana.Presses(dana.Sees("you may approve this yourself"), "bg:approve")
	s.FastForward(audit.GrowEvery + time.Second)
	for _, who := range []string{company.Dana, "C0PROD"} {
		s.All(who, "Production database")
	}
	r := s.Only()
	id := string(r.ID)
	_, _, doc := asOwner(t, dir, "/v1/openapi.json")
	d := decoded[description](t, doc)
	seen := map[string]bool{}
	for _, c := range []struct {
		door, path, kind string
		status           int
	}{
		{"/v1/audit", "/v1/audit?q=target:prod_database&limit=3", "application/json", 200},
		{"/v1/audit", "/v1/audit?q=nonsense:", "application/problem+json", 422},
		{"/v1/audit/requests/{id}", "/v1/audit/requests/" + id, "application/json", 200},
		{"/v1/audit/requests/{id}", "/v1/audit/requests/req_none", "application/problem+json", 404},
		{"/v1/audit/requests/{id}/calls", "/v1/audit/requests/" + id + "/calls", "application/json", 200},
		{"/v1/audit/incidents/{id}", "/v1/audit/incidents/" + string(r.Incident()), "application/json", 200},
		{"/v1/audit/totals", "/v1/audit/totals", "application/json", 200},
		{"/v1/audit/totals", "/v1/audit/totals?since=soon", "application/problem+json", 422},
		{"/v1/audit/export", "/v1/audit/export?format=json", "application/json", 200},
		{"/v1/audit/export", "/v1/audit/export?format=csv", "text/csv; charset=utf-8", 200},
		{"/v1/audit/export", "/v1/audit/export", "application/x-ndjson", 200},
		{"/v1/audit/export", "/v1/audit/export?format=sym", "application/x-ndjson", 200},
		{"/v1/audit/export", "/v1/audit/export?format=xml", "application/problem+json", 422},
		{"/v1/audit/proof", "/v1/audit/proof?seq=2&from=1&chain=" + id, "application/json", 200},
		{"/v1/audit/checkpoint", "/v1/audit/checkpoint", "application/json", 200},
	} {
		status, head, body := asOwner(t, dir, c.path)
		if status != c.status || head.Get("Content-Type") != c.kind || head.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s %.200s", c.path, status, head, body)
			continue
		}
		responses := d.Paths[c.door]["get"].Responses
		described, has := responses[fmt.Sprint(status)]
		if !has {
			described = responses["default"]
		}
		media, has := described.Content[c.kind]
		if !has {
			t.Errorf("%s answers %d as %s, which is not described", c.path, status, c.kind)
			continue
		}
		seen[c.door] = true
		if c.door != "/v1/audit/export" || status != 200 {
			for _, m := range d.misfits(media.Schema, decoded[any](t, body), c.path) {
				t.Error(m)
			}
		}
	}
	for path := range d.Paths {
		if strings.HasPrefix(path, "/v1/audit") && !seen[path] {
			t.Errorf("%s is described and was not tried", path)
		}
	}
}

// An auditor proves one entry by what the doors answer and nothing else: the bytes of the
// request's story, the proof, and a checkpoint that was kept before.
func TestAnEntryIsProvedOverHTTP(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := bottest.Open(t, func(o *company.Options) { o.Dir = dir })
	press := asked(s, "Production console")
	s.FastForward(audit.GrowEvery + time.Second)
	_, _, body := asOwner(t, dir, "/v1/audit/checkpoint")
	kept := decoded[audit.HeadAnswer](t, body)
	press("bg:approve")
	s.FastForward(audit.GrowEvery + time.Second)
	for _, who := range []string{company.Sam, company.Mara, company.Noor, "C0PROD"} {
		s.All(who, "Production console")
	}
	_, _, body = asOwner(t, dir, "/v1/audit/requests/"+string(s.Only().ID))
	story := decoded[history.Story](t, body)
	at := slices.IndexFunc(story.Entries, func(e history.Event) bool { return e.Verb == "approve" })
	_, _, body = asOwner(t, dir, fmt.Sprintf("/v1/audit/proof?chain=%s&seq=%d&from=%d", s.Only().ID, story.Entries[at].Seq, kept.Size))
	p := decoded[audit.ProofAnswer](t, body)
	if err := tlog.CheckRecord(hashes(t, p.Inclusion...), p.Size, hashes(t, p.Root)[0], p.Leaf, tlog.RecordHash([]byte(story.Entries[at].Bytes))); err != nil {
		t.Error(err)
	}
	if err := tlog.CheckTree(hashes(t, p.Growth...), p.Size, hashes(t, p.Root)[0], kept.Size, hashes(t, kept.Root)[0]); err != nil {
		t.Error(err)
	}
	if p.FromRoot != kept.Root || p.Leaf < kept.Size {
		t.Errorf("the proof is %+v, the checkpoint that was kept %+v", p, kept)
	}
	if head, err := audit.Peek(p.Checkpoint); err != nil || head.Size != p.Size || base64.StdEncoding.EncodeToString(head.Root[:]) != p.Root {
		t.Errorf("the note says %+v, %v", head, err)
	}
}

func hashes(t *testing.T, texts ...string) []tlog.Hash {
	t.Helper()
	out := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil || copy(out[i][:], b) != tlog.HashSize {
			t.Fatalf("%q is no hash", text)
		}
	}
	return out
}
