package people

import (
	"encoding/json"
	"maps"
	"strconv"

	"breakglass/flows"
)

// chain is where entries about links are written.
const chain = "system"

// entry is an audit entry about a link, as it is from then on.
func entry(verb string, by flows.Actor, l flows.StoredLink, more map[string]any) flows.Entry {
	about := func(value string) any { return flows.Personal{About: l.Person, Value: value} }
	facts := map[string]any{
		"person": about(string(l.Person)), "state": string(l.State), "source": string(l.Source), "link_version": l.Version,
	}
	for name, value := range map[string]string{"pagerduty": string(l.PagerDuty), "email": l.Email, "name": l.Name, "subject": l.Subject} {
		if value != "" {
			facts[name] = about(value)
		}
	}
	if l.Held != "" {
		facts["held"] = l.Held
	}
	maps.Copy(facts, more)
	return flows.Entry{Verb: verb, Actor: by, Facts: facts}
}

// tell tells the operators that somebody changed who is who.
func (p *People) tell(what string, by flows.Actor, says string) []flows.Job {
	channel := p.channel()
	if channel == "" {
		return nil
	}
	who := "The operator"
	switch {
	case by.Person != "":
		who = flows.Mention(by.Person)
	case by.Door == flows.DoorEngine:
		who = "Breakglass"
	}
	return []flows.Job{p.notice(what+"/"+channel, flows.Notice{Channel: channel, About: flows.AboutPeople, Detail: who + " " + says + "."})}
}

func (p *People) channel() string {
	if p.o.Tell == nil {
		return ""
	}
	return p.o.Tell()
}

// notice is something that is told once.
func (p *People) notice(key string, n flows.Notice) flows.Job {
	args, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings only
	}
	now := p.o.Clock.Now()
	return flows.Job{
		Kind: flows.JobNotice, Key: flows.JobKey(flows.JobNotice, "people/"+key+"/"+strconv.FormatInt(now.UnixNano(), 36)),
		Subject: string(flows.AboutPeople), RunAt: now, Args: args,
	}
}

// cards are the jobs that bring a link's cards up to date.
func (p *People) cards(l flows.StoredLink) (jobs []flows.Job) {
	for _, c := range []flows.LinkCard{{ID: l.Ask, Person: l.Person, To: l.Person}, {ID: l.Tell, Person: l.Person, Channel: p.channel()}} {
		if c.ID == "" || c.To == "" && c.Channel == "" {
			continue
		}
		args, err := json.Marshal(c)
		if err != nil {
			panic(err) // strings only
		}
		jobs = append(jobs, flows.Job{Kind: flows.JobLinkCard, Key: flows.JobKey(flows.JobLinkCard, c.ID), Subject: c.ID, RunAt: p.o.Clock.Now(), Args: args})
	}
	return jobs
}

// card makes the id of a card: it names nobody.
func (p *People) card() string {
	var raw [12]byte
	p.o.IDs.Random(raw[:])
	return "link/" + hexOf(raw[:])
}
