package pagerduty

import (
	"context"
	"errors"
	"slices"

	"breakglass/flows"
)

// atOnce is how many ids go into one question to /oncalls.
const atOnce = 50

// refresh reads everything a flight is for, in as few calls as possible. Calls go out
// one after the other, as PagerDuty asks for.
func (c *Client) refresh(ctx context.Context, f *flight) {
	ids := map[scope][]string{}
	kinds := map[string]thing{}
	for k := range f.keys {
		if k.scope != wholeAccount {
			ids[k.scope] = append(ids[k.scope], k.thing.id)
			kinds[k.thing.id] = k.thing
		}
	}
	var all *reading
	if f.keys[key{}] {
		r, err := c.onCalls(ctx, "", nil, f.click)
		f.put(key{}, r, err)
		all = r
	}
	for _, s := range []scope{ofPolicy, ofSchedule} {
		filter := byPolicy
		if s == ofSchedule {
			filter = bySchedule
		}
		slices.Sort(ids[s])
		var ask []string
		for _, id := range ids[s] {
			k := key{s, kinds[id]}
			if all != nil {
				if r := all.only(k); s == ofPolicy || len(r.rows) > 0 {
					f.put(k, r, nil)
					continue
				}
			}
			ask = append(ask, id)
		}
		for chunk := range slices.Chunk(ask, atOnce) {
			c.readChunk(ctx, f, s, filter, chunk, kinds)
		}
	}
}

func (f *flight) put(k key, r *reading, err error) {
	if err != nil {
		f.errs[k] = err
		return
	}
	f.got[k] = r
}

// readChunk reads several policies or schedules in one call. When PagerDuty refuses
// the call, one of the ids may be to blame, so the halves are asked by themselves: a
// policy that was deleted must not make the others unknown.
func (c *Client) readChunk(ctx context.Context, f *flight, s scope, filter string, ids []string, kinds map[string]thing) {
	r, err := c.onCalls(ctx, filter, ids, f.click)
	if err != nil {
		var no *flows.Permanent
		if len(ids) > 1 && (errors.As(err, &no) || isNoSuch(err)) {
			half := len(ids) / 2
			c.readChunk(ctx, f, s, filter, ids[:half], kinds)
			c.readChunk(ctx, f, s, filter, ids[half:], kinds)
			return
		}
		for _, id := range ids {
			f.put(key{s, kinds[id]}, nil, err)
		}
		return
	}
	for _, id := range ids {
		k := key{s, kinds[id]}
		own := r.only(k)
		if s == ofSchedule && len(own.rows) == 0 {
			bare, err := c.bareSchedule(ctx, kinds[id], f.click)
			f.put(k, bare, err)
			continue
		}
		f.put(k, own, nil)
	}
}
