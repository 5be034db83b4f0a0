package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/ir"
	"github.com/gotrace/gotrace/lang"
)

// Flags of bpf_map_update_elem, from include/uapi/linux/bpf.h.
const (
	updateAny     = 0
	updateNoExist = 1
)

// zeroStackMax is the largest zero value, in bytes, that is made on the stack for an insertion. Larger ones come from MapZeros.
const zeroStackMax = stackObjectMax

// mapOf is the map that a reference names.
func (l *lowerer) mapOf(ref *lang.MapRef) *lang.Map { return l.k.checked.Byname[ref.Name] }

// mapName is the name of a map of the script in the blueprint.
func mapName(m *lang.Map) string { return "@" + m.Name }

// mapKey builds the key of `@m[...]`.
func (l *lowerer) mapKey(ref *lang.MapRef) mapKey {
	return l.key(l.mapOf(ref), ref.Keys)
}

// key builds a key from its expressions.
func (l *lowerer) key(m *lang.Map, keys []lang.Expr) mapKey {
	if l.k.spec(m).Short != nil {
		return l.splitKey(m, keys)
	}
	return mapKey{m, l.keyPlace(m, keys), l.b.MapPtr(mapName(m))}
}

// keyPlace builds a whole key from its expressions, laid out as MapSpec describes: every byte defined.
func (l *lowerer) keyPlace(m *lang.Map, keys []lang.Expr) place {
	size := align8(m.Key.Size())
	p := l.temp("key", size)
	switch t := m.Key.(type) {
	case lang.Tuple:
		if len(keys) > 1 {
			l.zeroGaps(p, t)
			for i, e := range keys {
				mk := l.mark()
				l.store(p.at(t.Offset(i)), t.Elems[i], e, true)
				l.release(mk)
			}
			return p
		}
		l.store(p, t, keys[0], true)
	case lang.String:
		l.store(p, t, keys[0], true)
	case *lang.Struct, lang.Array:
		if size != t.Size() {
			l.b.Store(8, p.base, p.off+size-8, l.b.Const(0))
		}
		l.store(p, t, keys[0], true)
	default:
		l.b.Store(8, p.base, p.off, l.convert(l.numExpr(keys[0]), l.typeOf(keys[0]), t))
	}
	return p
}

// lookup is the address of an element, 0 if there is none.
func (l *lowerer) lookup(key mapKey) *ir.Value {
	return l.b.Helper(int(asm.FnMapLookupElem), false, key.kmap, l.addr(key.mem))
}

// update calls bpf_map_update_elem and returns its result.
func (l *lowerer) update(key mapKey, value *ir.Value, flags int64) *ir.Value {
	return l.b.Helper(int(asm.FnMapUpdateElem), false, key.kmap, l.addr(key.mem), value, l.b.Const(flags))
}

// full counts a failed insertion at the current place.
func (l *lowerer) full(m *lang.Map) {
	l.countFailure(&Site{Kind: SiteMapFull, Pos: l.b.Pos, Map: m})
}

// zeros is the address of size zero bytes.
func (l *lowerer) zeros(size int) *ir.Value {
	if size > zeroStackMax {
		return l.b.MapValue(MapZeros, 0)
	}
	p := l.temp("zero", size)
	l.zero(p, size)
	return l.addr(p)
}

// findOrAdd is the address of the element with a key. A missing one is inserted as zeros and looked up
// again, without replacing one that another CPU or an interrupt inserted in between. If there is no room the failure
// is counted and the program goes on at failed.
func (l *lowerer) findOrAdd(key mapKey, failed *ir.Block) *ir.Value {
	f := l.fn.fn
	found, miss, full := f.NewBlock("found"), f.NewBlock("new"), f.NewBlock("full")
	addr := found.AddParam()
	zero := l.b.Const(0)
	v := l.lookup(key)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: zero,
		Then: ir.Edge{To: miss}, Else: ir.Edge{To: found, Args: []*ir.Value{v}}, Unlikely: true})
	l.b.At(miss)
	mk := l.mark()
	l.update(key, l.zeros(l.k.spec(key.m).ValueSize), updateNoExist)
	l.release(mk)
	v = l.lookup(key)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: l.b.Const(0),
		Then: ir.Edge{To: full}, Else: ir.Edge{To: found, Args: []*ir.Value{v}}, Unlikely: true})
	l.b.At(full)
	l.full(key.m)
	l.b.Jump(failed)
	l.b.At(found)
	return addr
}

// mapRead is the value of `@m` or `@m[k]`: 0, "" or zeros where it was never set.
func (l *lowerer) mapRead(ref *lang.MapRef) operand {
	m := l.mapOf(ref)
	if agg, ok := m.Value.(lang.Agg); ok {
		return l.aggRead(ref, m, agg)
	}
	if m.Key == nil {
		return l.valueAt(m, bpf(l.b.MapValue(mapName(m), 0), 0))
	}
	if inMemory(m.Value) {
		return l.readObject(ref, m)
	}
	if v, ok := l.recall(ref); ok {
		return operand{typ: m.Value, val: v}
	}
	mk := l.mark()
	v := l.lookup(l.mapKey(ref))
	l.release(mk)
	f := l.fn.fn
	some, end := f.NewBlock("some"), f.NewBlock("value")
	x := end.AddParam()
	zero := l.b.Const(0)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: zero,
		Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: some}})
	l.b.At(some)
	l.b.Jump(end, l.valueAt(m, bpf(v, 0)).val)
	l.b.At(end)
	l.remember(ref, x)
	return operand{typ: m.Value, val: x}
}

// readObject copies an element that is not a scalar: another CPU may change or delete it at any time.
func (l *lowerer) readObject(ref *lang.MapRef, m *lang.Map) operand {
	dst := l.temp("element", m.Value.Size())
	mk := l.mark()
	v := l.lookup(l.mapKey(ref))
	l.release(mk)
	f := l.fn.fn
	some, none, end := f.NewBlock("some"), f.NewBlock("none"), f.NewBlock("value")
	l.b.Branch(ir.Eq, v, l.b.Const(0), none, some)
	l.b.At(some)
	l.copyBytes(dst, bpf(v, 0), align8(m.Value.Size()))
	l.b.Jump(end)
	l.b.At(none)
	l.zero(dst, m.Value.Size())
	l.b.Jump(end)
	l.b.At(end)
	dst.exact = true
	return operand{typ: m.Value, mem: dst}
}

// valueAt is a map's plain value that lies at p.
func (l *lowerer) valueAt(m *lang.Map, p place) operand {
	if inMemory(m.Value) {
		p.exact = true // every write of a map value is exact
		return operand{typ: m.Value, mem: p}
	}
	return l.loadAt(p, m.Value)
}

// mapElem is the value of an element that bpf_for_each_map_elem gave to a callback.
func (l *lowerer) mapElem(ref *lang.MapRef, m *lang.Map, key, value *ir.Value) operand {
	if agg, ok := m.Value.(lang.Agg); ok {
		return l.aggElem(ref, m, agg, key, value)
	}
	return l.valueAt(m, bpf(value, 0))
}

// mapAssign is `@m op value` or `@m[k] op value`.
func (l *lowerer) mapAssign(ref *lang.MapRef, op string, value lang.Expr, n lang.Node) {
	m := l.mapOf(ref)
	defer l.forget(m)
	if agg, ok := m.Value.(lang.Agg); ok {
		c, ok := value.(*lang.Call)
		if !ok || op != "=" {
			l.fail(n, "", "%s holds %s(): only %s() can be assigned to it", mapName(m), agg.Kind, agg.Kind)
			return
		}
		l.aggregate(ref, m, agg, c)
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

// setPresent notes that a map without a key has a value.
func (l *lowerer) setPresent(m *lang.Map) {
	l.b.Store(8, l.b.MapValue(mapName(m), 0), l.k.layout(m).Present, l.b.Const(1))
}

// assignGlobal is `@m = value`.
func (l *lowerer) assignGlobal(m *lang.Map, value lang.Expr) {
	mk := l.mark()
	defer l.release(mk)
	if !inMemory(m.Value) {
		v := l.convert(l.numExpr(value), l.typeOf(value), m.Value)
		l.b.Store(8, l.b.MapValue(mapName(m), 0), 0, v)
	} else if mentions(value, m.Name) {
		// The right side reads what it is about to replace.
		p := l.valueTemp(m, value)
		l.copyBytes(bpf(l.b.MapValue(mapName(m), 0), 0), p, align8(m.Value.Size()))
	} else {
		l.store(bpf(l.b.MapValue(mapName(m), 0), 0), m.Value, value, true)
	}
	l.setPresent(m)
}

// valueTemp evaluates a value into memory of the program's own, padded to a multiple of 8.
func (l *lowerer) valueTemp(m *lang.Map, value lang.Expr) place {
	size := m.Value.Size()
	p := l.temp("value", align8(size))
	if !inMemory(m.Value) {
		l.b.Store(8, p.base, p.off, l.convert(l.numExpr(value), l.typeOf(value), m.Value))
		return p
	}
	if size%8 != 0 {
		l.b.Store(8, p.base, p.off+align8(size)-8, l.b.Const(0))
	}
	l.store(p, m.Value, value, true)
	return p
}

// assignElem is `@m[k] = value`.
func (l *lowerer) assignElem(ref *lang.MapRef, m *lang.Map, value lang.Expr) {
	mk := l.mark()
	defer l.release(mk)
	pos := l.b.Pos
	val := l.valueTemp(m, value)
	key := l.mapKey(ref)
	l.b.Pos = pos
	f := l.fn.fn
	done := f.NewBlock("stored")
	if !inMemory(m.Value) && l.k.keepsElements(m) {
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
	bad := f.NewBlock("full")
	ret := l.update(key, l.addr(val), updateAny)
	// Not "less than 0": before Linux 6.4 the result is an int in a register of 64 bits.
	l.b.BranchUnlikely(ir.Ne, ret, l.b.Const(0), bad, done)
	l.b.At(bad)
	l.full(m)
	l.b.Jump(done)
	l.b.At(done)
}

// compoundAssign is `@m[k] op= value`. Additions to integers are atomic, so that none is lost.
func (l *lowerer) compoundAssign(ref *lang.MapRef, m *lang.Map, op string, value lang.Expr) {
	_, isInt := m.Value.(lang.Int)
	if isInt && (op == "+=" || op == "-=") {
		mk := l.mark()
		delta := l.convert(l.numExpr(value), l.typeOf(value), m.Value)
		if op == "-=" {
			delta = l.b.Op(ir.OpNeg, delta)
		}
		l.addTo(ref, m, delta, false)
		l.release(mk)
		return
	}
	y := l.numExpr(value)
	l.inPlace(ref, m, func(p place) {
		now := l.compoundNum(op, m.Value, l.loadAt(p, m.Value).val, y, l.typeOf(value))
		l.b.Store(8, p.base, p.off, now)
	})
}

// inPlace runs change with the address of a value, which is inserted first if it is missing. change
// must not assign to $variables: it does not run if there is no room.
func (l *lowerer) inPlace(ref *lang.MapRef, m *lang.Map, change func(place)) {
	if m.Key == nil {
		change(bpf(l.b.MapValue(mapName(m), 0), 0))
		l.setPresent(m)
		return
	}
	done := l.fn.fn.NewBlock("done")
	mk := l.mark()
	pos := l.b.Pos
	key := l.mapKey(ref)
	l.b.Pos = pos
	change(bpf(l.findOrAdd(key, done), 0))
	l.release(mk)
	l.b.Jump(done)
	l.b.At(done)
}

// addTo adds to an integer value of a map, so that no addition is lost. If fetch is set it returns the old value, which
// nobody asks for where each CPU has its own.
func (l *lowerer) addTo(ref *lang.MapRef, m *lang.Map, delta *ir.Value, fetch bool) *ir.Value {
	if m.Key == nil {
		if !l.k.layout(m).shared() {
			return l.addAt(m, l.ownValue(m), delta, false)
		}
		old := l.addAt(m, l.b.MapValue(mapName(m), 0), delta, fetch)
		l.setPresent(m)
		return old
	}
	f := l.fn.fn
	failed, done := f.NewBlock("failed"), f.NewBlock("added")
	mk := l.mark()
	pos := l.b.Pos
	key := l.mapKey(ref)
	l.b.Pos = pos
	old := l.addAt(m, l.findOrAdd(key, failed), delta, fetch)
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
	case l.k.exclusive(m):
		old := l.b.Load(8, base, 0)
		l.b.Store(8, base, 0, l.b.Op(ir.OpAdd, old, delta))
		return old
	case fetch && l.k.kernel.AtLeast(5, 12):
		return l.b.Atomic(ir.OpAtomicFetch, 8, base, 0, delta)
	}
	// Without BPF_FETCH (5.12) the sum is exact all the same; the value seen here may be another CPU's.
	old := l.b.Load(8, base, 0)
	l.b.Atomic(ir.OpAtomicAdd, 8, base, 0, delta)
	return old
}

// mapIncDec is ++ or -- on a map's value.
func (l *lowerer) mapIncDec(e *lang.IncDec) operand {
	ref := e.Target.(*lang.MapRef)
	m := l.mapOf(ref)
	step := int64(1)
	if p, ok := m.Value.(lang.Pointer); ok {
		step = int64(max(p.Elem.Size(), 1))
	}
	if e.Op == "--" {
		step = -step
	}
	v := l.wrap(l.addTo(ref, m, l.b.Const(step), true), m.Value)
	l.forget(m)
	if e.Prefix {
		v = l.wrap(l.b.OpImm(ir.OpAdd, v, step), m.Value)
	}
	return operand{typ: m.Value, val: v}
}
