package pass

import (
	"math/bits"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

// fold computes what is constant, replaces operations by cheaper ones, and decides branches on constants.
func fold(f *ir.Func, _ *Options) {
	s := &folder{f: f, r: &replacements{f: f}, uses: useCounts(f)}
	for _, b := range reversePostorder(f) {
		s.block(b)
	}
	s.r.apply(f)
}

type folder struct {
	f    *ir.Func
	r    *replacements
	uses []int
	out  []*ir.Value // values of the current block so far
	b    *ir.Block
}

func (s *folder) block(b *ir.Block) {
	old := b.Values
	s.b, s.out = b, make([]*ir.Value, 0, len(old))
	for _, v := range old {
		s.r.args(v.Args)
		if n := s.simplify(v); n != v {
			s.r.put(v, n)
			continue
		}
		s.out = append(s.out, v)
	}
	s.r.term(&b.Term)
	s.term(b)
	b.Values = s.out
}

// konst adds a constant to the current block.
func (s *folder) konst(n int64, like *ir.Value) *ir.Value {
	v := s.f.NewValue(ir.OpConst)
	v.Imm, v.Block = n, s.b
	if like != nil {
		v.Pos = like.Pos
	}
	s.out = append(s.out, v)
	s.uses = append(s.uses, 1)
	return v
}

// simplify returns what stands for v: v itself (perhaps changed), or another value.
func (s *folder) simplify(v *ir.Value) *ir.Value {
	if n, ok := s.constant(v); ok {
		return s.konst(n, v)
	}
	switch v.Op {
	case ir.OpZext:
		return s.zext(v)
	case ir.OpSext:
		return sext(v)
	case ir.OpCmp:
		return s.cmp(v)
	case ir.OpLoad, ir.OpStore, ir.OpAtomicAdd, ir.OpAtomicFetch, ir.OpXchg:
		s.address(v)
		return v
	case ir.OpScalar:
		if v.Args[0].Op == ir.OpScalar || v.Args[0].Op == ir.OpConst {
			return v.Args[0]
		}
		return v
	}
	if len(v.Args) == 2 && !v.IsCall() && v.Mergeable() {
		return s.arith(v)
	}
	return v
}

// constant computes an operation whose operands are all constants.
func (s *folder) constant(v *ir.Value) (int64, bool) {
	if len(v.Args) == 0 || len(v.Args) > 2 || v.Args[0].Op != ir.OpConst {
		return 0, false
	}
	y := int64(0)
	if len(v.Args) == 2 {
		if v.Args[1].Op != ir.OpConst {
			return 0, false
		}
		y = v.Args[1].Imm
	}
	return Eval(v, v.Args[0].Imm, y)
}

// address moves the constant part of an address into the offset of the access.
func (s *folder) address(v *ir.Value) {
	for {
		a := v.Args[0]
		switch {
		case a.Op == ir.OpAdd && !a.W32 && a.Args[1].Op == ir.OpConst && fitsOff(int64(v.Off)+a.Args[1].Imm):
			v.Off += int32(a.Args[1].Imm)
			v.Args[0] = a.Args[0]
		default:
			return
		}
	}
}

// fitsOff says whether an offset fits the 16 bits of a memory instruction.
func fitsOff(n int64) bool { return n >= -1<<15 && n < 1<<15 }

// arith simplifies an operation with two operands, of which at most one is constant.
func (s *folder) arith(v *ir.Value) *ir.Value {
	if commutes(v.Op) && v.Args[0].Op == ir.OpConst {
		v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
	}
	x, y := v.Args[0], v.Args[1]
	if y.Op == ir.OpConst && !v.W32 {
		return s.arithConst(v, x, y.Imm)
	}
	if x == y && !v.W32 {
		switch v.Op {
		case ir.OpSub, ir.OpXor:
			if x.Op != ir.OpSlot { // pointers are the verifier's
				return s.konst(0, v)
			}
		case ir.OpAnd, ir.OpOr:
			return x
		}
	}
	return v
}

// arithConst simplifies x op n.
func (s *folder) arithConst(v, x *ir.Value, n int64) *ir.Value {
	switch v.Op {
	case ir.OpAdd, ir.OpSub, ir.OpOr, ir.OpXor, ir.OpShl, ir.OpLShr, ir.OpAShr:
		if n == 0 {
			return x
		}
	}
	switch v.Op {
	case ir.OpAdd:
		return s.addConst(v, x, n)
	case ir.OpSub:
		if n != -1<<63 {
			v.Op = ir.OpAdd
			v.Args[1] = s.konst(-n, v)
			return s.addConst(v, x, -n)
		}
	case ir.OpMul:
		switch {
		case n == 0:
			return s.konst(0, v)
		case n == 1:
			return x
		case n > 0 && n&(n-1) == 0:
			return s.change(v, ir.OpShl, x, log2(n))
		}
	case ir.OpUDiv:
		switch {
		case n == 0:
			return s.konst(0, v)
		case n == 1:
			return x
		case n&(n-1) == 0:
			return s.change(v, ir.OpLShr, x, log2(n))
		}
	case ir.OpUMod:
		switch {
		case n == 0:
			return x
		case n&(n-1) == 0:
			return s.and(v, x, n-1)
		}
	case ir.OpSDiv:
		return s.sdivConst(v, x, n)
	case ir.OpSMod:
		return s.smodConst(v, x, n)
	case ir.OpAnd:
		return s.and(v, x, n)
	case ir.OpShl, ir.OpLShr, ir.OpAShr:
		if n&63 != n {
			return s.change(v, v.Op, x, n&63)
		}
	}
	return v
}

// change makes v the operation op on x and a constant.
func (s *folder) change(v *ir.Value, op ir.Op, x *ir.Value, n int64) *ir.Value {
	v.Op = op
	v.Args = []*ir.Value{x, s.konst(n, v)}
	return v
}

func log2(n int64) int64 { return int64(bits.TrailingZeros64(uint64(n))) }

// addConst folds (x + a) + n, and a constant offset into the address of a slot or map value.
func (s *folder) addConst(v, x *ir.Value, n int64) *ir.Value {
	switch {
	case n == 0:
		return x
	case x.Op == ir.OpAdd && !x.W32 && x.Args[1].Op == ir.OpConst:
		return s.change(v, ir.OpAdd, x.Args[0], x.Args[1].Imm+n)
	case x.Op == ir.OpMapValue && int64(x.Off)+n >= 0 && int64(x.Off)+n < 1<<31:
		v.Op, v.Args, v.Sym, v.Off = ir.OpMapValue, nil, x.Sym, x.Off+int32(n)
	case x.Op == ir.OpSlot && int64(x.Off)+n >= 0 && int64(x.Off)+n <= int64(x.Slot.Size):
		v.Op, v.Args, v.Slot, v.Off = ir.OpSlot, nil, x.Slot, x.Off+int32(n)
	}
	return v
}

// and simplifies x & n.
func (s *folder) and(v, x *ir.Value, n int64) *ir.Value {
	switch {
	case n == 0:
		return s.konst(0, v)
	case n == -1:
		return x
	case x.Op == ir.OpAnd && !x.W32 && x.Args[1].Op == ir.OpConst:
		return s.change(v, ir.OpAnd, x.Args[0], x.Args[1].Imm&n)
	case n > 0 && n&(n+1) == 0 && width(x, 0) <= bits.Len64(uint64(n)):
		return x // nothing is cut
	}
	return s.change(v, ir.OpAnd, x, n)
}

// sdivConst divides by a constant as C does. Powers of two become shifts, after an addition that makes
// negative numbers round to 0.
func (s *folder) sdivConst(v, x *ir.Value, n int64) *ir.Value {
	switch {
	case n == 0:
		return s.konst(0, v)
	case n == 1:
		return x
	case n == -1:
		v.Op, v.Args = ir.OpNeg, []*ir.Value{x}
		return v
	case width(x, 0) < 64 && n > 0:
		v.Op = ir.OpUDiv // x is not negative
		return s.arithConst(v, x, n)
	case n > 0 && n&(n-1) == 0:
		k := log2(n)
		return s.change(v, ir.OpAShr, s.biased(v, x, k), k)
	}
	return v
}

func (s *folder) smodConst(v, x *ir.Value, n int64) *ir.Value {
	switch {
	case n == 0:
		return x
	case n == 1 || n == -1:
		return s.konst(0, v)
	case width(x, 0) < 64 && n > 0:
		v.Op = ir.OpUMod
		return s.arithConst(v, x, n)
	case n > 0 && n&(n-1) == 0:
		// x - (x+bias &^ (n-1))
		whole := s.add(v, ir.OpAnd, s.biased(v, x, log2(n)), s.konst(-n, v))
		v.Op, v.Args = ir.OpSub, []*ir.Value{x, whole}
	}
	return v
}

// biased is x, plus 1<<k - 1 where x is negative.
func (s *folder) biased(v, x *ir.Value, k int64) *ir.Value {
	sign := s.add(v, ir.OpAShr, x, s.konst(63, v))
	bias := s.add(v, ir.OpLShr, sign, s.konst(64-k, v))
	return s.add(v, ir.OpAdd, x, bias)
}

// add adds an operation to the current block.
func (s *folder) add(like *ir.Value, op ir.Op, args ...*ir.Value) *ir.Value {
	v := s.f.NewValue(op, args...)
	v.Pos, v.Block = like.Pos, s.b
	s.out = append(s.out, v)
	s.uses = append(s.uses, 1)
	return v
}

// widthDepth bounds how far width looks back.
const widthDepth = 6

// width is a number of bits that surely hold x as an unsigned number.
func width(x *ir.Value, depth int) int {
	if depth > widthDepth {
		return 64
	}
	if x.W32 {
		return 32
	}
	switch x.Op {
	case ir.OpConst:
		return bits.Len64(uint64(x.Imm))
	case ir.OpLoad:
		return int(x.Size) * 8
	case ir.OpZext:
		return min(int(x.Imm), width(x.Args[0], depth+1))
	case ir.OpBswap:
		return int(x.Imm)
	case ir.OpCmp:
		return 1
	case ir.OpAnd:
		return min(width(x.Args[0], depth+1), width(x.Args[1], depth+1))
	case ir.OpOr, ir.OpXor:
		return max(width(x.Args[0], depth+1), width(x.Args[1], depth+1))
	case ir.OpUDiv:
		return width(x.Args[0], depth+1)
	case ir.OpUMod:
		return width(x.Args[0], depth+1)
	case ir.OpAdd:
		return min(64, max(width(x.Args[0], depth+1), width(x.Args[1], depth+1))+1)
	case ir.OpLShr:
		if n := x.Args[1]; n.Op == ir.OpConst && n.Imm >= 0 && n.Imm < 64 {
			return max(0, width(x.Args[0], depth+1)-int(n.Imm))
		}
	}
	return 64
}

// zext drops a cut that cuts nothing, and moves one to 32 bits into the operation before it.
func (s *folder) zext(v *ir.Value) *ir.Value {
	x := v.Args[0]
	switch {
	case width(x, 0) <= int(v.Imm):
		return x
	case (x.Op == ir.OpZext || x.Op == ir.OpSext) && x.Imm >= v.Imm:
		v.Args[0] = x.Args[0] // the inner one cuts less
		return v
	}
	if v.Imm == 32 && s.uses[x.ID] == 1 && low32(x) {
		// The cut becomes the operation. Should somebody else need all 64 bits, x is still there; otherwise it goes.
		v.Op, v.Args, v.Imm, v.W32 = x.Op, append([]*ir.Value(nil), x.Args...), 0, true
	}
	return v
}

// low32 says whether the low 32 bits of an operation depend on those of its operands alone.
func low32(x *ir.Value) bool {
	switch x.Op {
	case ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpAnd, ir.OpOr, ir.OpXor, ir.OpNeg:
		return true
	case ir.OpShl:
		n := x.Args[1]
		return n.Op == ir.OpConst && n.Imm >= 0 && n.Imm < 32
	}
	return false
}

// sext drops an extension that changes nothing.
func sext(v *ir.Value) *ir.Value {
	x := v.Args[0]
	switch {
	case width(x, 0) < int(v.Imm):
		return x
	case x.Op == ir.OpSext && x.Imm <= v.Imm:
		return x
	case (x.Op == ir.OpZext || x.Op == ir.OpSext) && x.Imm >= v.Imm:
		v.Args[0] = x.Args[0]
	}
	return v
}

// cmp puts a constant on the right.
func (s *folder) cmp(v *ir.Value) *ir.Value {
	if v.Args[0].Op == ir.OpConst {
		v.Args[0], v.Args[1] = v.Args[1], v.Args[0]
		v.Cond = v.Cond.Swap()
	}
	x, y := v.Args[0], v.Args[1]
	if x == y && v.Cond != ir.Set {
		n, _ := Eval(v, 0, 0)
		return s.konst(n, v)
	}
	// A truth value compared with 0.
	if x.Op == ir.OpCmp && y.IsConst(0) {
		switch v.Cond {
		case ir.Ne:
			return x
		case ir.Eq:
			if n, ok := x.Cond.Negate(); ok {
				v.Cond = n
				v.Args = []*ir.Value{x.Args[0], x.Args[1]}
			}
		}
	}
	return v
}

// term decides branches on constants and takes comparisons into the branch.
func (s *folder) term(b *ir.Block) {
	t := &b.Term
	if t.Kind != ir.TermBranch {
		return
	}
	if t.X.Op == ir.OpConst && t.Y.Op != ir.OpConst {
		t.X, t.Y, t.Cond = t.Y, t.X, t.Cond.Swap()
	}
	for t.X.Op == ir.OpCmp && t.Y.IsConst(0) && (t.Cond == ir.Ne || t.Cond == ir.Eq) {
		c := t.X
		if t.Cond == ir.Eq {
			n, ok := c.Cond.Negate()
			if !ok {
				break
			}
			t.Cond = n
		} else {
			t.Cond = c.Cond
		}
		t.X, t.Y = c.Args[0], c.Args[1]
	}
	if t.Cond == ir.Ne && t.Y.IsConst(0) && t.X.Op == ir.OpAnd && !t.X.W32 && s.uses[t.X.ID] == 1 {
		t.X, t.Y, t.Cond = t.X.Args[0], t.X.Args[1], ir.Set
	}
	if t.X == t.Y && t.Cond != ir.Set {
		// From Linux 6.18 on the verifier takes a comparison of a register with itself for a bug of its own, and refuses the program.
		t.X, t.Y = s.konst(0, nil), s.konst(0, nil)
	}
	if t.X.Op == ir.OpConst && t.Y.Op == ir.OpConst {
		to := t.Else
		if t.Cond.Holds(t.X.Imm, t.Y.Imm) {
			to = t.Then
		}
		b.Term = ir.Term{Kind: ir.TermJump, Then: to, Pos: t.Pos}
	}
}
