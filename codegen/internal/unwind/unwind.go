// Package unwind makes the instructions that follow a user stack by tables of rules (package ehframe), a frame at a time: that of the
// callback of a loop. Where the tables lie is in package layout.
//
// All branches but those between kinds of rules are searches, which have none: the verifier would follow both sides of each of their steps.
package unwind

import (
	"math/bits"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
)

// Offsets of what frames share, in the state.
const (
	stateKey    = 0  // u32 process, u32 number of a part: the key of MapUnwindRanges
	stateNode   = 8  // u32: the key of MapUnwindRows
	stateIP     = 16 // the registers of the frame
	stateSP     = 24
	stateBP     = 32
	stateCaller = 40 // 1 if the instruction pointer is where a call returns to: the call is before it
	stateCount  = 48 // frames so far
	stateStop   = 56 // why the stack ends too early: layout.UnwindStop…
	stateReturn = 64 // the kernel's note of a return that is probed
	stateNotes  = 72 // 1 when stateReturn is known
	stateRead   = 80 // what was read
	StateSize   = stateRead + regsSize
)

// Offsets in struct pt_regs (arch/x86/include/asm/ptrace.h).
const (
	regsBP   = 32
	regsIP   = 128
	regsCS   = 136
	regsSP   = 152
	regsSize = 168
)

// The selector of 32-bit code, __USER32_CS, and the bits of a selector that are set in user mode.
const (
	codeSegment32 = 0x23
	userMode      = 3
)

// Where the kernel saves registers for a signal, from the stack pointer in its handler's caller on: in struct sigcontext (uapi/asm/sigcontext.h),
// 40 bytes into struct ucontext.
const (
	signalBP   = 120
	signalSP   = 160 - signalBP
	signalIP   = 168 - signalBP
	signalSize = signalIP + 8
)

// What the callback returns.
const (
	goOn = 0
	stop = 1
)

// Walk is a stack while it is followed.
type Walk struct {
	B      *ir.Builder
	Base   *ir.Value // memory that the callback and its caller share
	State  int       // where the state lies in it: StateSize bytes
	Frames int       // where the addresses go
	Room   int       // for how many: a power of two
	Notes  *Notes    // nil if it is not known where the kernel has them
}

// Notes says where the kernel notes which functions' returns are probed: a list in the task, the innermost function first. On the stack of such a
// function there is another address in the place of that to which it returns.
type Notes struct {
	UserTask             int // in struct task_struct
	First                int // in struct uprobe_task
	Stack, Address, Next int // in struct return_instance
}

func (w *Walk) load(off int) *ir.Value { return w.B.Load(8, w.Base, w.State+off) }

func (w *Walk) store(off int, v *ir.Value) { w.B.Store(8, w.Base, w.State+off, v) }

func (w *Walk) addr(off int) *ir.Value { return w.B.OpImm(ir.OpAdd, w.Base, int64(w.State+off)) }

// Start reads the registers at the address regs and begins with the innermost frame of a process. The code goes on where it has code that
// can be followed; it jumps to other where it has none, or 32-bit code, and to unknown where nothing is known of the process yet.
func (w *Walk) Start(regs, pid *ir.Value, other, unknown *ir.Block) {
	b, f := w.B, w.B.Func
	b.Helper(int(asm.FnProbeReadKernel), false, w.addr(stateRead), b.Const(regsSize), regs)
	cs := b.Load(2, w.Base, w.State+stateRead+regsCS)
	wide, user, known := f.NewBlock("wide"), f.NewBlock("user"), f.NewBlock("known")
	b.BranchUnlikely(ir.Eq, cs, b.Const(codeSegment32), other, wide)
	b.At(wide)
	b.BranchUnlikely(ir.Ne, b.OpImm(ir.OpAnd, cs, userMode), b.Const(userMode), other, user)
	b.At(user)
	b.Store(4, w.Base, w.State+stateKey, pid)
	w.part(b.Const(0))
	b.BranchUnlikely(ir.Eq, w.lookup(layout.MapUnwindRanges, stateKey), b.Const(0), unknown, known)
	b.At(known)
	w.store(stateIP, w.load(stateRead+regsIP))
	w.store(stateSP, w.load(stateRead+regsSP))
	w.store(stateBP, w.load(stateRead+regsBP))
	for _, off := range []int{stateCaller, stateCount, stateStop, stateNotes} {
		w.store(off, b.Const(0))
	}
}

// Count is how many frames were found; Stop says why there are no more.
func (w *Walk) Count() *ir.Value { return w.load(stateCount) }

// Stop is 0, or why the stack ends too early.
func (w *Walk) Stop() *ir.Value { return w.load(stateStop) }

func (w *Walk) part(n *ir.Value) { w.B.Store(4, w.Base, w.State+stateKey+4, n) }

// lookup looks for the value of a map under the key in the state.
func (w *Walk) lookup(name string, key int) *ir.Value {
	return w.B.Helper(int(asm.FnMapLookupElem), false, w.B.MapPtr(name), w.addr(key))
}

// Frame is the body of the callback: it notes the frame and goes to that of the caller.
func (w *Walk) Frame() {
	b := w.B
	ip := w.note()
	pc := b.Op(ir.OpSub, ip, w.load(stateCaller))
	w.stopIf(ir.Ne, b.OpImm(ir.OpLShr, pc, 56), b.Const(0), layout.UnwindStopUnknown)
	bias, node := w.findRange(pc)
	frames := b.Func.NewBlock("frame_pointer")
	w.special(node, ip, frames)
	r := w.newStep(w.row(node, b.Ext(b.Op(ir.OpSub, pc, bias), 32, false)), ip)
	r.dispatch(frames)
	b.At(frames)
	r.byFramePointer()
	r.finish()
}

// note adds the address of the frame to the stack.
func (w *Walk) note() *ir.Value {
	b := w.B
	ip, n := w.load(stateIP), w.load(stateCount)
	at := b.Op(ir.OpAdd, w.Base, b.OpImm(ir.OpShl, b.OpImm(ir.OpAnd, n, int64(w.Room-1)), 3))
	b.Store(8, at, w.Frames, ip)
	w.store(stateCount, b.OpImm(ir.OpAdd, n, 1))
	return ip
}

// search finds the last of count entries whose keys, which rise, are not greater than key. The first is always one of them. Keys are
// numbers below 2^63, so that the sign of a difference says which is greater.
func (w *Walk) search(entries *ir.Value, count, stride, keySize int, key *ir.Value) *ir.Value {
	b := w.B
	off := b.Const(0)
	for step := count / 2; step > 0; step /= 2 {
		k := b.Load(keySize, b.Op(ir.OpAdd, entries, off), step*stride)
		notGreater := b.OpImm(ir.OpLShr, b.OpImm(ir.OpAdd, b.Op(ir.OpSub, k, key), -1), 63)
		off = b.Op(ir.OpAdd, off, b.OpImm(ir.OpShl, notGreater, int64(bits.TrailingZeros(uint(step*stride)))))
	}
	return b.Op(ir.OpAdd, entries, off)
}

// findRange finds the range that an address is in.
func (w *Walk) findRange(pc *ir.Value) (bias, node *ir.Value) {
	b, f := w.B, w.B.Func
	w.part(b.Const(0))
	r := w.ranges(pc)
	found, parts := f.NewBlock("range"), f.NewBlock("ranges")
	bias, node = found.AddParam(), found.AddParam()
	first, n := b.Load(4, r, layout.UnwindRangeBias), b.Load(4, r, layout.UnwindRangeNode)
	b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.ULt, X: n, Y: b.Const(layout.UnwindPart),
		Then: ir.Edge{To: found, Args: []*ir.Value{first, n}}, Else: ir.Edge{To: parts}})
	b.At(parts)
	w.part(b.OpImm(ir.OpAnd, n, layout.UnwindPart-1))
	r = w.ranges(pc)
	b.Jump(found, b.Load(4, r, layout.UnwindRangeBias), b.Load(4, r, layout.UnwindRangeNode))
	b.At(found)
	return bias, node
}

func (w *Walk) ranges(pc *ir.Value) *ir.Value {
	list := w.lookup(layout.MapUnwindRanges, stateKey)
	w.stopIf(ir.Eq, list, w.B.Const(0), layout.UnwindStopUnknown)
	return w.search(list, layout.UnwindRanges, layout.UnwindRangeSize, 8, pc)
}

// pageMask has the bits of an address that lie within a page.
const pageMask = 1<<12 - 1

// special handles the nodes of ranges that lead to no rows.
func (w *Walk) special(node, ip *ir.Value, frames *ir.Block) {
	b, f := w.B, w.B.Func
	low, some, rows := f.NewBlock("special"), f.NewBlock("mapped"), f.NewBlock("rows")
	b.BranchUnlikely(ir.ULt, node, b.Const(layout.UnwindFirst), low, rows)
	b.At(low)
	b.Branch(ir.Eq, node, b.Const(layout.UnwindFrames), frames, some)
	b.At(some)
	w.stopIf(ir.Eq, node, b.Const(layout.UnwindReturn), layout.UnwindStopReturn)
	// Functions whose returns are probed return to the beginning of a page, which is told of nowhere.
	w.stopIf(ir.Ne, b.OpImm(ir.OpAnd, ip, pageMask), b.Const(0), layout.UnwindStopUnknown)
	w.probedReturn()
	b.At(rows)
}

// readKernel reads the kernel's memory into the state; what cannot be read is 0.
func (w *Walk) readKernel(off int, size int64, addr *ir.Value) {
	w.B.Helper(int(asm.FnProbeReadKernel), false, w.addr(off), w.B.Const(size), addr)
}

// probedReturn takes the kernel's next note: if it is that of the frame's function, the address noted for the frame becomes the real one.
func (w *Walk) probedReturn() {
	b, f := w.B, w.B.Func
	n := w.Notes
	if n == nil {
		w.end(layout.UnwindStopReturn)
		return
	}
	first, known := f.NewBlock("first_note"), f.NewBlock("note")
	b.Branch(ir.Eq, w.load(stateNotes), b.Const(0), first, known)
	b.At(first)
	w.readKernel(stateRead, 8, b.OpImm(ir.OpAdd, b.Helper(int(asm.FnGetCurrentTask), true), int64(n.UserTask)))
	w.readKernel(stateReturn, 8, b.OpImm(ir.OpAdd, w.load(stateRead), int64(n.First)))
	w.store(stateNotes, b.Const(1))
	b.Jump(known)
	b.At(known)
	note := w.load(stateReturn)
	w.stopIf(ir.Eq, note, b.Const(0), layout.UnwindStopReturn)
	for i, off := range []int{n.Stack, n.Address, n.Next} {
		w.readKernel(stateRead+8*i, 8, b.OpImm(ir.OpAdd, note, int64(off)))
	}
	w.store(stateReturn, w.load(stateRead+16))
	w.store(stateCount, b.OpImm(ir.OpAdd, w.load(stateCount), -1)) // the frame is looked at again
	is, not := f.NewBlock("returns"), f.NewBlock("other")
	b.Branch(ir.Eq, w.load(stateRead), b.OpImm(ir.OpAdd, w.load(stateSP), -8), is, not)
	b.At(is)
	w.store(stateIP, w.load(stateRead+8))
	b.Jump(not)
	b.At(not)
	b.Return(b.Const(goOn))
}

// row finds the rule for an address, through the value that leads to others.
func (w *Walk) row(node, pc *ir.Value) *ir.Value {
	b := w.B
	for range 2 {
		b.Store(4, w.Base, w.State+stateNode, node)
		rows := w.lookup(layout.MapUnwindRows, stateNode)
		w.stopIf(ir.Eq, rows, b.Const(0), layout.UnwindStopUnknown)
		node = b.Load(4, w.search(rows, layout.UnwindRows, layout.UnwindRowSize, 4, pc), layout.UnwindRowRule)
	}
	return node
}

// stopIf ends the stack too early where x c y.
func (w *Walk) stopIf(c ir.Cond, x, y *ir.Value, why int64) {
	f := w.B.Func
	yes, no := f.NewBlock("stop"), f.NewBlock("on")
	w.B.BranchUnlikely(c, x, y, yes, no)
	w.B.At(yes)
	w.end(why)
	w.B.At(no)
}

// end ends the stack: too early, but for 0.
func (w *Walk) end(why int64) {
	if why != 0 {
		w.store(stateStop, w.B.Const(why))
	}
	w.B.Return(w.B.Const(stop))
}
