package main_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/bot"
	"breakglass/cmd/breakglass/company"
	"breakglass/integrations/slackfake"
)

// lives are the processes that the program was, one after the other. Each finds Slack at
// an address of its own, so that what it sent is known for its own however late a busy
// machine reads it from the socket: after the death of who sent it, and after what the
// next has sent.
type lives struct {
	n    int // so many there were
	base string

	mu   sync.Mutex
	held *heldAnswer
}

// heldAnswer is Slack's answer to one message to somebody, which who sent it never gets.
type heldAnswer struct {
	to    string
	taken chan struct{} // closed when Slack has taken the message
}

// lifeHeader says in Slack's ledger which life a call was of.
const lifeHeader = "X-Life"

func lifeOf(e slackfake.Exchange) int {
	n, _ := strconv.Atoi(e.RequestHeader.Get(lifeHeader))
	return n
}

// open opens the doors. Response URLs are of the same server.
func (l *lives) open(t *testing.T, slack *slackfake.Workspace) {
	t.Helper()
	inside := slack.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		if rest, ok := strings.CutPrefix(r.URL.Path, "/life/"); ok {
			life, path, _ := strings.Cut(rest, "/")
			r.URL.Path = "/" + path
			r.Header.Set(lifeHeader, life)
		}
		l.serve(w, r, inside)
	}))
	t.Cleanup(server.Close)
	l.base = server.URL
	slack.SetURL(server.URL)
}

// next is Slack's address for the next life.
func (l *lives) next() string {
	l.n++
	return l.base + "/life/" + strconv.Itoa(l.n)
}

// withhold keeps back the answer to the next message to somebody until its sender is
// gone. What it returns is closed when Slack has taken the message.
func (l *lives) withhold(to string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = &heldAnswer{to: to, taken: make(chan struct{})}
	return l.held.taken
}

func (l *lives) serve(w http.ResponseWriter, r *http.Request, slack http.Handler) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // who sent it died meanwhile
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	held := l.taking(r, body)
	if held == nil {
		slack.ServeHTTP(w, r)
		return
	}
	slack.ServeHTTP(httptest.NewRecorder(), r)
	close(held.taken)
	<-r.Context().Done()
}

// taking is what to do about the answer to a call, if anything is.
func (l *lives) taking(r *http.Request, body []byte) *heldAnswer {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held
	if held == nil || r.URL.Path != "/api/chat.postMessage" {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("channel") != held.to {
		return nil
	}
	l.held = nil
	return held
}

// post is a message as Slack took it.
type post struct {
	life     int
	at       time.Time
	answered bool // else who sent it cannot know that it was taken
}

// needless are those posts of one message that their life did not need: it had posted
// the message before, was told so, and was not cut off from its database since.
func needless(posts []post, troubles []trouble) (all []post) {
	byLife := map[int]post{}
	for _, p := range slices.SortedStableFunc(slices.Values(posts), func(a, b post) int { return a.at.Compare(b.at) }) {
		before, again := byLife[p.life]
		byLife[p.life] = p
		cut := func(t trouble) bool { return !t.until.Before(before.at) && !t.from.After(p.at) }
		if again && before.answered && !slices.ContainsFunc(troubles, cut) {
			all = append(all, p)
		}
	}
	return all
}

// The ledger tells what was sent twice from what arrived late.
func TestNeedlessPosts(t *testing.T) {
	t.Parallel()
	at := func(life, second int, answered bool) post {
		return post{life, time.Unix(int64(second), 0), answered}
	}
	cut := []trouble{{time.Unix(20, 0), time.Unix(30, 0)}}
	for name, c := range map[string]struct {
		posts    []post
		troubles []trouble
		want     []post
	}{
		"once":                             {posts: []post{at(1, 10, true)}},
		"again by the next life":           {posts: []post{at(1, 10, true), at(2, 11, true)}},
		"the dead one's, read late":        {posts: []post{at(2, 11, true), at(1, 12, true)}},
		"twice by one life":                {posts: []post{at(1, 10, true), at(1, 11, true)}, want: []post{at(1, 11, true)}},
		"twice by the second life":         {posts: []post{at(1, 10, true), at(2, 11, true), at(2, 12, true)}, want: []post{at(2, 12, true)}},
		"an answer was lost":               {posts: []post{at(1, 10, false), at(1, 11, true)}},
		"an answer was lost, the next not": {posts: []post{at(1, 10, false), at(1, 11, true), at(1, 12, true)}, want: []post{at(1, 12, true)}},
		"cut off in between":               {posts: []post{at(1, 10, true), at(1, 31, true)}, troubles: cut},
		"cut off afterwards":               {posts: []post{at(1, 10, true), at(1, 11, true)}, troubles: cut, want: []post{at(1, 11, true)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := needless(c.posts, c.troubles); !slices.Equal(got, c.want) {
				t.Errorf("needless are %v, want %v", got, c.want)
			}
		})
	}
}

// A card was posted, and the process dies before it knows. Slack promises no key by which
// a message would be the same again, so the next process posts it once more, with buttons
// of its own: those of the first copy are no good, and there is one decision.
func TestKilledBeforeItKnowsThatACardIsThere(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // bounds a failure
	defer cancel()
	s := besiege(t, "sqlite:"+filepath.Join(t.TempDir(), "breakglass.db"))
	s.file = "file:" + strings.TrimPrefix(s.dsn, "sqlite:") + "?mode=ro"
	s.start()
	taken := s.lives.withhold(company.Mara)
	if err := s.Ask(ctx, company.Sam, "Production database", "the ledger is stuck", slackfake.Values{"duration": "1m"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-taken:
	case <-ctx.Done():
		t.Fatal("no card came")
	}
	s.kill()
	s.start()
	s.quiet()
	s.wire.seen(s.Company)
	mara := s.Slack.User(company.Mara)
	cards := mara.DM()
	if len(cards) != 2 {
		t.Fatalf("the manager sees %d messages, want the card of the dead one and that of the next:\n%s", len(cards), s.Messages())
	}
	sent := 0
	for what, posts := range s.wire.posts {
		if strings.Contains(what, cards[0].Channel+",") || strings.Contains(what, company.Mara+",") {
			if sent++; len(posts) != 2 || posts[0].life != 1 || posts[1].life != 2 {
				t.Errorf("%s was posted by %+v", what, posts)
			}
		}
	}
	if sent != 1 {
		t.Errorf("%d messages to the manager are in the ledger, want one: %v", sent, s.wire.posts)
	}
	if _, err := mara.Click(cards[0], buttonOf(cards[0], bot.ActionApprove)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Told(ctx, company.Mara, "This card is out of date, so nothing was done"); err != nil {
		t.Fatal(err)
	}
	if got := s.Database.Ledger(); len(got) > 0 {
		t.Errorf("the copy of the dead one gave access: %v", got)
	}
	if _, err := mara.Click(cards[1], buttonOf(cards[1], bot.ActionApprove)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.See(ctx, company.Sam, "You asked for", "Access works until"); err != nil {
		t.Fatal(err)
	}
	s.settle()
	s.reckon()
}
