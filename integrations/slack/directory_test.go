package slack

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"breakglass/flows"

	"github.com/google/go-cmp/cmp"
)

// user is users.info's answer for U0DANA, with fields changed or ("-name") left out.
func user(edits ...string) string {
	fields := map[string]string{
		"id": `"U0DANA"`, "team_id": `"T0ACME"`, "deleted": "false", "is_bot": "false", "is_app_user": "false",
		"is_restricted": "false", "is_ultra_restricted": "false", "is_email_confirmed": "true",
		"real_name": `"Dana Real"`, "tz": `"Europe/Berlin"`,
		"profile": `{"display_name":"dana","email":"dana@acme.example","fields":{"X":{"value":1}}}`,
	}
	for _, e := range edits {
		if name, cut := strings.CutPrefix(e, "-"); cut {
			delete(fields, name)
			continue
		}
		name, value, _ := strings.Cut(e, "=")
		fields[name] = value
	}
	var parts []string
	for k, v := range fields {
		parts = append(parts, fmt.Sprintf("%q:%s", k, v))
	}
	return `{"ok":true,"user":{` + strings.Join(parts, ",") + `}}`
}

const dana = flows.PersonID("T0ACME/U0DANA")

func TestStanding(t *testing.T) {
	t.Parallel()
	other := `team_id="T0OTHER"`
	org := `enterprise_user={"id":"W1","enterprise_id":"E0ACME","teams":["T0OTHER","T0ACME"]}`
	for name, tc := range map[string]struct {
		answer string
		want   flows.Standing
	}{
		"member":                     {user(), flows.StandingMember},
		"authorised the app":         {user("is_app_user=true"), flows.StandingMember},
		"guest":                      {user("is_restricted=true"), flows.StandingGuest},
		"single-channel guest":       {user("is_restricted=true", "is_ultra_restricted=true"), flows.StandingGuest},
		"ultra only":                 {user("is_ultra_restricted=true"), flows.StandingGuest},
		"invited, not yet here":      {user("is_invited_user=true"), flows.StandingGuest},
		"stranger":                   {user("is_stranger=true"), flows.StandingStranger},
		"stranger, of another team":  {user("is_stranger=true", other), flows.StandingStranger},
		"another team":               {user(other), flows.StandingForeign},
		"another team of the org":    {user(other, org), flows.StandingMember},
		"another org":                {user(other, strings.Replace(org, "E0ACME", "E0EVIL", 1)), flows.StandingForeign},
		"the org, not in our team":   {user(other, strings.Replace(org, `,"T0ACME"`, "", 1)), flows.StandingForeign},
		"bot":                        {user("is_bot=true"), flows.StandingBot},
		"workflow bot":               {user("is_workflow_bot=true"), flows.StandingBot},
		"connector bot":              {user("is_connector_bot=true"), flows.StandingBot},
		"deleted":                    {user("deleted=true"), flows.StandingDeleted},
		"deleted, as Slack says it":  {user("deleted=true", "-is_restricted", "-is_ultra_restricted"), flows.StandingDeleted},
		"deleted bot of another org": {user("deleted=true", "is_bot=true", other), flows.StandingDeleted},
		"guest of another org team":  {user(other, org, "is_restricted=true"), flows.StandingGuest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWire(t, says(tc.answer))
			c, _ := newClient(t, w, func(o *Options) { o.Enterprise = "E0ACME" })
			p, err := c.Profile(t.Context(), dana, true)
			if err != nil {
				t.Fatal(err)
			}
			if p.Standing != tc.want {
				t.Errorf("standing = %s, want %s", p.Standing, tc.want)
			}
		})
	}
}

// Without an organisation nobody belongs to "the same one".
func TestWithoutAnOrganisationAnotherTeamIsForeign(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(user(`team_id="T0OTHER"`, `enterprise_user={"enterprise_id":"","teams":["T0ACME"]}`)))
	c, _ := newClient(t, w)
	if p, err := c.Profile(t.Context(), dana, true); err != nil || p.Standing != flows.StandingForeign {
		t.Errorf("standing = %s, %v; want foreign", p.Standing, err)
	}
}

// What is missing or wrong makes a person unknown, never a member.
func TestAPartialProfileIsUnknown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"no is_restricted":        says(user("-is_restricted")),
		"no is_ultra_restricted":  says(user("-is_ultra_restricted")),
		"is_restricted is a word": says(user(`is_restricted="true"`)),
		"is_restricted is null":   says(user("is_restricted=null")),
		"no deleted":              says(user("-deleted")),
		"no is_bot":               says(user("-is_bot")),
		"no team":                 says(user("-team_id")),
		"empty team":              says(user(`team_id=""`)),
		"no id":                   says(user("-id")),
		"somebody else":           says(user(`id="U0EVE"`)),
		"no user":                 says(`{"ok":true}`),
		"a list":                  says(`{"ok":true,"user":[]}`),
		"user_not_found":          says(`{"ok":false,"error":"user_not_found"}`),
		"user_not_visible":        says(`{"ok":false,"error":"user_not_visible"}`),
		"down":                    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newClient(t, newWire(t, answer))
			p, err := c.Profile(t.Context(), dana, false)
			if err == nil {
				t.Fatalf("no error; standing %s", p.Standing)
			}
			if p.Standing != flows.StandingUnknown {
				t.Errorf("standing = %s, want unknown", p.Standing)
			}
		})
	}
}

func TestProfileShows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer      string
		name, email string
	}{
		"all":                {user(), "dana", "dana@acme.example"},
		"no display name":    {user(`profile={"display_name":"","email":"d@acme.example"}`), "Dana Real", "d@acme.example"},
		"e-mail unconfirmed": {user("is_email_confirmed=false"), "dana", ""},
		"confirmed not said": {user("-is_email_confirmed"), "dana", ""},
		"without the scope":  {user(`profile={"display_name":"dana"}`), "dana", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := newClient(t, newWire(t, says(tc.answer)))
			got, err := c.Profile(t.Context(), dana, false)
			if err != nil {
				t.Fatal(err)
			}
			want := flows.Profile{Person: dana, Standing: flows.StandingMember, Name: tc.name, Email: tc.email, TimeZone: "Europe/Berlin"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Other teams are not even asked about: a foreign id must not name one of ours.
func TestAForeignTeamIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(user()))
	c, _ := newClient(t, w)
	for _, p := range []flows.PersonID{"T0EVIL/U0DANA", "/U0DANA", "T0ACME/", "", "t0acme/U0DANA"} {
		got, err := c.Profile(t.Context(), p, true)
		if err != nil || got.Standing != flows.StandingForeign {
			t.Errorf("%q: %s, %v; want foreign", p, got.Standing, err)
		}
	}
	if n := len(w.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestProfilesAreCachedForAMinuteUnlessFresh(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	answer := user()
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		says(answer)(rw, r)
	})
	c, clock := newClient(t, w, func(o *Options) { o.CacheFor = time.Hour })
	standing := func(fresh bool) flows.Standing {
		t.Helper()
		p, err := c.Profile(t.Context(), dana, fresh)
		if err != nil {
			t.Fatal(err)
		}
		return p.Standing
	}
	standing(false)
	mu.Lock()
	answer = user("deleted=true")
	mu.Unlock()
	clock.Push(59 * time.Second)
	if got := standing(false); got != flows.StandingMember {
		t.Fatalf("after 59 s: %s, want what is cached", got)
	}
	if got := standing(true); got != flows.StandingDeleted {
		t.Errorf("fresh: %s, want deleted", got)
	}
	if got := standing(false); got != flows.StandingDeleted {
		t.Errorf("after fresh: %s, want what was read fresh", got)
	}
	mu.Lock()
	answer = user()
	mu.Unlock()
	clock.Push(time.Minute)
	if got := standing(false); got != flows.StandingMember {
		t.Errorf("after 60 s: %s, want it read again, whatever CacheFor says", got)
	}
	clock.Push(-time.Second)
	n := len(w.requests())
	standing(false)
	if len(w.requests()) != n+1 {
		t.Error("a clock set back keeps a cached answer alive")
	}
	c.Forget(dana)
	standing(false)
	if len(w.requests()) != n+2 {
		t.Error("Forget did not forget")
	}
}

func TestErrorsAreNotCached(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":false,"error":"internal_error"}`))
	c, _ := newClient(t, w)
	for range 2 {
		if _, err := c.Profile(t.Context(), dana, false); err == nil {
			t.Fatal("no error")
		}
	}
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestManyWhoAskAtOnceShareOneRead(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 50), make(chan struct{})
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		says(user())(rw, r)
	})
	c, _ := newClient(t, w)
	var wg sync.WaitGroup
	errs := make(chan error, 50)
	for range cap(errs) {
		wg.Go(func() {
			_, err := c.Profile(t.Context(), dana, false)
			errs <- err
		})
	}
	<-asked
	close(release)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	if n := len(w.requests()); n != 1 {
		t.Errorf("%d requests for one person", n)
	}
}

// groups answers usergroups.*; members of S1 are given.
func groups(list string, members map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "usergroups.list") {
			says(`{"ok":true,"usergroups":[`+list+`]}`)(w, r)
			return
		}
		users, ok := members[r.Form.Get("usergroup")]
		if !ok {
			says(`{"ok":false,"error":"no_such_subteam"}`)(w, r)
			return
		}
		says(`{"ok":true,"users":[`+users+`]}`)(w, r)
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	w := newWire(t, groups(
		`{"id":"S0SRE","handle":"sre","date_delete":0},{"id":"S0OLD","handle":"old","date_delete":1700000000},
		 {"id":"S0EXT","handle":"ext","is_external":true},{"id":"S1","handle":"twin"},{"id":"S2","handle":"twin"}`,
		map[string]string{"S0SRE": `"U0SAM","U0DANA"`, "S0ENG": `"U0DANA","U0EVA"`, "S0NONE": ""}))
	c, clock := newClient(t, w)
	got, err := c.Members(t.Context(), []flows.Principal{"U0MARA", "@sre", "S0ENG", "W0ORG", "U0MARA", "S0NONE"})
	if err != nil {
		t.Fatal(err)
	}
	want := []flows.PersonID{"T0ACME/U0MARA", "T0ACME/U0SAM", "T0ACME/U0DANA", "T0ACME/U0EVA", "T0ACME/W0ORG"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	n := len(w.requests())
	if _, err := c.Members(t.Context(), []flows.Principal{"@sre", "S0ENG"}); err != nil || len(w.requests()) != n {
		t.Errorf("asked again within a minute: %d more, %v", len(w.requests())-n, err)
	}
	clock.Push(time.Minute)
	if _, err := c.Members(t.Context(), []flows.Principal{"@sre"}); err != nil || len(w.requests()) != n+2 {
		t.Errorf("after a minute %d more requests, want 2; %v", len(w.requests())-n, err)
	}
	for ref, says := range map[flows.Principal]string{
		"@nobody": "no user group @nobody", "@old": "no user group @old", "@ext": "no user group @ext",
		"@twin": "two user groups @twin", "S0GONE": "no_such_subteam", "#prod": "neither a user", "": "neither a user",
		"dana@acme.example": "neither a user", "@": "no user group @",
	} {
		got, err := c.Members(t.Context(), []flows.Principal{"U0MARA", ref})
		var perm *flows.Permanent
		if !errors.As(err, &perm) || !strings.Contains(err.Error(), says) || got != nil {
			t.Errorf("%q: %v, %v; want a permanent error that says %q and nobody", ref, got, err, says)
		}
	}
}

// A list without its list is not an empty one.
func TestAGroupWithoutItsMembersIsAnError(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{"missing": `{"ok":true}`, "null": `{"ok":true,"users":null}`} {
		c, _ := newClient(t, newWire(t, says(answer)))
		if got, err := c.Members(t.Context(), []flows.Principal{"S0SRE"}); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
	c, _ := newClient(t, newWire(t, says(`{"ok":true,"usergroups":null}`)))
	if _, err := c.Members(t.Context(), []flows.Principal{"@sre"}); err == nil {
		t.Error("no error for a list of groups that is not there")
	}
}

func channelPages(pages ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "conversations.info") {
			says(`{"ok":true,"channel":{"id":"`+r.Form.Get("channel")+`","name":"prod","is_member":true,"is_pending_ext_shared":true}}`)(w, r)
			return
		}
		at := 0
		if _, err := fmt.Sscanf(r.Form.Get("cursor"), "page%d", &at); err != nil {
			at = 0
		}
		next := ""
		if at+1 < len(pages) {
			next = fmt.Sprintf("page%d", at+1)
		}
		says(`{"ok":true,"channels":[`+pages[at]+`],"response_metadata":{"next_cursor":"`+next+`"}}`)(w, r)
	}
}

func TestChannelByName(t *testing.T) {
	t.Parallel()
	w := newWire(t, channelPages(`{"id":"C1","name":"general"}`, `{"id":"C2","name":"prod"}`, `{"id":"C3","name":"x"}`))
	c, _ := newClient(t, w)
	for range 2 {
		ch, err := c.ChannelInfo(t.Context(), "#prod")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Channel{ID: "C2", Name: "prod", Member: true, Shared: true}, ch); diff != "" {
			t.Error(diff)
		}
	}
	if n := len(w.requests()); n != 4 {
		t.Errorf("%d requests, want three pages and one info", n)
	}
	// A name that is not among those remembered is looked for once more.
	_, err := c.ChannelInfo(t.Context(), "#new")
	wantCode(t, err, "channel_not_found")
	if n := len(w.requests()); n != 7 {
		t.Errorf("%d requests, want the three pages once more", n)
	}
}

func TestChannelPagesThatGoInACircle(t *testing.T) {
	t.Parallel()
	w := newWire(t, says(`{"ok":true,"channels":[],"response_metadata":{"next_cursor":"again"}}`))
	c, _ := newClient(t, w)
	_, err := c.ChannelInfo(t.Context(), "#prod")
	wantTemporary(t, err)
	if n := len(w.requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestAuthTest(t *testing.T) {
	t.Parallel()
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X-OAuth-Scopes", "chat:write, users:read,")
		says(`{"ok":true,"team":"Acme","team_id":"T0ACME","user_id":"U0BOT","bot_id":"B0BOT","user":"breakglass"}`)(rw, r)
	})
	c, _ := newClient(t, w)
	got, err := c.AuthTest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Identity{Team: "T0ACME", TeamName: "Acme", User: "U0BOT", Bot: "B0BOT", Scopes: []string{"chat:write", "users:read"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	other, _ := newClient(t, w, func(o *Options) { o.Team = "T0ELSE" })
	if _, err := other.AuthTest(t.Context()); err == nil || !strings.Contains(err.Error(), "T0ACME and not to T0ELSE") {
		t.Errorf("a token of another team: %v", err)
	}
}

// Whoever needs to know who we are at the same time shares one call, for as long as any
// answer is believed; AuthTest asks each time.
func TestSelf(t *testing.T) {
	t.Parallel()
	var held sync.WaitGroup
	held.Add(1)
	w := newWire(t, func(rw http.ResponseWriter, r *http.Request) {
		held.Wait()
		answer := `{"ok":true,"url":"https://acme.slack.com/","team_id":"T0ACME","user_id":"U0BOT","bot_id":"B0BOT"}`
		if strings.HasSuffix(r.URL.Path, "history") {
			answer = `{"ok":true,"messages":[{"ts":"1.2","bot_id":"B0BOT"}]}`
		}
		says(answer)(rw, r)
	})
	c, clock := newClient(t, w)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if me, err := c.Self(t.Context()); err != nil || me.URL != "https://acme.slack.com/" {
				t.Errorf("Self = %+v, %v", me, err)
			}
		})
	}
	held.Done()
	all.Wait()
	if m, err := c.Message(t.Context(), "C0PROD", "1.2"); err != nil || !m.Own {
		t.Errorf("a message of ours: %+v, %v", m, err)
	}
	asked := func() (n int) {
		for _, r := range w.requests() {
			if strings.HasSuffix(r.Path, "auth.test") {
				n++
			}
		}
		return n
	}
	if n := asked(); n != 1 {
		t.Errorf("auth.test was called %d times, want once", n)
	}
	clock.Push(maxCacheAge)
	for range 2 {
		_, err := c.Self(t.Context())
		_, err2 := c.AuthTest(t.Context())
		if err != nil || err2 != nil {
			t.Error(err, err2)
		}
	}
	if n := asked(); n != 4 {
		t.Errorf("auth.test was called %d times a minute later, want 4: once for who shares, and twice for who asks", n)
	}
}
