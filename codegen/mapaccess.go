package codegen

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// Flags of bpf_map_update_elem, from include/uapi/linux/bpf.h.
const (
	updateAny     = 0
	updateNoExist = 1
)

// zeroStackMax is the largest zero value, in bytes, that is made on the stack for an insertion. Larger ones come from MapZeros.
const zeroStackMax = stackObjectMax

// oldKeyMax is the longest key of a hash map before Linux 5.11, in bytes: MAX_BPF_STACK (kernel/bpf/hashtab.c).
const oldKeyMax = 512

// mapOf is the map that a reference names.
func (l *lowerer) mapOf(ref *ast.MapRef) *lang.Map { return l.k.checked.Byname[ref.Name] }

// mapName is the name of a map of the script in the blueprint.
func mapName(m *lang.Map) string { return "@" + m.Name }

// mapKey builds the key of `@m[...]`.
func (l *lowerer) mapKey(ref *ast.MapRef) mapKey {
	m := l.mapOf(ref)
	if size := l.k.Spec(m).KeySize; size > oldKeyMax {
		l.needs(ref, 5, 11, fmt.Sprintf("a key of %d bytes", size), fmt.Sprintf("%d before", oldKeyMax),
			"shorten its strings: config = { max_strlen = 200 }")
	}
	return l.key(m, ref.Keys)
}

// key builds a key from its expressions.
func (l *lowerer) key(m *lang.Map, keys []ast.Expr) mapKey {
	if l.k.Spec(m).Short != nil {
		return l.splitKey(m, keys)
	}
	if l.outlining() && isNumberKey(m.Key) {
		return mapKey{m: m, num: l.convert(l.numExpr(keys[0]), l.typeOf(keys[0]), m.Key)}
	}
	return mapKey{m: m, mem: l.keyPlace(m, keys), kmap: l.kernelMap(l.k.Spec(m))}
}

// keyPlace builds a whole key from its expressions, laid out as MapSpec describes: every byte defined.
func (l *lowerer) keyPlace(m *lang.Map, keys []ast.Expr) place {
	size := layout.KeySize(m.Key)
	p := l.temp("key", size)
	if m.Key.Size() == 0 {
		l.zero(p, size)
	}
	switch t := m.Key.(type) {
	case types.Tuple:
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
	case types.String, types.Buffer, types.Inet:
		l.store(p, t, keys[0], true)
	case *types.Struct, types.Array, types.UserSymbol:
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
	key = l.placed(key)
	return l.b.Helper(int(asm.FnMapLookupElem), false, key.kmap, l.addr(key.mem))
}

// update calls bpf_map_update_elem and returns its result.
func (l *lowerer) update(key mapKey, value *ir.Value, flags int64) *ir.Value {
	return l.b.Helper(int(asm.FnMapUpdateElem), false, key.kmap, l.addr(key.mem), value, l.b.Const(flags))
}

// updateSite is the site of an update at the current place.
func (l *lowerer) updateSite(m *lang.Map) *layout.Site {
	return &layout.Site{Kind: layout.SiteMapUpdate, Pos: l.b.Pos, Map: m, Helper: "map_update_elem"}
}

// maxRefusals is how many places of a program keep the keys that full maps refuse. Each is a branch, and the verifier does not follow any
// number of those (see pass.straight).
const maxRefusals = 256

// notStored counts an insertion that failed with an error at the current place, and keeps its key if it belongs to the sample (see
// layout.RefusedSample).
func (l *lowerer) notStored(key mapKey, ret *ir.Value) {
	l.countError(ret, l.updateSite(key.m))
	s := l.k.Spec(key.m)
	if l.refusals++; s.Refused == 0 || l.refusals > maxRefusals {
		return
	}
	f := l.fn.fn
	keep, done := f.NewBlock("refused"), f.NewBlock("told")
	room := l.b.MapValue(layout.MapRefused, s.Refused-1)
	n := l.addFetch(room, l.b.Const(1))
	size := s.RefusedKeySize()
	sample := layout.SampleOf(size)
	slot := n
	if sample.Modulus > 0 {
		rest := l.b.Op(ir.OpAnd, n, l.b.OpImm(ir.OpSub, n, 1)) // less than First, and 0 for powers of two
		l.b.BranchUnlikely(ir.ULt, rest, l.b.Const(int64(sample.First)), keep, done)
		l.b.At(keep)
		slot = l.b.Op(ir.OpUMod, n, l.b.Const(int64(sample.Modulus)))
	} else {
		l.b.BranchUnlikely(ir.ULt, n, l.b.Const(int64(sample.First)), keep, done)
		l.b.At(keep)
	}
	slot = l.b.OpImm(ir.OpAnd, slot, int64(sample.Slots-1))
	addr := l.b.Op(ir.OpAdd, room, l.b.OpImm(ir.OpMul, slot, int64(layout.Align8(size))))
	l.copyBytes(bpf(addr, 8), key.mem, size)
	l.b.Jump(done)
	l.b.At(done)
}

// addFetch adds to a word that all CPUs share, and gives what it was. Without BPF_FETCH (5.12) the sum is exact all the same; the value seen here
// may be another CPU's.
func (l *lowerer) addFetch(addr, delta *ir.Value) *ir.Value {
	if l.k.kernel.AtLeast(5, 12) {
		return l.b.Atomic(ir.OpAtomicFetch, 8, addr, 0, delta)
	}
	old := l.b.Load(8, addr, 0)
	l.b.Atomic(ir.OpAtomicAdd, 8, addr, 0, delta)
	return old
}

// zeros is the address of size zero bytes.
func (l *lowerer) zeros(size int) *ir.Value {
	if size > zeroStackMax {
		l.k.NeedZeros(size)
		return l.b.MapValue(layout.MapZeros, 0)
	}
	p := l.temp("zero", size)
	l.zero(p, size)
	return l.addr(p)
}

// findOrAdd is the address of the element with a key. A missing one is inserted as zeros and looked up
// again, without replacing one that another CPU or an interrupt inserted in between. If it is not there then, the program goes on
// at failed, and the error of the insertion is counted. (Where there was none, another CPU deleted the element at once, as if this had come first.)
func (l *lowerer) findOrAdd(key mapKey, failed *ir.Block) *ir.Value {
	key = l.placed(key)
	f := l.fn.fn
	found, miss, none := f.NewBlock("found"), f.NewBlock("new"), f.NewBlock("none")
	addr := found.AddParam()
	zero := l.b.Const(0)
	v := l.lookup(key)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: zero,
		Then: ir.Edge{To: miss}, Else: ir.Edge{To: found, Args: []*ir.Value{v}}, Unlikely: true})
	l.b.At(miss)
	mk := l.mark()
	ret := l.update(key, l.zeros(l.k.Spec(key.m).ValueSize), updateNoExist)
	l.release(mk)
	v = l.lookup(key)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: l.b.Const(0),
		Then: ir.Edge{To: none}, Else: ir.Edge{To: found, Args: []*ir.Value{v}}, Unlikely: true})
	l.b.At(none)
	l.notStored(key, ret)
	l.b.Jump(failed)
	l.b.At(found)
	return addr
}

// mapRead is the value of `@m` or `@m[k]`: 0, "" or zeros where it was never set.
func (l *lowerer) mapRead(ref *ast.MapRef) operand {
	m := l.mapOf(ref)
	if agg, ok := m.Value.(types.Agg); ok {
		return l.aggRead(ref, m, agg)
	}
	if m.Key == nil {
		return l.valueAt(m, bpf(l.keyless(m)(), 0))
	}
	if types.InMemory(m.Value) {
		return l.readObject(ref, m)
	}
	if v, ok := l.recall(ref); ok {
		return operand{typ: m.Value, val: v}
	}
	mk := l.mark()
	key := l.mapKey(ref)
	l.countMissing(ref, m, key)
	x := l.readElem(m, key)
	l.release(mk)
	l.remember(ref, x)
	return operand{typ: m.Value, val: x}
}

// countMissing counts an element that is not there, of which the value is asked, if that is asked for. The look-up is one more.
func (l *lowerer) countMissing(ref *ast.MapRef, m *lang.Map, key mapKey) {
	if l.k.lookups {
		l.countIf(ir.Eq, l.lookup(key), &layout.Site{Kind: layout.SiteMissing, Pos: ref.Pos, Map: m, Helper: "map_lookup_elem"})
	}
}

// hasElem says whether there is an element with a key.
func (l *lowerer) hasElem(key mapKey) *ir.Value {
	if o := (outline{what: "has", m: key.m}); l.mayOutline(o) {
		return l.callOutline(o, &key, nil, nil, func(key mapKey, _ []*ir.Value) *ir.Value { return l.hasElem(key) })
	}
	return l.b.Cmp(ir.Ne, l.lookup(key), l.b.Const(0))
}

// readElem is the number that the element with a key holds, 0 where there is none.
func (l *lowerer) readElem(m *lang.Map, key mapKey) *ir.Value {
	if o := (outline{what: "read", m: m}); l.mayOutline(o) {
		return l.callOutline(o, &key, nil, nil, func(key mapKey, _ []*ir.Value) *ir.Value { return l.readElem(m, key) })
	}
	v := l.lookup(key)
	f := l.fn.fn
	some, end := f.NewBlock("some"), f.NewBlock("value")
	x := end.AddParam()
	zero := l.b.Const(0)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: v, Y: zero,
		Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: some}})
	l.b.At(some)
	l.b.Jump(end, l.valueAt(m, bpf(v, 0)).val)
	l.b.At(end)
	return x
}

// readObject copies an element that is not a scalar: another CPU may change or delete it at any time.
func (l *lowerer) readObject(ref *ast.MapRef, m *lang.Map) operand {
	dst := l.temp("element", m.Value.Size())
	mk := l.mark()
	key := l.mapKey(ref)
	l.countMissing(ref, m, key)
	v := l.lookup(key)
	l.release(mk)
	f := l.fn.fn
	some, none, end := f.NewBlock("some"), f.NewBlock("none"), f.NewBlock("value")
	l.b.Branch(ir.Eq, v, l.b.Const(0), none, some)
	l.b.At(some)
	l.copyBytes(dst, bpf(v, 0), layout.Align8(m.Value.Size()))
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
	if types.InMemory(m.Value) {
		p.exact = true // every write of a map value is exact
		return operand{typ: m.Value, mem: p}
	}
	return l.loadAt(p, m.Value)
}

// mapElem is the value of an element that bpf_for_each_map_elem gave to a callback. kmap gives the kernel map.
func (l *lowerer) mapElem(ref *ast.MapRef, m *lang.Map, key, value *ir.Value, kmap func() *ir.Value) operand {
	if agg, ok := m.Value.(types.Agg); ok {
		return l.aggElem(ref, m, agg, key, value, kmap)
	}
	return l.valueAt(m, bpf(value, 0))
}

// `print(@x); clear(@x)` must lose nothing of what other CPUs add between the two. A map that a script both prints and clears (or
// zeroes) while other probes run is therefore kept twice, and a word in MapGlobals says which of the two instances
// programs use. User space swaps them when it prints, waits until no program uses the old instance, prints that one, and
// empties it at the clear() that follows. See docs/architecture.md.

// inUse is the word that says which instance programs use.
func (l *lowerer) inUse(s *layout.MapSpec) *ir.Value {
	return l.b.Load(8, l.b.MapValue(layout.MapGlobals, layout.SwapOffset(s.Swap)), layout.SwapInUse)
}

// keyless returns what gives the address of the value, or of the values of all CPUs, of a map without a key. All addresses
// from one call of keyless are in the same instance.
func (l *lowerer) keyless(m *lang.Map) func() *ir.Value {
	s := l.k.Spec(m)
	if s.Swap == 0 {
		return func() *ir.Value { return l.b.MapValue(s.In, s.Offset) }
	}
	half := l.b.OpImm(ir.OpAnd, l.inUse(s), int64(s.Half))
	base := l.b.Op(ir.OpAdd, l.b.MapValue(s.In, s.Offset), half)
	return func() *ir.Value { return base }
}

// kernelMap is the kernel map that has the elements of a map with keys.
func (l *lowerer) kernelMap(s *layout.MapSpec) *ir.Value {
	if s.Second == nil {
		return l.b.MapPtr(s.Name)
	}
	return l.either(s, l.inUse(s), func(name string) *ir.Value { return l.b.MapPtr(name) })
}

// either gives the result of do for the instance of a map with keys that the word inUse stands for.
func (l *lowerer) either(s *layout.MapSpec, inUse *ir.Value, do func(name string) *ir.Value) *ir.Value {
	f := l.fn.fn
	first, second, end := f.NewBlock("first"), f.NewBlock("second"), f.NewBlock("instance")
	res := end.AddParam()
	l.b.Branch(ir.Eq, inUse, l.b.Const(0), first, second)
	l.b.At(first)
	l.b.Jump(end, do(s.Name))
	l.b.At(second)
	l.b.Jump(end, do(s.Second.Name))
	l.b.At(end)
	return res
}

// askSwap notes that a record asks user space to empty a map; it is sent right after that.
func (l *lowerer) askSwap(s *layout.MapSpec) {
	if s.Swap != 0 {
		l.b.Atomic(ir.OpAtomicAdd, 8, l.b.MapValue(layout.MapGlobals, layout.SwapOffset(s.Swap)+layout.SwapAsked), 0, l.b.Const(1))
	}
}

// A probe often reads an element of a map twice: in its filter, and in its body. What was read is kept by map and
// key, along every path of the program like the values of $variables (see flow.go), until the program itself changes the map.

// recall is what a read of `@m[k]` gave before on this path.
func (l *lowerer) recall(ref *ast.MapRef) (*ir.Value, bool) {
	sig, ok := l.signature(ref)
	if !ok {
		return nil, false
	}
	v, ok := l.fn.reads[sig]
	return v, ok
}

// remember keeps what a read of `@m[k]` gave.
func (l *lowerer) remember(ref *ast.MapRef, v *ir.Value) {
	sig, ok := l.signature(ref)
	if !ok {
		return
	}
	if l.fn.reads == nil {
		l.fn.reads = map[string]*ir.Value{}
	}
	l.fn.reads[sig] = v
}

// forget drops what was read of a map.
func (l *lowerer) forget(m *lang.Map) {
	for sig := range l.fn.reads {
		if strings.HasPrefix(sig, mapName(m)+"[") {
			delete(l.fn.reads, sig)
		}
	}
}

func (l *lowerer) copyReads() map[string]*ir.Value {
	c := make(map[string]*ir.Value, len(l.fn.reads))
	for k, v := range l.fn.reads {
		c[k] = v
	}
	return c
}

// commonReads are those that all edges to a join have in common.
func (j *join) commonReads() map[string]*ir.Value {
	out := map[string]*ir.Value{}
	for k, v := range j.edges[0].reads {
		same := true
		for _, e := range j.edges[1:] {
			same = same && e.reads[k] == v
		}
		if same {
			out[k] = v
		}
	}
	return out
}

// signature names an element such that equal names on a path mean the same element; ok is
// false for keys that are not that simple.
func (l *lowerer) signature(ref *ast.MapRef) (sig string, ok bool) {
	var b strings.Builder
	b.WriteString("@" + ref.Name + "[")
	for _, k := range ref.Keys {
		if !l.keySignature(&b, k) {
			return "", false
		}
		b.WriteByte(',')
	}
	return b.String(), true
}

func (l *lowerer) keySignature(b *strings.Builder, e ast.Expr) bool {
	if c, ok := l.constOf(e); ok {
		if c.Str != nil {
			fmt.Fprintf(b, "%q", *c.Str)
		} else {
			fmt.Fprintf(b, "%d", c.Int)
		}
		return true
	}
	switch e := e.(type) {
	case *ast.Ident:
		b.WriteString(e.Name)
		return builtin.Find(e.Name).Lasts()
	case *ast.Var:
		v := l.prog.Vars[e]
		c, ok := l.fn.vars[v]
		if !ok || v.Captured || types.InMemory(v.Type) {
			return false
		}
		fmt.Fprintf(b, "$%d", c.val.ID)
		return true
	case *ast.FieldExpr:
		x, ok := e.X.(*ast.Ident)
		fmt.Fprintf(b, "args.%s", e.Name)
		return ok && x.Name == "args" && !types.InMemory(l.typeOf(e))
	case *ast.Cast:
		fmt.Fprintf(b, "(%s)", l.typeOf(e))
		return l.keySignature(b, e.X) && e.Call == nil
	case *ast.TupleExpr:
		for _, x := range e.Elems {
			if !l.keySignature(b, x) {
				return false
			}
			b.WriteByte(',')
		}
		return true
	}
	return false
}
