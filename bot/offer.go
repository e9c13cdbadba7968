package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"breakglass/flows"
)

// offer is a target as a flow offers it: what a person picks in the form. The zero
// offer is none.
type offer struct {
	flow   *flows.Flow
	target *flows.TargetSpec
}

func (o offer) none() bool { return o.flow == nil }

// label is what people read.
func (o offer) label() string {
	if o.target.Label != "" {
		return o.target.Label
	}
	return string(o.target.ID)
}

// value is what Slack hands back when it is picked.
func (o offer) value() string { return optionValue(string(o.flow.ID) + "/" + string(o.target.ID)) }

// maxOption is Slack's limit on the text and the value of an option.
const maxOption = 75

// optionValue is s where Slack takes it as an option's value, and else stands for it.
func optionValue(s string) string {
	if len(s) <= maxOption {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "~" + hex.EncodeToString(sum[:16])
}

// offers lists everything that is offered, in the order of the configuration.
func offers(cat *flows.Catalog) []offer {
	var all []offer
	for _, id := range cat.FlowOrder {
		f := cat.Flows[id]
		if f == nil {
			continue
		}
		for _, t := range f.Targets {
			if spec := cat.Targets[t]; spec != nil {
				all = append(all, offer{flow: f, target: spec})
			}
		}
	}
	return all
}

// offerOf finds what a picked value stands for; it may be gone by now, or never have
// been: the value comes from outside.
func offerOf(cat *flows.Catalog, value string) (offer, bool) {
	for _, o := range offers(cat) {
		if value != "" && o.value() == value {
			return o, true
		}
	}
	return offer{}, false
}

// askers knows who may ask in which flow, for lists and prefilled forms only.
type askers struct {
	dir   flows.Directory
	known *warm[map[flows.PersonID]bool]
}

func newAskers(dir flows.Directory, clock flows.Clock, aside func(func(context.Context)) bool) *askers {
	return &askers{dir: dir, known: newWarm[map[flows.PersonID]bool](clock, aside, time.Minute, 10*time.Minute)}
}

func askersKey(f *flows.Flow) string {
	var b strings.Builder
	for _, p := range f.Requesters {
		b.WriteString(string(p))
		b.WriteByte(' ')
	}
	return b.String()
}

// namesPerson reports whether the flow's requesters name the person: no need to ask Slack.
func namesPerson(f *flows.Flow, p flows.PersonID) bool {
	for _, r := range f.Requesters {
		if r.IsUser() && string(r) == p.User() {
			return true
		}
	}
	return false
}

// peek says whether p may ask in f, from what is known already.
func (a *askers) peek(f *flows.Flow, p flows.PersonID) flows.Tri {
	if namesPerson(f, p) {
		return flows.Yes
	}
	people, ok := a.known.peek(askersKey(f))
	switch {
	case !ok:
		return flows.Unknown
	case people[p]:
		return flows.Yes
	}
	return flows.No
}

// may says whether p may ask in f, asking Slack where it is not known.
func (a *askers) may(ctx context.Context, f *flows.Flow, p flows.PersonID) flows.Tri {
	if namesPerson(f, p) {
		return flows.Yes
	}
	people, err := a.known.get(ctx, askersKey(f), func(ctx context.Context) (map[flows.PersonID]bool, error) {
		members, err := a.dir.Members(ctx, f.Requesters)
		set := make(map[flows.PersonID]bool, len(members))
		for _, m := range members {
			set[m] = true
		}
		return set, err
	})
	switch {
	case people[p]:
		return flows.Yes
	case err != nil:
		return flows.Unknown
	}
	return flows.No
}

// allowed lists what p may ask for. all is false when it is not known of some flow.
func (a *askers) allowed(ctx context.Context, cat *flows.Catalog, p flows.PersonID) (list []offer, all bool) {
	all = true
	may := map[flows.FlowID]flows.Tri{}
	for _, o := range offers(cat) {
		if _, asked := may[o.flow.ID]; !asked {
			may[o.flow.ID] = a.may(ctx, o.flow, p)
		}
		switch may[o.flow.ID] {
		case flows.Yes:
			list = append(list, o)
		case flows.Unknown:
			all = false
		}
	}
	return list, all
}
