package config

import (
	"regexp"
	"strings"

	"breakglass/flows"
)

var goodVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// secret reads a secret block and makes its handle.
func (ld *loader) secret(d *decl) {
	f := ld.fieldsOf(d)
	spec := SecretSpec{Name: d.name}
	if f.given("source") {
		spec.Source = SecretSource(f.choice("source", "", string(SourceEnv), string(SourceFile), string(SourceAWS)))
	} else {
		f.need("source", `"env", "file" or "aws_secrets_manager"`)
	}
	switch spec.Source {
	case SourceEnv:
		f.envSecret(&spec)
	case SourceFile:
		spec.Path, spec.JSONKey = f.needText("path", `"/run/secrets/NAME"`), f.text("json_key", "")
		f.refuse("for a file", "name", "region", "endpoint", "simulated", "address_is_vendor")
	case SourceAWS:
		f.awsSecret(&spec)
	default: // reported; what else is wrong cannot be said without a source
		f.asked = sortedKeys(f.has)
	}
	if f.given("json_key") && f.sound("json_key") && spec.JSONKey == "" && spec.Source != SourceEnv {
		f.wrong("json_key", "Name the member, or leave json_key out.", "json_key of %s is empty.", f.what)
	}
	f.finish()
	ld.secretSpecs = append(ld.secretSpecs, spec)
	ld.handles[d.name] = flows.NewSecret(d.name, ld.reader(f, spec))
}

func (f *fields) envSecret(spec *SecretSpec) {
	spec.Variable = f.needText("name", `"NAME_OF_THE_VARIABLE"`)
	if f.sound("name") && !goodVariable.MatchString(spec.Variable) {
		f.ld.diags.hide(f.where("name")) // it may be the value itself
		f.wrong("name", "Write the name of the variable, not its value.", "name of %s is not the name of an environment variable.", f.what)
	}
	f.refuse("for an environment variable", "path", "json_key", "region", "endpoint", "simulated", "address_is_vendor")
}

func (f *fields) awsSecret(spec *SecretSpec) {
	spec.Path = f.needText("path", `"breakglass/prod"`)
	spec.JSONKey, spec.Region = f.text("json_key", ""), f.text("region", "")
	a := f.address("endpoint", "Amazon", isAmazon)
	spec.Endpoint, spec.Simulated, spec.AddressIsVendor = a.url, a.simulated, a.isVendor
	f.refuse("for AWS Secrets Manager; the secret is named by path", "name")
}

// reader makes what reads the secret; nil where it cannot be made, or need not be.
func (ld *loader) reader(f *fields, spec SecretSpec) flows.SecretReader {
	if ld.opts.Secrets == nil || len(f.bad) > 0 || spec.Source == "" {
		return nil
	}
	r, err := ld.opts.Secrets(spec)
	if err != nil {
		ld.errorf(f.at, "", "%s cannot be used: %v.", f.what, strings.TrimSuffix(err.Error(), "."))
		return nil
	}
	return r
}
