package bottest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/oidcfake"
)

// SignIn opens the company's OpenID Connect provider, with everybody in it, and has the
// configuration name it. Their subjects are "sub-" and the Slack id, unless a test says
// otherwise.
func SignIn(t testing.TB) (*oidcfake.Provider, func(*company.Options)) {
	t.Helper()
	return SignInAs(t, oidcfake.Options{})
}

// SignInAs is SignIn with a provider of the test's own kind.
func SignInAs(t testing.TB, o oidcfake.Options) (*oidcfake.Provider, func(*company.Options)) {
	t.Helper()
	var p *oidcfake.Provider
	t.Cleanup(func() {
		if p != nil {
			for _, v := range p.Violations() {
				t.Errorf("the sign-in's rules: %s", v)
			}
			_ = p.Close()
		}
	})
	if !o.EC {
		o.Key = signingKey(t)
	}
	p, err := company.NewSignIn(o)
	if err != nil {
		t.Fatal(err)
	}
	return p, func(c *company.Options) {
		p.SetNow(c.Clock.Now)
		Edit("breakglass.hcl", func(hcl string) string { return hcl + company.SignInBlock(p.URL()) })(c)
	}
}

// spareKeys are keys of providers that are gone.
var spareKeys = make(chan *rsa.PrivateKey, 100)

// signingKey is a key that no other provider has at the same time. To make one is a third
// of a second's work under the race detector, and most tests have a provider.
func signingKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	var key *rsa.PrivateKey
	select {
	case key = <-spareKeys:
	default:
		var err error
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		select {
		case spareKeys <- key:
		default:
		}
	})
	return key
}

// Browser is somebody's browser, with its own cookies.
type Browser struct {
	s      *Story
	Client *http.Client
}

// Browser opens a browser.
func (s *Story) Browser() *Browser {
	s.T.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.T.Fatal(err)
	}
	return &Browser{s: s, Client: &http.Client{Jar: jar, Timeout: patience}}
}

// Page is what a browser shows.
type Page struct {
	Status int
	URL    *url.URL
	Body   string
	Header http.Header
}

var tags = regexp.MustCompile(`(?s)<[^>]*>`)

// Text is what can be read on the page.
func (p Page) Text() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(p.Body, " "))), " ")
}

// URL is an address of the console.
func (s *Story) URL(path string) string { return "http://" + s.App.InternalAddr() + path }

// Get opens a page of the console, or any address.
func (b *Browser) Get(path string) Page {
	b.s.T.Helper()
	return b.send(http.MethodGet, path, nil)
}

// Post submits a form, as a browser does.
func (b *Browser) Post(path string, form url.Values) Page {
	b.s.T.Helper()
	return b.send(http.MethodPost, path, form)
}

func (b *Browser) send(method, path string, form url.Values) Page {
	b.s.T.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.s.URL(path)
	}
	req, err := http.NewRequestWithContext(context.WithoutCancel(b.s.T.Context()), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.T.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	}
	resp, err := b.Client.Do(req)
	if err != nil {
		b.s.T.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.s.T.Fatal(err)
	}
	return Page{Status: resp.StatusCode, URL: resp.Request.URL, Body: string(body), Header: resp.Header}
}

// SignsIn signs in at the company's provider as a subject, from a page of the console,
// and returns where that leads.
func (b *Browser) SignsIn(p *oidcfake.Provider, subject, from string) Page {
	b.s.T.Helper()
	p.Allow(company.SignInCallback(b.s.App.InternalAddr()))
	page := b.Get(from)
	link := regexp.MustCompile(`href="(/sign-in/company[^"]*)"`).FindStringSubmatch(page.Body)
	if link == nil {
		b.s.T.Fatalf("no way to sign in on the page: %s", page.Text())
	}
	at := b.Get(html.UnescapeString(link[1]))
	if at.Status != http.StatusOK {
		return at
	}
	return b.Post(at.URL.String(), url.Values{"subject": {subject}})
}
