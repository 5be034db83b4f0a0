package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// A key that ends with the result of str() has room for the longest string, a kilobyte by default, and the kernel hashes
// and compares all of it at every look-up, although most strings are short. Such a map is therefore kept as two: one for
// keys whose string fits layout.ShortString bytes, the NUL included, with keys cut there, and one for the others.

// mapKey is the key of an element.
type mapKey struct {
	m    *lang.Map
	mem  place
	kmap *ir.Value // the kernel map that has or would have the element
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
