package config

import (
	"net"
	"net/url"
	"strings"

	"breakglass/flows"
)

// address is where a vendor is, and in which world.
type address struct {
	url       string // as written, or empty for the vendor's own
	simulated bool
	isVendor  bool // said to be the vendor, behind another address
}

// address reads an attribute with a vendor's address, and the two that say what an
// address that is not the vendor's own means.
func (f *fields) address(name, vendor string, own func(host string) bool) address {
	a := address{url: f.text(name, ""), simulated: f.flag("simulated"), isVendor: f.flag("address_is_vendor")}
	if a.simulated && a.isVendor {
		f.wrong("address_is_vendor", "Keep one of the two.", "%s is either simulated or %s, not both.", f.what, vendor)
	}
	if !f.given(name) {
		f.needsAddress("simulated", name, vendor, a.simulated)
		f.needsAddress("address_is_vendor", name, vendor, a.isVendor)
		return a
	}
	u, ok := f.url(name, a.url)
	if !ok {
		return a
	}
	theirs := own(hostOf(u))
	vendors := theirs && u.Scheme == "https"
	switch {
	case vendors && a.simulated:
		f.wrong("simulated", "Remove simulated, or give the address of a simulator.", "%s is %s itself, not a simulator.", u.Host, vendor)
	case vendors && a.isVendor:
		f.doubt("address_is_vendor", "Remove it.", "%s is known to be %s.", u.Host, vendor)
	case theirs && !vendors:
		f.wrong(name, "Write https://.", "%s is asked over http, so that its credential could be read on the way.", vendor)
	case !vendors && !a.simulated && !a.isVendor:
		f.wrong(name, "Write simulated = true for a simulator, or address_is_vendor = true for a company proxy in front of "+vendor+".",
			"%s is not an address of %s.", u.Host, vendor)
	case a.isVendor && u.Scheme != "https" && !isLoopback(hostOf(u)):
		f.wrong(name, "Write https://.", "A proxy in front of %s is asked over http, so that its credential could be read on the way.", vendor)
	}
	return a
}

func (f *fields) needsAddress(flag, name, vendor string, set bool) {
	if set {
		f.wrong(flag, "Add "+name+" = …, or remove "+flag+".", "%s = true, but the address is %s's own.", flag, vendor)
	}
}

// url checks an http or https address; false means that the mistake was reported.
func (f *fields) url(name, raw string) (*url.URL, bool) {
	if !f.sound(name) {
		return nil, false
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		if err == nil && u.User != nil {
			f.ld.diags.hide(f.where(name))
		}
		f.wrong(name, `Write it like "https://host/path".`, "%s of %s is not a web address.", name, f.what)
		return nil, false
	case u.User != nil:
		f.ld.diags.hide(f.where(name))
		f.wrong(name, "Take user and password out of the address.", "%s of %s holds a credential.", name, f.what)
		return nil, false
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		f.wrong(name, "Write it without ? and #.", "%s of %s has more than host and path.", name, f.what)
		return nil, false
	}
	return u, true
}

// hostOf is the host as it is compared: "Slack.com." is slack.com.
func hostOf(u *url.URL) string { return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") }

func isSlack(host string) bool {
	return host == "slack.com" || strings.HasSuffix(host, ".slack.com") ||
		host == "slack-gov.com" || strings.HasSuffix(host, ".slack-gov.com")
}

func isPagerDuty(host string) bool {
	return host == "pagerduty.com" || strings.HasSuffix(host, ".pagerduty.com")
}

func isAmazon(host string) bool {
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") ||
		strings.HasSuffix(host, ".api.aws")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isPrivate reports whether a host is written as an address that only this machine
// or network can mean.
func isPrivate(host string) bool {
	ip := net.ParseIP(host)
	return isLoopback(host) || ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

// world is the world of a load without errors.
func (ld *loader) world() flows.World {
	if ld.slack.Simulated {
		return flows.WorldSimulated
	}
	return flows.WorldReal
}
