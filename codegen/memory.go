package codegen

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/reentry"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/builtin"
)

// Where temporaries live. The eBPF stack has 512 bytes for a function and everything it
// calls (MAX_BPF_STACK, include/linux/filter.h), so only small ones go there.
const (
	stackObjectMax = 64  // bytes of one object on the stack
	stackMainMax   = 288 // bytes of all objects alive in the main function; the rest is for spills
	stackCallMax   = 64  // the same in a callback
)

// thrift is how sparing a program is with its stack. Each program is first made as fast as possible; one that then needs more stack
// than the kernel gives is made again, more sparingly.
type thrift int

const (
	thriftNone      thrift = iota
	thriftObjects          // all objects lie in scratch memory
	thriftVariables        // so do the scalar variables: they are loaded where they are used
	thriftMost             // and nothing is kept in registers for the sake of not computing it again
)

// stackFor is how many bytes objects may take on a function's stack.
func (l *lowerer) stackFor(main bool) int {
	switch {
	case l.thrift >= thriftObjects:
		return 0
	case main:
		return stackMainMax
	}
	return stackCallMax
}

// scratchFrame is the program's piece of large memory: one array map of a single value, a frame a CPU.
//
// Why it is safe: most programs exclude themselves on a CPU (see package reentry). One that can begin again there before it has
// ended takes one of several frames a CPU and gives it back at the end: by atomic exchange where threads take turns. Where
// one run ends within another a load and a store do: a run that comes in between has given back what it took.
type scratchFrame struct {
	base  *ir.Value // address of the frame, defined in the prologue; nil until something needs it
	size  int       // bytes in use
	floor int       // of these, what variables hold to the end
	top   int       // the most that was ever in use
}

// scratchFrames is how many frames a CPU has for programs that can begin again before they end.
const scratchFrames = 8

// mark is a point to which temporaries can be given back.
type mark struct{ stack, scratch int }

func (l *lowerer) mark() mark { return mark{l.fn.stack, l.scratch.size} }

// release gives back every temporary made since the mark.
func (l *lowerer) release(m mark) {
	l.fn.stack = max(m.stack, l.fn.stackFloor)
	l.scratch.size = max(m.scratch, l.scratch.floor)
}

// temp returns uninitialised memory of size bytes, aligned to 8, on the stack or in scratch memory.
func (l *lowerer) temp(name string, size int) place {
	if !l.fits(size) {
		size = 8
	}
	size = max(8, (size+7)&^7) // an empty tuple has a place, too
	if size <= stackObjectMax && (l.fn.alone || l.fn.stack+size <= l.stackFor(l.fn.parent == nil)) {
		l.fn.stack += size
		return bpf(l.b.SlotAddr(l.fn.fn.NewSlot(name, size), 0), 0)
	}
	return l.scratchTemp(size)
}

// scratchTemp returns scratch memory.
func (l *lowerer) scratchTemp(size int) place {
	size = (size + 7) &^ 7
	off := l.scratch.size
	l.scratch.size += size
	l.scratch.top = max(l.scratch.top, l.scratch.size)
	return bpf(l.scratchBase(), off)
}

// addr is the address of a place as a value.
func (l *lowerer) addr(p place) *ir.Value {
	if p.off == 0 {
		return p.base
	}
	if p.base.Op == ir.OpSlot {
		return l.b.SlotAddr(p.base.Slot, int(p.base.Off)+p.off)
	}
	return l.b.OpImm(ir.OpAdd, p.base, int64(p.off))
}

// samePlace says whether two places are surely the same memory.
func samePlace(a, b place) bool {
	if a.base == nil || b.base == nil || a.off != b.off {
		return false
	}
	x, y := a.base, b.base
	switch {
	case x == y:
		return true
	case x.Op == ir.OpSlot:
		return y.Op == ir.OpSlot && x.Slot == y.Slot && x.Off == y.Off
	case x.Op == ir.OpLoad: // a callback's way to the scratch memory
		return y.Op == ir.OpLoad && x.Args[0] == y.Args[0] && x.Off == y.Off && x.Off == envScratch
	}
	return false
}

// zeroInline is the largest piece of memory cleared by stores; a helper call clears larger ones faster.
const zeroInline = 128

// zero clears size bytes of the program's own memory, and what is left of the last 8 of them.
func (l *lowerer) zero(p place, size int) {
	size = layout.Align8(p.off+size) - p.off
	if size > zeroInline {
		// A read from address 0 always fails, and the failed helper clears the destination
		// (bpf_probe_read_kernel_common, kernel/trace/bpf_trace.c).
		l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(p), l.b.Const(int64(size)), l.b.Const(0))
		return
	}
	z := l.b.Const(0)
	for i := 0; i < size; {
		n := wordAt(size-i, p.off+i)
		l.b.Store(n, p.base, p.off+i, z)
		i += n
	}
}

// wordAt is the largest access, in bytes, that fits in size and that offsets from memory aligned to 8 allow: the
// verifier wants accesses of the stack aligned.
func wordAt(size int, offs ...int) int {
	n := 8
	for _, off := range append(offs, 0) {
		for n > size || off%n != 0 {
			n /= 2
		}
	}
	return n
}

// copyBytes copies size bytes between memory of the program's own by words.
func (l *lowerer) copyBytes(dst, src place, size int) {
	if size > zeroInline {
		l.b.Helper(int(asm.FnProbeReadKernel), false, l.addr(dst), l.b.Const(int64(size)), l.addr(src))
		return
	}
	for i := 0; i < size; {
		n := wordAt(size-i, dst.off+i, src.off+i)
		l.b.Store(n, dst.base, dst.off+i, l.b.Load(n, src.base, src.off+i))
		i += n
	}
}

// scratchName is the scratch map of this program.
func (l *lowerer) scratchName() string { return fmt.Sprintf("%s%d", layout.MapScratch, l.index) }

// scratchBase is the address of the scratch frame in the current function.
func (l *lowerer) scratchBase() *ir.Value {
	if l.scratch.base == nil {
		// Placed in the entry block by prologue, when the frame's size is known.
		l.scratch.base = l.ir.Funcs[0].NewValue(ir.OpAdd)
	}
	if l.fn.parent == nil {
		return l.scratch.base
	}
	return l.b.Load(8, l.fn.env, envScratch)
}

// reentrant says whether another run of this program can begin on the same CPU before this one ends.
func (l *lowerer) reentrant() bool { return reentry.Of(l.k.kernel, l.prog.Kind) != reentry.Never }

// prologue fills the entry block, which runs before the body: it finds the scratch frame if one was needed.
func (l *lowerer) prologue(f *ir.Func) {
	entry := f.Blocks[0]
	l.b.Func = f
	l.b.At(entry)
	if l.scratch.base == nil {
		l.startBody()
		return
	}
	frame := (l.scratch.top + 63) &^ 63
	frames := 1
	if l.reentrant() {
		frame += 64 // the busy flag
		frames = l.k.framesOf(frame)
	}
	if size := frame * frames * l.k.CPUSlots(); size > l.k.maxArrayValue() {
		l.fail(l.prog.Probe.Points[0], "keep less: shorter strings (config = { max_strlen = 64 }), fewer of them at a time",
			"this probe needs %d bytes of memory for all of the %d possible CPUs, the kernel gives %d", size, l.k.kernel.PossibleCPUs, l.k.maxArrayValue())
		return
	}
	l.k.Add(&layout.MapSpec{Name: l.scratchName(), Type: ebpf.Array, KeySize: 4, ValueSize: frame * frames * l.k.CPUSlots(), MaxEntries: 1})
	off := l.b.OpImm(ir.OpMul, l.cpuIndex(), int64(frame*frames))
	first := l.b.Op(ir.OpAdd, l.b.MapValue(l.scratchName(), 0), off)
	if !l.reentrant() {
		l.attachBase(l.b.OpImm(ir.OpAdd, first, 0))
		l.startBody()
		return
	}
	l.takeFrame(first, frame, frames)
}

// scratchEnough is how much memory, in bytes, a program may take for spare frames.
const scratchEnough = 64 << 20

// framesOf is how many frames of a size each CPU gets: fewer where that would be too much memory, but two at least.
func (k *compiler) framesOf(frame int) int {
	n := scratchFrames
	for n > 2 && n*frame*k.CPUSlots() > min(scratchEnough, k.maxArrayValue()) {
		n /= 2
	}
	return n
}

// attachBase gives the scratch base, which the body already refers to, its definition: the operation v.
func (l *lowerer) attachBase(v *ir.Value) {
	base := l.scratch.base
	id := base.ID
	*base = *v
	base.ID = id
	vals := v.Block.Values
	vals[len(vals)-1] = base
}

// takeFrame looks for a free frame of this CPU and jumps to the body with it. The verifier must not know which one it is: it would check
// the body once for each. So the frame's number is computed from the flag, which is 0 where a frame is free: `i - 0`, of which the verifier knows
// nothing, and a mask gives it limits again.
func (l *lowerer) takeFrame(first *ir.Value, frame, frames int) {
	found := l.fn.fn.NewBlock("frame")
	got := found.AddParam()
	for i := range frames {
		addr := first
		if i > 0 {
			addr = l.b.OpImm(ir.OpAdd, first, int64(i*frame))
		}
		old := l.exchangeFlag(addr)
		number := l.b.Op(ir.OpSub, l.b.Const(int64(i)), old)
		next := l.fn.fn.NewBlock("busy")
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: old, Y: l.b.Const(0),
			Then: ir.Edge{To: found, Args: []*ir.Value{number}}, Else: ir.Edge{To: next}})
		l.b.At(next)
	}
	l.countFailure(&layout.Site{Kind: layout.SiteScratch, Pos: l.prog.Probe.Pos})
	l.b.Return(l.b.Const(0))
	l.b.At(found)
	off := l.b.OpImm(ir.OpMul, l.b.OpImm(ir.OpAnd, got, int64(frames-1)), int64(frame))
	l.attachBase(l.b.OpImm(ir.OpAdd, l.b.Op(ir.OpAdd, first, off), 64))
	l.startBody()
}

// exchangeFlag sets a frame's busy flag and returns what it was.
func (l *lowerer) exchangeFlag(addr *ir.Value) *ir.Value {
	one := l.b.Const(1)
	if reentry.Of(l.k.kernel, l.prog.Kind) == reentry.Preempted {
		return l.b.Atomic(ir.OpXchg, 8, addr, 0, one)
	}
	old := l.b.Load(8, addr, 0)
	l.b.Store(8, addr, 0, one)
	return old
}

// startBody ends the prologue: it fills the environment, clears the memory of variables and jumps to the body.
func (l *lowerer) startBody() {
	if l.env != nil {
		l.zero(bpf(l.b.SlotAddr(l.env, 0), 0), l.env.Size)
		if l.scratch.base != nil {
			l.b.Store(8, l.b.SlotAddr(l.env, 0), envScratch, l.scratch.base)
		}
		if l.ctxInEnv {
			l.b.Store(8, l.b.SlotAddr(l.env, 0), envCtx, l.b.Ctx())
		}
		l.startBudget()
	}
	for _, c := range l.clear {
		if c.slot != nil {
			l.zero(bpf(l.b.SlotAddr(c.slot, 0), 0), c.size)
		} else {
			l.zero(bpf(l.scratch.base, c.off), c.size)
		}
	}
	l.b.Jump(l.fn.body)
}

// giveFrame gives the scratch frame back at the program's end.
func (l *lowerer) giveFrame() {
	if l.scratch.base != nil && l.reentrant() {
		l.b.Store(8, l.scratch.base, -64, l.b.Const(0))
	}
}

// cpuIndex is the number of the CPU, less than CPUSlots. The verifier learns that from a mask rather than from a
// comparison: what it learns at a branch is lost for a value that lies on the stack (before Linux 6.8 it does not
// relate the copy that was compared to the next one), while the result of an operation keeps its bounds there.
func (l *lowerer) cpuIndex() *ir.Value {
	cpu := l.b.Helper(int(asm.FnGetSmpProcessorId), true)
	return l.b.OpImm(ir.OpAnd, cpu, int64(l.k.CPUSlots()-1))
}

// countRun counts a run of a profile probe on its CPU, whatever the program does then: the runtime knows how many there must have been. With -p
// it does not know that (see probes.planProfile). Programs of perf events do not nest, so that no other adds here meanwhile.
func (l *lowerer) countRun() {
	if l.prog.Kind.Context != builtin.CtxPerf || l.k.pid != 0 {
		return
	}
	l.out.CountsRuns, l.out.RunsAt = true, l.k.runs
	l.k.runs += 8 * l.k.CPUSlots()
	addr := l.b.Op(ir.OpAdd, l.b.MapValue(layout.MapRuns, l.out.RunsAt), l.b.OpImm(ir.OpShl, l.cpuIndex(), 3))
	l.b.Store(8, addr, 0, l.b.OpImm(ir.OpAdd, l.b.Load(8, addr, 0), 1))
}

// countFailure adds one to a failure counter.
func (l *lowerer) countFailure(s *layout.Site) {
	l.b.Atomic(ir.OpAtomicAdd, 8, l.counters(s), 0, l.b.Const(1))
}

// countError adds one to the counter that a site has for ret, the error that a helper gave.
func (l *lowerer) countError(ret *ir.Value, s *layout.Site) {
	counter := l.b.OpImm(ir.OpAnd, l.b.OpImm(ir.OpShl, ret, layout.ErrorShift), layout.ErrorMask)
	l.b.Atomic(ir.OpAtomicAdd, 8, l.b.Op(ir.OpAdd, l.counters(s), counter), 0, l.b.Const(1))
}

// readFailure adds one to a failure counter if ret, the result of a helper, is negative.
func (l *lowerer) readFailure(ret *ir.Value, s *layout.Site) {
	l.countIf(ir.SLt, ret, s)
}

// countIf adds one to a failure counter if x compares so with 0.
func (l *lowerer) countIf(cond ir.Cond, x *ir.Value, s *layout.Site) { l.countUnlikely(cond, x, 0, s) }

// countUnlikely adds one to a failure counter if x compares so with y.
func (l *lowerer) countUnlikely(cond ir.Cond, x *ir.Value, y int64, s *layout.Site) {
	bad, ok := l.fn.fn.NewBlock("failed"), l.fn.fn.NewBlock("read")
	l.b.BranchUnlikely(cond, x, l.b.Const(y), bad, ok)
	l.b.At(bad)
	l.countFailure(s)
	l.b.Jump(ok)
	l.b.At(ok)
}
