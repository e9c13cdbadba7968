package slackfake

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Suggest types a query into an external select and returns what the app
// offers, groups flattened.
func (a *Actor) Suggest(on Surface, key, query string) ([]Option, error) {
	ws := a.ws
	ws.mu.Lock()
	s, err := a.locate(on, key)
	if err == nil {
		err = askable(s, query)
	}
	if err != nil {
		ws.mu.Unlock()
		return nil, err
	}
	p := ws.interaction("block_suggestion", ws.people.users[a.id])
	ws.addSource(p, s)
	p["action_id"], p["block_id"], p["value"] = s.actionID, s.blockID, query
	d := delivery{
		kind: "block_suggestion", payload: p, format: asPayload,
		url: firstOf(ws.endpoints.Options, ws.endpoints.Interactions),
	}
	ws.mu.Unlock()
	e, err := a.dispatch(d)
	if err != nil {
		return nil, err
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	found, err := ws.readSuggestions(e)
	if err != nil {
		ws.notify(a.id, "The menu could not be filled: %s", codeOf(err))
		return nil, err
	}
	return a.offer(on, key, found), nil
}

// askable says whether Slack would ask the app with this query.
func askable(s spot, query string) error {
	if !external(s.kind) {
		return fmt.Errorf("slackfake: %s is a %s, not an external select", s.key(), s.kind)
	}
	least := int64(3)
	if n, ok := s.el["min_query_length"].(json.Number); ok {
		if v, err := n.Int64(); err == nil {
			least = v
		}
	}
	if int64(utf8.RuneCountInString(query)) < least {
		return fmt.Errorf("slackfake: %s asks the app from %d characters on (min_query_length)", s.key(), least)
	}
	return nil
}

// readSuggestions judges the app's answer to a query. Called with the lock held.
func (ws *Workspace) readSuggestions(e Exchange) ([]any, error) {
	v, err := decode([]byte(e.ResponseBody))
	obj, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, ws.badAnswer(e, "the answer is not a JSON object: %q", e.ResponseBody)
	}
	_, one := obj["options"]
	_, many := obj["option_groups"]
	if one == many {
		return nil, ws.badAnswer(e, "the answer needs exactly one of options and option_groups")
	}
	check := ws.newChecker(onModal)
	s := schema{
		"options": may(options(0, 100, plainText(75), false)),
		"option_groups": may(list(0, 100, object(schema{
			"label": must(plainText(75)), "options": must(options(0, 100, plainText(75), false)),
		}))),
	}
	s.check(check, "", obj)
	if len(check.problems) > 0 {
		return nil, ws.badAnswer(e, "%s", check.problems)
	}
	fillTexts(obj)
	return allOptions(obj), nil
}

// offer remembers what a menu showed, so that it can be chosen. Called with the
// lock held.
func (a *Actor) offer(on Surface, key string, found []any) []Option {
	out := readOptions(found)
	s, err := a.locate(on, key)
	if err != nil {
		return out // the surface changed meanwhile: nothing to choose in
	}
	if s.view != nil {
		s.view.offered[s.key()] = append(s.view.offered[s.key()], found...)
		return out
	}
	if s.msg.offered == nil {
		s.msg.offered = map[string][]any{}
	}
	s.msg.offered[s.key()] = append(s.msg.offered[s.key()], found...)
	return out
}

// readOptions reads Slack's options.
func readOptions(list []any) []Option {
	out := []Option{}
	for _, o := range list {
		opt, _ := o.(map[string]any)
		value, _ := opt["value"].(string)
		out = append(out, Option{Text: textOf(opt["text"]), Value: value, Description: textOf(opt["description"])})
	}
	return out
}

// askOptions asks the app what an external select offers, when value was not
// offered yet.
func (a *Actor) askOptions(on Surface, key string, value any) error {
	if _, forged := value.(Option); forged || value == nil {
		return nil
	}
	a.ws.mu.Lock()
	s, err := a.locate(on, key)
	known := true
	if err == nil && external(s.kind) {
		_, missing := each(value, func(v any) (any, error) { return a.ws.choice(s, v) })
		known = missing == nil
	}
	a.ws.mu.Unlock()
	if err != nil || known {
		return err
	}
	query := ""
	if askable(s, query) != nil {
		query = fmt.Sprint(value)
	}
	_, err = a.Suggest(on, key, query)
	return err
}
