package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// callProblem is how the server refuses a call to an adapter, or says that the upstream
// is not there.
type callProblem struct {
	said

	Rule   string `json:"rule"`
	Target string `json:"target"`
	Ask    string `json:"ask"`
}

// refusedCall is the server's own no to a call, as an error; nil where the upstream has
// answered.
func refusedCall(r *remote, path string, resp *http.Response) error {
	if resp.Header.Get("Breakglass-Answer") == "upstream" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") {
		if resp.StatusCode == http.StatusNotFound && resp.Header.Get("Breakglass-Answer") == "" {
			return hint(fmt.Errorf("the server has no %s", path), "write it like /v1/apis/http/pagerduty/incidents")
		}
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	p := &callProblem{}
	if json.Unmarshal(b, p) != nil || p.Detail == "" {
		return refusedBy(resp.StatusCode, b)
	}
	out := &failure{err: &p.said, hint: p.advice(r, path), code: exitRefuse}
	if resp.StatusCode >= http.StatusInternalServerError {
		out.code = exitError
	}
	return out
}

// advice is what to do next, by the code.
func (p *callProblem) advice(r *remote, path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/v1/apis/http/"), "/")
	switch p.Code {
	case "no_grant", "grant_ended", "other_incident":
		if p.Target != "" {
			return fmt.Sprintf("in Slack: %s · here: breakglass request create %s --incident NUMBER --reason … --wait", p.Ask, p.Target)
		}
	case "sign_in", "waiting":
		return "breakglass login --server " + r.server
	case "rule", "unknown_adapter":
		return "breakglass adapter list, on the server, shows what may be called"
	case "upstream_credential", "upstream_down":
		return fmt.Sprintf("breakglass adapter check %s, on the server, says more", name)
	}
	return ""
}
