package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

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
