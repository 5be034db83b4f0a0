package runtime

import (
	"encoding/binary"
	"fmt"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// Values of a script as Go values. Integers are int64 or uint64 by their sign, booleans bool, strings string, timestamps
// time.Time, arrays []any; an aggregation is an integer, Stats or Histogram. The other types are these.
type (
	// Pointer is an address.
	Pointer uint64
	// Symbol is an address with its name, "" if it has none.
	Symbol struct {
		Addr uint64
		Name string
	}
	// Enum is a value of an enum type; Name is "" if no constant has the value.
	Enum struct {
		Value int64
		Name  string
	}
	// Tuple is a tuple, also the key of a map with several keys.
	Tuple []any
	// Record is a struct, its members in order.
	Record []Member
	// Member is a member of a Record.
	Member struct {
		Name  string
		Value any
	}
	// Stats is the value of stats(). Average and Total are int64 or uint64.
	Stats struct {
		Count          uint64
		Average, Total any
	}
	// Histogram is the value of hist() or lhist(), from the first to the last bucket that counted something.
	Histogram []Bucket
	// Bucket counts values of [Lo, Hi). Lo is MinInt64 and Hi MaxInt64 where a bucket has no bound.
	Bucket struct {
		Lo, Hi int64
		Count  uint64
	}
	// Element is an element of a map. Key is nil for a map without a key.
	Element struct{ Key, Value any }
)

// ReadMap reads a map of the script, named without its '@', in the order in which it prints.
func (s *Session) ReadMap(name string) ([]Element, error) {
	for m, sm := range s.scriptMaps {
		if m.Name != name {
			continue
		}
		entries, err := sm.entries()
		if err != nil {
			return nil, err
		}
		sortEntries(m, entries)
		out := make([]Element, len(entries))
		for i, e := range entries {
			out[i] = s.values.element(m, e)
		}
		return out, nil
	}
	return nil, fmt.Errorf("the script has no map @%s", name)
}

// Elements are the elements of a map that is printed, as Go values.
func (m *MapDump) Elements() []Element {
	out := make([]Element, len(m.entries))
	for i, e := range m.entries {
		out[i] = m.values.element(m.Map, e)
	}
	return out
}

func (v *values) element(m *lang.Map, e entry) Element {
	var el Element
	if m.Key != nil {
		el.Key = v.decode(m.Key, e.key)
	}
	el.Value = v.value(m.Value, e)
	return el
}

// value is the value of an element of a map.
func (v *values) value(t types.Type, e entry) any {
	if agg, ok := t.(types.Agg); ok {
		return decodeAgg(agg, e.words)
	}
	return v.decode(t, e.value)
}

// decode is the value of type t at the start of b.
func (v *values) decode(t types.Type, b []byte) any {
	b = atLeast(b, t.Size())
	switch t := t.(type) {
	case types.Int:
		n, signed, _ := integer(t, b)
		if t.Enum != nil {
			return Enum{int64(n), t.Enum.Values[int64(n)]}
		}
		return number64(n, signed)
	case types.Bool:
		return b[0] != 0
	case types.String:
		return string(v.appendString(nil, b[:t.Len]))
	case types.Pointer:
		return Pointer(binary.NativeEndian.Uint64(b))
	case types.Timestamp:
		return v.clock.wall(t.Mode, binary.NativeEndian.Uint64(b))
	case types.Symbol:
		addr := binary.NativeEndian.Uint64(b)
		name, _ := v.symbol(t, addr)
		return Symbol{addr, name}
	case types.Tuple:
		out := make(Tuple, len(t.Elems))
		for i, e := range t.Elems {
			out[i] = v.decode(e, b[t.Offset(i):])
		}
		return out
	case types.Array:
		if t.Float {
			return float(b[:t.Len])
		}
		out := make([]any, t.Len)
		for i := range out {
			out[i] = v.decodeMember(t.Elem, b[i*t.Elem.Size():])
		}
		return out
	case *types.Struct:
		return v.decodeStruct(t, b)
	default:
		return nil
	}
}

func (v *values) decodeStruct(t *types.Struct, b []byte) Record {
	out := make(Record, 0, len(t.Fields()))
	for _, f := range t.Fields() {
		m := Member{Name: f.Name}
		if f.BitSize != 0 {
			n, signed := bitfield(f, b)
			m.Value = number64(n, signed)
		} else {
			m.Value = v.decodeMember(f.Type, from(b, f.Offset))
		}
		out = append(out, m)
	}
	return out
}

// decodeMember decodes a member of a struct or an element of an array, as appendMember does.
func (v *values) decodeMember(t types.Type, b []byte) any {
	if n, ok := types.CharArray(t); ok {
		s, _ := cString(field(b, 0, n))
		return string(s)
	}
	return v.decode(t, b)
}

func number64(n uint64, signed bool) any {
	if signed {
		return int64(n)
	}
	return n
}

func decodeAgg(t types.Agg, words []uint64) any {
	switch t.Kind {
	case types.AggStats:
		return Stats{words[1], number64(average(t, words), t.Signed), number64(words[0], t.Signed)}
	case types.AggHist, types.AggLHist:
		var out Histogram
		first, last := histSpan(words)
		for i := first; i <= last; i++ {
			b := Bucket{Count: words[i]}
			if t.Kind == types.AggHist {
				b.Lo, b.Hi = layout.HistRange(i, t.Bits)
			} else {
				b.Lo, b.Hi = layout.LHistRange(i, t)
			}
			out = append(out, b)
		}
		return out
	}
	return number64(weight(t, words), t.Signed)
}
