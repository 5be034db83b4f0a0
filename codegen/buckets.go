package codegen

import (
	"math/bits"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// histIndex is HistIndex(v, k) in code, for a v of type t.
//
// With shift the number of bits by which v is longer than k+1 bits, at least 0, the bucket of every v >= 0 is
// 1 + shift<<k + v>>shift. The shift is found by halving: for 32, 16, … 1 bits, v is cut by as many where it has more than that.
// eBPF has no instruction for the highest bit and none that sets a register by a comparison; the sign of a
// difference, shifted down, does that without a branch. Branches would be taken at random here, and the verifier
// would follow each of their 64 paths.
//
// What is left of v has at most k+1 bits. The mask that says so is for the verifier: see histBound.
func (l *lowerer) histIndex(v *ir.Value, t types.Type, k int) *ir.Value {
	f := l.fn.fn
	longest := 63 // bits that a v >= 0 can have
	var end *ir.Block
	if i, ok := t.(types.Int); ok && i.Bits < 64 {
		longest = i.Bits - boolInt(i.Signed)
	}
	if i, ok := t.(types.Int); !ok || i.Bits == 64 || i.Signed {
		positive := f.NewBlock("positive")
		end = f.NewBlock("index")
		zero := l.b.Const(0)
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLt, X: v, Y: zero,
			Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: positive}})
		l.b.At(positive)
	}
	shift := l.b.Const(0)
	for n := 5; n >= 0; n-- {
		step := 1 << n
		if longest <= k+step {
			continue // v is never that long
		}
		longest = max(k+step, longest-step)
		// bit 63 of limit-v is set where v has more than k+step bits
		over := l.b.Op(ir.OpSub, l.b.Const(1<<(k+step)-1), v)
		by := l.b.OpImm(ir.OpLShr, over, 63)
		if n > 0 {
			by = l.b.OpImm(ir.OpShl, by, int64(n))
		}
		v = l.b.Op(ir.OpLShr, v, by)
		shift = l.b.Op(ir.OpAdd, shift, by)
	}
	v = l.b.OpImm(ir.OpAnd, v, 2<<k-1)
	if k > 0 {
		shift = l.b.OpImm(ir.OpShl, shift, int64(k))
	}
	index := l.b.OpImm(ir.OpAdd, l.b.Op(ir.OpAdd, shift, v), 1)
	if end == nil {
		return index
	}
	res := end.AddParam()
	l.b.Jump(end, index)
	l.b.At(end)
	return res
}

// lhistIndex is LHistIndex(v, a) in code.
func (l *lowerer) lhistIndex(v *ir.Value, a types.Agg) *ir.Value {
	f := l.fn.fn
	notLess, in, end := f.NewBlock("notless"), f.NewBlock("in"), f.NewBlock("index")
	res := end.AddParam()
	below, above := l.b.Const(0), l.b.Const(int64(layout.LHistBuckets(a)-1))
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SLt, X: v, Y: l.b.Const(a.Min),
		Then: ir.Edge{To: end, Args: []*ir.Value{below}}, Else: ir.Edge{To: notLess}})
	l.b.At(notLess)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.SGe, X: v, Y: l.b.Const(a.Max),
		Then: ir.Edge{To: end, Args: []*ir.Value{above}}, Else: ir.Edge{To: in}})
	l.b.At(in)
	n := v
	if a.Min != 0 {
		n = l.b.OpImm(ir.OpSub, v, a.Min)
	}
	step := l.b.OpImm(ir.OpAnd, l.divide(n, uint64(a.Step), uint64(a.Max)-uint64(a.Min)), int64(layout.LhistMask(a)))
	l.b.Jump(end, l.b.OpImm(ir.OpAdd, step, 1))
	l.b.At(end)
	return res
}

// divide is n / d for an n < limit: a shift or a multiplication where that gives the same, as a division takes tens of cycles.
func (l *lowerer) divide(n *ir.Value, d, limit uint64) *ir.Value {
	if d&(d-1) == 0 {
		if d <= 1 {
			return n
		}
		return l.b.OpImm(ir.OpLShr, n, int64(bits.TrailingZeros64(d)))
	}
	if mul, shift, ok := reciprocal(d, limit); ok {
		return l.b.OpImm(ir.OpLShr, l.b.OpImm(ir.OpMul, n, int64(mul)), int64(shift))
	}
	return l.b.OpImm(ir.OpUDiv, n, int64(d))
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

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// seriesUpdate adds a value to the interval that it is now; see layout.SeriesEpoch.
func (l *lowerer) seriesUpdate(u *aggUpdate) {
	now := l.seriesClock()
	n := l.b.OpImm(ir.OpUDiv, now, u.agg.Every)
	at := l.b.OpImm(ir.OpUMod, n, int64(u.agg.Count))
	// The verifier does not know what a remainder is.
	in, never := l.fn.fn.NewBlock("interval"), l.fn.fn.NewBlock("nointerval")
	l.b.BranchUnlikely(ir.UGe, at, l.b.Const(int64(u.agg.Count)), never, in)
	l.b.At(never)
	l.b.Jump(u.done)
	l.b.At(in)
	s := &seriesInterval{aggUpdate: *u, now: now, epoch: l.b.OpImm(ir.OpAdd, n, 1)}
	s.base = l.b.Op(ir.OpAdd, u.base, l.b.OpImm(ir.OpMul, at, int64(layout.Word(layout.SeriesWords))))
	s.begin(l)
	s.put(l)
}

// seriesClock is the time by which intervals are counted: atomic time, which has no leap seconds and does not jump. Tests take a map of the
// script for it.
func (l *lowerer) seriesClock() *ir.Value {
	if m := l.k.checked.SeriesClock; m != nil {
		return l.num(l.valueAt(m, bpf(l.keyless(m)(), 0)))
	}
	return clocks["sw_tai"](l, nil, nil).val
}

// seriesInterval is an update of an interval.
type seriesInterval struct {
	aggUpdate
	now, epoch *ir.Value
}

func (s *seriesInterval) word(l *lowerer, i int) *ir.Value {
	return l.b.Load(8, s.base, layout.Word(i))
}

func (s *seriesInterval) setWord(l *lowerer, i int, v *ir.Value) {
	l.b.Store(8, s.base, layout.Word(i), v)
}

// begin makes the place one of the interval, if it still has an older one. Where others write the same memory meanwhile only the one that
// changes the epoch may do that, and it takes away what it saw before: what came in between belongs to the new interval. The
// epoch of who was interrupted for longer than all intervals is older: its value goes to the interval that is there.
func (s *seriesInterval) begin(l *lowerer) {
	fresh, same := l.fn.fn.NewBlock("fresh"), l.fn.fn.NewBlock("same")
	l.b.BranchUnlikely(ir.ULt, s.word(l, layout.SeriesEpoch), s.epoch, fresh, same)
	l.b.At(fresh)
	if !s.atomic || !l.k.kernel.AtLeast(5, 12) { // without an atomic exchange an update can be lost here
		s.setWord(l, layout.SeriesNumber, l.b.Const(0))
		s.setWord(l, layout.SeriesMeta, l.b.Const(0))
		s.setWord(l, layout.SeriesEpoch, s.epoch)
		l.b.Jump(same)
		l.b.At(same)
		return
	}
	number, meta := s.word(l, layout.SeriesNumber), s.word(l, layout.SeriesMeta)
	old := l.b.Atomic(ir.OpXchg, 8, s.base, layout.Word(layout.SeriesEpoch), s.epoch)
	first := l.fn.fn.NewBlock("first")
	l.b.Branch(ir.Eq, old, s.epoch, same, first)
	l.b.At(first)
	if s.sums() {
		s.add(l, layout.SeriesNumber, l.b.Op(ir.OpSub, l.b.Const(0), number))
		s.add(l, layout.SeriesMeta, l.b.Op(ir.OpSub, l.b.Const(0), meta))
	} else {
		s.setWord(l, layout.SeriesNumber, l.b.Const(0))
	}
	l.b.Jump(same)
	l.b.At(same)
}

func (s *seriesInterval) sums() bool { return s.agg.Of == types.AggSum || s.agg.Of == types.AggAvg }

// put adds the value to the interval.
func (s *seriesInterval) put(l *lowerer) {
	switch {
	case s.sums():
		s.add(l, layout.SeriesNumber, s.x)
		s.add(l, layout.SeriesMeta, l.b.Const(1))
	case s.agg.Of == types.AggMin || s.agg.Of == types.AggMax:
		code := l.b.OpImm(ir.OpXor, s.x, int64(layout.ExtremeCode(layout.SeriesExtreme(s.agg))))
		better := l.fn.fn.NewBlock("better")
		l.b.Branch(ir.ULt, code, s.word(l, layout.SeriesNumber), s.done, better)
		l.b.At(better)
		s.setWord(l, layout.SeriesNumber, code)
	default:
		s.setWord(l, layout.SeriesNumber, s.x)
		s.setWord(l, layout.SeriesMeta, s.now)
	}
}
