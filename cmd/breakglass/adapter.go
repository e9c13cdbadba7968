package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/company"
	"breakglass/flows/config"
	"breakglass/flows/config/source"
)

func (c *cli) adapter() *cobra.Command {
	return group("adapter", "Add and look at HTTP adapters", c.adapterAdd(), c.adapterCheck(), c.adapterList(), c.adapterRules())
}

var (
	adapterName = regexp.MustCompile(`^[a-z]([a-z0-9_-]{0,61}[a-z0-9_])?$`)
	headerName  = regexp.MustCompile("^[A-Za-z0-9][A-Za-z0-9-]*$")
)

// adding is an adapter as it was typed.
type adding struct {
	file, name, baseURL     string
	headers, allow, callers []string
	private, dry            bool
}

func (c *cli) adapterAdd() *cobra.Command {
	var in adding
	cmd := &cobra.Command{
		Use: "add", Short: "Add an adapter to the configuration, in place", Args: noArgs,
		Long: "Adds an http_adapter block to the configuration, and a secret block for each environment variable that\n" +
			"its headers name, as in -H 'Authorization: Token token=${{ PAGERDUTY_ACCOUNT_TOKEN }}'. Everything else\n" +
			"stays as it is, and the difference is shown. Run again, it changes nothing.",
		RunE: func(*cobra.Command, []string) error {
			a, err := in.adapter()
			if err != nil {
				return err
			}
			return c.addAdapter(in, a)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&in.file, "file", "f", ".", "`CONFIG`: the directory, or one of its *.hcl files")
	f.StringVar(&in.name, "adapter-name", "", "`NAME`: it is called at /v1/apis/http/NAME/…")
	f.StringVar(&in.baseURL, "base-url", "", "`URL` of the upstream")
	f.StringArrayVarP(&in.headers, "header", "H", nil, "`HEADER` set on every call, 'Name: value with ${{ VARIABLE }}'; may be repeated")
	f.StringArrayVar(&in.allow, "allow", nil, "`RULE` that needs no grant, 'GET /incidents/{id}'; may be repeated; for PagerDuty, unless said, to see incidents")
	f.StringArrayVar(&in.callers, "caller", nil, "`PERSON` or group who may call by these rules; may be repeated; unless said, who may ask by the flows")
	f.BoolVar(&in.private, "allow-private", false, "the upstream is inside the own network; http is then allowed")
	f.BoolVar(&in.dry, "dry-run", false, "only show the difference")
	return cmd
}

// adapter judges what was typed. Nothing that may be a credential is shown again.
func (in adding) adapter() (*source.Adapter, error) {
	u, err := url.Parse(in.baseURL)
	switch {
	case !adapterName.MatchString(in.name):
		return nil, misused("--adapter-name %s: write small letters, digits, _ and -, for example pagerduty-eu", in.name)
	case in.baseURL == "":
		return nil, misused("say where the upstream is: --base-url https://api.pagerduty.com")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, misused("--base-url: write it like https://api.pagerduty.com")
	case u.User != nil || u.RawQuery != "":
		return nil, literal("the address")
	}
	a := &source.Adapter{Name: in.name, BaseURL: strings.TrimRight(in.baseURL, "/"), Allow: in.allow, Callers: in.callers, Private: in.private}
	for _, h := range in.headers {
		name, value, ok := strings.Cut(h, ":")
		if name = strings.TrimSpace(name); !ok || !headerName.MatchString(name) {
			return nil, misused("-H: write 'Name: value'")
		}
		text, err := source.ParseText(strings.TrimSpace(value))
		switch {
		case err != nil:
			return nil, misused("-H '%s: …': %v", name, err)
		case text.HoldsSecret(name):
			return nil, literal("the value of " + name)
		case text.Quoted():
			return nil, misused("-H '%s: …': the value stands in quotes of its own, which would be sent; write it without", name)
		case slices.ContainsFunc(a.Headers, func(o source.Header) bool { return strings.EqualFold(o.Name, name) }):
			return nil, misused("-H '%s: …' stands there twice", name)
		}
		a.Headers = append(a.Headers, source.Header{Name: name, Value: text})
	}
	return a, nil
}

// literal refuses a credential that was typed.
func literal(what string) error {
	return &failure{
		err:  fmt.Errorf("%s looks like a credential, and would stand in the configuration for everybody to read; nothing was written", what),
		hint: "it is in your shell's history now, so make a new one; put that into an environment variable, and write ${{ NAME_OF_THE_VARIABLE }} in its place", code: exitRefuse,
	}
}

// addAdapter writes the adapter.
func (c *cli) addAdapter(in adding, a *source.Adapter) error {
	d, err := openSource(in.file)
	if err != nil {
		return err
	}
	if len(a.Allow) == 0 {
		a.Allow = source.ReadsOf(a.BaseURL)
	}
	if len(a.Callers) == 0 && len(a.Allow) > 0 {
		a.Callers = d.Requesters()
	}
	if err := d.AddAdapter(a); err != nil {
		return &failure{err: fmt.Errorf("%w; nothing was written", err), hint: "change it where it stands, or take another --adapter-name", code: exitRefuse}
	}
	if len(a.Allow) == 0 {
		fmt.Fprintf(c.err, "No rule is known for this upstream, so allow is empty: nobody can call it without a grant. Say --allow 'GET /…', or take rules from its document: breakglass adapter rules --adapter-name %s.\n", a.Name)
	}
	if err := c.writeSource(d, in.dry); err != nil || in.dry || !d.Changed() {
		return err
	}
	for _, v := range a.Variables() {
		fmt.Fprintf(c.err, "The server reads %s from its environment.\n", v)
	}
	_, err = fmt.Fprintf(c.err, "Then: breakglass check %s, breakglass reload, breakglass curl /v1/apis/http/%s/…\n", d.Path(), a.Name)
	return err
}

func openSource(path string) (*source.Dir, error) {
	d, err := source.Open(path)
	if pe, ok := errors.AsType[*fs.PathError](err); ok && errors.Is(err, fs.ErrNotExist) {
		return nil, hint(fmt.Errorf("there is no %s", pe.Path), "name the configuration with -f")
	}
	return d, err
}

// writeSource shows what is changed and writes it, unless the configuration would have
// a mistake then that it has not now.
func (c *cli) writeSource(d *source.Dir, dry bool) error {
	if !d.Changed() {
		_, err := fmt.Fprintf(c.err, "%s has all of this already; nothing was written.\n", d.Name())
		return err
	}
	if _, err := fmt.Fprint(c.out, d.Diff()); err != nil {
		return err
	}
	if err := c.newMistakes(d); err != nil {
		return err
	}
	if dry {
		_, err := fmt.Fprintln(c.err, "Nothing was written.")
		return err
	}
	return d.Write()
}

// mostShown is how many new warnings are shown.
const mostShown = 5

// newMistakes refuses a change that makes a mistake, and shows new warnings.
func (c *cli) newMistakes(d *source.Dir) error {
	load := func(fsys fs.FS) config.Diagnostics {
		_, diags := config.LoadFS(fsys, config.Options{CheckHandler: company.CheckHandler})
		return diags
	}
	old := map[string]bool{}
	for _, x := range load(d.Before()).All() {
		old[x.Message] = true
	}
	bad, shown := 0, 0
	for _, x := range load(d.FS()).All() {
		if old[x.Message] {
			continue
		}
		if x.Severity == config.SeverityError {
			bad++
		}
		if shown++; shown <= mostShown || x.Severity == config.SeverityError {
			fmt.Fprintln(c.err, x)
		}
	}
	if shown > mostShown {
		fmt.Fprintf(c.err, "There are %d in all; breakglass check %s shows them.\n", shown, d.Path())
	}
	if bad > 0 {
		return &failure{err: errors.New("the configuration would have " + count(bad, "mistake", "mistakes") + " that it has not now; nothing was written"), code: exitRefuse}
	}
	return nil
}
