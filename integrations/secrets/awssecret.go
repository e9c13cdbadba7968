package secrets

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"breakglass/flows"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// awsSecret is one secret of Secrets Manager with what was read of it. A read that
// several wait for is made once.
type awsSecret struct {
	from    *awsSources
	name    awsName
	flights singleflight.Group
	fresh   *rate.Limiter

	mu      sync.Mutex
	stages  map[string]*awsValue
	started int64 // numbers the reads, so that a slow old one does not win
}

// awsValue is one stage as it was last read.
type awsValue struct {
	raw     string
	missing bool // there is no such version
	version string
	at      time.Time // when it was read
	due     time.Time // when it is read again
	tried   time.Time // when reading it again last failed
	number  int64
}

// The stages of a secret.
const (
	stageCurrent  = "AWSCURRENT"
	stagePrevious = "AWSPREVIOUS"
)

// pause is how long a source that failed is left alone while a value is kept.
const pause = 15 * time.Second

// Reads that are asked for fresh come from refused credentials; a flood of forged
// requests must not become a flood of reads.
const (
	freshEachSecond = 1
	freshAtOnce     = 20
)

func newAWSSecret(from *awsSources, name awsName) *awsSecret {
	return &awsSecret{
		from: from, name: name, stages: map[string]*awsValue{}, fresh: rate.NewLimiter(freshEachSecond, freshAtOnce),
	}
}

// get returns what the secret holds. A cached value that is due is served once more
// while it is read again, for nobody's click waits for that; one that could not be read
// again is served until it is too old.
func (s *awsSecret) get(ctx context.Context, which flows.SecretVersion) (string, error) {
	stage := stageCurrent
	if which == flows.SecretPrevious {
		stage = stagePrevious
	}
	now := s.from.clock.Now()
	v, age := s.have(stage, now)
	kept := v != nil && age >= 0 && age < s.from.opt.MaxAge+s.from.opt.KeepFor
	switch {
	case which == flows.SecretFresh && s.fresh.AllowN(now, 1):
	case kept && now.Before(v.due), kept && !v.tried.IsZero() && now.Sub(v.tried) < pause:
		return v.text()
	case kept:
		s.readAside(ctx, stage)
		return v.text()
	}
	flight := stage
	if which == flows.SecretFresh { // does not join a read that may be from before
		flight = "fresh " + stage
	}
	read := s.flights.DoChan(flight, func() (any, error) {
		later := s.from.clock.Now()
		if v, age := s.have(stage, later); which != flows.SecretFresh && v != nil && age >= 0 && later.Before(v.due) {
			return v, nil // read while this caller was on the way
		}
		return s.read(context.WithoutCancel(ctx), stage)
	})
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("the secret %s was not read: %w", s.name.path, ctx.Err())
	case r := <-read:
		if r.Err != nil {
			return "", r.Err
		}
		v, _ := r.Val.(*awsValue)
		return v.text()
	}
}

func (v *awsValue) text() (string, error) {
	if v.missing {
		return "", flows.ErrNoSuchVersion
	}
	return v.raw, nil
}

func (s *awsSecret) have(stage string, now time.Time) (*awsValue, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.stages[stage]
	if v == nil {
		return nil, 0
	}
	c := *v
	return &c, now.Sub(v.at)
}

// readAside reads a value again without anybody waiting.
func (s *awsSecret) readAside(ctx context.Context, stage string) {
	s.from.running.Add(1)
	done := s.flights.DoChan(stage, func() (any, error) { return s.read(context.WithoutCancel(ctx), stage) })
	go func() {
		defer s.from.running.Done()
		if r := <-done; r.Err != nil {
			s.from.log.Warn("a secret could not be read again; the last good value is used", "secret", s.name.path, "error", r.Err)
		}
	}()
}

// read asks Secrets Manager and keeps the answer.
func (s *awsSecret) read(ctx context.Context, stage string) (*awsValue, error) {
	ctx, cancel := context.WithTimeout(ctx, s.from.opt.Timeout)
	defer cancel()
	s.mu.Lock()
	s.started++
	v := &awsValue{number: s.started, at: s.from.clock.Now()}
	s.mu.Unlock()
	v.due = v.at.Add(s.from.opt.MaxAge - time.Duration(float64(s.from.opt.MaxAge)/10*s.from.opt.Jitter()))
	err := s.ask(ctx, stage, v)
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.stages[stage]
	if err != nil {
		if had != nil {
			had.tried = s.from.clock.Now()
		}
		return nil, err
	}
	if had != nil && had.number > v.number {
		return v, nil
	}
	if stage == stageCurrent && had != nil && had.version != v.version {
		delete(s.stages, stagePrevious) // it was rotated: another one is the previous now
	}
	s.stages[stage] = v
	return v, nil
}

// ask makes the call and reads its answer into v.
func (s *awsSecret) ask(ctx context.Context, stage string, v *awsValue) error {
	client, err := s.from.client(ctx, s.name.awsPlace)
	if err != nil {
		return fmt.Errorf("the secret %s was not read: %w", s.name.path, err)
	}
	out, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: aws.String(s.name.path), VersionStage: aws.String(stage),
	})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none) && stage == stagePrevious:
		v.missing = true
		return nil
	case err != nil:
		return s.explain(err, client.Options().Region)
	case out.SecretString == nil && out.SecretBinary != nil:
		return fmt.Errorf("the secret %s of AWS Secrets Manager is binary; store it as text", s.name.path)
	case out.SecretString == nil:
		return fmt.Errorf("the secret %s of AWS Secrets Manager has no value", s.name.path)
	}
	v.raw, v.version = *out.SecretString, aws.ToString(out.VersionId)
	return nil
}

// explain says what went wrong and what to do. Of what could not be decoded nothing is
// repeated: it may have been a value.
func (s *awsSecret) explain(err error, region string) error {
	say := func(what string) error {
		return fmt.Errorf("the secret %s was not read from AWS Secrets Manager in %s: %s", s.name.path, region, what)
	}
	var api smithy.APIError
	var garbled *smithy.DeserializationError
	switch {
	case errors.As(err, &garbled):
		return say("its answer is not one of Secrets Manager")
	case errors.As(err, &api):
		switch code := api.ErrorCode(); code {
		case "ResourceNotFoundException":
			return say("there is no such secret; check path and region")
		case "AccessDeniedException":
			return say("access is denied; allow this role secretsmanager:GetSecretValue on it")
		case "DecryptionFailure":
			return say("it cannot be decrypted; allow this role kms:Decrypt on its key")
		case "InvalidRequestException":
			return say("it cannot be read as it is now, for instance because it is to be deleted")
		case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId":
			return say("the AWS credentials are refused (" + code + ")")
		default:
			return say("it answers " + code + "; it will be tried again")
		}
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", say("no answer in time"), context.DeadlineExceeded)
	}
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		err = op.Err
	}
	return say(err.Error())
}
