package main_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"breakglass/bot"
	"breakglass/integrations/slackfake"
	"breakglass/integrations/target/receiver"
)

// crowd is the people of a siege: each does in Slack what chance says, one thing after
// the other, whether or not anybody answers.
type crowd struct {
	engineers, managers []string

	s    *siege
	home chan struct{}
	wg   sync.WaitGroup
	asks atomic.Int64
}

// gather lets everybody begin.
func (c *crowd) gather(s *siege) {
	c.s, c.home = s, make(chan struct{})
	for i, id := range slices.Concat(c.engineers, c.managers) {
		p := &person{crowd: c, Actor: s.Slack.User(id), asks: i < len(c.engineers), random: rand.New(rand.NewPCG(uint64(i), 5))}
		c.wg.Go(p.live)
	}
}

// goHome ends it.
func (c *crowd) goHome() {
	close(c.home)
	c.wg.Wait()
}

// person is one of them.
type person struct {
	*crowd
	*slackfake.Actor
	asks   bool
	random *rand.Rand
	did    []int64 // deliveries that could be recorded and sent again
}

func (p *person) live() {
	for {
		if !p.asks || !p.chance(30) || !p.ask() {
			p.press()
		}
		if n := len(p.did); n > 0 && p.chance(5) {
			_, _ = p.s.Slack.Replay(p.did[p.random.IntN(n)]) // whoever recorded it; the answer is nobody's
		}
		if !p.rest(time.Duration(5+p.random.IntN(40)) * time.Millisecond) {
			return
		}
	}
}

// chance is true in so many of a hundred cases.
func (p *person) chance(percent int) bool { return p.random.IntN(100) < percent }

// rest waits; false when it is time to go home.
func (p *person) rest(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-p.home:
		return false
	}
}

// ask types the whole wish behind /access, waits for the form and submits it; false
// when the form did not come.
func (p *person) ask() bool {
	if v, open := p.Front(); open {
		if _, err := p.CloseAll(v); err != nil {
			return false
		}
	}
	target := []string{"prod_database", "production_console"}[p.random.IntN(4)/3]
	words := fmt.Sprintf("%s %dm because of %d", target, 1+p.random.IntN(2), p.crowd.asks.Add(1))
	if p.chance(25) {
		words = "#1 " + words
	}
	if !p.went(p.Slash("/access", words)) {
		return false
	}
	v, came := p.form("bg:request", func(v slackfake.View) bool { return v.Updates > 0 })
	if !came {
		return false
	}
	return p.went(p.Submit(v, slackfake.Values{"reason": words}))
}

// form waits for a modal to be in front.
func (p *person) form(callback string, filled func(slackfake.View) bool) (slackfake.View, bool) {
	for range 120 {
		if v, open := p.Front(); open && v.CallbackID == callback && filled(v) {
			return v, true
		}
		if !p.rest(5 * time.Millisecond) {
			break
		}
	}
	return slackfake.View{}, false
}

// went remembers a delivery that reached the program, and rests after one that did not.
func (p *person) went(out slackfake.Outcome, err error) bool {
	if err != nil {
		p.s.stranded.Add(1)
		p.rest(20 * time.Millisecond)
		return false
	}
	if p.did = append(p.did, out.Exchange.Seq); len(p.did) > 20 {
		p.did = p.did[1:]
	}
	return true
}

// eager is how often, in a hundred cases, a button is pressed by who sees it.
var eager = map[string]int{
	bot.ActionApprove: 50, bot.ActionDeny: 40, bot.ActionDone: 25, bot.ActionRevoke: 6, bot.ActionCancel: 4, bot.ActionForward: 5,
}

// press looks through the newest messages for a button to press.
func (p *person) press() {
	messages := p.DM()
	slices.Reverse(messages)
	for _, m := range messages[:min(len(messages), 12)] {
		for _, e := range m.Elements() {
			if p.chance(eager[e.ActionID]) {
				p.do(m, e)
				return
			}
		}
	}
}

// do presses one button: once, twice at once, or so that Slack delivers it twice or
// loses the answer.
func (p *person) do(m slackfake.Message, e slackfake.Element) {
	key := e.BlockID + "/" + e.ActionID
	switch n := p.random.IntN(100); {
	case n < 15:
		twin := make(chan struct{})
		go func() { defer close(twin); _, _ = p.ClickStale(m, key) }()
		defer func() { <-twin }()
	case n < 25:
		p.s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, Duplicate: true})
	case n < 30:
		p.s.Slack.FailDelivery(slackfake.DeliveryFault{Kind: "block_actions", Times: 1, LoseAck: true})
	}
	if !p.went(p.Click(m, key)) {
		return
	}
	callback := map[string]string{bot.ActionDeny: "bg:deny", bot.ActionRevoke: "bg:revoke"}[e.ActionID]
	if callback == "" {
		return
	}
	if v, came := p.form(callback, func(slackfake.View) bool { return true }); came {
		p.went(p.Submit(v, slackfake.Values{"why": "because " + strings.ToLower(m.Channel)}))
	}
}

// receiverFault holds an order before it is carried out, or its answer after.
func receiverFault(kind string, order bool) receiver.Fault {
	return receiver.Fault{Type: kind, Times: 1, HoldOrder: order, HoldAnswer: !order}
}
