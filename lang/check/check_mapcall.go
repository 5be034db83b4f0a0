package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// mapArg is the map that the first argument of a function must be. nil: it is none, and the mistake is reported.
func (c *checker) mapArg(e *ast.Call) (*ast.MapRef, *mapState) {
	ref, ok := e.Args[0].(*ast.MapRef)
	if !ok {
		if t := c.value(e.Args[0]); t != nil {
			c.report(errArgType(e.Args[0], e.Name, "a map", t))
		}
		return nil, nil
	}
	return ref, c.mapUse(ref)
}

// wholeMap is clear(@m) and zero(@m).
func (c *checker) wholeMap(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	if ref.Indexed {
		c.report(source.Errorf(ref, "map-key", "%s() takes a whole map, without a key", e.Name))
		return nil
	}
	c.checkDefined(ref, m)
	return types.None{}
}

func (c *checker) mapLen(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	if ref.Indexed {
		c.report(source.Errorf(ref, "map-key", "len() takes a whole map, without a key"))
		return nil
	}
	c.checkDefined(ref, m)
	if m.keyless && c.final {
		c.report(source.Errorf(ref, "map-without-key", "@%s has no keys to count", m.Name))
		return nil
	}
	return types.TypeInt64
}

// isScalar says whether a map is used without keys.
func (c *checker) isScalar(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	delete(c.p.Consts, e)
	if ref == nil {
		return nil
	}
	if ref.Indexed {
		c.report(source.Errorf(ref, "map-key", "is_scalar() takes a whole map, without a key"))
		return nil
	}
	c.read(&m.cell)
	switch {
	case m.keyless || m.keyed:
		c.p.Consts[e] = types.Const{Int: types.Truth(m.keyless)}
	case c.final:
		c.report(errUndefinedMap(ref, c.nearMaps(ref)))
		return nil
	}
	return types.Bool{}
}

// elementCall is a function of one element of a map that says yes or no: delete(@m, key), delete(@m[key]) and, for a map without a key,
// delete(@m); and has_key likewise.
func (c *checker) elementCall(e *ast.Call) types.Type {
	ref, m := c.mapArg(e)
	if ref == nil {
		return nil
	}
	c.checkDefined(ref, m)
	if !c.elementKey(e, ref, m) {
		return nil
	}
	return types.Bool{}
}

// elementKey checks the key of f(@m, key) or f(@m[key]).
func (c *checker) elementKey(e *ast.Call, ref *ast.MapRef, m *mapState) bool {
	keys := ref.Keys
	switch {
	case ref.Indexed && len(e.Args) > 1:
		c.report(source.Errorf(e.Args[1], "argument-count", "%s() takes one element, and its key once", e.Name).
			WithHint("write %s(@%s, key), once for each element", e.Name, ref.Name))
		return false
	case len(e.Args) > 1:
		keys = e.Args[1:]
	case !ref.Indexed && m.keyed:
		c.report(source.Errorf(ref, "map-key", "%s() needs a key of @%s", e.Name, m.Name).
			WithHint("%s(@%s, key); clear(@%s) deletes all elements", e.Name, m.Name, m.Name))
		return false
	}
	return c.keyOf(m, ref, keys)
}

// aggregation checks count(), sum(x) and the like.
func aggregation(kind types.AggKind) func(*checker, *ast.Call) types.Type {
	return func(c *checker, e *ast.Call) types.Type {
		a := types.Agg{Kind: kind}
		if !c.aggregated(e, &a) {
			return nil
		}
		return a
	}
}

// aggregated checks what all aggregations share: that the value goes straight into a map, and that the first argument is a number.
func (c *checker) aggregated(e *ast.Call, a *types.Agg) bool {
	if c.aggregate != e {
		c.report(errLooseAggregation(e))
		return false
	}
	if len(e.Args) == 0 {
		return true
	}
	t := c.integer(e.Args[0])
	if t == nil {
		return false
	}
	if i, ok := types.Value(t).(types.Int); ok {
		a.Signed = i.Signed && !i.Flexible()
	}
	return true
}

// maxHistBits is the greatest number of bits of hist(): 2^5 buckets for each power of two.
const maxHistBits = 5

func (c *checker) hist(e *ast.Call) types.Type {
	a := types.Agg{Kind: types.AggHist}
	ok := c.aggregated(e, &a)
	a.Signed = true
	if len(e.Args) > 1 {
		n, isConst := c.constNumber(e, 1)
		if isConst && (n < 0 || n > maxHistBits) {
			c.report(source.Errorf(e.Args[1], "out-of-range", "hist() takes 0 to %d bits, not %d", maxHistBits, n))
			isConst = false
		}
		a.Bits, ok = int(n), ok && isConst
	}
	if !ok {
		return nil
	}
	return a
}

// maxLinear is the largest number of buckets of lhist(), as in bpftrace.
const maxLinear = 1000

func (c *checker) lhist(e *ast.Call) types.Type {
	a := types.Agg{Kind: types.AggLHist}
	ok := c.aggregated(e, &a)
	a.Signed = true
	for i, dst := range []*int64{&a.Min, &a.Max, &a.Step} {
		n, isConst := c.constNumber(e, i+1)
		*dst, ok = n, ok && isConst
	}
	if !ok {
		return nil
	}
	switch {
	case a.Step <= 0:
		c.report(source.Errorf(e.Args[3], "out-of-range", "the step of lhist() is at least 1, not %d", a.Step))
		return nil
	case a.Max <= a.Min:
		c.report(source.Errorf(e.Args[2], "out-of-range", "the end of lhist() must be above its start %d, not %d", a.Min, a.Max))
		return nil
	case uint64(a.Step) > uint64(a.Max)-uint64(a.Min):
		c.report(source.Errorf(e.Args[3], "out-of-range", "the step of lhist() is at most its range %d, not %d", uint64(a.Max)-uint64(a.Min), a.Step))
		return nil
	case uint64(a.Max)-uint64(a.Min) > types.MaxInt64:
		c.report(source.Errorf(e.Args[2], "out-of-range", "the range of lhist() is at most %d", uint64(types.MaxInt64)))
		return nil
	case (a.Max-a.Min)/a.Step > maxLinear:
		c.report(source.Errorf(e, "out-of-range", "lhist() has at most %d buckets", maxLinear).WithHint("take a larger step"))
		return nil
	}
	return a
}

// maxSeries is the largest number of intervals of tseries().
const maxSeries = 1_000_000

// seriesKinds are what tseries() can keep of an interval, by the name of its last argument.
var seriesKinds = map[string]types.AggKind{"avg": types.AggAvg, "max": types.AggMax, "min": types.AggMin, "sum": types.AggSum}

func (c *checker) tseries(e *ast.Call) types.Type {
	a := types.Agg{Kind: types.AggTSeries}
	ok := c.aggregated(e, &a)
	if c.out.Config.UnstableTSeries == "error" && c.final {
		c.report(source.Errorf(e, "bad-setting", "the setting unstable_tseries forbids tseries()"))
	}
	every, isConst := c.constNumber(e, 1)
	if isConst && every < 1 {
		c.report(source.Errorf(e.Args[1], "out-of-range", "an interval of tseries() has at least 1 nanosecond, not %d", every))
		isConst = false
	}
	a.Every, ok = every, ok && isConst
	count, isConst := c.constNumber(e, 2)
	if isConst && (count < 1 || count > maxSeries) {
		c.report(source.Errorf(e.Args[2], "out-of-range", "tseries() keeps 1 to %d intervals, not %d", maxSeries, count))
		isConst = false
	}
	a.Count, ok = int(count), ok && isConst
	if len(e.Args) > 3 {
		name, isText := c.constText(e, 3)
		if a.Of = seriesKinds[name]; isText && a.Of == 0 {
			c.report(source.Errorf(e.Args[3], "out-of-range", "tseries() keeps the avg, max, min or sum of an interval, not its %q", name))
			isText = false
		}
		ok = ok && isText
	}
	if !ok {
		return nil
	}
	return a
}

// quantileBits is layout.QuantileBits, which this package does not know.
const quantileBits = 6

func (c *checker) quantiles(e *ast.Call) types.Type {
	a := types.Agg{Kind: types.AggQuantiles}
	if !c.aggregated(e, &a) {
		return nil
	}
	a.Signed, a.Bits = true, quantileBits
	return a
}
