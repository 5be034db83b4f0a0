package codegen

import (
	"encoding/binary"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// store evaluates an expression straight into memory at dst, laid out as type t. With exact, strings are padded with
// zeros to their full length, and so are the gaps of tuples: the bytes can be a map key.
func (l *lowerer) store(dst place, t types.Type, e ast.Expr, exact bool) {
	if _, ok := l.constOf(e); !ok {
		switch e := e.(type) {
		case *ast.TupleExpr:
			if tt, ok := t.(types.Tuple); ok {
				l.storeTuple(dst, tt, e.Elems, exact)
				return
			}
		case *ast.RecordExpr:
			if tt, ok := t.(types.Tuple); ok {
				l.storeRecord(dst, tt, e, exact)
				return
			}
		case *ast.Ident:
			if frames, ok := t.(types.Frames); ok {
				l.storeFrames(dst, e, frames)
				return
			}
		case *ast.Ternary:
			if types.InMemory(t) {
				l.storeTernary(dst, t, e, exact)
				return
			}
		case *ast.Call:
			if st, ok := t.(types.String); ok && e.Name == "str" {
				l.storeStr(dst, st.Len, e, exact)
				return
			}
			if bt, ok := t.(types.Buffer); ok && e.Name == "buf" {
				l.storeBuf(dst, bt, e)
				return
			}
			if frames, ok := t.(types.Frames); ok {
				l.storeFrames(dst, e, frames)
				return
			}
		}
	}
	l.storeOperand(dst, t, l.expr(e), exact)
}

func (l *lowerer) storeTuple(dst place, t types.Tuple, elems []ast.Expr, exact bool) {
	l.zeroGaps(dst, t)
	for i, x := range elems {
		m := l.mark()
		l.store(dst.at(t.Offset(i)), t.Elems[i], x, exact)
		l.release(m)
	}
}

// storeRecord builds a record. Its elements are evaluated as they are written, and a string that is stored clears what comes behind it: one
// that is written in another order than its type's is built apart.
func (l *lowerer) storeRecord(dst place, t types.Tuple, e *ast.RecordExpr, exact bool) {
	if slices.Equal(t.Names, e.Names) {
		l.storeTuple(dst, t, e.Elems, exact)
		return
	}
	written := types.Tuple{Names: e.Names, Elems: make([]types.Type, len(e.Names))}
	for i := range written.Elems {
		written.Elems[i] = t.Elems[written.In(t, i)]
	}
	p := l.temp("record", written.Size())
	l.storeTuple(p, written, e.Elems, exact)
	p.exact = exact
	l.copyTuple(dst, t, operand{typ: written, mem: p}, exact)
}

// zeroGaps clears a tuple's memory if its elements do not fill it.
func (l *lowerer) zeroGaps(dst place, t types.Tuple) {
	sum := 0
	for _, e := range t.Elems {
		sum += e.Size()
	}
	if sum != (t.Size()+7)&^7 {
		l.zero(dst, t.Size())
	}
}

// storeOperand copies an operand to dst, laid out as type t.
func (l *lowerer) storeOperand(dst place, t types.Type, o operand, exact bool) {
	switch t := t.(type) {
	case types.String:
		l.copyString(dst, t.Len, o, exact)
	case types.Tuple:
		l.copyTuple(dst, t, o, exact)
	case types.Buffer:
		l.copyBuffer(dst, t, o)
	case *types.Struct, types.Array, types.Inet, types.UserSymbol, types.Frames:
		l.copyObject(dst, t.Size(), o)
	default:
		l.b.Store(t.Size(), dst.base, dst.off, l.convert(l.num(o), o.typ, t))
	}
}

func (l *lowerer) copyTuple(dst place, t types.Tuple, o operand, exact bool) {
	from, ok := o.typ.(types.Tuple)
	if !ok || o.mem.base == nil {
		l.zero(dst, t.Size())
		return
	}
	if sameLayout(from, t) && (!exact || o.mem.exact) && o.mem.space == types.SpaceBPF {
		l.copyBytes(dst, o.mem, t.Size())
		return
	}
	l.zeroGaps(dst, t)
	for i := range t.Elems {
		m := l.mark()
		l.storeOperand(dst.at(t.Offset(i)), t.Elems[i], l.element(o, from, t.In(from, i)), exact)
		l.release(m)
	}
}

// sameLayout says whether two tuples lie in memory alike.
func sameLayout(a, b types.Tuple) bool {
	if len(a.Elems) != len(b.Elems) || !slices.Equal(a.Names, b.Names) {
		return false
	}
	for i := range a.Elems {
		x, ok1 := a.Elems[i].(types.Tuple)
		y, ok2 := b.Elems[i].(types.Tuple)
		if ok1 != ok2 || ok1 && !sameLayout(x, y) || a.Elems[i].Size() != b.Elems[i].Size() {
			return false
		}
		if signed(a.Elems[i]) != signed(b.Elems[i]) {
			return false
		}
	}
	return true
}

// copyObject copies a struct or array from wherever it lies.
func (l *lowerer) copyObject(dst place, size int, o operand) {
	switch {
	case o.mem.base == nil:
		l.zero(dst, size)
	case o.mem.space == types.SpaceBPF:
		l.copyBytes(dst, o.mem, size)
	case o.mem.space == types.SpaceCtx:
		l.copyCtx(dst, o.mem, size)
	default:
		l.readMem(dst, size, l.scalarAddr(o.mem), helperSpace(o.mem.space))
	}
}

// copyString copies a string into a field of size bytes.
func (l *lowerer) copyString(dst place, size int, o operand, exact bool) {
	if o.lit != nil {
		l.storeLiteral(dst, size, *o.lit, exact)
		return
	}
	from := o.typ.Size()
	src := o.mem
	switch {
	case src.base == nil && o.val == nil:
		l.storeLiteral(dst, size, "", exact)
	case src.base != nil && l.wordsReadable(src) && src.exact && from <= zeroInline && size%8 == 0 && from%8 == 0:
		n := min(from, size)
		l.copyWords(dst, src, n)
		if size < from {
			l.b.Store(1, dst.base, dst.off+size-1, l.b.Const(0))
		}
		if exact && size > n {
			l.zero(dst.at(n), size-n)
		}
	default:
		if exact {
			l.zero(dst, size)
		}
		l.readString(dst, size, o)
	}
}

// readString copies a string that is no literal by a helper into a field of size bytes, and returns what the
// helper did: the length with the NUL, or an error.
func (l *lowerer) readString(dst place, size int, o operand) *ir.Value {
	if o.mem.base == nil { // a pointer to characters
		return l.readStr(dst, size, l.num(o), l.pointee(o).space, false, l.readSite("string"))
	}
	from := o.typ.Size()
	o.mem = l.outOfCtx(o.mem, from-boolInt(o.mem.chars))
	if from > 0 {
		size = min(from, size)
	}
	n := l.readStr(dst, size, l.scalarAddr(o.mem), helperSpace(o.mem.space), false, l.readSite("string"))
	if from == size && o.mem.space == types.SpaceBPF && !o.mem.chars {
		l.copyCut(dst, o.mem, size, n)
	}
	return n
}

// wordsReadable says whether a place can be read by direct loads.
func (l *lowerer) wordsReadable(p place) bool {
	return p.space == types.SpaceBPF || p.typed
}

// copyWords copies n bytes (a multiple of 8) by direct loads.
func (l *lowerer) copyWords(dst, src place, n int) {
	for i := 0; i < n; i += 8 {
		l.b.Store(8, dst.base, dst.off+i, l.b.Load(8, src.base, src.off+i))
	}
}

// storeLiteral writes a constant string, cut to the field.
func (l *lowerer) storeLiteral(dst place, size int, s string, exact bool) {
	if len(s) > size-1 {
		s = s[:max(size-1, 0)]
	}
	n := (len(s) + 8) &^ 7 // the NUL included
	if exact {
		if n > size || size > zeroInline {
			l.zero(dst, size)
		} else {
			defer l.zero(dst.at(n), size-n)
		}
	}
	buf := make([]byte, n)
	copy(buf, s)
	for i := 0; i < n; {
		w := 8
		for i+w > size {
			w /= 2
		}
		if w == 0 {
			break
		}
		l.b.Store(w, dst.base, dst.off+i, l.b.Const(word(buf[i:i+w])))
		i += w
	}
}

// word is the number that up to 8 bytes make on a little-endian machine, as all supported ones are.
func word(b []byte) int64 {
	var w [8]byte
	copy(w[:], b)
	return int64(binary.LittleEndian.Uint64(w[:]))
}

// readSite is the failure counter for a read at the current place.
func (l *lowerer) readSite(what string) *layout.Site {
	return &layout.Site{Kind: layout.SiteRead, Pos: l.b.Pos, What: what}
}

// readStr reads a string of at most size bytes, the NUL included, and returns the helper's result: its length with
// the NUL, or a negative error, which is counted. The destination then holds "".
func (l *lowerer) readStr(dst place, size int, src *ir.Value, space types.AddrSpace, exact bool, site *layout.Site) *ir.Value {
	if exact {
		l.zero(dst, size)
	}
	return l.readStrN(dst, l.b.Const(int64(size)), src, space, site)
}

func (l *lowerer) readStrN(dst place, size, src *ir.Value, space types.AddrSpace, site *layout.Site) *ir.Value {
	r := readerOf(space)
	ret := l.b.Helper(int(r.str), false, l.addr(dst), size, src)
	site.Helper = r.name + "_str"
	l.readFailure(ret, site)
	return ret
}

// strSource is where the string of str(x) lies.
func (l *lowerer) strSource(c *ast.Call) (src *ir.Value, space types.AddrSpace) {
	o := l.expr(c.Args[0])
	l.b.Pos = c.Pos
	if o.lit != nil {
		o = l.materialize(o)
	}
	if o.val == nil && o.mem.base != nil && types.InMemory(o.typ) {
		o.mem = l.outOfCtx(o.mem, o.typ.Size()-boolInt(o.mem.chars))
		return l.scalarAddr(o.mem), helperSpace(o.mem.space)
	}
	if pt, ok := o.typ.(types.Pointer); ok {
		space = pt.Space
	}
	return l.num(o), helperSpace(space)
}

// storeStr reads str(x) or str(x, n) into a field of size bytes, and returns what the helper did.
func (l *lowerer) storeStr(dst place, size int, c *ast.Call, exact bool) *ir.Value {
	src, space := l.strSource(c)
	site := &layout.Site{Kind: layout.SiteRead, Pos: c.Pos, What: "str"}
	if exact {
		l.zero(dst, size)
	}
	if len(c.Args) < 2 {
		n := l.readStr(dst, size, src, space, false, site)
		if size >= l.typeOf(c).Size() {
			l.markCut(dst, size, n, src, space, c.Pos)
		}
		return n
	}
	// n bytes, the NUL included, at most the whole field.
	if n, ok := l.constOf(c.Args[1]); ok {
		limit := max(int(min(n.Int, uint64(size))), 1)
		return l.readStr(dst, limit, src, space, false, site)
	}
	n := l.numExpr(c.Args[1])
	n = l.b.Op(ir.OpAdd, n, l.b.Cmp(ir.Eq, n, l.b.Const(0))) // no byte at all is an empty string, too
	return l.readStrN(dst, l.atMost(n, size), src, space, site)
}

// atMost bounds a number that is not 0 for the verifier: everything above limit (negative numbers too) becomes limit.
func (l *lowerer) atMost(n *ir.Value, limit int) *ir.Value {
	v := l.limited(n, limit)
	if limit&(limit-1) == 0 {
		// The same number from 1 to limit, as the result of a mask: see cpuIndex.
		v = l.b.OpImm(ir.OpAdd, l.b.OpImm(ir.OpAnd, l.b.OpImm(ir.OpSub, v, 1), int64(limit-1)), 1)
	}
	return v
}

// limited is atMost for a number that may be 0.
// The number is one that the verifier knows nothing about: it would check all that follows again for each that was set on some path.
func (l *lowerer) limited(n *ir.Value, limit int) *ir.Value {
	n = l.b.Op(ir.OpScalar, n)
	in, out := l.newJoin("in"), l.newJoin("bound")
	over := l.newJoin("over")
	l.branch(ir.ULe, n, l.b.Const(int64(limit)), in, over)
	l.land(in)
	l.jump(out, n)
	l.land(over)
	l.jump(out, l.b.Const(int64(limit)))
	return l.land(out)[0]
}

// materialize gives a string that is a literal or lies outside of BPF memory a place in it.
func (l *lowerer) materialize(o operand) operand {
	if !types.InMemory(o.typ) || o.lit == nil && o.mem.space == types.SpaceBPF {
		return o
	}
	p := l.temp("string", o.typ.Size())
	l.storeOperand(p, o.typ, o, true)
	p.exact = true
	return operand{typ: o.typ, mem: p}
}

// copied is an object in memory of its own.
func (l *lowerer) copied(o operand) operand {
	p := l.temp("copy", o.typ.Size())
	l.storeOperand(p, o.typ, o, true)
	p.exact = true
	return operand{typ: o.typ, mem: p}
}

// exactOperand is the operand in BPF memory with all padding zero.
func (l *lowerer) exactOperand(o operand, t types.Type) place {
	if o.lit == nil && o.mem.space == types.SpaceBPF && o.mem.exact && o.typ.Size() == t.Size() {
		return o.mem
	}
	p := l.temp("compare", t.Size())
	l.storeOperand(p, t, o, true)
	return p
}

// markCut looks at the byte that comes after a string of size-1 bytes, for which there was room. If the string goes on,
// that byte takes the place of the NUL: a field without one is shown with a trailer. The cut is counted.
func (l *lowerer) markCut(dst place, size int, n, src *ir.Value, space types.AddrSpace, pos source.Pos) {
	full, cut, done := l.fn.fn.NewBlock("full"), l.fn.fn.NewBlock("cut"), l.fn.fn.NewBlock("whole")
	l.b.BranchUnlikely(ir.Eq, n, l.b.Const(int64(size)), full, done)
	l.b.At(full)
	last := dst.at(size - 1)
	// A failure leaves a zero: the string ends where its memory does.
	l.b.Helper(int(readerOf(space).bytes), false, l.addr(last), l.b.Const(1), l.b.OpImm(ir.OpAdd, src, int64(size-1)))
	l.b.BranchUnlikely(ir.Ne, l.b.Load(1, last.base, last.off), l.b.Const(0), cut, done)
	l.b.At(cut)
	l.countFailure(&layout.Site{Kind: layout.SiteTrunc, Pos: pos, What: "str"})
	l.b.Jump(done)
	l.b.At(done)
}

// goText reads a string of Go, which has its bytes elsewhere and no NUL behind them: their address and their number lie at a place.
func (l *lowerer) goText(p place, t types.Type) operand {
	size := t.Size()
	dst := l.temp("text", size)
	l.zero(dst, size)
	src := l.loadAt(p, types.Int{Bits: 64}).val
	n := l.loadAt(p.at(location.WordSize), types.Int{Bits: 64}).val
	l.goBytes(dst, size, src, n)
	dst.exact = true
	return operand{typ: t, mem: dst}
}

// goBytes reads n bytes of the process into a string's field, which is empty.
func (l *lowerer) goBytes(dst place, size int, src, n *ir.Value) {
	some, cut, done := l.fn.fn.NewBlock("text"), l.fn.fn.NewBlock("cut"), l.fn.fn.NewBlock("read")
	l.b.Branch(ir.Ne, n, l.b.Const(0), some, done)
	l.b.At(some)
	pos := l.b.Pos
	room := l.atMost(l.b.OpImm(ir.OpAdd, n, 1), size)
	l.readStrN(dst, room, src, types.SpaceUser, &layout.Site{Kind: layout.SiteRead, Pos: pos, What: "a string"})
	l.b.BranchUnlikely(ir.UGt, n, l.b.Const(int64(size-1)), cut, done)
	l.b.At(cut)
	last := dst.at(size - 1) // no NUL: see markCut
	l.b.Helper(int(readerOf(types.SpaceUser).bytes), false, l.addr(last), l.b.Const(1), l.b.OpImm(ir.OpAdd, src, int64(size-1)))
	l.countFailure(&layout.Site{Kind: layout.SiteTrunc, Pos: pos, What: "a string"})
	l.b.Jump(done)
	l.b.At(done)
}

// copyCut copies the last byte of a string that fills its field: it is no NUL if the string was cut (see markCut). The helper reads it,
// because a shorter string leaves that byte of its field unwritten, which the verifier refuses to load from the stack.
func (l *lowerer) copyCut(dst, src place, size int, n *ir.Value) {
	full, done := l.fn.fn.NewBlock("full"), l.fn.fn.NewBlock("copied")
	l.b.BranchUnlikely(ir.Eq, n, l.b.Const(int64(size)), full, done)
	l.b.At(full)
	last := dst.at(size - 1)
	l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(last), l.b.Const(1), l.scalarAddr(src.at(size-1)))
	l.b.Jump(done)
	l.b.At(done)
}
