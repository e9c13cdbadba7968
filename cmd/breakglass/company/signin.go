package company

import (
	"crypto/rand"
	"strings"

	"breakglass/integrations/oidcfake"
)

// SignInClient is what Breakglass is called at the company's sign-in.
const SignInClient = "breakglass"

// NewSignIn opens the company's OpenID Connect provider on loopback, with everybody in it.
// Subjects are "sub-" and the Slack id. Who opens it closes it.
func NewSignIn(o oidcfake.Options) (*oidcfake.Provider, error) {
	o.ClientID, o.ClientSecret, o.Random = SignInClient, SignInSecret, rand.Reader
	p, err := oidcfake.New(o)
	if err != nil {
		return nil, err
	}
	for _, u := range []string{Dana, Sam, Mara, Noor, Lena, Audi} {
		name := strings.ToLower(strings.TrimPrefix(u, "U0"))
		p.AddUser(oidcfake.User{Subject: "sub-" + u, Name: name, Email: name + "@demo.example", Verified: true})
	}
	return p, p.Start("127.0.0.1:0")
}

// SignInBlock is what the configuration says about the company's provider.
func SignInBlock(issuer string) string {
	return `
secret "sign_in" {
  source = "env"
  name   = "SIGN_IN_SECRET"
}

sign_in "company" {
  issuer        = "` + issuer + `"
  client_id     = "` + SignInClient + `"
  client_secret = secret.sign_in
  email_domains = ["demo.example"]
  simulated     = true
}
`
}

// SignInCallback is where the provider sends browsers back to.
func SignInCallback(internal string) string {
	return "http://" + internal + "/sign-in/company/callback"
}
