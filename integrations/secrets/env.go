package secrets

import (
	"context"
	"fmt"

	"breakglass/flows"
)

// envReader reads a variable each time: it costs nothing. There is no previous value.
type envReader struct {
	getenv        func(string) string
	name, jsonKey string
}

// Value implements flows.SecretReader.
func (r *envReader) Value(_ context.Context, which flows.SecretVersion) (string, error) {
	if which == flows.SecretPrevious {
		return "", flows.ErrNoSuchVersion
	}
	raw := r.getenv(r.name)
	if raw == "" {
		return "", fmt.Errorf("the environment variable %s is not set; set it and start again", r.name)
	}
	v, err := pick(raw, r.jsonKey)
	if err != nil {
		return "", fmt.Errorf("the environment variable %s: %w", r.name, err)
	}
	return v, nil
}
