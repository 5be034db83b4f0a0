package codegen

import (
	"fmt"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

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
