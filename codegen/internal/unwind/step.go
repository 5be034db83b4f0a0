package unwind

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/ehframe"
)

// step goes from a frame to that of its caller, by a rule.
type step struct {
	*Walk
	rule, ip *ir.Value
	// known goes on where the CFA is known, and how far from it the caller's frame pointer was saved, 0 if it has not changed.
	known    *ir.Block
	cfa, rbp *ir.Value
}

// wordShift makes words of bytes.
const wordShift = 3

func (w *Walk) newStep(rule, ip *ir.Value) *step {
	s := &step{Walk: w, rule: rule, ip: ip, known: w.B.Func.NewBlock("cfa")}
	s.cfa, s.rbp = s.known.AddParam(), s.known.AddParam()
	return s
}

// dispatch branches by the kind of the rule.
func (s *step) dispatch(frames *ir.Block) {
	b, f := s.B, s.B.Func
	kind := b.OpImm(ir.OpAnd, s.rule, 15)
	for _, k := range []struct {
		kind ehframe.Kind
		do   func()
	}{
		{ehframe.StackBased, func() { s.from(s.load(stateSP)) }},
		{ehframe.FrameBased, func() { s.from(s.load(stateBP)) }},
		{ehframe.None, func() { b.Jump(frames) }},
		{ehframe.PLT, s.plt},
		{ehframe.Signal, s.signal},
		{ehframe.Deref, s.deref},
		{ehframe.End, func() { s.end(0) }},
	} {
		is, not := f.NewBlock(k.kind.String()), f.NewBlock("other")
		b.Branch(ir.Eq, kind, b.Const(int64(k.kind)), is, not)
		b.At(is)
		k.do()
		b.At(not)
	}
	s.end(layout.UnwindStopRule)
}

// cfaOffset is the offset of the CFA that the rule has, in bytes; rbpOffset is where it has the frame pointer.
func (s *step) cfaOffset() *ir.Value {
	return s.B.OpImm(ir.OpShl, s.B.OpImm(ir.OpAShr, s.B.Ext(s.rule, 32, true), 16), wordShift)
}

func (s *step) rbpOffset() *ir.Value {
	return s.B.OpImm(ir.OpShl, s.B.OpImm(ir.OpAShr, s.B.Ext(s.rule, 16, true), 4), wordShift)
}

// from is the CFA at an offset from a register.
func (s *step) from(reg *ir.Value) {
	s.B.Jump(s.known, s.B.Op(ir.OpAdd, reg, s.cfaOffset()), s.rbpOffset())
}

// plt is the CFA in an entry of a procedure linkage table: one word further from the byte on that the rule says.
func (s *step) plt() {
	b := s.B
	n := b.OpImm(ir.OpAnd, b.OpImm(ir.OpLShr, s.rule, 4), 15)
	pushed := b.OpImm(ir.OpLShr, b.OpImm(ir.OpAdd, b.Op(ir.OpSub, n, b.OpImm(ir.OpAnd, s.ip, 15)), -1), 63) // 1 if n <= ip & 15
	b.Jump(s.known, b.Op(ir.OpAdd, b.OpImm(ir.OpAdd, s.load(stateSP), 8), b.OpImm(ir.OpShl, pushed, wordShift)), b.Const(0))
}

// deref is the CFA that lies in memory at an offset from the frame pointer. The caller's frame pointer is where ours points to.
func (s *step) deref() {
	b := s.B
	bp := s.load(stateBP)
	s.read(b.Op(ir.OpAdd, bp, s.cfaOffset()), 8)
	cfa := s.load(stateRead)
	b.Jump(s.known, cfa, b.Op(ir.OpSub, bp, cfa))
}

// read reads the process's memory.
func (s *step) read(addr *ir.Value, size int64) {
	ret := s.B.Helper(int(asm.FnProbeReadUser), false, s.addr(stateRead), s.B.Const(size), addr)
	s.stopIf(ir.Ne, ret, s.B.Const(0), layout.UnwindStopRead)
}

// signal goes to the frame that a signal interrupted.
func (s *step) signal() {
	b := s.B
	s.read(b.OpImm(ir.OpAdd, s.load(stateSP), signalBP), signalSize)
	s.store(stateSP, s.load(stateRead+signalSP))
	s.store(stateBP, s.load(stateRead))
	s.store(stateIP, s.load(stateRead+signalIP))
	s.store(stateCaller, b.Const(0))
	b.Return(b.Const(goOn))
}

// byFramePointer goes to the caller by the frame pointer, which is 0 in outermost functions.
func (s *step) byFramePointer() {
	b, f := s.B, s.B.Func
	bp := s.load(stateBP)
	outermost, frame := f.NewBlock("outermost"), f.NewBlock("frame")
	b.Branch(ir.Eq, bp, b.Const(0), outermost, frame)
	b.At(outermost)
	s.end(0)
	b.At(frame)
	b.Jump(s.known, b.OpImm(ir.OpAdd, bp, 16), b.Const(-16))
}

// finish goes to the caller by the CFA.
func (s *step) finish() {
	b, f := s.B, s.B.Func
	b.At(s.known)
	s.stopIf(ir.ULe, s.cfa, s.load(stateSP), layout.UnwindStopRead)
	// The return address, and before it what most functions save first.
	s.read(b.OpImm(ir.OpAdd, s.cfa, -16), 16)
	ip := s.load(stateRead + 8)
	s.store(stateIP, ip)
	s.store(stateSP, s.cfa)
	s.store(stateCaller, b.Const(1))
	done := f.NewBlock("done")
	near, far, save := f.NewBlock("near"), f.NewBlock("far"), f.NewBlock("saved")
	saved := save.AddParam()
	notNear := f.NewBlock("not_near")
	b.Branch(ir.Eq, s.rbp, b.Const(-16), near, notNear)
	b.At(near)
	b.Jump(save, s.load(stateRead))
	b.At(notNear)
	b.Branch(ir.Eq, s.rbp, b.Const(0), done, far)
	b.At(far)
	s.read(b.Op(ir.OpAdd, s.cfa, s.rbp), 8)
	b.Jump(save, s.load(stateRead))
	b.At(save)
	s.store(stateBP, saved)
	b.Jump(done)
	b.At(done)
	last, more := f.NewBlock("last"), f.NewBlock("more")
	b.Branch(ir.Eq, ip, b.Const(0), last, more)
	b.At(last)
	s.end(0)
	b.At(more)
	b.Return(b.Const(goOn))
}
