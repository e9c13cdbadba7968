package storetest

import (
	"time"

	"breakglass/flows"
)

func holdingCases() []contractCase {
	key := flows.HoldingKey{Person: "T/UDANA", Target: "db", Scope: "read"}
	at := func(version int64, holders ...flows.Holder) flows.Change {
		return flows.Change{Holding: &flows.Holding{Key: key, Version: version, Before: flows.No, Holders: holders}}
	}
	return []contractCase{
		{"Holding/NoneYet", func(f *fixture) {
			h, err := f.s.Holding(f.ctx, key)
			f.is(err, nil)
			f.same(flows.Holding{Key: key}, h)
		}},
		{"Holding/Swap", func(f *fixture) {
			one := flows.Holder{Request: "req_1", Until: noon.Add(time.Hour)}
			two := flows.Holder{Request: "req_2", Until: noon.Add(2 * time.Hour)}
			for i, c := range []flows.Change{at(1, one), at(2, one, two), at(3, two), at(4)} {
				f.apply(c)
				h, err := f.s.Holding(f.ctx, key)
				f.is(err, nil)
				f.same(*c.Holding, h)
				f.refused(at(int64(i+1)), flows.ErrConflict) // the same again
				f.refused(at(int64(i+3)), flows.ErrConflict) // too far
			}
		}},
		{"Holding/OnlyItsKey", func(f *fixture) {
			f.apply(at(1))
			for _, other := range []flows.HoldingKey{
				{Person: "T/UDANA", Target: "db"}, {Person: "T/udana", Target: "db", Scope: "read"},
				{Person: "T/UDANA", Target: "db2", Scope: "read"},
			} {
				h, err := f.s.Holding(f.ctx, other)
				f.is(err, nil)
				f.same(flows.Holding{Key: other}, h)
			}
		}},
	}
}
