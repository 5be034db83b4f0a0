package runtime

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/types"
)

// sortEntries puts the elements of a map in the order in which they print: integers and aggregations by value, the
// smallest first, everything else by key. bpftrace leaves the order of equal values open; here it is the order of the keys.
func sortEntries(m *lang.Map, entries []entry) {
	compareValues := valueOrder(m.Value)
	slices.SortFunc(entries, func(a, b entry) int {
		if compareValues != nil {
			if c := compareValues(a, b); c != 0 {
				return c
			}
		}
		return compareKeys(m.Key, a.key, b.key)
	})
}

// valueOrder compares elements by value, nil for types without an order of their own.
func valueOrder(t types.Type) func(a, b entry) int {
	switch t := t.(type) {
	case types.Agg:
		return func(a, b entry) int {
			return compareInts(weight(t, a.words), weight(t, b.words), t.Signed && !isHist(t))
		}
	case types.Int:
		return func(a, b entry) int {
			x, _, _ := integer(t, a.value)
			y, _, _ := integer(t, b.value)
			return compareInts(x, y, t.Signed)
		}
	}
	return nil
}

func isHist(t types.Agg) bool { return t.Kind == types.AggHist || t.Kind == types.AggLHist }

// weight is what an aggregation is sorted by: its value, the average, or how many values a histogram counts.
func weight(t types.Agg, words []uint64) uint64 {
	switch t.Kind {
	case types.AggHist, types.AggLHist:
		var n uint64
		for _, w := range words {
			n += w
		}
		return n
	case types.AggAvg, types.AggStats:
		return average(t, words)
	}
	return words[0]
}

// average is the total divided by the number of values, signed where the values are; 0 of none.
func average(t types.Agg, words []uint64) uint64 {
	total, n := words[0], words[1]
	if n == 0 {
		return 0
	}
	if t.Signed {
		return uint64(int64(total) / int64(n))
	}
	return total / n
}

func compareInts(a, b uint64, signed bool) int {
	if signed {
		return cmp.Compare(int64(a), int64(b))
	}
	return cmp.Compare(a, b)
}

// compareKeys compares keys of type t element by element: numbers as numbers, strings as strings, anything else by its bytes.
func compareKeys(t types.Type, a, b []byte) int {
	if t == nil {
		return 0
	}
	a, b = field(a, 0, t.Size()), field(b, 0, t.Size())
	switch t := t.(type) {
	case types.Tuple:
		for i, e := range t.Elems {
			if c := compareKeys(e, from(a, t.Offset(i)), from(b, t.Offset(i))); c != 0 {
				return c
			}
		}
		return 0
	case types.String:
		x, _ := cString(a)
		y, _ := cString(b)
		return bytes.Compare(x, y)
	}
	x, signed, ok := integer(t, a)
	y, _, _ := integer(t, b)
	if !ok {
		return bytes.Compare(a, b)
	}
	return compareInts(x, y, signed)
}
