package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"

	"breakglass/flows"
	"breakglass/flows/doors"
)

// Problem is how the API says no: RFC 9457, with the code of a refusal.
type Problem struct {
	Status int        `json:"status" doc:"HTTP status"`
	Title  string     `json:"title" doc:"the status in words"`
	Detail string     `json:"detail" doc:"what happened, what was not done, what to do next"`
	Code   flows.Code `json:"code" doc:"what programs go by"`
	Field  string     `json:"field,omitempty" doc:"the input it is about"`

	Errors []Misfit `json:"errors,omitempty" doc:"where the input does not fit its description"`
}

// Misfit is one place where an input does not fit its description.
type Misfit struct {
	Where string `json:"location"`
	What  string `json:"message"`
}

var problemType = reflect.TypeFor[Problem]()

// Error makes a problem an error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is its status, for huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems, for huma.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Codes of what is no refusal.
const (
	codeSignIn  flows.Code = "sign_in"  // nobody, or nobody known
	codeWaiting flows.Code = "waiting"  // the login is not confirmed yet
	codeFault   flows.Code = "fault"    // something broke
	codeLimit   flows.Code = "too_fast" // too many calls
	codeMissing flows.Code = "not_found"
)

// statuses are the HTTP statuses of refusals, for pages and the API.
var statuses = map[flows.Code]int{
	flows.RefusedUnknownFlow: http.StatusUnprocessableEntity, flows.RefusedUnknownTarget: http.StatusUnprocessableEntity,
	flows.RefusedInput: http.StatusUnprocessableEntity, flows.RefusedNotAllowed: http.StatusForbidden, flows.RefusedStanding: http.StatusForbidden,
	flows.RefusedNotEligible: http.StatusForbidden, flows.RefusedStepUp: http.StatusForbidden, flows.RefusedOwnRequest: http.StatusForbidden, flows.RefusedTooMany: http.StatusTooManyRequests,
	flows.RefusedUnknownRequest: http.StatusNotFound, flows.RefusedEndOnly: http.StatusServiceUnavailable,
	flows.RefusedCouldNotCheck: http.StatusServiceUnavailable, flows.RefusedOnCallUnknown: http.StatusServiceUnavailable,
	codeSignIn: http.StatusUnauthorized, codeWaiting: http.StatusUnauthorized, codeFault: http.StatusInternalServerError,
	codeLimit: http.StatusTooManyRequests, codeMissing: http.StatusNotFound,
}

// statusOf is the status of a refusal; one that says how things stand is a conflict.
func statusOf(c flows.Code) int {
	if s, ok := statuses[c]; ok {
		return s
	}
	return http.StatusConflict
}

// problemOf turns an error into what a program reads. What broke is for the log.
func problemOf(err error) *Problem {
	var p *Problem
	no, ok := flows.AsRefusal(err)
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, doors.ErrWaiting):
		no = flows.Refuse(codeWaiting, "This login waits to be confirmed in a browser.")
	case errors.Is(err, doors.ErrUnknown):
		no = flows.Refuse(codeSignIn, "There is no session or token here, or it has ended. Nothing was done.").Then("Run breakglass login, or send a token.")
	case errors.Is(err, flows.ErrReadOnly):
		no = flows.Refuse(flows.RefusedEndOnly, "The database does not write just now. Nothing was done.")
	case !ok:
		no = fault
	}
	status := statusOf(no.Code)
	return &Problem{Status: status, Title: http.StatusText(status), Detail: no.Error(), Code: no.Code, Field: no.Field}
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone
}
