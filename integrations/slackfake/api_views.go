package slackfake

import (
	"fmt"
	"strings"
)

// maxView is how large a view may be, as JSON.
const maxView = 250_000

// readView reads and judges the view of a call. Called with the lock held.
func (c *call) readView(want surface) (map[string]any, *apiError) {
	v, err := c.args.value("view")
	if err != nil {
		return nil, wrong("invalid_arguments", "view: %v", err)
	}
	obj, bad := c.checkView(v, want, "/view")
	if bad != nil {
		bad.code = firstOf(bad.code, "invalid_arguments")
	}
	return obj, bad
}

// checkView judges a view. Called with the lock held.
func (ws *Workspace) checkView(v any, want surface, at string) (map[string]any, *apiError) {
	obj, ok := v.(map[string]any)
	if !ok {
		return nil, wrong("invalid_arguments", "[ERROR] must provide an object [json-pointer:%s]", at)
	}
	kind, _ := obj["type"].(string)
	check := ws.newChecker(surface(kind))
	if kind != string(want) {
		check.surface = want
		check.report(at+"/type", fmt.Sprintf("must be a valid enum value: %q", want))
	}
	viewSchema(want).check(check, at, obj)
	if want == onModal && check.inputs > 0 && obj["submit"] == nil {
		check.report(at, "missing required field: submit (the view has input blocks)")
	}
	if e := invalid("invalid_arguments", check.problems); e != nil {
		return nil, e
	}
	if n := len(encode(obj)); n > maxView {
		return nil, wrong("view_too_large", "the view has %d bytes, the limit is %d", n, maxView)
	}
	return obj, nil
}

// viewSchema is what a modal or a Home tab consists of.
func viewSchema(want surface) schema {
	s := schema{
		"type": must(anything), "blocks": must((*checker).blocks), "private_metadata": may(str(0, 3000)),
		"callback_id": may(str(0, 255)), "external_id": may(str(0, 255)),
	}
	if want == onHome {
		return s
	}
	return s.with(schema{
		"title": must(plainText(24)), "submit": may(plainText(24)), "close": may(plainText(24)),
		"clear_on_close": may(boolean), "notify_on_close": may(boolean),
	})
}

// uniqueExternalID refuses an external_id that another open view has. Called
// with the lock held.
func (ws *Workspace) uniqueExternalID(obj map[string]any, except *View) *apiError {
	id, _ := obj["external_id"].(string)
	if v := ws.viewByExternalID(id); v != nil && v != except {
		return wrong("duplicate_external_id", "external_id %q belongs to view %s", id, v.ID)
	}
	return nil
}

func (ws *Workspace) viewByExternalID(id string) *View {
	for _, v := range ws.views.byID {
		if id != "" && v.ExternalID == id {
			return v
		}
	}
	return nil
}

func viewsOpen(c *call) (map[string]any, *apiError) {
	obj, err := c.readView(onModal)
	if err == nil {
		err = c.uniqueExternalID(obj, nil)
	}
	if err != nil {
		return nil, err
	}
	t, err := c.takeTrigger(c.triggerArg())
	if err != nil {
		return nil, err
	}
	return map[string]any{"view": c.viewJSON(c.openView(t.user, obj))}, nil
}

// triggerArg is the trigger, by its old or its new name.
func (c *call) triggerArg() string {
	return firstOf(c.args.str("trigger_id"), c.args.str("interactivity_pointer"))
}

func viewsPush(c *call) (map[string]any, *apiError) {
	obj, err := c.readView(onModal)
	if err == nil {
		err = c.uniqueExternalID(obj, nil)
	}
	if err != nil {
		return nil, err
	}
	t, err := c.takeTrigger(c.triggerArg())
	if err != nil {
		return nil, err
	}
	if t.view == nil || c.views.byID[t.view.ID] == nil {
		return nil, wrong("not_found", "the trigger_id does not come from an open modal: use views.open")
	}
	v := c.pushView(t.view, obj)
	if v == nil {
		return nil, wrong("push_limit_reached", "%d modals lie on one another already", maxStack)
	}
	return map[string]any{"view": c.viewJSON(v)}, nil
}

func viewsUpdate(c *call) (map[string]any, *apiError) {
	obj, err := c.readView(onModal)
	if err != nil {
		return nil, err
	}
	v := c.views.byID[c.args.str("view_id")]
	if id := c.args.str("external_id"); v == nil && id != "" {
		v = c.viewByExternalID(id)
	}
	switch {
	case c.args.str("view_id") == "" && c.args.str("external_id") == "":
		return nil, wrong("invalid_arguments", "neither view_id nor external_id")
	case v == nil:
		return nil, fails("not_found")
	case c.args.str("hash") != "" && c.args.str("hash") != v.Hash:
		return nil, fails("hash_conflict")
	}
	if err := c.uniqueExternalID(obj, v); err != nil {
		return nil, err
	}
	c.updateView(v, obj)
	return map[string]any{"view": c.viewJSON(v)}, nil
}

func viewsPublish(c *call) (map[string]any, *apiError) {
	user := c.args.str("user_id")
	obj, err := c.readView(onHome)
	switch u := c.people.users[user]; {
	case err != nil:
		return nil, err
	case u == nil:
		return nil, fails("user_not_found")
	case u.Deleted || u.IsBot:
		return nil, fails("not_enabled")
	}
	v := c.views.homes[user]
	if v == nil {
		v = c.newView(user, obj)
		c.views.homes[user] = v
		c.touch()
	} else {
		if hash := c.args.str("hash"); hash != "" && hash != v.Hash {
			return nil, fails("hash_conflict")
		}
		c.updateView(v, obj)
	}
	return map[string]any{"view": c.viewJSON(v)}, nil
}

// pointers joins complaints for people.
func (ps problems) String() string { return strings.Join(ps.messages(), "; ") }
