package config

import (
	"time"

	"breakglass/flows"
)

// Settings are the parts of the configuration that the program itself needs; what
// decides about access is in the Catalog.
type Settings struct {
	Server       Server
	Slack        Slack
	PagerDuty    PagerDuty
	Environments []Environment
	Audit        Audit
	Secrets      []SecretSpec
	SignIns      []SignIn
	ProposeFrom  []string // people block: domains whose e-mail addresses propose a link
	Sinks        []Sink
}

// Server is the server block: where the program listens and keeps its state.
type Server struct {
	PublicListen   string   // Slack and PagerDuty, nothing else; "127.0.0.1:8300" unless set
	InternalListen string   // everything else; "127.0.0.1:8301" unless set
	PublicURL      string   // how Slack and PagerDuty reach PublicListen; may be empty
	ConsoleURL     string   // how people reach InternalListen in a browser; may be empty
	Replicas       int      // processes that serve this configuration and share its PagerDuty key; 1 unless set
	Store          Template // "sqlite:FILE" or "postgres://…"; "sqlite:breakglass.db" unless set
}

// Slack is the integration "slack" block.
type Slack struct {
	Name            string
	Team            string // external_id: "T0123ABC"
	Enterprise      string // enterprise_id: "E0123ABC", of the organisation; may be empty
	AppID           string // may be empty
	APIURL          string // ends with a slash; Slack's own unless set
	BotToken        flows.Secret
	SigningSecret   flows.Secret
	PreviousSigning flows.Secret // during a rotation; may be zero
	Simulated       bool
	AddressIsVendor bool // the address is a company proxy in front of Slack: record it
}

// PagerDuty is the integration "pagerduty" block.
type PagerDuty struct {
	Name            string
	Account         string // external_id: "acme.pagerduty.com"
	BaseURL         string // without a slash at the end; of the region unless set
	From            string // e-mail address that notes are written as
	APIToken        flows.Secret
	WebhookSecret   flows.Secret // may be zero: then no webhook is accepted
	Simulated       bool
	AddressIsVendor bool // the address is a company proxy in front of PagerDuty: record it
}

// SignIn is a sign_in block: who vouches for people at the web console.
type SignIn struct {
	Provider     flows.SignInProvider
	Issuer       string // with no slash at the end unless the provider has one
	ClientID     string
	ClientSecret flows.Secret
	EmailDomains []string // company: whose verified addresses tie a first sign-in to a person block
	Simulated    bool
}

// Audit is the audit block: who signs the checkpoints of the log, and who outside gets
// them. Without one they are signed by a key beside a SQLite file, and go to errors_to.
type Audit struct {
	SigningKey    flows.Secret  // may be zero
	Channel       string        // Slack channel of checkpoints; errors_to of an environment unless set
	Every         time.Duration // at most one Slack message in this time; an hour unless set
	File          string        // checkpoints are added to its end; may be empty
	Webhook       string        // they are posted there; may be empty
	WebhookSecret flows.Secret
	AllowPrivate  bool          // the webhook is inside the own network
	Retention     time.Duration // what is kept about people is not erased before; 400 days unless set
}

// Environment is an environment block.
type Environment struct {
	Name     string
	ErrorsTo string // Slack channel for faults
}

// SecretSource says where a secret's value is read.
type SecretSource string

// The sources.
const (
	SourceEnv  SecretSource = "env"
	SourceFile SecretSource = "file"
	SourceAWS  SecretSource = "aws_secrets_manager"
)

// SecretSpec is a secret block: where a value is read, never the value.
type SecretSpec struct {
	Name            string // of the block
	Source          SecretSource
	Variable        string // SourceEnv: name of the environment variable
	Path            string // SourceFile: the file; SourceAWS: name or ARN of the secret
	JSONKey         string // member of the JSON object that is the value; empty: the whole value
	Region          string // SourceAWS; empty: as the environment says
	Endpoint        string // SourceAWS; empty: Amazon's own
	Simulated       bool
	AddressIsVendor bool
}
