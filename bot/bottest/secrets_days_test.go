package bottest_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"breakglass/bot/bottest"
	"breakglass/cmd/breakglass/company"
	"breakglass/flows"
	"breakglass/integrations/pagerdutyfake"
	"breakglass/integrations/secrets/awsfake"
)

// TestMain gives the AWS SDK made-up credentials: it looks for them in the environment
// of the process, which tests that run side by side share.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIA-FAKE", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// The key that the company's PagerDuty takes at the beginning, and the next one.
const (
	firstKey = "demo-pagerduty-key"
	nextKey  = "next-pagerduty-key"
)

// manager keeps the PagerDuty key in a Secrets Manager.
func manager(t *testing.T) (*awsfake.Server, *flows.HandClock, func(*company.Options)) {
	t.Helper()
	clock := flows.NewHandClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	aws, err := awsfake.New(awsfake.Options{Now: clock.Now})
	must(t, err)
	must(t, aws.Start("127.0.0.1:0"))
	t.Cleanup(func() {
		if err := aws.Close(); err != nil {
			t.Error(err)
		}
	})
	keep(aws, firstKey)
	return aws, clock, bottest.Replace("secret \"pagerduty_api_key\" {\n  source = \"env\"\n  name   = \"PAGERDUTY_API_KEY\"\n",
		"secret \"pagerduty_api_key\" {\n  source = \"aws_secrets_manager\"\n  path = \"breakglass/prod\"\n  json_key = \"pagerduty_api_key\"\n"+
			"  region = \"eu-central-1\"\n  endpoint = \""+aws.URL()+"\"\n  simulated = true\n")
}

func keep(aws *awsfake.Server, key string) {
	aws.Put("breakglass/prod", `{"pagerduty_api_key":"`+key+`"}`)
}

// approvesHerself has Dana ask and approve herself: PagerDuty could be asked.
func approvesHerself(s *bottest.Story) {
	s.T.Helper()
	dana := s.As(company.Dana)
	dana.Presses(selfCard(s, "Production console"), "bg:approve")
	dana.Sees("You have access to Production console until")
	s.Quiet()
	for _, where := range []string{company.Dana, "C0PROD"} {
		s.All(where, "Production console")
	}
}

// fallsBack has Dana ask: whether she is on call is unknown.
func fallsBack(s *bottest.Story) {
	s.T.Helper()
	s.As(company.Dana).Asks("Production console", "payments are down", nil)
	s.As(company.Dana).Sees("PagerDuty could not say who is on call")
	s.In("C0SREM", "asks for Production console")
	s.In("C0ERRS", "it could not be found out who is on call")
	s.Quiet()
	for _, where := range []string{company.Dana, "C0SREM"} {
		s.All(where, "Production console")
	}
	if r := s.Requests()[0]; !r.Route.Tainted || r.Route.Stages[0].Self {
		s.T.Errorf("the route is %+v", r.Route)
	}
}

// The key is rotated, at PagerDuty and in the Secrets Manager, while Breakglass runs:
// the first 401 has it read again, and nobody notices.
func TestTheKeyIsRotated(t *testing.T) {
	t.Parallel()
	aws, _, keys := manager(t)
	s := bottest.Open(t, keys)
	s.PagerDuty.RotateKey(firstKey, nextKey)
	s.PagerDuty.RevokeKey(firstKey)
	keep(aws, nextKey)
	before := len(aws.Calls())
	s.FastForward(70 * time.Second)
	approvesHerself(s)
	if n := len(aws.Calls()) - before; n == 0 || n > 3 {
		t.Errorf("the secret was read %d times", n)
	}
}

// Rotated at PagerDuty only: nobody is taken to be on call.
func TestTheKeyIsRotatedAtPagerDutyOnly(t *testing.T) {
	t.Parallel()
	_, _, keys := manager(t)
	s := bottest.Open(t, keys)
	s.PagerDuty.RotateKey(firstKey, nextKey)
	s.PagerDuty.RevokeKey(firstKey)
	s.FastForward(70 * time.Second)
	fallsBack(s)
}

// Stored, but PagerDuty does not take the new one yet: the one before still works.
func TestTheKeyBeforeStillWorks(t *testing.T) {
	t.Parallel()
	aws, _, keys := manager(t)
	s := bottest.Open(t, keys)
	keep(aws, nextKey)
	s.Restart()
	approvesHerself(s)
}

// The Secrets Manager is down: the last good value serves for an hour beyond its own,
// then nobody is taken to be on call, until it is back.
func TestTheSecretsManagerIsDown(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]awsfake.Fault{
		"down": {Down: true}, "silent": {Drop: true}, "throttling": {Throttle: true}, "denying": {AccessDenied: true},
		"talking nonsense": {Body: "<html>"}, "without the key": {Body: `{"Name":"breakglass/prod"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			aws, clock, keys := manager(t)
			s := bottest.Open(t, keys)
			push := func(d time.Duration) { clock.Push(d); s.Jump(d) }
			aws.Fail(fault)
			push(90 * time.Minute)
			approvesHerself(s)
			push(60 * time.Minute)
			s.All(company.Dana, "Production console")
			fallsBack(s)
			if n := len(s.PagerDuty.Violations()); n != 0 {
				t.Errorf("%d calls broke PagerDuty's rules", n)
			}
			aws.ClearFaults()
			push(20 * time.Minute)
			for _, where := range []string{company.Dana, "C0SREM"} {
				s.All(where)
			}
			push(20 * time.Minute) // the open request lapses
			s.As(company.Dana).Asks("Production database", "payments are down", nil)
			s.As(company.Dana).Sees("You asked for Production database", "you may approve this yourself")
			for _, where := range []string{company.Dana, "C0SREM"} {
				s.All(where)
			}
		})
	}
}

// Without the secret Breakglass does not start, and says which.
func TestNoStartWithoutTheSecret(t *testing.T) {
	t.Parallel()
	aws, _, keys := manager(t)
	s := bottest.Open(t, keys)
	s.Stop()
	aws.Fail(awsfake.Fault{AccessDenied: true})
	err := s.StartApp(t.Context())
	if err == nil || !strings.Contains(err.Error(), "pagerduty_api_key") || !strings.Contains(err.Error(), "nothing was started") || strings.Contains(err.Error(), firstKey) {
		t.Errorf("the start says %v", err)
	}
	aws.ClearFaults()
	s.Start()
	approvesHerself(s)
}

// No log line, message, entry or note of a bad day holds a secret.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	_, _, keys := manager(t)
	s := bottest.Open(t, keys)
	s.PagerDuty.AddFault(pagerdutyfake.Fault{Kind: pagerdutyfake.FaultUnauthorized})
	fallsBack(s)
	s.PagerDuty.ClearFaults()
	everything := s.Log.String() + s.Messages()
	entries, err := s.App.Store().Entries(t.Context(), string(s.Requests()[0].ID))
	must(t, err)
	for _, e := range entries {
		everything += string(e.Bytes)
		for _, o := range e.Openings {
			everything += o.Value
		}
	}
	for _, secret := range []string{firstKey, "demo-bot-token", "demo-signing-secret-of-no-workspace", "demo-webhook-secret", "whsec_"} {
		if strings.Contains(everything, secret) {
			t.Errorf("%q is told", secret)
		}
	}
}
