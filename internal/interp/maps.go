package interp

import (
	"slices"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// table is a map of the script. One without a key has the key nil.
type table struct {
	m     *lang.Map
	elems map[string]*element // by keyText
	// cleared says that the map was emptied, which is done when the program has gone on: what it gets after that is gone, or not.
	cleared bool
}

type element struct {
	key any
	val any // of aggregations: *total
}

// total is what an aggregation has seen.
type total struct {
	count, sum, min, max int64
}

// key is the key that expressions make.
func (m *Machine) key(t *table, exprs []ast.Expr) any {
	switch {
	case t.m.Key == nil:
		return nil
	case len(exprs) == 1:
		return convert(m.eval(exprs[0]), t.m.Key)
	}
	list := make([]any, len(exprs))
	for i, e := range exprs {
		list[i] = m.eval(e)
	}
	return convert(list, t.m.Key)
}

// read is an element's value as an expression: 0 if it is not there.
func (t *table) read(key any) any {
	e := t.elems[keyText(key)]
	agg, aggregation := t.m.Value.(types.Agg)
	switch {
	case e == nil && aggregation:
		return int64(0)
	case e == nil:
		return zero(t.m.Value)
	case aggregation:
		return e.val.(*total).number(agg)
	}
	return e.val
}

func (t *table) write(key, x any) {
	if types.Is(t.m.Value, types.KindAgg) {
		dontKnow("what a number assigned to an aggregation does")
	}
	t.at(key).val = convert(x, t.m.Value)
}

// at is an element, which is made if it is not there.
func (t *table) at(key any) *element {
	text := keyText(key)
	e := t.elems[text]
	if t.cleared {
		dontKnow("what a map has that was just cleared")
	}
	if e == nil {
		if len(t.elems) >= t.m.MaxEntries {
			dontKnow("which elements a full map has")
		}
		e = &element{key: key}
		t.elems[text] = e
	}
	return e
}

// number is what an aggregation's value is in an expression.
func (t *total) number(agg types.Agg) int64 {
	switch agg.Kind {
	case types.AggCount:
		return t.count
	case types.AggSum:
		return t.sum
	case types.AggMin:
		return t.min
	case types.AggMax:
		return t.max
	case types.AggAvg:
		return divide("/", types.Int{Bits: 64, Signed: agg.Signed}, t.sum, t.count)
	}
	dontKnow("the value of %s", agg)
	return 0
}

// aggregate does `@map = count()` and the like, and says whether it was one.
func (m *Machine) aggregate(ref *ast.MapRef, call *ast.Call) bool {
	t := m.maps[ref.Name]
	agg, ok := t.m.Value.(types.Agg)
	if !ok || call.Name != agg.Kind.String() {
		return false
	}
	if agg.Kind != types.AggCount && (len(call.Args) != 1 || !types.Is(m.prog.Types[call.Args[0]], types.KindInt)) {
		dontKnow("%s", call.Name)
	}
	key, n := m.key(t, ref.Keys), int64(0)
	if len(call.Args) > 0 {
		n = number(m.eval(call.Args[0]))
	}
	e := t.at(key)
	if e.val == nil {
		e.val = &total{min: n, max: n}
	}
	v, typ := e.val.(*total), types.Int{Bits: 64, Signed: agg.Signed}
	v.count++
	v.sum += n
	if less(n, v.min, typ) {
		v.min = n
	}
	if less(v.max, n, typ) {
		v.max = n
	}
	return true
}

// sorted are the elements in the order in which they are printed: by value where that is a number, then by key.
func (t *table) sorted() []*element {
	var list []*element
	for _, e := range t.elems {
		list = append(list, e)
	}
	agg, aggregation := t.m.Value.(types.Agg)
	val := func(e *element) any {
		if aggregation {
			return e.val.(*total).number(agg)
		}
		return e.val
	}
	typ := types.Value(t.m.Value)
	slices.SortFunc(list, func(a, b *element) int {
		if types.Is(typ, types.KindInt) {
			switch x, y := val(a), val(b); {
			case less(x, y, typ):
				return -1
			case less(y, x, typ):
				return 1
			}
		}
		if less(a.key, b.key, t.m.Key) {
			return -1
		}
		return 1
	})
	return list
}
