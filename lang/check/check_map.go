package check

import (
	"sort"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// mapState is a map while its types are found out.
type mapState struct {
	*Map
	cell
	keyless  bool // used without a key
	keyed    bool // used with one
	first    *ast.MapRef
	assigned bool
	isRead   bool // some probe reads its value
	valuePos source.Pos
}

// mapUse is the map that a reference names.
func (c *checker) mapUse(m *ast.MapRef) *mapState {
	s := c.maps[m.Name]
	if s == nil {
		s = &mapState{Map: &Map{Name: m.Name, Pos: m.Pos, MaxEntries: c.out.Config.MaxMapKeys}, first: m, assigned: c.left[m.Name]}
		s.broken = s.assigned
		c.addMap(s)
	}
	if s.first == nil {
		s.first = m
	}
	return s
}

func (c *checker) addMap(s *mapState) {
	c.maps[s.Name] = s
	c.mapList = append(c.mapList, s)
	c.out.Maps = append(c.out.Maps, s.Map)
	c.out.Byname[s.Name] = s.Map
}

// mapKinds are the kinds of `let @m = kind(n)`.
var mapKinds = []string{"hash", "lruhash", "percpuhash", "percpulruhash"}

func (c *checker) declareMap(d *ast.MapDecl) {
	known := false
	for _, k := range mapKinds {
		known = known || k == d.Kind
	}
	switch {
	case !known:
		c.diags = append(c.diags, withNear(source.Errorf(d, "unknown-map-kind", "there is no kind of map %s", d.Kind), "", c.nearest(d.Kind, func() []string { return mapKinds })))
		return
	case d.Size < 1 || d.Size > 1<<30:
		c.diags = append(c.diags, source.Errorf(d, "out-of-range", "a map has 1 to %d elements, not %d", 1<<30, d.Size))
		return
	case c.maps[d.Name] != nil:
		c.diags = append(c.diags, source.Errorf(d, "declared-twice", "@%s is declared twice", d.Name))
		return
	}
	left := c.left[d.Name]
	c.addMap(&mapState{Map: &Map{Name: d.Name, Pos: d.Pos, MaxEntries: int(d.Size), Kind: d.Kind}, assigned: left, cell: cell{broken: left}})
}

// keyOf checks the key of a reference and widens the map's key type for it. ok is false where it does not fit.
func (c *checker) keyOf(m *mapState, ref *ast.MapRef, keys []ast.Expr) bool {
	ts := make([]types.Type, len(keys))
	known := true
	for i, k := range keys {
		ts[i] = types.Value(c.value(k))
		if ts[i] == nil {
			known = false
		}
	}
	if len(keys) == 0 && m.keyed || len(keys) > 0 && m.keyless {
		// The first use in the text, which the first round meets first, is taken to be the right one.
		c.report(errKeyUse(ref, m))
		return false
	}
	m.keyless, m.keyed = len(keys) == 0, len(keys) > 0
	if !known || len(keys) == 0 {
		return known
	}
	for i, t := range ts {
		if !types.IsKey(t) {
			c.report(source.Errorf(keys[i], "map-key", "a %s cannot be a key", t))
			return false
		}
	}
	t := ts[0]
	if len(keys) > 1 {
		t = types.Tuple{Elems: ts}
	}
	return c.widenKey(m, ref, keys, t)
}

func (c *checker) widenKey(m *mapState, ref *ast.MapRef, keys []ast.Expr, t types.Type) bool {
	old := m.Key
	w, ok := types.Widen(old, t)
	if !ok {
		c.report(source.Errorf(ref, "map-key", "@%s has a %s as key, not a %s", m.Name, old, t).
			WithHint("@%s has had a %s as key since %s", m.Name, old, m.first.Pos))
		return false
	}
	if !types.SameType(old, w) {
		m.Key = w
		c.learnt(&m.cell)
	}
	return true
}

// mapRef is a reference as an expression.
func (c *checker) mapRef(e *ast.MapRef) types.Type {
	t := c.element(e)
	if a, ok := t.(types.Agg); ok && !a.OneNumber() {
		c.report(errNoNumber(e, t))
		return nil
	}
	return t
}

// element is the value of a reference, of which aggregations may be more than a number.
func (c *checker) element(e *ast.MapRef) types.Type {
	m := c.mapUse(e)
	m.isRead = true
	c.read(&m.cell)
	ok := c.keyOf(m, e, e.Keys)
	if c.final && !m.assigned && !c.lacking {
		c.report(warnUndefinedMap(e, c.nearMaps(e)))
	}
	if !ok || m.Value == nil {
		return nil
	}
	return m.Value
}

// checkDefined reports a map that nobody writes nor reads the value of.
func (c *checker) checkDefined(e *ast.MapRef, m *mapState) {
	if c.final && !m.assigned && !m.isRead && !c.lacking { // what is not checked may assign it
		c.report(errUndefinedMap(e, c.nearMaps(e)))
	}
}

// nearMaps are the maps that are assigned and have a name like that of a reference.
func (c *checker) nearMaps(e *ast.MapRef) []string {
	return c.nearest(e.Name, func() (names []string) {
		for _, o := range c.mapList {
			if o.assigned {
				names = append(names, o.Name)
			}
		}
		return names
	})
}

// assignMap checks `@m[k] op value`.
func (c *checker) assignMap(s *ast.Assign, ref *ast.MapRef) {
	m := c.mapUse(ref)
	m.assigned = true
	before := c.mistakes
	if c.unevaluated > 0 {
		c.report(source.Errorf(s, "not-run", "@%s is assigned in an expression that is only asked for its type: it is never run", m.Name))
	}
	if s.Op == "=" {
		c.aggregate = ast.Result(s.Value)
	} else {
		c.read(&m.cell)
	}
	t := c.expr(s.Value)
	c.aggregate = nil
	m.broken = m.broken || c.mistakes > before
	if types.Is(t, types.KindNone) {
		c.report(errNoValue(s.Value))
		t = nil
	}
	c.keyOf(m, ref, ref.Keys)
	if t == nil {
		return
	}
	if a, ok := m.Value.(types.Agg); ok && s.Op != "=" {
		c.report(source.Errorf(s, "bad-operands", "%s cannot be applied to @%s, which holds %s()", s.Op, m.Name, a.Kind))
		return
	}
	if s.Op != "=" {
		c.setMapValue(m, s.Value, typeOrZero(m.Value, t))
		c.growMap(m, c.compound(s, m.Value, t))
		return
	}
	direct := isDirectAgg(s.Value, t)
	if !direct {
		t = types.Value(t) // another map's aggregation is read as a number
	}
	if types.Is(m.Value, types.KindAgg) != direct && m.Value != nil {
		c.report(errMapMismatch(s.Value, m, t))
		return
	}
	c.setMapValue(m, s.Value, t)
}

// isDirectAgg says whether an expression of type t is the call of an aggregation.
func isDirectAgg(e ast.Expr, t types.Type) bool {
	_, direct := ast.Result(e).(*ast.Call)
	return direct && types.Is(t, types.KindAgg)
}

// typeOrZero is the type of what a compound assignment finds in a map: 0 if there is nothing yet.
func typeOrZero(have, t types.Type) types.Type {
	if have != nil {
		return have
	}
	if types.Of(t).Integer {
		return types.Literal(0, 0)
	}
	return t
}

func (c *checker) setMapValue(m *mapState, e ast.Expr, t types.Type) {
	if m.Value == nil {
		m.valuePos = e.Range().Pos
	}
	old := m.Value
	if c.firmer(&m.cell) {
		m.Value = nil
	}
	if m.Value == nil {
		m.guessed = c.guesses > 0
	}
	w, ok := c.widened(&m.cell, m.Value, e, t)
	if !ok {
		c.report(errMapMismatch(e, m, t))
		return
	}
	c.checkLiteral(e, w, t)
	if m.Value = w; !types.SameType(old, w) {
		c.learnt(&m.cell)
	}
}

// growMap widens the values of a map for the result of an operation on one of them; nil leaves them.
func (c *checker) growMap(m *mapState, result types.Type) {
	if result == nil {
		return
	}
	if w, ok := types.Widen(m.Value, result); ok && !types.SameType(w, m.Value) {
		m.Value = w
		c.learnt(&m.cell)
	}
}

// finishMaps gives every map what the code generator needs, and drops those of which nothing is known: their
// use was an error.
func (c *checker) finishMaps() {
	kept := c.out.Maps[:0]
	for _, s := range c.mapList {
		if s.Value == nil || s.keyed && s.Key == nil {
			if !c.diags.HasErrors() && s.first != nil && c.left == nil {
				c.diags = append(c.diags, errUndefinedMap(s.first, nil))
			}
			delete(c.out.Byname, s.Name)
			continue
		}
		if s.keyless && strings.HasPrefix(s.Kind, "percpu") && !types.Is(s.Value, types.KindAgg) && s.first != nil {
			c.diags = append(c.diags, source.Errorf(s.first, "map-without-key", "@%s is declared as %s, but has no key and one value for all CPUs", s.Name, s.Kind).
				WithHint("count(), sum() and the like have a value for each CPU; leave the declaration out for a plain one"))
		}
		kept = append(kept, s.Map)
	}
	c.out.Maps = kept
	c.seriesClock()
}

// seriesClockEnv is the variable by which tests, and bpftrace's, name a map that tseries() takes the time from.
const seriesClockEnv = "BPFTRACE_DUMMY_TS_MAP"

func (c *checker) seriesClock() {
	if c.opts.Environ == nil {
		return
	}
	name, _ := c.opts.Environ(seriesClockEnv)
	m := c.out.Byname[strings.TrimPrefix(name, "@")]
	if m != nil && m.Key == nil && types.Is(m.Value, types.KindInt) && name != "" {
		c.out.SeriesClock = m
	}
}

func sorted(names []string) []string {
	sort.Strings(names)
	return names
}
