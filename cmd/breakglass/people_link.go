package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"breakglass/cmd/breakglass/app"
	"breakglass/flows"
	"breakglass/flows/people"
)

const throughServer = "It goes through the server that runs on this machine; only the user it runs as may do this."

// peopleFlags are those of every command that changes who is who.
type peopleFlags struct {
	settings
	door   string
	output string
	body   app.PeopleBody
}

func (f *peopleFlags) all(cmd *cobra.Command) {
	f.flags(cmd)
	cmd.Flags().StringVar(&f.door, "door", "", "door `FILE` of the running server; unless said, the one beside the SQLite file")
}

// linking are the flags of what links.
func (f *peopleFlags) linking(cmd *cobra.Command) {
	f.all(cmd)
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "`FORM`: table or json")
	cmd.Flags().BoolVar(&f.body.Dry, "dry-run", false, "only say what would be done")
	cmd.Flags().BoolVar(&f.body.Replace, "replace", false, "who is linked to another PagerDuty user is linked anew")
	cmd.Flags().BoolVar(&f.body.Unchecked, "unchecked", false, "do not ask Slack and PagerDuty whether the accounts are there")
}

func (c *cli) peopleImport() *cobra.Command {
	var f peopleFlags
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Link a whole company, from a CSV file", Args: oneArg,
		Long: "Links everybody in a CSV file, all of them or, where anything is wrong, none; all mistakes are shown at once,\n" +
			"with their lines. The first line names the columns: slack and pagerduty (ids; needed), email, name and\n" +
			"subject (of the company's sign-in). What is so already is left as it is, so a file may be imported again.\n" +
			"Each account is looked up at Slack and PagerDuty first. - is standard input.\n" + throughServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", f.output, "table", "json"); err != nil {
				return err
			}
			in := c.in
			if args[0] != "-" {
				file, err := os.Open(args[0])
				if err != nil {
					return hint(err, "write FILE, or - for standard input")
				}
				defer file.Close() //nolint:errcheck // nothing was written
				in = file
			}
			wishes, mistakes := people.ReadCSV(in)
			f.body.Wishes, f.body.Source = wishes, flows.LinkByImport
			if len(mistakes) > 0 {
				return c.imported(f.output, people.Report{Steps: []people.Step{}, Mistakes: mistakes}, f.body)
			}
			return c.importPeople(cmd.Context(), f)
		},
	}
	f.linking(cmd)
	cmd.Flags().BoolVar(&f.body.Confirm, "confirm", false, "links that were set aside are in force again")
	return cmd
}

func (c *cli) peopleLink() *cobra.Command {
	var f peopleFlags
	var w people.Wish
	var confirm bool
	cmd := &cobra.Command{
		Use: "link PERSON", Short: "Link a Slack user to a PagerDuty user, or confirm a link", Args: oneArg,
		Long: "Links the Slack user PERSON (an id, or a name once there is one) to a PagerDuty user, and to a company\n" +
			"sign-in with --subject. With --confirm and nothing else it confirms a link that the person claimed, or lifts\n" +
			"what set a link aside.\n" + throughServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := oneOf("output", f.output, "table", "json"); err != nil {
				return err
			}
			said := w.PagerDuty + w.Email + w.Name + w.Subject
			if confirm && said == "" {
				return c.aboutPerson(cmd.Context(), f, "/v1/people/confirm", args[0], "%s: the link is in force.\n")
			}
			if said == "" {
				return misused("say with --pagerduty who that is at PagerDuty, or --confirm")
			}
			return c.linkOne(cmd.Context(), f, w, args[0], confirm)
		},
	}
	f.linking(cmd)
	cmd.Flags().StringVar(&w.PagerDuty, "pagerduty", "", "the `ID` of the PagerDuty user")
	cmd.Flags().StringVar(&w.Email, "email", "", "the person's e-mail `ADDRESS`")
	cmd.Flags().StringVar(&w.Name, "name", "", "what they are `CALLED`; unless said, what stands before the @")
	cmd.Flags().StringVar(&w.Subject, "subject", "", "the `SUBJECT` of their account at the company's sign-in")
	cmd.Flags().BoolVar(&confirm, "confirm", false, "the link is right: it is in force")
	return cmd
}

// linkOne links one person; what is not said of a link that there is stays as it is.
func (c *cli) linkOne(ctx context.Context, f peopleFlags, w people.Wish, person string, confirm bool) error {
	st, called, err := c.openRead(ctx, f.settings)
	if err != nil {
		return err
	}
	defer st.Close()
	who, err := called.id(person)
	if err != nil {
		return err
	}
	w.Slack = who.User()
	if w.PagerDuty == "" {
		links, err := st.Links(ctx)
		if err != nil {
			return err
		}
		for _, l := range links {
			if l.Person == who {
				w.PagerDuty = string(l.PagerDuty)
			}
		}
		if w.PagerDuty == "" {
			return misused("%s is not linked yet: say with --pagerduty who that is at PagerDuty", w.Slack)
		}
	}
	f.body.Wishes, f.body.Source, f.body.Confirm = []people.Wish{w}, flows.LinkByCommand, confirm
	return c.importPeople(ctx, f)
}

func (c *cli) peopleUnlink() *cobra.Command {
	var f peopleFlags
	cmd := &cobra.Command{
		Use: "unlink PERSON", Short: "Take a person's link away, or only their company sign-in", Args: oneArg,
		Long: "Takes the link of PERSON away: they are nobody at PagerDuty then, their sessions and tokens end, and so does the\n" +
			"account of the company's sign-in that was pinned to them. With --sign-in only that, with the sessions and\n" +
			"tokens that came of it: the next sign-in is looked at like a first one. Links of the configuration are taken\n" +
			"away there.\n" + throughServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.aboutPerson(cmd.Context(), f, "/v1/people/unlink", args[0], map[bool]string{
				true: "%s: no company sign-in is pinned any more.\n", false: "%s is not linked any more.\n"}[f.body.SignIn])
		},
	}
	f.all(cmd)
	cmd.Flags().BoolVar(&f.body.SignIn, "sign-in", false, "only the account of the company's sign-in")
	return cmd
}

// knock finds the door of the running server.
func (c *cli) knock(ctx context.Context, f peopleFlags) (string, error) {
	if f.door != "" {
		return f.door, nil
	}
	return c.doorFile(ctx, f.settings)
}

func (c *cli) aboutPerson(ctx context.Context, f peopleFlags, path, person, said string) error {
	door, err := c.knock(ctx, f)
	if err != nil {
		return err
	}
	f.body.Person = person
	if _, err := throughDoor(ctx, door, path, f.body); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, said, person)
	return err
}

// importPeople has the server link people.
func (c *cli) importPeople(ctx context.Context, f peopleFlags) error {
	door, err := c.knock(ctx, f)
	if err != nil {
		return err
	}
	say := c.progress()
	if !f.body.Unchecked {
		say("asking Slack and PagerDuty about " + count(len(f.body.Wishes), "person", "people"))
	}
	resp, err := enter(ctx, door, "/v1/people/import", f.body, 0)
	say("")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var r people.Report
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(&r); err != nil {
		return fmt.Errorf("read the server's answer: %w", err)
	}
	return c.imported(f.output, r, f.body)
}

// mostMistakes is how many a terminal shows.
const mostMistakes = 50

// imported says what an import did, or why it did nothing.
func (c *cli) imported(output string, r people.Report, asked app.PeopleBody) error {
	p := &printer{w: c.out}
	if output == "json" {
		if err := p.json(r); err != nil {
			return err
		}
	} else {
		c.stepsOf(p, &r, asked)
	}
	if p.err != nil || len(r.Mistakes) == 0 {
		return p.err
	}
	if output != "json" {
		for i, m := range r.Mistakes {
			if i == mostMistakes {
				fmt.Fprintf(c.err, "… and %d more; --output json has them all\n", len(r.Mistakes)-i)
				break
			}
			fmt.Fprintln(c.err, m)
		}
	}
	return &failure{err: errors.New(count(len(r.Mistakes), "mistake", "mistakes") + "; nobody was linked"), code: exitRefuse}
}

// stepsOf prints what each line does, if they are few, and the sum.
func (c *cli) stepsOf(p *printer, r *people.Report, asked app.PeopleBody) {
	for _, s := range r.Steps {
		if len(r.Steps) <= mostMistakes && s.Do != people.DoNothing || len(s.Warnings) > 0 {
			p.line("  %-9s  %s  %s  %s", s.Do, s.Person.User(), s.PagerDuty, s.Name)
		}
		for _, w := range s.Warnings {
			p.line("             but %s", w)
		}
	}
	if len(r.Mistakes) > 0 {
		return
	}
	did := r.Counts()
	var words []string
	for _, x := range []struct {
		do   people.Do
		word string
	}{{people.DoLink, "linked"}, {people.DoReplace, "linked anew"}, {people.DoConfirm, "confirmed"}, {people.DoChange, "changed"}, {people.DoNothing, "as before"}} {
		if did[x.do] > 0 {
			words = append(words, fmt.Sprintf("%d %s", did[x.do], x.word))
		}
	}
	sum := strings.Join(words, ", ")
	switch {
	case asked.Dry:
		p.line("%s: %s. Nothing was done: this was a dry run.", count(len(r.Steps), "person", "people"), sum)
	default:
		p.line("%s: %s.", count(len(r.Steps), "person", "people"), sum)
	}
	if !r.Checked {
		p.line("Slack and PagerDuty were not asked.")
	}
}
