package config

import (
	"net"
	"regexp"
	"strings"

	"breakglass/flows"

	"github.com/hashicorp/hcl/v2"
)

// slackIssuer is who Slack says it is at Sign in with Slack.
const slackIssuer = "https://slack.com"

var goodDomain = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// signIn reads who vouches for people at the web console.
func (ld *loader) signIn(d *decl) {
	f := ld.fieldsOf(d)
	s := SignIn{ClientID: f.needText("client_id", `"breakglass"`), ClientSecret: f.needHandle("client_secret")}
	if d.name == "slack" {
		s.Provider, s.Issuer = flows.SignInSlack, slackIssuer
		if ld.slack != nil && ld.slack.Simulated {
			s.Simulated = true
			s.Issuer = strings.TrimSuffix(strings.TrimSuffix(ld.slack.APIURL, "/"), "/api")
		}
		f.refuse("with Slack, whose users are people already", "issuer", "email_domains", "simulated")
	} else {
		s.Provider = flows.SignInCompany
		ld.companySignIn(f, &s)
	}
	f.finish()
	ld.signIns = append(ld.signIns, s)
}

func (ld *loader) companySignIn(f *fields, s *SignIn) {
	s.Issuer = f.needText("issuer", `"https://login.acme.example"`)
	s.Simulated = f.flag("simulated")
	if u, ok := f.url("issuer", s.Issuer); f.given("issuer") && ok && u.Scheme != "https" && (!isLoopback(hostOf(u)) || !s.Simulated) {
		f.wrong("issuer", "Write https://; only a simulator on this machine (simulated = true) is asked over http.", "A provider over http can be put on by anybody on the way.")
	}
	if ld.slack != nil && s.Simulated != ld.slack.Simulated {
		f.wrong("simulated", "Make all simulated, or none.", "One of Slack and %s is simulated and the other is not; the two never mix.", f.what)
	}
	s.EmailDomains = f.domains("email_domains")
}

// domains reads a list of domains of e-mail addresses.
func (f *fields) domains(name string) (out []string) {
	for _, it := range f.texts(name) {
		if domain := strings.ToLower(it.text); goodDomain.MatchString(domain) {
			out = append(out, domain)
			continue
		}
		f.ld.errorf(it.at, `Write it like "acme.example".`, "%q is not a domain.", it.text)
	}
	return out
}

// checkConsole holds that people who sign in can be sent back.
func (ld *loader) checkConsole() {
	if len(ld.signIns) == 0 || ld.server.ConsoleURL != "" {
		return
	}
	if host, _, err := net.SplitHostPort(ld.server.InternalListen); err == nil && isLoopback(host) {
		return
	}
	ld.errorf(hcl.Range{Filename: MainFile}, `Add console_url = "https://…" to the server block.`,
		"There is a sign_in, and it is not said under which address people reach the console.")
}
