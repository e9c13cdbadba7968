package secrets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// pick takes the secret out of what a source holds: all of it, or the string under
// key. Its errors name the key and never what was found there; the JSON decoder's
// own errors would quote the value, so they are not passed on.
func pick(raw, key string) (string, error) {
	if key == "" {
		return nonEmpty(raw)
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(raw)))
	var fields map[string]json.RawMessage
	if err := dec.Decode(&fields); err != nil || fields == nil || dec.More() {
		return "", fmt.Errorf("the value is not one JSON object, so it has no json_key %q", key)
	}
	field, ok := fields[key]
	if !ok {
		return "", fmt.Errorf("the value has no json_key %q", key)
	}
	var v *string
	if err := json.Unmarshal(field, &v); err != nil || v == nil {
		return "", fmt.Errorf("what stands under json_key %q is not a string", key)
	}
	out, err := nonEmpty(*v)
	if err != nil {
		return "", fmt.Errorf("json_key %q: %w", key, err)
	}
	return out, nil
}

// nonEmpty refuses a value of nothing but blanks, and takes off the line end that
// editors and "echo" leave.
func nonEmpty(v string) (string, error) {
	v = strings.TrimRight(v, "\r\n")
	if strings.TrimSpace(v) == "" {
		return "", errors.New("the value is empty")
	}
	return v, nil
}
