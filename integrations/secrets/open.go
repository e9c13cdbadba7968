package secrets

import (
	"errors"
	"fmt"
	"log/slog"

	"breakglass/flows"
)

// Source is where a secret is kept.
type Source string

// The sources.
const (
	SourceEnv  Source = "env"
	SourceFile Source = "file"
	SourceAWS  Source = "aws_secrets_manager"
)

// Spec says where one secret is.
type Spec struct {
	Source Source
	// Name is the environment variable (env).
	Name string
	// Path is the file (file), or the secret's name or ARN (aws_secrets_manager).
	Path string
	// JSONKey takes one field, a string, of a value that is a JSON object; empty
	// takes the value as it is.
	JSONKey string
	// Region and Endpoint override what the AWS configuration of the machine says
	// (aws_secrets_manager).
	Region, Endpoint string
}

// Options is what the readers need from outside.
type Options struct {
	// Getenv reads the environment. Required for env.
	Getenv func(string) string
	// Clock says how old a cached value is. Required for aws_secrets_manager.
	Clock flows.Clock
	// Log gets warnings: a file that everybody can read, a source that is down.
	// Default: silent.
	Log *slog.Logger
	// AWS says how Secrets Manager is called.
	AWS AWSOptions
}

// Sources opens secrets. Fields of one AWS secret share one read.
type Sources struct {
	opt Options
	aws *awsSources
}

// New makes the sources; nothing is read yet.
func New(opt Options) *Sources {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Sources{opt: opt, aws: newAWSSources(opt)}
}

// Open makes the reader of one secret. It checks the spec and reads nothing: a
// value that is missing is an error when it is used.
func (s *Sources) Open(spec Spec) (flows.SecretReader, error) {
	switch spec.Source {
	case SourceEnv:
		if spec.Name == "" || s.opt.Getenv == nil {
			return nil, errors.New("a secret from the environment needs name, the variable it is in")
		}
		return &envReader{getenv: s.opt.Getenv, name: spec.Name, jsonKey: spec.JSONKey}, nil
	case SourceFile:
		if spec.Path == "" {
			return nil, errors.New("a secret from a file needs path, the file it is in")
		}
		return &fileReader{path: spec.Path, jsonKey: spec.JSONKey, log: s.opt.Log}, nil
	case SourceAWS:
		if spec.Path == "" || s.opt.Clock == nil {
			return nil, errors.New("a secret from AWS Secrets Manager needs path, its name or ARN there")
		}
		return s.aws.open(spec), nil
	}
	return nil, fmt.Errorf("a secret cannot come from %q; use %q, %q or %q", spec.Source, SourceEnv, SourceFile, SourceAWS)
}
