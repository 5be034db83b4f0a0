// Package buckets computes, in code, the bucket of a histogram that a number belongs to.
package buckets

import (
	"math/bits"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// Hist is layout.HistIndex(v, k) in code, for a v of type t.
//
// With shift the number of bits by which v is longer than k+1 bits, at least 0, the bucket of every v >= 0 is
// 1 + shift<<k + v>>shift. The shift is found by halving: for 32, 16, … 1 bits, v is cut by as many where it has more than that.
// eBPF has no instruction for the highest bit and none that sets a register by a comparison; the sign of a
// difference, shifted down, does that without a branch. Branches would be taken at random here, and the verifier
// would follow each of their 64 paths.
//
// What is left of v has at most k+1 bits. The mask that says so is for the verifier: see layout.HistBound.
func Hist(b *ir.Builder, v *ir.Value, t types.Type, k int) *ir.Value {
	f := b.Func
	longest := 63 // bits that a v >= 0 can have
	var end *ir.Block
	if i, ok := t.(types.Int); ok && i.Bits < 64 {
		if longest = i.Bits; i.Signed {
			longest--
		}
	}
	if i, ok := t.(types.Int); !ok || i.Bits == 64 || i.Signed {
		positive := f.NewBlock("positive")
		end = f.NewBlock("index")
		zero := b.Const(0)
		b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLt, X: v, Y: zero,
			Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: positive}})
		b.At(positive)
	}
	shift := b.Const(0)
	for n := 5; n >= 0; n-- {
		step := 1 << n
		if longest <= k+step {
			continue // v is never that long
		}
		longest = max(k+step, longest-step)
		// bit 63 of limit-v is set where v has more than k+step bits
		over := b.Op(ir.OpSub, b.Const(1<<(k+step)-1), v)
		by := b.OpImm(ir.OpLShr, over, 63)
		if n > 0 {
			by = b.OpImm(ir.OpShl, by, int64(n))
		}
		v = b.Op(ir.OpLShr, v, by)
		shift = b.Op(ir.OpAdd, shift, by)
	}
	v = b.OpImm(ir.OpAnd, v, 2<<k-1)
	if k > 0 {
		shift = b.OpImm(ir.OpShl, shift, int64(k))
	}
	index := b.OpImm(ir.OpAdd, b.Op(ir.OpAdd, shift, v), 1)
	if end == nil {
		return index
	}
	res := end.AddParam()
	b.Jump(end, index)
	b.At(end)
	return res
}

// LHist is layout.LHistIndex(v, a) in code.
func LHist(b *ir.Builder, v *ir.Value, a types.Agg) *ir.Value {
	f := b.Func
	notLess, in, end := f.NewBlock("notless"), f.NewBlock("in"), f.NewBlock("index")
	res := end.AddParam()
	below, above := b.Const(0), b.Const(int64(layout.LHistBuckets(a)-1))
	b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLt, X: v, Y: b.Const(a.Min),
		Then: ir.Edge{To: end, Args: []*ir.Value{below}}, Else: ir.Edge{To: notLess}})
	b.At(notLess)
	b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SGe, X: v, Y: b.Const(a.Max),
		Then: ir.Edge{To: end, Args: []*ir.Value{above}}, Else: ir.Edge{To: in}})
	b.At(in)
	n := v
	if a.Min != 0 {
		n = b.OpImm(ir.OpSub, v, a.Min)
	}
	step := b.OpImm(ir.OpAnd, divide(b, n, uint64(a.Step), uint64(a.Max)-uint64(a.Min)), int64(layout.LhistMask(a)))
	b.Jump(end, b.OpImm(ir.OpAdd, step, 1))
	b.At(end)
	return res
}

// divide is n / d for an n < limit: a shift or a multiplication where that gives the same, as a division takes tens of cycles.
func divide(b *ir.Builder, n *ir.Value, d, limit uint64) *ir.Value {
	if d&(d-1) == 0 {
		if d <= 1 {
			return n
		}
		return b.OpImm(ir.OpLShr, n, int64(bits.TrailingZeros64(d)))
	}
	if mul, shift, ok := reciprocal(d, limit); ok {
		return b.OpImm(ir.OpLShr, b.OpImm(ir.OpMul, n, int64(mul)), int64(shift))
	}
	return b.OpImm(ir.OpUDiv, n, int64(d))
}

// reciprocal finds mul and shift such that n/d == n*mul >> shift for every n < limit, without overflow of 64 bits.
func reciprocal(d, limit uint64) (mul uint64, shift int, ok bool) {
	for shift = bits.Len64(d); shift < 63; shift++ {
		p := uint64(1) << shift
		mul = p/d + 1
		e := mul*d - p // 0 < e <= d
		// n*mul/p = n/d + n*e/(d*p), which has the same floor as n/d if n*e < p.
		hi, lo := bits.Mul64(limit, e)
		if hi != 0 || lo > p {
			continue
		}
		if hi, _ := bits.Mul64(limit, mul); hi != 0 {
			return 0, 0, false // a longer multiplier is longer still
		}
		return mul, shift, true
	}
	return 0, 0, false
}
