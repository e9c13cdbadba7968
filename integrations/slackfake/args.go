package slackfake

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// args are the arguments of a method call, from a form or from JSON.
type args struct {
	form url.Values
	json map[string]json.RawMessage
	// warning is what Slack says about the way they were sent.
	warning string
}

// parseArgs reads the arguments and the token of a call.
func parseArgs(r *http.Request, body []byte) (args, string, *apiError) {
	a := args{form: r.URL.Query()}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if len(body) == 0 {
		return a, token, nil // a token in the address does not count
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return a, token, wrong("missing_post_type", "a body without a Content-Type")
	case kind == "application/json":
		if err := json.Unmarshal(body, &a.json); err != nil {
			if json.Valid(body) {
				return a, token, wrong("json_not_object", "the body is JSON but not an object")
			}
			return a, token, wrong("invalid_json", "the body is not JSON: %v", err)
		}
		if params["charset"] == "" {
			a.warning = "missing_charset"
		}
		return a, token, nil // a token in a JSON body does not count
	case kind == "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return a, token, wrong("invalid_form_data", "the form is malformed: %v", err)
		}
		a.add(form)
		token = firstOf(token, form.Get("token"))
	case kind == "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(maxBody)
		if err != nil {
			return a, token, wrong("invalid_form_data", "the form is malformed: %v", err)
		}
		a.add(form.Value)
		token = firstOf(token, url.Values(form.Value).Get("token"))
	default:
		return a, token, wrong("invalid_post_type", "Content-Type %s", kind)
	}
	return a, token, nil
}

// add takes the fields of a form over.
func (a args) add(form url.Values) {
	maps.Copy(a.form, form)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// has says whether the argument was sent at all.
func (a args) has(name string) bool {
	if _, ok := a.json[name]; ok {
		return string(a.json[name]) != "null"
	}
	return a.form.Has(name)
}

// str reads a string; numbers and booleans are taken as they are written.
func (a args) str(name string) string {
	raw, ok := a.json[name]
	if !ok {
		return a.form.Get(name)
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// boolean reads true, 1 and their opposites.
func (a args) boolean(name string) bool {
	b, err := strconv.ParseBool(a.str(name))
	return err == nil && b
}

// number reads an integer, or gives the default.
func (a args) number(name string, def int) int {
	n, err := strconv.Atoi(a.str(name))
	if err != nil {
		return def
	}
	return n
}

// value reads JSON: an object or array of a JSON body, or one that is written
// in a string, as forms do.
func (a args) value(name string) (any, error) {
	raw := []byte(a.form.Get(name))
	if j, ok := a.json[name]; ok {
		raw = j
		var s string
		if json.Unmarshal(j, &s) == nil {
			raw = []byte(s)
		}
	}
	if len(raw) == 0 {
		return nil, nil
	}
	return decode(raw)
}

// list reads ids: an array, or a string with commas.
func (a args) list(name string) []string {
	var out []string
	if json.Unmarshal(a.json[name], &out) == nil && a.json[name] != nil {
		return out
	}
	for s := range strings.SplitSeq(a.str(name), ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
