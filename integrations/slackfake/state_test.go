package slackfake_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"breakglass/integrations/slackfake"
)

// field is an input block around one element.
func field(id string, el obj) obj {
	el["action_id"] = "x"
	return obj{"type": "input", "block_id": id, "optional": true, "label": ptext(id), "element": el}
}

func o(s string) obj { return obj{"text": ptext(s), "value": s} }

// everyField is a modal with one of each element that keeps a value.
func everyField() obj {
	static := arr{o("one"), o("two"), o("three")}
	ext := func(kind string) obj { return obj{"type": kind, "min_query_length": 0} }
	return obj{
		"type": "modal", "title": ptext("All"), "submit": ptext("Go"), "blocks": arr{
			field("text", obj{"type": "plain_text_input", "initial_value": "first"}),
			field("untouched", obj{"type": "plain_text_input"}),
			field("mail", obj{"type": "email_text_input"}),
			field("number", obj{"type": "number_input", "is_decimal_allowed": false}),
			field("static", obj{"type": "static_select", "options": static, "initial_option": static[0]}),
			field("grouped", obj{"type": "static_select", "option_groups": arr{obj{"label": ptext("g"), "options": static}}}),
			field("multi", obj{"type": "multi_static_select", "options": static}),
			field("external", ext("external_select")),
			field("externals", ext("multi_external_select")),
			field("user", obj{"type": "users_select"}),
			field("users", obj{"type": "multi_users_select"}),
			field("conv", obj{"type": "conversations_select", "response_url_enabled": true}),
			field("channel", obj{"type": "channels_select"}),
			field("radio", obj{"type": "radio_buttons", "options": static}),
			field("boxes", obj{"type": "checkboxes", "options": static, "initial_options": arr{static[2]}}),
			field("date", obj{"type": "datepicker"}),
			field("time", obj{"type": "timepicker", "initial_time": "08:00"}),
			field("at", obj{"type": "datetimepicker"}),
		},
	}
}

// TestStateValues compares state.values with what Slack sends, field by field.
func TestStateValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	a.on("block_suggestion", answer(`{"option_groups":[{"label":{"type":"plain_text","text":"G"},"options":[
		{"text":{"type":"plain_text","text":"Prod"},"value":"prod"},{"text":{"type":"plain_text","text":"Dev"},"value":"dev"}]}]}`))
	if out := b.call(t, "views.open", obj{"trigger_id": trigger(t, b, a, "U0DANA"), "view": everyField()}); out["ok"] != true {
		t.Fatalf("views.open: %v", out)
	}
	dana := b.User("U0DANA")
	front, _ := dana.Front()
	_, err := dana.Submit(front, slackfake.Values{
		"text": "typed", "mail": "a@b.example", "number": 5, "static": "two", "grouped": "three",
		"multi": []string{"one", "three"}, "external": "Prod", "externals": []string{"dev"}, "user": "U0SAM",
		"users": []string{"U0SAM", "U0DANA"}, "conv": "C0PROD", "channel": "C0PROD", "radio": "one",
		"boxes": []string{"one"}, "date": "2026-11-22", "time": "23:15", "at": time.Unix(1795316400, 0),
	})
	noError(t, err)
	opt := func(text, value string) string {
		return `{"text":{"type":"plain_text","text":"` + text + `","emoji":true},"value":"` + value + `"}`
	}
	want := `{
		"text":{"x":{"type":"plain_text_input","value":"typed"}},
		"untouched":{"x":{"type":"plain_text_input","value":null}},
		"mail":{"x":{"type":"email_text_input","value":"a@b.example"}},
		"number":{"x":{"type":"number_input","value":"5"}},
		"static":{"x":{"type":"static_select","selected_option":` + opt("two", "two") + `}},
		"grouped":{"x":{"type":"static_select","selected_option":` + opt("three", "three") + `}},
		"multi":{"x":{"type":"multi_static_select","selected_options":[` + opt("one", "one") + `,` + opt("three", "three") + `]}},
		"external":{"x":{"type":"external_select","selected_option":` + opt("Prod", "prod") + `}},
		"externals":{"x":{"type":"multi_external_select","selected_options":[` + opt("Dev", "dev") + `]}},
		"user":{"x":{"type":"users_select","selected_user":"U0SAM"}},
		"users":{"x":{"type":"multi_users_select","selected_users":["U0SAM","U0DANA"]}},
		"conv":{"x":{"type":"conversations_select","selected_conversation":"C0PROD"}},
		"channel":{"x":{"type":"channels_select","selected_channel":"C0PROD"}},
		"radio":{"x":{"type":"radio_buttons","selected_option":` + opt("one", "one") + `}},
		"boxes":{"x":{"type":"checkboxes","selected_options":[` + opt("one", "one") + `]}},
		"date":{"x":{"type":"datepicker","selected_date":"2026-11-22"}},
		"time":{"x":{"type":"timepicker","selected_time":"23:15"}},
		"at":{"x":{"type":"datetimepicker","selected_date_time":1795316400}}
	}`
	var expected any
	noError(t, json.Unmarshal([]byte(want), &expected))
	submitted := a.last("view_submission")
	got := submitted.raw["view"].(obj)["state"].(obj)["values"]
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Errorf("state.values (-want +got):\n%s", diff)
	}
	urls := submitted.raw["response_urls"].(arr)
	if len(urls) != 1 || urls[0].(obj)["channel_id"] != "C0PROD" || urls[0].(obj)["block_id"] != "conv" {
		t.Errorf("response_urls = %v", urls)
	}
	b.noViolations(t)
}

// TestFillRefusesWhatNobodyCanDo shows that a person is bound to what is there,
// unless a test forges a choice on purpose.
func TestFillRefusesWhatNobodyCanDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	a.on("block_suggestion", answer(`{"options":[]}`))
	b.call(t, "views.open", obj{"trigger_id": trigger(t, b, a, "U0DANA"), "view": everyField()})
	dana := b.User("U0DANA")
	front, _ := dana.Front()
	for key, value := range map[string]any{
		"static": "four", "external": "prod", "user": "U0GONE", "channel": "C0NONE", "date": "tomorrow", "at": "noon", "nowhere": "x",
	} {
		if _, err := dana.Fill(front, key, value); err == nil {
			t.Errorf("%s took %v", key, value)
		}
	}
	_, err := dana.Fill(front, "external", slackfake.Option{Text: "Root", Value: "root"})
	noError(t, err)
	_, err = dana.Fill(front, "static", nil)
	noError(t, err)
	_, err = dana.Submit(front, nil)
	noError(t, err)
	values := a.last("view_submission").payload.View.State.Values
	if got := values["external"]["x"].SelectedOption.Value; got != "root" {
		t.Errorf("the forged option arrived as %q", got)
	}
	if got := values["static"]["x"].SelectedOption.Value; got != "" {
		t.Errorf("the cleared field arrived as %q", got)
	}
}

// TestUntouchedFields: null for one value, an empty list for many.
func TestUntouchedFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	b.call(t, "views.open", obj{"trigger_id": trigger(t, b, a, "U0DANA"), "view": obj{
		"type": "modal", "title": ptext("T"), "submit": ptext("S"), "blocks": arr{
			field("one", obj{"type": "users_select"}), field("many", obj{"type": "multi_users_select"}),
			field("options", obj{"type": "checkboxes", "options": opts(1)}),
		},
	}})
	front, _ := b.User("U0DANA").Front()
	_, err := b.User("U0DANA").Submit(front, nil)
	noError(t, err)
	got := a.last("view_submission").raw["view"].(obj)["state"].(obj)["values"]
	want := obj{
		"one":     obj{"x": obj{"type": "users_select", "selected_user": nil}},
		"many":    obj{"x": obj{"type": "multi_users_select", "selected_users": arr{}}},
		"options": obj{"x": obj{"type": "checkboxes", "selected_options": arr{}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state.values (-want +got):\n%s", diff)
	}
}

// TestShown reads surfaces as a person does.
func TestShown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := newApp(t, b)
	b.call(t, "chat.postMessage", obj{"channel": "U0DANA", "text": "fallback", "blocks": arr{
		obj{"type": "section", "text": mtext("*Title*"), "accessory": selectOf(obj{"options": opts(2)}), "fields": arr{mtext("left"), mtext("right")}},
		actions(button(obj{"url": "https://x.example", "confirm": obj{"text": mtext("hidden until clicked")}})),
		obj{"type": "context", "elements": arr{mtext("footer")}},
	}})
	m := b.User("U0DANA").DM()[0]
	if got, want := m.Shown(), "*Title*\nleft\nright\nGo\nfooter"; got != want {
		t.Errorf("Shown = %q, want %q", got, want)
	}
	els := m.Elements()
	if len(els) != 2 || els[0].Options[1].Value != "1" || els[1].URL != "https://x.example" || els[1].Text != "Go" {
		t.Errorf("Elements = %+v", els)
	}
	b.call(t, "views.open", obj{"trigger_id": trigger(t, b, a, "U0DANA"), "view": everyField()})
	v, _ := b.User("U0DANA").Front()
	if e := v.Elements()[0]; e.Label != "text" || !e.Optional || e.Type != "plain_text_input" {
		t.Errorf("first element = %+v", e)
	}
	if got := v.Shown(); len(got) < 4 || got[:4] != "All\n" {
		t.Errorf("Shown = %q", got)
	}
}
