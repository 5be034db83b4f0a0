package codegen

import (
	"syscall"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// relativeVars tell of the tasks around the current one.
var relativeVars = map[string]variable{
	"ppid":        relative("ppid"),
	"pcomm":       relative("pcomm"),
	"leader_tid":  relative("leader_tid"),
	"leader_comm": relative("leader_comm"),
	// username is the user id; user space looks its name up.
	"username": func(l *lowerer, n source.Node, t types.Type) operand {
		return operand{typ: t, val: taskVars["uid"](l, n, types.TypeUint64).val}
	},
}

// relative is a member of a task near the current one.
func relative(name string) variable {
	return func(l *lowerer, _ source.Node, t types.Type) operand {
		task, ok := l.currentTask()
		if !ok { // no pointer that the verifier knows: the kernel is older
			task = operand{
				typ: types.Pointer{Elem: l.k.kernel.Task(), Space: types.SpaceKernel},
				val: l.b.Helper(int(asm.FnGetCurrentTask), true),
			}
		}
		return l.taskMember(task, name, t)
	}
}

// taskFuncs are functions about tasks.
var taskFuncs = map[string]callee{
	"ppid":        relativeOf,
	"pcomm":       relativeOf,
	"leader_tid":  relativeOf,
	"leader_comm": relativeOf,
	// pid(namespace) and tid(namespace) are the ids in a pid namespace.
	"pid": func(l *lowerer, c *ast.Call) operand {
		if inFirstNamespace(c) {
			return l.firstID(l.typeOf(c), "tgid", 32)
		}
		return operand{typ: l.typeOf(c), val: l.pid()}
	},
	"tid": func(l *lowerer, c *ast.Call) operand {
		if inFirstNamespace(c) {
			return l.firstID(l.typeOf(c), "pid", 0)
		}
		return l.processID(l.typeOf(c), "pid", 0, 0)
	},
	// kptr(pointer) and uptr(pointer) are the pointer, of another type.
	"kptr": samePointer,
	"uptr": samePointer,
	// reg(name) is the content of a register.
	"reg": func(l *lowerer, c *ast.Call) operand {
		r := location.Register{Name: l.text(c.Args[0]), Size: location.WordSize}
		return operand{typ: l.typeOf(c), val: l.register(c, r)}
	},
}

// inFirstNamespace says whether a call asks for an id in the first pid namespace.
func inFirstNamespace(c *ast.Call) bool {
	if len(c.Args) == 0 {
		return false
	}
	id, ok := c.Args[0].(*ast.Ident)
	return ok && id.Name == "init"
}

// relativeOf is a member of a task near the one that the argument points to.
func relativeOf(l *lowerer, c *ast.Call) operand {
	if len(c.Args) == 0 {
		return l.namedVar(c.Name, c, l.typeOf(c))
	}
	return l.taskMember(l.expr(c.Args[0]), c.Name, l.typeOf(c))
}

// taskMember follows the members of a task that a builtin stands for.
func (l *lowerer) taskMember(task operand, name string, t types.Type) operand {
	o := task
	for _, field := range builtin.TaskFields[name] {
		s, p := l.structOf(o)
		f, ok := s.Field(field)
		if !ok {
			l.failHere("", "internal: no field %s in %s", field, s)
			return operand{typ: t, val: l.b.Const(0)}
		}
		p = p.at(f.Offset)
		if types.InMemory(t) && types.InMemory(f.Type) {
			p.exact = l.paddedComm()
			return operand{typ: t, mem: p}
		}
		o = l.fieldAt(p, f, f.Type)
	}
	return operand{typ: t, val: l.convert(l.num(o), o.typ, t)}
}

// paddedComm says whether the name of a task is always padded with zeros, so that its bytes can be a key: since Linux 5.17
// (__set_task_comm, fs/exec.c).
func (l *lowerer) paddedComm() bool { return l.k.kernel.AtLeast(5, 17) }

// firstID is the id of the current task in the first pid namespace: a field of the task, or 32 bits of bpf_get_current_pid_tgid from a bit on.
func (l *lowerer) firstID(t types.Type, field string, shift int64) operand {
	if p, ok := l.taskField(field); ok {
		v := l.b.Load(4, p.base, p.off)
		v.Pure = true // the task is the same during a run, and so are its ids
		return operand{typ: t, val: v}
	}
	both := l.b.Helper(int(asm.FnGetCurrentPidTgid), true)
	if shift > 0 {
		return operand{typ: t, val: l.b.OpImm(ir.OpLShr, both, shift)}
	}
	return operand{typ: t, val: l.b.Ext(both, 32, false)}
}

// samePointer is the pointer that is the only argument. What the verifier knows of it holds for the kernel's memory.
func samePointer(l *lowerer, c *ast.Call) operand {
	o, t := l.expr(c.Args[0]), l.typeOf(c)
	if p, ok := t.(types.Pointer); ok && o.typed && p.Space == types.SpaceKernel && samePointee(o.typ, t) {
		return operand{typ: t, val: o.val, typed: true}
	}
	return operand{typ: t, val: l.num(o)}
}

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
		if !l.known(c.Args[0], o, "a socket", "args.sk") {
			return operand{typ: l.typeOf(c), val: l.b.Const(0)}
		}
		return operand{typ: l.typeOf(c), val: l.unlessNull(o.val, 0, func() *ir.Value { return l.b.Helper(int(asm.FnGetSocketCookie), false, o.val) })}
	},
	// skboutput(path, packet, length, offset) sends a packet to user space, which writes it to a file.
	"skboutput":  func(l *lowerer, c *ast.Call) operand { return l.skbOutput(c) },
	"skb_output": func(l *lowerer, c *ast.Call) operand { return l.skbOutput(c) },
	// percpu_kaddr(name, cpu) is the address of the variable of a CPU.
	"percpu_kaddr": func(l *lowerer, c *ast.Call) operand { return l.perCPU(c) },
}

// unlessNull is what do makes of a pointer, and another value for NULL: the verifier lets no helper have a pointer that may be NULL.
func (l *lowerer) unlessNull(ptr *ir.Value, otherwise int64, do func() *ir.Value) *ir.Value {
	f := l.fn.fn
	some, none, end := f.NewBlock("some"), f.NewBlock("null"), f.NewBlock("told")
	res := end.AddParam()
	l.b.Branch(ir.Ne, ptr, l.b.Const(0), some, none)
	l.b.At(some)
	l.b.Jump(end, do())
	l.b.At(none)
	l.b.Jump(end, l.b.Const(otherwise))
	l.b.At(end)
	return res
}

// known reports a pointer of which the verifier does not know the type.
func (l *lowerer) known(e ast.Expr, o operand, what, example string) bool {
	if !o.typed {
		l.fail(e, "give it an argument of the probe, or what members lead to from there: "+example,
			"the kernel wants %s that its verifier knows the type of, and this is a number to it", what)
	}
	return o.typed
}

// currentCPU is BPF_F_CURRENT_CPU, and packetShift where the flags have how much of a packet is sent (BPF_F_CTXLEN_MASK).
const (
	currentCPU  = 0xffffffff
	packetShift = 32
)

// skbOutput sends a packet by a perf event array: no ring buffer takes the bytes of one that lies in pieces.
func (l *lowerer) skbOutput(c *ast.Call) operand {
	unused, t := l.unused == c, l.typeOf(c)
	l.needsOf(c, c.Name+"()", builtin.Find(c.Name).Kernel)
	skb := l.expr(c.Args[1])
	if !l.known(c.Args[1], skb, "a packet", "args.skb") {
		return operand{typ: t, val: l.b.Const(0)}
	}
	length := l.numExpr(c.Args[2])
	l.b.Pos = c.Pos
	m := l.mark()
	head := l.temp("packet", layout.CaptureHeader)
	id := l.k.capture(layout.Capture{Pos: c.Pos, Path: l.text(c.Args[0]), Offset: int(l.number(c.Args[3]))})
	l.b.Store(8, head.base, head.off+layout.CaptureID, l.b.Const(int64(id)))
	l.b.Store(8, head.base, head.off+layout.CaptureTime, l.b.Helper(int(asm.FnKtimeGetBootNs), false))
	l.b.Store(8, head.base, head.off+layout.CaptureLength, length)
	flags := l.b.Op(ir.OpOr, l.b.OpImm(ir.OpShl, l.atMost(length, layout.CaptureMost), packetShift), l.b.Const(currentCPU))
	ret := l.unlessNull(skb.val, -int64(syscall.EFAULT), func() *ir.Value { // as the helper itself says it
		return l.b.Helper(int(asm.FnSkbOutput), false, skb.val, l.b.MapPtr(layout.MapPackets), flags, l.addr(head), l.b.Const(layout.CaptureHeader))
	})
	l.release(m)
	if unused {
		l.readFailure(ret, &layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: "skb_output"})
	}
	return operand{typ: t, val: l.b.Ext(ret, 32, true)}
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
	l.copyWords(dst, place{base: task, off: f.Offset, space: types.SpaceKernel, typed: true, sure: true}, commLen)
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

// effectFuncs change what is traced.
var effectFuncs = map[string]callee{
	// signal(signal) sends one to the process, signal_thread(signal) to the thread.
	"signal":        func(l *lowerer, c *ast.Call) operand { return l.signal(c, asm.FnSendSignal) },
	"signal_thread": func(l *lowerer, c *ast.Call) operand { return l.signal(c, asm.FnSendSignalThread) },
	// override(value) ends the traced function before it has begun.
	"override": func(l *lowerer, c *ast.Call) operand {
		value := l.numExpr(c.Args[0])
		l.b.Helper(int(asm.FnOverrideReturn), false, l.ctx(), value)
		return nothing
	},
	// write_user(target, source, length) writes to the process's memory.
	"write_user": func(l *lowerer, c *ast.Call) operand { return l.writeUser(c) },
}

// signal sends a signal. Numbers that are none are counted, and so is what the kernel does not send.
func (l *lowerer) signal(c *ast.Call, helper asm.BuiltinFunc) operand {
	l.needsOf(c, c.Name+"()", builtin.Find(c.Name).Kernel)
	if k, ok := l.constOf(c.Args[0]); ok && k.Str != nil {
		l.sendSignal(c, helper, l.b.Const(int64(lang.SignalNumber(*k.Str))))
		return nothing
	}
	n := l.numExpr(c.Args[0])
	if n.Op == ir.OpConst {
		l.sendSignal(c, helper, n)
		return nothing
	}
	wrong, right, end := l.newJoin("none"), l.newJoin("signal"), l.newJoin("sent")
	l.branch(ir.UGt, l.b.OpImm(ir.OpSub, n, 1), l.b.Const(lang.MaxSignal-1), wrong, right)
	l.land(wrong)
	l.countFailure(&layout.Site{Kind: layout.SiteSignal, Pos: c.Pos, What: c.Name + "()"})
	l.jump(end)
	l.land(right)
	l.sendSignal(c, helper, n)
	l.jump(end)
	l.land(end)
	return nothing
}

func (l *lowerer) sendSignal(c *ast.Call, helper asm.BuiltinFunc, n *ir.Value) {
	l.readFailure(l.b.Helper(int(helper), false, n), &layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: effectHelpers[c.Name]})
}

// effectHelpers are the names of the helpers that can fail.
var effectHelpers = map[string]string{"signal": "send_signal", "signal_thread": "send_signal_thread", "write_user": "probe_write_user"}

// writeUser copies what is written to memory of the program's own, and from there to the process. What fails is counted where the
// script does not ask.
func (l *lowerer) writeUser(c *ast.Call) operand {
	unused := l.unused == c
	dst := l.numExpr(c.Args[0])
	m := l.mark()
	n, size, bound := l.writeLength(c)
	src := l.written(c.Args[1], n, size)
	end := l.newJoin("written")
	if bound != nil {
		bad, good := l.newJoin("toolong"), l.newJoin("write")
		l.branch(ir.UGt, l.b.OpImm(ir.OpSub, bound, 1), l.b.Const(int64(size-1)), bad, good)
		l.land(bad)
		l.jump(end, l.b.Const(-1))
		l.land(good)
	}
	l.jump(end, l.b.Helper(int(asm.FnProbeWriteUser), false, dst, l.addr(src), n))
	ret := l.land(end)[0]
	l.release(m)
	if unused {
		l.readFailure(ret, &layout.Site{Kind: layout.SiteCall, Pos: c.Pos, What: c.Name + "()", Helper: effectHelpers[c.Name]})
	}
	return operand{typ: l.typeOf(c), val: l.b.Cmp(ir.Eq, ret, l.b.Const(0))}
}

// writeLength is how many bytes are written, at most size of them; bound is what the script asks for where only the run tells.
func (l *lowerer) writeLength(c *ast.Call) (n *ir.Value, size int, bound *ir.Value) {
	size = l.k.checked.Config.MaxStrlen
	if t := l.typeOf(c.Args[1]); types.InMemory(t) {
		size = t.Size()
	}
	if k, ok := l.constOf(c.Args[2]); ok {
		return l.b.Const(int64(k.Int)), int(k.Int), nil
	}
	bound = l.numExpr(c.Args[2])
	// The helper takes no size that may be 0: what is bounded is one less.
	return l.b.OpImm(ir.OpAdd, l.limited(l.b.OpImm(ir.OpSub, bound, 1), size-1), 1), size, bound
}

// written is what is written, n bytes of it and no more than size, in memory of the program's own.
func (l *lowerer) written(e ast.Expr, n *ir.Value, size int) place {
	o := l.expr(e)
	if types.InMemory(o.typ) {
		return l.exactOperand(l.materialize(o), o.typ)
	}
	dst := l.temp("written", size)
	from := l.pointee(o)
	l.readMemN(dst, n, l.plainAddr(from), from.space)
	return dst
}
