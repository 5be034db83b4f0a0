package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/types"
)

// kernelFuncs read what belongs to the kernel.
var kernelFuncs = map[string]callee{
	// cgroup_path(id, filter) is the id; user space looks the path up.
	"cgroup_path": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: l.typeOf(c), val: l.numExpr(c.Args[0])}
	},
	// comm(task) and comm(id) are the name of another thread.
	"comm": func(l *lowerer, c *ast.Call) operand {
		switch {
		case len(c.Args) == 0:
			return l.comm(l.typeOf(c))
		case types.Is(l.typeOf(c.Args[0]), types.KindPointer):
			return relativeOf(l, c)
		}
		return l.commOf(c)
	},
	// socket_cookie(socket) is what the kernel knows the socket by.
	"socket_cookie": func(l *lowerer, c *ast.Call) operand {
		l.needsOf(c, c.Name+"()", builtin.Find(c.Name).Kernel)
		o := l.expr(c.Args[0])
		if !o.typed {
			l.fail(c.Args[0], "give it an argument of the probe, or what members lead to from there: args.sk",
				"the kernel wants a socket that its verifier knows the type of, and this is a number to it")
			return operand{typ: l.typeOf(c), val: l.b.Const(0)}
		}
		return operand{typ: l.typeOf(c), val: l.b.Helper(int(asm.FnGetSocketCookie), false, o.val)}
	},
	// percpu_kaddr(name, cpu) is the address of the variable of a CPU.
	"percpu_kaddr": func(l *lowerer, c *ast.Call) operand { return l.perCPU(c) },
}

// noName is the name of a thread that does not exist, as in bpftrace.
const noName = "N/A"

// commOf looks for the task with an id. Where there is none, that is counted.
func (l *lowerer) commOf(c *ast.Call) operand {
	t := l.typeOf(c)
	id := l.b.Ext(l.numExpr(c.Args[0]), 32, true)
	k := l.k.kernel
	dst := l.temp("comm", commLen)
	l.zero(dst, commLen)
	none, some, end := l.newJoin("none"), l.newJoin("task"), l.newJoin("comm")
	task := l.b.Kfunc(k.FindKfunc(lang.TaskFromPID), false, id)
	l.branch(ir.Eq, task, l.b.Const(0), none, some)
	l.land(none)
	l.countFailure(&layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: lang.TaskFromPID})
	l.storeLiteral(dst, commLen, noName, false)
	l.jump(end)
	l.land(some)
	f, ok := k.Task().Field("comm")
	if !ok {
		l.fail(c, "", "internal: a task has no comm")
	}
	l.copyWords(dst, place{base: task, off: f.Offset, space: types.SpaceKernel, typed: true}, commLen)
	l.b.Kfunc(k.FindKfunc(lang.TaskRelease), false, task)
	l.jump(end)
	l.land(end)
	dst.exact = true
	return operand{typ: t, mem: dst}
}

// perCPU adds the offset of a CPU to the address that all CPUs share. The result of a CPU that cannot be is 0.
func (l *lowerer) perCPU(c *ast.Call) operand {
	t, k := l.typeOf(c), l.k.kernel
	address, _, err := k.PerCPU(l.text(c.Args[0]))
	offsets, err2 := k.Address(lang.PerCPUOffsets)
	if err != nil || err2 != nil {
		l.fail(c, "", "internal: no address of %s", l.text(c.Args[0]))
		return operand{typ: t, val: l.b.Const(0)}
	}
	if len(c.Args) == 1 {
		return operand{typ: t, val: l.perCPUAt(address, offsets, l.b.Helper(int(asm.FnGetSmpProcessorId), true))}
	}
	cpu := l.numExpr(c.Args[1])
	in, out, end := l.newJoin("cpu"), l.newJoin("nocpu"), l.newJoin("percpu")
	l.branch(ir.ULt, cpu, l.b.Const(int64(k.PossibleCPUs)), in, out)
	l.land(in)
	l.jump(end, l.perCPUAt(address, offsets, cpu))
	l.land(out)
	l.jump(end, l.b.Const(0))
	return operand{typ: t, val: l.land(end)[0]}
}

// perCPUAt is the address for a CPU that there is.
func (l *lowerer) perCPUAt(address, offsets uint64, cpu *ir.Value) *ir.Value {
	at := l.b.Op(ir.OpAdd, l.b.Const(int64(offsets)), l.b.OpImm(ir.OpShl, cpu, 3))
	off := l.probeRead(place{base: at, space: types.SpaceKernel}, 8)
	return l.b.Op(ir.OpAdd, l.b.Const(int64(address)), off)
}
