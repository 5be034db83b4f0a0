package codegen

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// The verifier lets programs load from their context at constant offsets, in the widths that each kind of program has
// (…_is_valid_access in kernel/trace/bpf_trace.c). What it does not allow is read from the context's address by a helper where the memory there
// is what the program sees; that of perf event programs is not (struct bpf_perf_event_data_kern), so that theirs is put together from
// words.

// perfTail is what follows the registers in struct bpf_perf_event_data: sample_period and addr.
const perfTail = 16

// recordHead is the part of a tracepoint's record that programs do not see: the kernel keeps a pointer there (perf_trace_run_bpf_submit).
const recordHead = 8

// ctxSize is how many bytes the context has, -1 if that is not known.
func (l *lowerer) ctxSize() int {
	switch l.prog.Kind.Context {
	case builtin.CtxNone:
		return 0
	case builtin.CtxRegs, builtin.CtxPerf:
		c := location.Of(l.k.kernel.Arch, false)
		switch {
		case c == nil:
			return -1
		case l.prog.Kind.Context == builtin.CtxPerf:
			return c.Size + perfTail
		}
		return c.Size
	case builtin.CtxTracepoint:
		if l.prog.Args != nil {
			return l.prog.Args.Size()
		}
	case builtin.CtxRawArgs, builtin.CtxTracing:
		switch {
		case l.prog.Args == nil:
		case l.prog.Kind.Context == builtin.CtxTracing && l.prog.Kind.Return:
			return l.prog.Args.Size() + location.WordSize // what the function returned
		default:
			return l.prog.Args.Size()
		}
	}
	return -1
}

// ctxPlace is what a pointer to the context points to. Its offset from the context is found in the operations that made it.
func (l *lowerer) ctxPlace(o operand) place {
	if off, ok := l.ctxOffset(o.val); ok {
		return place{base: l.ctx(), off: off, space: types.SpaceCtx}
	}
	if l.prog.Kind.Context == builtin.CtxPerf {
		l.failHere("keep the value instead of the pointer", "the context of this %s probe can be read at constant offsets only", l.prog.Kind.Name)
	}
	return place{base: l.num(o), space: types.SpaceKernel}
}

// ctxOffset follows a value back to the context; ok is false if it is not the context and a constant.
func (l *lowerer) ctxOffset(v *ir.Value) (off int, ok bool) {
	for v != nil {
		switch v.Op {
		case ir.OpCtx:
			return off, true
		case ir.OpLoad:
			return off, l.fn.env != nil && v.Args[0] == l.fn.env && v.Off == envCtx
		case ir.OpScalar:
			v = v.Args[0]
		case ir.OpAdd, ir.OpSub:
			n, ok := constant(v.Args[1])
			if !ok {
				return 0, false
			}
			if v.Op == ir.OpSub {
				n = -n
			}
			off += int(n)
			v = v.Args[0]
		default:
			return 0, false
		}
	}
	return 0, false
}

// constant is the value of an operation on constants that is not folded yet.
func constant(v *ir.Value) (n int64, ok bool) {
	switch v.Op {
	case ir.OpConst:
		return v.Imm, true
	case ir.OpNeg:
		n, ok = constant(v.Args[0])
		return -n, ok
	case ir.OpMul:
		x, ok1 := constant(v.Args[0])
		y, ok2 := constant(v.Args[1])
		return x * y, ok1 && ok2
	}
	return 0, false
}

// inCtx says whether size bytes at an offset belong to the context, and reports it if they do not.
func (l *lowerer) inCtx(off, size int) bool {
	limit, kind := l.ctxSize(), l.prog.Kind
	switch {
	case kind.Context == builtin.CtxNone:
		return true // its address is 0: reads of it fail and are counted
	case off < 0:
		l.failHere("", "this lies %d bytes before the context", -off)
	case kind.Context == builtin.CtxTracepoint:
		if off >= recordHead {
			return true // data of fields with a variable length come after those that the format tells
		}
		l.failHere("", "the first %d bytes of a tracepoint's record are not for programs to read", recordHead)
	case limit >= 0 && off+size > limit:
		l.failHere("", "the context of this %s probe has %d bytes: there are no bytes %d to %d", kind.Name, limit, off, off+size-1)
	default:
		return true
	}
	return false
}

// direct says whether the verifier allows a load of the context.
func (l *lowerer) direct(off, size int) bool {
	if off%size != 0 || off+size > l.ctxSize() { // always, where there is no context
		return false
	}
	switch l.prog.Kind.Context {
	case builtin.CtxPerf, builtin.CtxTracing:
		return size == 8
	}
	return true
}

// loadCtx reads up to 8 bytes of the context, which does not change during a run.
func (l *lowerer) loadCtx(p place, size int) *ir.Value {
	switch {
	case !l.inCtx(p.off, size):
		return l.b.Const(0)
	case l.direct(p.off, size):
		v := l.b.Load(size, p.base, p.off)
		v.Pure = true
		return v
	case l.prog.Kind.Context == builtin.CtxPerf:
		return l.b.Ext(l.perfBytes(p, size), size*8, false)
	}
	return l.probeRead(l.ctxMemory(p), size)
}

// perfBytes puts a number together from the words of a perf event's context that hold it.
func (l *lowerer) perfBytes(p place, size int) *ir.Value {
	at, shift := p.off&^7, p.off&7*8
	v := l.ctxWord(at)
	if shift == 0 {
		return v
	}
	v = l.b.OpImm(ir.OpLShr, v, int64(shift))
	if shift+size*8 > 64 {
		v = l.b.Op(ir.OpOr, v, l.b.OpImm(ir.OpShl, l.ctxWord(at+8), int64(64-shift)))
	}
	return v
}

// ctxMemory is a place in the context by its address.
func (l *lowerer) ctxMemory(p place) place {
	p.base, p.off, p.space, p.own = l.scalarAddr(p), 0, types.SpaceKernel, true
	return p
}

// outOfCtx gives an object of size bytes that lies in the context a place that helpers can read.
func (l *lowerer) outOfCtx(p place, size int) place {
	if p.space != types.SpaceCtx || !l.inCtx(p.off, size) {
		return p
	}
	if l.prog.Kind.Context != builtin.CtxPerf {
		return l.ctxMemory(p)
	}
	dst := l.temp("context", size)
	l.copyCtx(dst, p, size)
	dst.chars = p.chars
	return dst
}

// copyCtx copies size bytes of the context.
func (l *lowerer) copyCtx(dst, p place, size int) {
	switch {
	case !l.inCtx(p.off, size):
	case l.prog.Kind.Context != builtin.CtxPerf:
		l.readMem(dst, size, l.scalarAddr(p), types.SpaceKernel)
	default:
		for i := 0; i < size; {
			n := wordAt(size-i, dst.off+i)
			l.b.Store(n, dst.base, dst.off+i, l.loadCtx(p.at(i), n))
			i += n
		}
	}
}

// failHere is fail at the current place.
func (l *lowerer) failHere(hint, format string, args ...any) {
	l.fail(source.Span{Pos: l.b.Pos, EndPos: l.b.Pos}, hint, format, args...)
}

// A program that stands for the tracepoints of many system calls (check.Dispatch) has a table by the number of the call: a byte that is not 0
// if the call is one of them, or its probe's name.

// syscallSlots is more than any architecture has system calls, and a power of two: a mask tells the verifier the bounds.
const syscallSlots = 1024

// syscallTable is the name of the table of a program.
func (l *lowerer) syscallTable() string { return fmt.Sprintf("syscalls_%d", l.index) }

// syscallStride is the bytes of an entry of the table.
func (l *lowerer) syscallStride() int {
	if !l.prog.Dispatch.Named {
		return 1
	}
	longest := 0
	for i := range l.prog.Targets {
		longest = max(longest, len(l.prog.Targets[i].Name))
	}
	return (longest + 8) &^ 7
}

// filterSyscall leaves where the system call is none of those that the program stands for, or is one of a 32-bit program, whose numbers mean
// others and which tracepoints do not see either (trace_get_syscall_nr, kernel/trace/trace_syscalls.c).
func (l *lowerer) filterSyscall() {
	if l.prog.Dispatch == nil {
		return
	}
	stride := l.syscallStride()
	table := make([]byte, syscallSlots*stride)
	for i := range l.prog.Targets {
		t := &l.prog.Targets[i]
		if l.prog.Dispatch.Named {
			copy(table[(t.Syscall-1)*stride:], t.Name)
		} else {
			table[(t.Syscall-1)*stride] = 1
		}
	}
	l.k.Add(&layout.MapSpec{Name: l.syscallTable(), Type: ebpf.Array, KeySize: 4, ValueSize: len(table), MaxEntries: 1, Init: table})
	l.leaveIf(ir.UGe, l.syscallNumber(), l.b.Const(syscallSlots))
	l.leaveIf(ir.Eq, l.b.Load(1, l.syscallEntry(), 0), l.b.Const(0))
	l.leaveIf(ir.Ne, l.compatTask(), l.b.Const(0))
}

// leaveIf leaves if a condition is true.
func (l *lowerer) leaveIf(cond ir.Cond, x, y *ir.Value) {
	no, yes := l.fn.fn.NewBlock("leave"), l.fn.fn.NewBlock("on")
	l.b.Branch(cond, x, y, no, yes)
	l.b.At(no)
	l.leave()
	l.b.At(yes)
}

// syscallNumber is the number of the system call.
func (l *lowerer) syscallNumber() *ir.Value {
	return l.numberAt(l.prog.Probe, l.prog.Dispatch.Number)
}

// syscallEntry is the address of the system call's entry in the table.
func (l *lowerer) syscallEntry() *ir.Value {
	n := l.b.OpImm(ir.OpAnd, l.syscallNumber(), syscallSlots-1)
	if stride := l.syscallStride(); stride > 1 {
		n = l.b.OpImm(ir.OpMul, n, int64(stride))
	}
	return l.b.Op(ir.OpAdd, l.b.MapValue(l.syscallTable(), 0), n)
}

// syscallName is the name of the probe that the system call belongs to.
func (l *lowerer) syscallName(t types.Type) operand {
	return operand{typ: t, mem: bpf(l.syscallEntry(), 0)}
}

// tsCompat is TS_COMPAT of arch/x86/include/asm/thread_info.h.
const tsCompat = 2

// compatTask is not 0 in a system call of a 32-bit program; 0 where the kernel's types do not tell.
func (l *lowerer) compatTask() *ir.Value {
	p, ok := l.taskField("thread_info")
	f, isField := l.k.kernel.Task().Field("thread_info")
	if !ok || !isField {
		return l.b.Const(0)
	}
	info, isStruct := f.Type.(*types.Struct)
	if !isStruct {
		return l.b.Const(0)
	}
	status, ok := info.Field("status")
	if !ok || status.Type.Size() != 4 {
		return l.b.Const(0)
	}
	return l.b.OpImm(ir.OpAnd, l.b.Load(4, p.base, p.off+status.Offset), tsCompat)
}
