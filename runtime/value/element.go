package value

import (
	"fmt"
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
	// KeyNames are what the script has for the parts of the key, "" for what has no name; nil if nothing is known.
	KeyNames []string
	// byValue: the elements are sorted by their values first.
	byValue bool
	many    Codec // Key, for sorting more than MaxOrdered elements
}

// MaxOrdered is the largest map whose stacks are sorted by their addresses. Those of a larger one would all have to be in memory, or be read from the
// kernel for each comparison: there stacks are in the order of their numbers, which says nothing.
const MaxOrdered = 1 << 14

// MapCodec is that of a map, with values divided by div.
func (env *Env) MapCodec(m *lang.Map, div int64) *MapCodec {
	c := &MapCodec{Value: env.divided(m.Value, div), Keyed: m.Key != nil, KeyNames: env.KeyNames[m.Name]}
	if c.Keyed {
		c.Key = env.Codec(m.Key)
		numbered := *env
		numbered.byNumber = true
		c.many = numbered.Codec(m.Key)
	}
	switch m.Value.(type) {
	case types.Agg, types.Int:
		_, series := c.Value.impl.(seriesCodec)
		c.byValue = !series
	}
	return c
}

// Sort makes elements ready to be shown, and puts them in the order in which they print: integers and aggregations but tseries() by value, the
// smallest first, everything else by key. bpftrace leaves the order of equal values open; here it is the order of the keys.
func (c *MapCodec) Sort(elems []Raw) {
	key := c.Key
	if len(elems) > MaxOrdered {
		key = c.many
	}
	slices.SortFunc(elems, func(a, b Raw) int {
		if c.byValue {
			if n := c.Value.Compare(a.Value, b.Value); n != 0 {
				return n
			}
		}
		if !c.Keyed {
			return 0
		}
		return key.Compare(a.Key, b.Key)
	})
	if series, ok := c.Value.impl.(seriesCodec); ok {
		series.endTogether(elems)
	}
}

// AppendKey adds the text of a key: the parts of a tuple without their parentheses.
func (c *MapCodec) AppendKey(dst, key []byte) []byte {
	if tuple, ok := c.Key.impl.(*tupleCodec); ok {
		return tuple.appendList(dst, atLeast(key, c.Key.size))
	}
	return c.Key.AppendText(dst, key)
}

// AppendJSON adds the elements as JSON: an object by the text of the keys, the value alone for a map without a key.
func (c *MapCodec) AppendJSON(dst []byte, elems []Raw) []byte {
	if !c.Keyed {
		for _, e := range elems[:min(1, len(elems))] {
			dst = c.Value.AppendJSON(dst, e.Value)
		}
		return dst
	}
	dst = append(dst, '{')
	var name []byte
	seen := map[string]int{}
	for i, e := range elems {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		name = c.appendJSONKey(name[:0], e.Key)
		seen[string(name)]++
		if n := seen[string(name)]; n > 1 { // the same stack of another process, another address in the same function
			name = fmt.Appendf(name, " (%d)", n)
		}
		dst = append(AppendJSONString(dst, name), ": "...)
		dst = c.Value.AppendJSON(dst, e.Value)
	}
	return append(dst, '}')
}

// JSONType is the type of message that bpftrace gives a map of such values.
func (c *MapCodec) JSONType() string {
	switch impl := c.Value.impl.(type) {
	case histCodec:
		return "hist"
	case seriesCodec:
		return "tseries"
	case quantilesCodec:
		return "quantiles"
	case aggCodec:
		if impl.typ.Kind == types.AggAvg || impl.typ.Kind == types.AggStats {
			return "stats"
		}
	}
	return "map"
}

// appendJSONKey adds a key as the name of a member: its text, without the blanks between the parts. (bpftrace 0.27 takes away the blanks of
// strings, too, so that two keys can become one.)
func (c *MapCodec) appendJSONKey(dst, key []byte) []byte {
	if tuple, ok := c.Key.impl.(*tupleCodec); ok {
		return tuple.appendKey(dst, atLeast(key, c.Key.size))
	}
	return c.Key.appendKey(dst, key)
}

// keyCodec is implemented by codecs whose text has blanks that the name of a member has not.
type keyCodec interface {
	appendKey(dst, b []byte) []byte
}

// appendKey adds a part of a key.
func (c Codec) appendKey(dst, b []byte) []byte {
	b = atLeast(b, c.size)
	switch impl := c.impl.(type) {
	case *tupleCodec:
		return append(impl.appendKey(append(dst, '('), b), ')')
	case keyCodec:
		return impl.appendKey(dst, b)
	}
	return c.impl.appendText(dst, b)
}

// Decode is an element as Go values.
func (c *MapCodec) Decode(e Raw) Element {
	el := Element{Value: c.Value.Decode(e.Value)}
	if c.Keyed {
		el.Key = c.Key.Decode(e.Key)
	}
	return el
}
