package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"breakglass/flows"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// AWSOptions says how Secrets Manager is called. Credentials, region and address come
// from where the AWS SDK looks for them (environment, files, the machine's role);
// AWS_ENDPOINT_URL_SECRETS_MANAGER and Spec.Endpoint name another address.
type AWSOptions struct {
	// MaxAge is when a value is read again; at most, and by default, an hour, less up
	// to a tenth at random, so that replicas do not ask all at once. Until the new one
	// is there the old one is served.
	MaxAge time.Duration
	// KeepFor is how much longer the last good value is served while it cannot be
	// read again. Default: an hour.
	KeepFor time.Duration
	// Timeout bounds one read with its tries. Default: 10 s.
	Timeout time.Duration
	// Jitter is a random number in [0,1). Default: always 0.
	Jitter func() float64
	// Transport carries the calls. Default: the SDK's.
	Transport http.RoundTripper
	// Load adds to how the SDK finds credentials and region.
	Load []func(*config.LoadOptions) error
}

// awsSources opens secrets of Secrets Manager; those of one secret share its reads.
type awsSources struct {
	opt     AWSOptions
	clock   flows.Clock
	log     *slog.Logger
	running sync.WaitGroup // reads that nobody waits for

	mu      sync.Mutex
	clients map[awsPlace]*secretsmanager.Client
	secrets map[awsName]*awsSecret
}

// awsPlace is where a secret is, awsName which.
type (
	awsPlace struct{ region, endpoint string }
	awsName  struct {
		awsPlace
		path string
	}
)

func newAWSSources(opt Options) *awsSources {
	o := opt.AWS
	if o.MaxAge <= 0 || o.MaxAge > time.Hour {
		o.MaxAge = time.Hour
	}
	if o.KeepFor <= 0 {
		o.KeepFor = time.Hour
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Jitter == nil {
		o.Jitter = func() float64 { return 0 }
	}
	return &awsSources{
		opt: o, clock: opt.Clock, log: opt.Log,
		clients: map[awsPlace]*secretsmanager.Client{}, secrets: map[awsName]*awsSecret{},
	}
}

func (a *awsSources) open(spec Spec) flows.SecretReader {
	name := awsName{awsPlace: awsPlace{region: spec.Region, endpoint: spec.Endpoint}, path: spec.Path}
	if part := strings.Split(spec.Path, ":"); name.region == "" && len(part) > 3 && part[0] == "arn" {
		name.region = part[3]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.secrets[name]
	if s == nil {
		s = newAWSSecret(a, name)
		a.secrets[name] = s
	}
	return &awsReader{secret: s, jsonKey: spec.JSONKey}
}

// client finds or makes the SDK's client for a place. It calls nobody.
func (a *awsSources) client(ctx context.Context, at awsPlace) (*secretsmanager.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.clients[at]; c != nil {
		return c, nil
	}
	load := []func(*config.LoadOptions) error{
		config.WithRetryer(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 300*time.Millisecond })
		}),
	}
	if at.region != "" {
		load = append(load, config.WithRegion(at.region))
	}
	if a.opt.Transport != nil {
		load = append(load, config.WithHTTPClient(&http.Client{
			Transport:     a.opt.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
	}
	cfg, err := config.LoadDefaultConfig(ctx, append(load, a.opt.Load...)...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("no AWS region is set; set region in the secret, or AWS_REGION")
	}
	c := secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) {
		if at.endpoint != "" {
			o.BaseEndpoint = aws.String(at.endpoint)
		}
	})
	a.clients[at] = c
	return c, nil
}

// Endpoint is the address at which a secret of AWS is read when it is not Amazon's
// own, by the spec or by the AWS configuration of the machine; empty when it is. A
// world that is real reads its secrets at no other address (DESIGN rule 16).
func (s *Sources) Endpoint(ctx context.Context, spec Spec) (string, error) {
	if spec.Source != SourceAWS {
		return "", nil
	}
	c, err := s.aws.client(ctx, awsPlace{region: spec.Region, endpoint: spec.Endpoint})
	if err != nil {
		return "", err
	}
	return aws.ToString(c.Options().BaseEndpoint), nil
}

// Close waits for reads that are under way.
func (s *Sources) Close() { s.aws.running.Wait() }

// awsReader is one field of a secret, or all of it.
type awsReader struct {
	secret  *awsSecret
	jsonKey string

	mu     sync.Mutex
	raw    string // what value was taken from
	value  string
	filled bool
}

// Value implements flows.SecretReader.
func (r *awsReader) Value(ctx context.Context, which flows.SecretVersion) (string, error) {
	raw, err := r.secret.get(ctx, which)
	if err != nil {
		return "", err
	}
	if which == flows.SecretPrevious {
		return r.pick(raw)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.filled && r.raw == raw {
		return r.value, nil
	}
	v, err := r.pick(raw)
	if err != nil {
		return "", err
	}
	r.raw, r.value, r.filled = raw, v, true
	return v, nil
}

func (r *awsReader) pick(raw string) (string, error) {
	v, err := pick(raw, r.jsonKey)
	if err != nil {
		return "", fmt.Errorf("the secret %s of AWS Secrets Manager: %w", r.secret.name.path, err)
	}
	return v, nil
}
