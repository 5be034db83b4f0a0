package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// mapAssign is `@m op value` or `@m[k] op value`.
func (l *lowerer) mapAssign(ref *ast.MapRef, op string, value ast.Expr, n source.Node) {
	m := l.mapOf(ref)
	defer l.forget(m)
	if agg, ok := m.Value.(types.Agg); ok {
		_, ok := ast.Result(value).(*ast.Call)
		if !ok || op != "=" {
			l.fail(n, "", "%s holds %s(): only %s() can be assigned to it", mapName(m), agg.Kind, agg.Kind)
			return
		}
		l.aggregate(ref, m, agg, value)
		return
	}
	switch {
	case op != "=":
		l.compoundAssign(ref, m, op, value)
	case m.Key == nil:
		l.assignGlobal(m, value)
	default:
		l.assignElem(ref, m, value)
	}
}

// setPresent notes that a map without a key, whose value is at base, has one.
func (l *lowerer) setPresent(m *lang.Map, base *ir.Value) {
	l.b.Store(8, base, l.k.Layout(m).Present, l.b.Const(1))
}

// assignGlobal is `@m = value`.
func (l *lowerer) assignGlobal(m *lang.Map, value ast.Expr) {
	mk := l.mark()
	defer l.release(mk)
	var base func() *ir.Value
	if !types.InMemory(m.Value) {
		v := l.convert(l.numExpr(value), l.typeOf(value), m.Value)
		base = l.keyless(m)
		l.b.Store(8, base(), 0, v)
	} else if effects.Mentions(value, m.Name) {
		// The right side reads what it is about to replace.
		p := l.valueTemp(m, value)
		base = l.keyless(m)
		l.copyBytes(bpf(base(), 0), p, layout.Align8(m.Value.Size()))
	} else {
		base = l.keyless(m)
		l.store(bpf(base(), 0), m.Value, value, true)
	}
	l.setPresent(m, base())
}

// valueTemp evaluates a value into memory of the program's own, padded to a multiple of 8.
func (l *lowerer) valueTemp(m *lang.Map, value ast.Expr) place {
	size := m.Value.Size()
	p := l.temp("value", max(8, layout.Align8(size)))
	if !types.InMemory(m.Value) {
		l.b.Store(8, p.base, p.off, l.convert(l.numExpr(value), l.typeOf(value), m.Value))
		return p
	}
	switch {
	case size == 0:
		l.zero(p, 8)
	case size%8 != 0:
		l.b.Store(8, p.base, p.off+layout.Align8(size)-8, l.b.Const(0))
	}
	l.store(p, m.Value, value, true)
	return p
}

// assignElem is `@m[k] = value`.
func (l *lowerer) assignElem(ref *ast.MapRef, m *lang.Map, value ast.Expr) {
	mk := l.mark()
	defer l.release(mk)
	pos := l.b.Pos
	if !types.InMemory(m.Value) && l.mayOutline(outline{what: "store", m: m}) {
		v := l.convert(l.numExpr(value), l.typeOf(value), m.Value)
		key := l.mapKey(ref)
		l.b.Pos = pos
		l.storeNumber(m, key, v)
		return
	}
	val := l.valueTemp(m, value)
	key := l.mapKey(ref)
	l.b.Pos = pos
	l.storeElem(m, key, val)
}

// storeNumber sets the element with a key to a number.
func (l *lowerer) storeNumber(m *lang.Map, key mapKey, v *ir.Value) {
	if o := (outline{what: "store", m: m}); l.mayOutline(o) {
		l.callOutline(o, &key, []*layout.Site{l.updateSite(m)}, []*ir.Value{v}, func(key mapKey, args []*ir.Value) *ir.Value {
			l.storeNumber(m, key, args[0])
			return nil
		})
		return
	}
	val := l.temp("value", 8)
	l.b.Store(8, val.base, val.off, v)
	l.storeElem(m, l.placed(key), val)
}

// storeElem sets the element with a key to a value that lies at val, padded to a multiple of 8.
func (l *lowerer) storeElem(m *lang.Map, key mapKey, val place) {
	key = l.placed(key)
	f := l.fn.fn
	done := f.NewBlock("stored")
	if !types.InMemory(m.Value) && l.k.KeepsElements(m) {
		// A look-up and a store cost a fifth of an update. All writers of the map do
		// the same, so that no element is ever replaced.
		some, none := f.NewBlock("some"), f.NewBlock("none")
		v := l.lookup(key)
		l.b.Branch(ir.Eq, v, l.b.Const(0), none, some)
		l.b.At(some)
		l.b.Store(8, v, 0, l.b.Load(8, val.base, val.off))
		l.b.Jump(done)
		l.b.At(none)
	}
	bad := f.NewBlock("failed")
	ret := l.update(key, l.addr(val), updateAny)
	// Not "less than 0": before Linux 6.4 the result is an int in a register of 64 bits.
	l.b.BranchUnlikely(ir.Ne, ret, l.b.Const(0), bad, done)
	l.b.At(bad)
	l.notStored(key, ret)
	l.b.Jump(done)
	l.b.At(done)
}

// compoundAssign is `@m[k] op= value`. Additions to integers are atomic, so that none is lost. The left side comes first: where the
// right one has effects, its key is built before it, and where it changes the map, what the element was is read before it.
func (l *lowerer) compoundAssign(ref *ast.MapRef, m *lang.Map, op string, value ast.Expr) {
	mk := l.mark()
	defer l.release(mk)
	var key *mapKey
	if m.Key != nil && effects.Has(value) {
		k := l.mapKey(ref)
		key = &k
	}
	if effects.Changes(value, m.Name) {
		l.readAndAssign(m, key, op, value)
		return
	}
	if types.Is(m.Value, types.KindInt) && (op == "+=" || op == "-=") {
		delta := l.convert(l.numExpr(value), l.typeOf(value), m.Value)
		if op == "-=" {
			delta = l.b.Op(ir.OpNeg, delta)
		}
		l.addTo(ref, key, m, delta, false)
		return
	}
	y := l.numExpr(value)
	change := func(p place, y *ir.Value) {
		now := l.compoundNum(op, m.Value, l.loadAt(p, m.Value).val, y, l.typeOf(value))
		l.b.Store(8, p.base, p.off, now)
	}
	o := outline{what: op, m: m, arg: numberType(l.typeOf(value))}
	if m.Key != nil && types.Is(l.typeOf(value), types.KindInt) && !divides(op) && l.mayOutline(o) {
		k := l.keyOr(key, ref)
		l.callOutline(o, &k, []*layout.Site{l.updateSite(m)}, []*ir.Value{y}, func(key mapKey, args []*ir.Value) *ir.Value {
			l.inPlace(ref, &key, m, func(p place) { change(p, args[0]) })
			return nil
		})
		return
	}
	l.inPlace(ref, key, m, func(p place) { change(p, y) })
}

// divides says whether an assignment divides: that can fail, too.
func divides(op string) bool { return op == "/=" || op == "%=" }

// readAndAssign is `@m[k] op= value` in steps, for a value that changes the map while it is computed.
func (l *lowerer) readAndAssign(m *lang.Map, key *mapKey, op string, value ast.Expr) {
	pos := l.b.Pos
	var (
		old  *ir.Value
		base func() *ir.Value
	)
	if key == nil {
		base = l.keyless(m)
		old = l.valueAt(m, bpf(base(), 0)).val
	} else {
		old = l.readElem(m, *key)
	}
	y := l.numExpr(value)
	l.b.Pos = pos
	now := l.compoundNum(op, m.Value, old, y, l.typeOf(value))
	if key == nil {
		l.b.Store(8, base(), 0, now)
		l.setPresent(m, base())
		return
	}
	l.storeNumber(m, *key, now)
}

// inPlace runs change with the address of a value, which is inserted first if it is missing. change
// must not assign to $variables: it does not run if there is no room. The key is built here if it is nil.
func (l *lowerer) inPlace(ref *ast.MapRef, key *mapKey, m *lang.Map, change func(place)) {
	if m.Key == nil {
		base := l.keyless(m)
		change(bpf(base(), 0))
		l.setPresent(m, base())
		return
	}
	done := l.fn.fn.NewBlock("done")
	mk := l.mark()
	change(bpf(l.findOrAdd(l.keyOr(key, ref), done), 0))
	l.release(mk)
	l.b.Jump(done)
	l.b.At(done)
}

// keyOr is a key that is built already, or else that of a reference.
func (l *lowerer) keyOr(key *mapKey, ref *ast.MapRef) mapKey {
	if key != nil {
		return *key
	}
	pos := l.b.Pos
	k := l.mapKey(ref)
	l.b.Pos = pos
	return k
}

// addTo adds to an integer value of a map, so that no addition is lost. If fetch is set it returns the old value, which
// nobody asks for where each CPU has its own. The key is built here if it is nil.
func (l *lowerer) addTo(ref *ast.MapRef, key *mapKey, m *lang.Map, delta *ir.Value, fetch bool) *ir.Value {
	if m.Key == nil {
		if !l.k.Layout(m).Shared() {
			return l.addAt(m, l.ownValue(m), delta, false)
		}
		base := l.keyless(m)
		old := l.addAt(m, base(), delta, fetch)
		l.setPresent(m, base())
		return old
	}
	o := outline{what: "add", m: m}
	if fetch {
		o.what = "fetch"
	}
	if l.mayOutline(o) {
		k := l.keyOr(key, ref)
		return l.callOutline(o, &k, []*layout.Site{l.updateSite(m)}, []*ir.Value{delta}, func(key mapKey, args []*ir.Value) *ir.Value {
			return l.addTo(ref, &key, m, args[0], fetch)
		})
	}
	f := l.fn.fn
	failed, done := f.NewBlock("failed"), f.NewBlock("added")
	mk := l.mark()
	old := l.addAt(m, l.findOrAdd(l.keyOr(key, ref), failed), delta, fetch)
	l.release(mk)
	res := done.AddParam()
	l.b.Jump(done, old)
	l.b.At(failed)
	l.b.Jump(done, l.b.Const(0))
	l.b.At(done)
	return res
}

// addAt adds to the value at an address.
func (l *lowerer) addAt(m *lang.Map, base, delta *ir.Value, fetch bool) *ir.Value {
	switch {
	case l.k.Exclusive(m, l.prog.Kind):
		old := l.b.Load(8, base, 0)
		l.b.Store(8, base, 0, l.b.Op(ir.OpAdd, old, delta))
		return old
	case fetch:
		return l.addFetch(base, delta)
	}
	old := l.b.Load(8, base, 0)
	l.b.Atomic(ir.OpAtomicAdd, 8, base, 0, delta)
	return old
}

// mapIncDec is ++ or -- on a map's value.
func (l *lowerer) mapIncDec(e *ast.IncDec) operand {
	ref := e.Target.(*ast.MapRef)
	m := l.mapOf(ref)
	step := int64(1)
	if p, ok := m.Value.(types.Pointer); ok {
		step = int64(max(p.Elem.Size(), 1))
	}
	if e.Op == "--" {
		step = -step
	}
	v := l.wrap(l.addTo(ref, nil, m, l.b.Const(step), true), m.Value)
	l.forget(m)
	if e.Prefix {
		v = l.wrap(l.b.OpImm(ir.OpAdd, v, step), m.Value)
	}
	return operand{typ: m.Value, val: v}
}

// A key that ends with the result of str() has room for the longest string, a kilobyte by default, and the kernel hashes
// and compares all of it at every look-up, although most strings are short. Such a map is therefore kept as two: one for
// keys whose string fits layout.ShortString bytes, the NUL included, with keys cut there, and one for the others.

// mapKey is the key of an element.
type mapKey struct {
	m    *lang.Map
	mem  place
	kmap *ir.Value // the kernel map that has or would have the element
	num  *ir.Value // if not nil, the key, which is not in memory yet: see placed
}

// splitKey builds a key of a map that is kept as two.
func (l *lowerer) splitKey(m *lang.Map, keys []ast.Expr) mapKey {
	off, size, _ := layout.LongString(m.Key)
	// The end of a long string is cleared as a whole, from wherever the string ends.
	k := mapKey{m: m, mem: l.temp("key", off+layout.CeilPow2(size)+size)}
	if off > 0 {
		l.zero(k.mem, off)
	}
	t, ok := m.Key.(types.Tuple)
	whole := ok && len(keys) == 1 // the key is one expression, and that is a tuple
	if e, elems := keys[0].(*ast.TupleExpr); whole && elems {
		keys, whole = e.Elems, false
	}
	last := len(keys) - 1
	if whole { // it lies somewhere
		o := l.expr(keys[0])
		from := o.typ.(types.Tuple)
		last = len(from.Elems) - 1
		for i := range last {
			l.storeOperand(k.mem.at(t.Offset(i)), t.Elems[i], l.element(o, from, t.In(from, i)), true)
		}
		return l.endKey(k, off, size, l.element(o, from, t.In(from, last)), nil)
	}
	for i, e := range keys[:last] {
		mk := l.mark()
		l.store(k.mem.at(t.Offset(i)), t.Elems[i], e, true)
		l.release(mk)
	}
	if c, ok := keys[last].(*ast.Call); ok && c.Name == "str" && l.typeOf(c).Size() > layout.ShortString {
		return l.endKey(k, off, size, operand{}, c)
	}
	return l.endKey(k, off, size, l.expr(keys[last]), nil)
}

// endKey appends the string, which is o, or the result of str() if that is not nil, to a key.
func (l *lowerer) endKey(k mapKey, off, size int, o operand, str *ast.Call) mapKey {
	dst := k.mem.at(off)
	short, long := l.kernelMap(l.k.Spec(k.m).Short), l.kernelMap(l.k.Spec(k.m))
	var n *ir.Value // length with the NUL, or an error: the string is "" then
	switch {
	case str != nil:
		l.zero(dst, layout.ShortString)
		n = l.storeStr(dst, size, str, false)
	case o.lit != nil && len(*o.lit) >= layout.ShortString:
		l.storeLiteral(dst, size, *o.lit, true)
		k.kmap = long
		return k
	case o.lit != nil || o.typ.Size() <= layout.ShortString:
		l.storeOperand(dst, types.String{Len: layout.ShortString}, o, true)
		k.kmap = short
		return k
	default:
		l.zero(dst, layout.ShortString)
		n = l.readString(dst, size, o)
	}
	f := l.fn.fn
	tail, done := f.NewBlock("long"), f.NewBlock("key")
	k.kmap = done.AddParam()
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SGt, X: n, Y: l.b.Const(layout.ShortString),
		Then: ir.Edge{To: tail}, Else: ir.Edge{To: done, Args: []*ir.Value{short}}, Unlikely: true})
	l.b.At(tail)
	// n is from 1 to size; the mask says so in a way that lasts (see cpuIndex).
	n = l.b.OpImm(ir.OpAdd, l.b.OpImm(ir.OpAnd, l.b.OpImm(ir.OpSub, n, 1), int64(layout.CeilPow2(size)-1)), 1)
	end := l.b.Op(ir.OpAdd, l.addr(dst), n)
	l.b.Helper(int(asm.FnProbeReadKernel), false, end, l.b.Const(int64(size)), l.b.Const(0)) // see zero
	l.b.Jump(done, long)
	l.b.At(done)
	return k
}
