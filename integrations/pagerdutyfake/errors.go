package pagerdutyfake

import (
	"fmt"
	"net/http"
)

// PagerDuty's error codes that this account gives.
const (
	codeAlreadyResolved  = 1001
	codeInvalidStatus    = 1003
	codeInvalidID        = 1004
	codeAssigneeUnknown  = 1007
	codeRequesterUnknown = 1008
	codePolicyUnknown    = 1014
	codeNobodyOnCall     = 1015
	codeAlreadyMerged    = 1019
	codeInvalidPriority  = 1020
	codeMalformedFrom    = 1028
	codeInternal         = 2000
	codeInvalidInput     = 2001
	codeBadArguments     = 2002
	codeMissingArguments = 2003
	codeBadTimes         = 2004
	codeBadRange         = 2005
	codeAuthFailed       = 2006
	codeAccessDenied     = 2010
	codeMissingAbility   = 2014
	codeTimeout          = 2016
	codeLimitReached     = 2019
	codeRateLimit        = 2020
	codeNotFound         = 2100
	codeScheduleUnknown  = 3004
	codeOverrideInvalid  = 4004
	codeIncidentUnknown  = 5001
	codeServiceUnknown   = 5002
)

// codeMessages are the sentences PagerDuty puts beside its codes.
var codeMessages = map[int]string{
	codeAlreadyResolved:  "Incident Already Resolved",
	codeInvalidStatus:    "Invalid Status Provided",
	codeInvalidID:        "Invalid ID Provided",
	codeAssigneeUnknown:  "Assigned To User Not Found",
	codeRequesterUnknown: "Requester User Not Found",
	codePolicyUnknown:    "Escalation Policy Not Found",
	codeNobodyOnCall:     "Escalation Policy Has No User On Call",
	codeAlreadyMerged:    "Incident Already Merged",
	codeInvalidPriority:  "Invalid Priority",
	codeMalformedFrom:    "The From header must be a valid email address",
	codeInternal:         "An internal error has occurred. PagerDuty team has been notified.",
	codeInvalidInput:     "Invalid Input Provided",
	codeBadArguments:     "Arguments Caused Error",
	codeMissingArguments: "Missing Arguments",
	codeBadTimes:         "Invalid time values in 'since' and/or 'until' parameters",
	codeBadRange:         "Invalid Query Date Range",
	codeAuthFailed:       "Authentication failed",
	codeAccessDenied:     "Access Denied",
	codeMissingAbility:   "Missing Account Ability",
	codeTimeout:          "The request took too long to process",
	codeLimitReached:     "Product Limit Reached",
	codeRateLimit:        "Rate Limit Exceeded",
	codeScheduleUnknown:  "Schedule Not Found",
	codeOverrideInvalid:  "Invalid Override",
	codeIncidentUnknown:  "Incident Not Found",
	codeServiceUnknown:   "Service Not Found",
	codeNotFound:         "Not Found",
}

// apiError is an answer in PagerDuty's error shape.
type apiError struct {
	status  int
	code    int
	message string
	details []string
}

// Error says what went wrong, for the Go API.
func (e *apiError) Error() string {
	return fmt.Sprintf("%d %s (code %d): %s %v", e.status, http.StatusText(e.status), e.code, e.message, e.details)
}

func fail(status, code int, details ...string) *apiError {
	message, known := codeMessages[code]
	if !known {
		message = http.StatusText(status)
	}
	return &apiError{status: status, code: code, message: message, details: details}
}

// named replaces the usual sentence of a code that has several.
func (e *apiError) named(message string) *apiError {
	e.message = message
	return e
}

func (e *apiError) body() obj {
	inner := obj{"message": e.message, "code": e.code}
	if len(e.details) > 0 {
		inner["errors"] = e.details
	}
	return obj{"error": inner}
}

// asError turns a nil *apiError into a nil error.
func asError(e *apiError) error {
	if e == nil {
		return nil
	}
	return e
}
