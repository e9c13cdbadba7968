package slackfake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// obj and arr write JSON in tests without noise.
type (
	obj = map[string]any
	arr = []any
)

// call posts JSON to a method and returns the answer; for what slack-go would
// not send.
func (b *bundle) call(t *testing.T, method string, body any) obj {
	t.Helper()
	raw, err := json.Marshal(body)
	noError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/api/"+method, bytes.NewReader(raw))
	noError(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Authorization", "Bearer "+b.Config().BotToken)
	return do(t, req)
}

func do(t *testing.T, req *http.Request) obj {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	noError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	noError(t, err)
	var out obj
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatalf("answer %d %q: %v", res.StatusCode, raw, err)
	}
	return out
}

func ptext(s string) obj   { return obj{"type": "plain_text", "text": s} }
func mtext(s string) obj   { return obj{"type": "mrkdwn", "text": s} }
func long(n int) string    { return strings.Repeat("ä", n) } // limits count characters, not bytes
func section(s string) obj { return obj{"type": "section", "text": mtext(s)} }

func button(more obj) obj {
	out := obj{"type": "button", "action_id": "a", "text": ptext("Go")}
	maps.Copy(out, more)
	return out
}

func actions(elements ...any) obj { return obj{"type": "actions", "elements": elements} }

func input(el obj) obj { return obj{"type": "input", "label": ptext("L"), "element": el} }

// times repeats what make gives.
func times(n int, make func(i int) any) arr {
	out := arr{}
	for i := range n {
		out = append(out, make(i))
	}
	return out
}

func opts(n int) arr {
	return times(n, func(i int) any { return obj{"text": ptext("o"), "value": fmt.Sprint(i)} })
}

func selectOf(more obj) obj {
	out := obj{"type": "static_select", "action_id": "s"}
	maps.Copy(out, more)
	return out
}

// limit is one rule of Block Kit: blocks that keep it have no want.
type limit struct {
	name   string
	blocks arr
	want   string // part of response_metadata.messages; empty: accepted
}

func messageLimits() []limit {
	return []limit{
		{"50 blocks", times(50, func(int) any { return obj{"type": "divider"} }), ""},
		{"51 blocks", times(51, func(int) any { return obj{"type": "divider"} }), "no more than 50 items allowed [json-pointer:/blocks]"},
		{"section text 3000", arr{section(long(3000))}, ""},
		{"section text 3001", arr{section(long(3001))}, "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"empty section text", arr{section("")}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"},
		{"section without text", arr{obj{"type": "section"}}, "missing required field: text or fields [json-pointer:/blocks/0]"},
		{"10 fields", arr{obj{"type": "section", "fields": times(10, func(int) any { return mtext(long(2000)) })}}, ""},
		{"11 fields", arr{obj{"type": "section", "fields": times(11, func(int) any { return mtext("f") })}}, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
		{"field 2001", arr{obj{"type": "section", "fields": arr{mtext(long(2001))}}}, "/blocks/0/fields/0/text"},
		{"header 150", arr{obj{"type": "header", "text": ptext(long(150))}}, ""},
		{"header 151", arr{obj{"type": "header", "text": ptext(long(151))}}, "/blocks/0/text/text"},
		{"header mrkdwn", arr{obj{"type": "header", "text": mtext("x")}}, "/blocks/0/text/type"},
		{"header level 5", arr{obj{"type": "header", "text": ptext("x"), "level": 5}}, "less than or equal to 4"},
		{"context 10", arr{obj{"type": "context", "elements": times(10, func(int) any { return mtext("c") })}}, ""},
		{"context 11", arr{obj{"type": "context", "elements": times(11, func(int) any { return mtext("c") })}}, "/blocks/0/elements"},
		{"actions 25", arr{actions(times(25, func(i int) any { return button(obj{"action_id": fmt.Sprint(i)}) })...)}, ""},
		{"actions 26", arr{actions(times(26, func(i int) any { return button(obj{"action_id": fmt.Sprint(i)}) })...)}, "no more than 25 items allowed [json-pointer:/blocks/0/elements]"},
		{"actions empty", arr{obj{"type": "actions", "elements": arr{}}}, "no fewer than 1 items allowed"},
		{"block_id 256", arr{obj{"type": "divider", "block_id": long(256)}}, "/blocks/0/block_id"},
		{"block_id twice", arr{obj{"type": "divider", "block_id": "x"}, obj{"type": "divider", "block_id": "x"}}, `block_id "x" already exists [json-pointer:/blocks/1/block_id]`},
		{"unknown block", arr{obj{"type": "marquee"}}, "unsupported type: marquee [json-pointer:/blocks/0/type]"},
		{"alert in a message", arr{obj{"type": "alert", "text": mtext("x")}}, "unsupported type: alert"},
		{"file in a message", arr{obj{"type": "file", "external_id": "x", "source": "remote"}}, "unsupported type: file"},
		{"not an object", arr{"divider"}, "must provide an object [json-pointer:/blocks/0]"},
		{"markdown 12000", arr{obj{"type": "markdown", "text": long(12000)}}, ""},
		{"markdown 12001 in all", arr{obj{"type": "markdown", "text": long(6000)}, obj{"type": "markdown", "text": long(6001)}}, "markdown blocks must be less than 12001"},
		{"two tables", times(2, func(int) any { return obj{"type": "table", "rows": arr{arr{obj{"type": "raw_text", "text": "x"}}}} }), "only one table"},
		{"table of 101 rows", arr{obj{"type": "table", "rows": times(101, func(int) any { return arr{} })}}, "/blocks/0/rows"},
		{"table of 21 cells", arr{obj{"type": "table", "rows": arr{times(21, func(int) any { return obj{} })}}}, "/blocks/0/rows/0"},
		{"card body 201", arr{obj{"type": "card", "body": mtext(long(201))}}, "/blocks/0/body/text"},
		{"image without address", arr{obj{"type": "image", "alt_text": "x"}}, "image_url and slack_file"},
	}
}

func elementLimits() []limit {
	on := func(el obj) arr { return arr{actions(el)} }
	return []limit{
		{"button text 75", on(button(obj{"text": ptext(long(75))})), ""},
		{"button text 76", on(button(obj{"text": ptext(long(76))})), "/blocks/0/elements/0/text/text"},
		{"button text mrkdwn", on(button(obj{"text": mtext("x")})), "/blocks/0/elements/0/text/type"},
		{"button value 2000", on(button(obj{"value": long(2000)})), ""},
		{"button value 2001", on(button(obj{"value": long(2001)})), "/blocks/0/elements/0/value"},
		{"button url 3001", on(button(obj{"url": long(3001)})), "/blocks/0/elements/0/url"},
		{"button style", on(button(obj{"style": "warning"})), "must be a valid enum value"},
		{"button disabled", on(button(obj{"disabled": true})), "invalid additional property: disabled [json-pointer:/blocks/0/elements/0]"},
		{"button accessibility_label 76", on(button(obj{"accessibility_label": long(76)})), "accessibility_label"},
		{"action_id 256", on(button(obj{"action_id": long(256)})), "/blocks/0/elements/0/action_id"},
		{"action_id twice in a block", arr{actions(button(nil), button(nil))}, `action_id "a" already exists in this block`},
		{"action_id twice in the message", arr{actions(button(nil)), actions(button(nil))}, ""},
		{"confirm", on(button(obj{"confirm": obj{"title": ptext(long(100)), "text": mtext(long(300)), "confirm": ptext(long(30)), "deny": ptext("No")}})), ""},
		{"confirm title 101", on(button(obj{"confirm": obj{"title": ptext(long(101)), "text": mtext("x")}})), "/confirm/title/text"},
		{"confirm text 301", on(button(obj{"confirm": obj{"title": ptext("t"), "text": mtext(long(301))}})), "/confirm/text/text"},
		{"confirm button 31", on(button(obj{"confirm": obj{"text": mtext("x"), "deny": ptext(long(31))}})), "/confirm/deny/text"},
		{"100 options", on(selectOf(obj{"options": opts(100)})), ""},
		{"101 options", on(selectOf(obj{"options": opts(101)})), "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"},
		{"no options", on(selectOf(nil)), "exactly one of options and option_groups"},
		{"101 groups", on(selectOf(obj{"option_groups": times(101, func(int) any { return obj{"label": ptext("g"), "options": opts(1)} })})), "/option_groups"},
		{"option text 76", on(selectOf(obj{"options": arr{obj{"text": ptext(long(76)), "value": "v"}}})), "/options/0/text/text"},
		{"option value 76", on(selectOf(obj{"options": arr{obj{"text": ptext("x"), "value": long(76)}}})), "/options/0/value"},
		{"option description 76", on(selectOf(obj{"options": arr{obj{"text": ptext("x"), "value": "v", "description": ptext(long(76))}}})), "/options/0/description/text"},
		{"option value twice", on(selectOf(obj{"options": arr{obj{"text": ptext("x"), "value": "v"}, obj{"text": ptext("y"), "value": "v"}}})), `duplicate value "v"`},
		{"initial option offered", on(selectOf(obj{"options": opts(2), "initial_option": opts(1)[0]})), ""},
		{"initial option not offered", on(selectOf(obj{"options": opts(1), "initial_option": opts(2)[1]})), "initial options must match"},
		{"placeholder 151", on(selectOf(obj{"options": opts(1), "placeholder": ptext(long(151))})), "/placeholder/text"},
		{"11 radio buttons", on(obj{"type": "radio_buttons", "action_id": "r", "options": opts(11)}), "no more than 10 items"},
		{"11 checkboxes", on(obj{"type": "checkboxes", "action_id": "r", "options": opts(11)}), "no more than 10 items"},
		{"6 overflow options", on(obj{"type": "overflow", "action_id": "r", "options": opts(6)}), "no more than 5 items"},
		{"datepicker form", on(obj{"type": "datepicker", "action_id": "r", "initial_date": "22.11.2026"}), "must have the form YYYY-MM-DD"},
		{"text input in actions", on(obj{"type": "plain_text_input", "action_id": "r"}), "unsupported type: plain_text_input"},
		{"unknown element", on(obj{"type": "lever", "action_id": "r"}), "unsupported type: lever [json-pointer:/blocks/0/elements/0/type]"},
		{"input text 3001", arr{input(obj{"type": "plain_text_input", "max_length": 3001})}, "less than or equal to 3000"},
		{"input label mrkdwn", arr{obj{"type": "input", "label": mtext("x"), "element": obj{"type": "plain_text_input"}}}, "/blocks/0/label/type"},
		{"button in an input", arr{input(button(nil))}, "unsupported type: button"},
		{"two elements with focus", arr{
			input(obj{"type": "plain_text_input", "action_id": "1", "focus_on_load": true}),
			input(obj{"type": "plain_text_input", "action_id": "2", "focus_on_load": true}),
		}, "only one element can have focus_on_load"},
	}
}

// TestMessageLimits holds section 1.4 of Slack's limits against
// chat.postMessage.
func TestMessageLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, l := range append(messageLimits(), elementLimits()...) {
		t.Run(l.name, func(t *testing.T) {
			out := b.call(t, "chat.postMessage", obj{"channel": "C0PROD", "text": "x", "blocks": l.blocks})
			l.check(t, out, "invalid_blocks")
		})
	}
}

func (l limit) check(t *testing.T, out obj, code string) {
	t.Helper()
	if l.want == "" {
		if out["ok"] != true {
			t.Errorf("refused: %v", out)
		}
		return
	}
	if out["error"] != code {
		t.Fatalf("error = %v, want %s: %v", out["error"], code, out)
	}
	meta, _ := out["response_metadata"].(obj)
	if got := fmt.Sprint(meta["messages"]); !strings.Contains(got, l.want) {
		t.Errorf("messages = %s, want %q in them", got, l.want)
	}
}

func TestModalLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	base := func(more obj) obj {
		out := obj{"type": "modal", "title": ptext("T"), "blocks": arr{section("x")}}
		maps.Copy(out, more)
		return out
	}
	for _, c := range []struct {
		name string
		view any
		want string
	}{
		{"smallest", base(nil), ""},
		{"100 blocks", base(obj{"blocks": times(100, func(int) any { return obj{"type": "divider"} })}), ""},
		{"101 blocks", base(obj{"blocks": times(101, func(int) any { return obj{"type": "divider"} })}), "no more than 100 items allowed [json-pointer:/view/blocks]"},
		{"title 24", base(obj{"title": ptext(long(24))}), ""},
		{"title 25", base(obj{"title": ptext(long(25))}), "/view/title/text"},
		{"submit 25", base(obj{"submit": ptext(long(25))}), "/view/submit/text"},
		{"close 25", base(obj{"close": ptext(long(25))}), "/view/close/text"},
		{"no title", obj{"type": "modal", "blocks": arr{}}, "missing required field: title [json-pointer:/view]"},
		{"private_metadata 3001", base(obj{"private_metadata": long(3001)}), "/view/private_metadata"},
		{"callback_id 256", base(obj{"callback_id": long(256)}), "/view/callback_id"},
		{"external_id 256", base(obj{"external_id": long(256)}), "/view/external_id"},
		{"inputs without submit", base(obj{"blocks": arr{input(obj{"type": "plain_text_input"})}}), "submit"},
		{"alert", base(obj{"blocks": arr{obj{"type": "alert", "text": mtext(long(200))}}}), ""},
		{"alert 201", base(obj{"blocks": arr{obj{"type": "alert", "text": mtext(long(201))}}}), "/view/blocks/0/text/text"},
		{"table", base(obj{"blocks": arr{obj{"type": "table", "rows": arr{}}}}), "unsupported type: table"},
		{"markdown", base(obj{"blocks": arr{obj{"type": "markdown", "text": "x"}}}), "unsupported type: markdown"},
		{"home in views.open", base(obj{"type": "home"}), "/view/type"},
		{"unknown property", base(obj{"size": "large"}), "invalid additional property: size"},
		{"not an object", "soon", "read JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := b.User("U0DANA").Slash("/access", c.name)
			noError(t, err)
			trigger := a.last("/access").form["trigger_id"][0]
			out := b.call(t, "views.open", obj{"trigger_id": trigger, "view": c.view})
			if c.name == "not an object" {
				if out["error"] != "invalid_arguments" {
					t.Errorf("answer = %v", out)
				}
				return
			}
			limit{want: c.want}.check(t, out, "invalid_arguments")
		})
	}
}

func TestViewTooLarge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	blocks := times(100, func(int) any { return section(long(3000)) })
	out := b.call(t, "views.publish", obj{"user_id": "U0DANA", "view": obj{"type": "home", "blocks": blocks}})
	if out["error"] != "view_too_large" {
		t.Errorf("answer = %v", out)
	}
}

func TestTextLimit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if out := b.call(t, "chat.postMessage", obj{"channel": "C0PROD", "text": long(40000)}); out["ok"] != true {
		t.Errorf("40,000 characters: %v", out["error"])
	}
	if out := b.call(t, "chat.postMessage", obj{"channel": "C0PROD", "text": long(40001)}); out["error"] != "msg_too_long" {
		t.Errorf("40,001 characters: %v", out["error"])
	}
	if v := b.Violations(); len(v) != 1 || v[0].Code != "msg_too_long" || v[0].Where != "chat.postMessage" {
		t.Errorf("violations = %v", v)
	}
}
