package atlas

import (
	"strings"

	"breakglass/flows/config/source"
	"breakglass/flows/config/yaml"
)

// instance reads the document that says how Atlas itself runs.
func (r *reader) instance(d *yaml.Node) {
	if r.atlas {
		r.note(d.Line, "Atlas", "There is a second document of this kind; what it names is served, too.")
	}
	r.atlas = true
	if text(d, "apiVersion") != atlasVersion {
		r.note(d.Line, "Atlas", "Its apiVersion is not %s; it was read as if it were.", atlasVersion)
	}
	spec := d.Get("spec")
	r.unknown(spec, "Atlas, spec", "owner", "identityProviders", "exposedPorts", "gatewayRegistration", "apiAdapters")
	for _, p := range pairs(spec) {
		switch {
		case p.Value.Null():
		case p.Key == "owner":
			r.note(p.Line, "Atlas, spec.owner", "There is no owner here; the roles block says who administers.")
		case p.Key == "gatewayRegistration":
			r.note(p.Line, "Atlas, spec.gatewayRegistration", "There is no gateway: callers reach the internal listener themselves, so put TLS in front of it and say console_url.")
		}
	}
	r.ports(spec.Get("exposedPorts"))
	r.providers(spec.Get("identityProviders"))
	if list := spec.Get("apiAdapters"); list != nil {
		for _, it := range list.Items {
			ref := it.Get("adapterRef")
			if kind, name := text(ref, "kind"), text(ref, "name"); kind != "" {
				r.named[kind+"/"+name] = it.Line
			}
		}
	}
}

// pairs are the entries of a map; none where there is no map.
func pairs(n *yaml.Node) []yaml.Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}

// ports says where people come in here.
func (r *reader) ports(n *yaml.Node) {
	for _, p := range pairs(n) {
		advice := "This is not known; it was left out."
		switch p.Key {
		case "ingressHttpPort":
			advice = `Adapters are served by the internal listener: server { internal_listen = "ADDRESS:PORT" }.`
		case "adminPort":
			advice = "There is no port of its own for it: health and metrics are at the internal listener."
		}
		r.note(p.Line, "Atlas, spec.exposedPorts."+clean(p.Key), "%s", advice)
	}
}

// providers says how people sign in here.
func (r *reader) providers(n *yaml.Node) {
	if n == nil {
		return
	}
	for _, it := range n.Items {
		issuer, audience := text(it, "auth0", "issuer"), text(it, "auth0", "audience")
		if issuer == "" {
			r.note(it.Line, "Atlas, spec.identityProviders", "Write a sign_in block; the reference of the configuration has one.")
			continue
		}
		r.note(it.Line, "Atlas, spec.identityProviders", `Write sign_in "company" with issuer = %q and the client_id (the audience was %q) and client_secret of an application that is registered for Breakglass; it reads the provider's keys by itself.`, clean(issuer), clean(audience))
	}
}

// other says what takes the place of the kinds that are no HTTP adapters.
func (r *reader) other(d *yaml.Node, kind, what string) {
	switch kind {
	case "AWS":
		r.note(d.Line, what, "Here an adapter signs for one service in one region: write an http_adapter for each, with base_url and aws = { service, region, access_key_id = secret.…, secret_access_key = secret.… }.")
		if list := d.Get("spec").Get("profiles"); list != nil {
			for _, p := range list.Items {
				r.note(p.Line, what+", profile "+clean(text(p, "name")), "Declare a secret for each of its keys%s.", variables(p))
			}
		}
	case "Kubernetes":
		r.note(d.Line, what, "Nothing takes its place: calls to a cluster are not signed here. Give access to it by a webhook target.")
	case "Postgres":
		r.note(d.Line, what, "Nothing takes its place: no SQL is run here. Give access to the database by a webhook target.")
	case "Moment":
		r.note(d.Line, what, "Nothing takes its place: there is no catalogue of services here.")
	default:
		r.note(d.Line, what, "This kind is not known; it was left out.")
	}
}

// variables names where a profile's keys come from.
func variables(profile *yaml.Node) string {
	var names []string
	for _, p := range profile.Pairs {
		if p.Value.Kind != yaml.Text {
			continue
		}
		if t, err := source.ParseText(p.Value.Text); err == nil {
			names = append(names, t.Variables()...)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}
