package value

import (
	"slices"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// Raw is an element of a map, as it lies in memory, merged over the CPUs.
type Raw struct {
	Key   []byte // nil for a map without a key
	Value []byte
}

// MapCodec is how the elements of a map are read.
type MapCodec struct {
	Key   Codec // of a map with a key
	Value Codec
	Keyed bool
	// byValue: the elements are sorted by their values first.
	byValue bool
}

// MapCodec is that of a map, with values divided by div.
func (env *Env) MapCodec(m *lang.Map, div int64) *MapCodec {
	c := &MapCodec{Value: env.divided(m.Value, div), Keyed: m.Key != nil}
	if c.Keyed {
		c.Key = env.Codec(m.Key)
	}
	switch m.Value.(type) {
	case types.Agg, types.Int:
		c.byValue = true
	}
	return c
}

// Sort puts elements in the order in which they print: integers and aggregations by value, the
// smallest first, everything else by key. bpftrace leaves the order of equal values open; here it is the order of the keys.
func (c *MapCodec) Sort(elems []Raw) {
	slices.SortFunc(elems, func(a, b Raw) int {
		if c.byValue {
			if n := c.Value.Compare(a.Value, b.Value); n != 0 {
				return n
			}
		}
		if !c.Keyed {
			return 0
		}
		return c.Key.Compare(a.Key, b.Key)
	})
}

// AppendKey adds the text of a key: the parts of a tuple without their parentheses.
func (c *MapCodec) AppendKey(dst, key []byte) []byte {
	if tuple, ok := c.Key.impl.(*tupleCodec); ok {
		return tuple.appendList(dst, atLeast(key, c.Key.size))
	}
	return c.Key.AppendText(dst, key)
}

// Decode is an element as Go values.
func (c *MapCodec) Decode(e Raw) Element {
	el := Element{Value: c.Value.Decode(e.Value)}
	if c.Keyed {
		el.Key = c.Key.Decode(e.Key)
	}
	return el
}
