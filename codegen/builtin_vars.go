package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// taskVars tell of the current task. Where the kernel has BTF they are loads from its task_struct, a tenth of the cost of the helpers.
var taskVars = map[string]variable{
	// pid is the process id in gotrace's own pid namespace.
	"pid": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.pid()}
	},
	// tid is the thread id.
	"tid": func(l *lowerer, _ source.Node, t types.Type) operand { return l.processID(t, "pid", 0, 0) },
	// uid and gid are the real ids as the first user namespace has them.
	"uid": func(l *lowerer, _ source.Node, t types.Type) operand {
		ids := l.b.Helper(int(asm.FnGetCurrentUidGid), true)
		return operand{typ: t, val: l.b.Ext(ids, 32, false)}
	},
	"gid": func(l *lowerer, _ source.Node, t types.Type) operand {
		ids := l.b.Helper(int(asm.FnGetCurrentUidGid), true)
		return operand{typ: t, val: l.b.OpImm(ir.OpLShr, ids, 32)}
	},
	// comm is the name of the current thread.
	"comm": func(l *lowerer, _ source.Node, t types.Type) operand { return l.comm(t) },
	// curtask is the address of the current task_struct.
	"curtask": func(l *lowerer, _ source.Node, t types.Type) operand {
		task, ok := l.currentTask()
		if pt, isPtr := t.(types.Pointer); ok && isPtr && pt.Elem == task.typ.(types.Pointer).Elem {
			return task
		}
		// No BTF, or a struct task_struct of the script's own.
		return operand{typ: t, val: l.b.Helper(int(asm.FnGetCurrentTask), true)}
	},
	// cgroup is the id of the process's cgroup in the cgroup2 hierarchy.
	"cgroup": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnGetCurrentCgroupId), true)}
	},
}

// pid is the process id as a number.
func (l *lowerer) pid() *ir.Value { return l.processID(types.Int{Bits: 32}, "tgid", 32, 4).val }

// currentTask is the current task as a pointer that the verifier knows the type of; ok is false without kernel BTF.
func (l *lowerer) currentTask() (task operand, ok bool) {
	k := l.k.kernel
	if !k.BTF || k.Task() == nil || !k.AtLeast(5, 11) {
		return operand{}, false
	}
	return operand{
		typ:   types.Pointer{Elem: k.Task(), Space: types.SpaceKernel},
		val:   l.b.Helper(int(asm.FnGetCurrentTaskBtf), true),
		typed: true,
	}, true
}

// taskField is where a field of the current task lies, for direct loads.
func (l *lowerer) taskField(name string) (place, bool) {
	task, ok := l.currentTask()
	if !ok {
		return place{}, false
	}
	f, ok := l.k.kernel.Task().Field(name)
	if !ok {
		return place{}, false
	}
	return l.pointee(task).at(f.Offset), true
}

// processID is the field of the current task, or the same 32 bits from bit shift of bpf_get_current_pid_tgid, or,
// in a pid namespace, from byte off of struct bpf_pidns_info.
func (l *lowerer) processID(t types.Type, field string, shift int64, off int) operand {
	if ns := l.k.kernel.PidNS; ns != nil {
		return operand{typ: t, val: l.namespaceID(ns, off)}
	}
	return l.firstID(t, field, shift)
}

// namespaceID asks for the ids in gotrace's pid namespace. They are 0 for tasks outside of it: the helper clears the memory when it fails.
func (l *lowerer) namespaceID(ns *kernel.PidNS, off int) *ir.Value {
	m := l.mark()
	p := l.temp("pidns", 8) // struct bpf_pidns_info: u32 pid (of the thread), u32 tgid
	l.zero(p, 8)
	l.b.Helper(int(asm.FnGetNsCurrentPidTgid), false, l.b.Const(int64(ns.Dev)), l.b.Const(int64(ns.Ino)), l.addr(p), l.b.Const(8))
	v := l.b.Load(4, p.base, p.off+off)
	l.release(m)
	return v
}

// commLen is TASK_COMM_LEN (include/linux/sched.h).
const commLen = 16

// comm is the name of the current thread: in the task itself since Linux 5.17, where
// __set_task_comm always pads it with zeros, so that its bytes can be a key.
func (l *lowerer) comm(t types.Type) operand {
	if l.paddedComm() {
		if p, ok := l.taskField("comm"); ok {
			p.exact = true
			return operand{typ: t, mem: p}
		}
	}
	p := l.temp("comm", commLen)
	l.b.Helper(int(asm.FnGetCurrentComm), false, l.addr(p), l.b.Const(commLen))
	p.exact = true
	return operand{typ: t, mem: p}
}

// timeVars are clocks.
var timeVars = map[string]variable{
	// nsecs is the time since boot, suspended time included.
	"nsecs": func(l *lowerer, n source.Node, t types.Type) operand { return clocks[builtin.Clocks[0].Name](l, n, t) },
	// elapsed is the time since gotrace started.
	"elapsed": func(l *lowerer, _ source.Node, t types.Type) operand {
		now := l.b.Helper(int(asm.FnKtimeGetBootNs), false)
		return operand{typ: t, val: l.b.Op(ir.OpSub, now, l.global(layout.GlobalStartNS))}
	},
	// jiffies is the kernel's tick counter.
	"jiffies": func(l *lowerer, n source.Node, t types.Type) operand {
		l.needsOf(n, "jiffies", builtin.Find("jiffies").Kernel)
		return operand{typ: t, val: l.b.Helper(int(asm.FnJiffies64), false)}
	},
}

// clocks are the modes of nsecs(), one for each of builtin.Clocks.
var clocks = map[string]variable{
	"boot": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetBootNs), false)}
	},
	"monotonic": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetNs), false)}
	},
	"tai": func(l *lowerer, n source.Node, t types.Type) operand {
		l.needsOf(n, "nsecs(tai)", builtin.FindClock("tai").Kernel)
		return operand{typ: t, val: l.b.Helper(int(asm.FnKtimeGetTaiNs), false)}
	},
	"sw_tai": func(l *lowerer, _ source.Node, t types.Type) operand {
		now := l.b.Helper(int(asm.FnKtimeGetBootNs), false)
		return operand{typ: t, val: l.b.Op(ir.OpAdd, now, l.global(layout.GlobalTAI))}
	},
}

// timeFuncs are the functions of time.
var timeFuncs = map[string]callee{
	// nsecs(mode) reads another clock.
	"nsecs": func(l *lowerer, c *ast.Call) operand {
		mode := builtin.Clocks[0].Name
		if len(c.Args) > 0 {
			if id, ok := c.Args[0].(*ast.Ident); ok {
				mode = id.Name
			}
		}
		return clocks[mode](l, c, l.typeOf(c))
	},
	// strftime(format, ns) is the number; user space formats it.
	"strftime": func(l *lowerer, c *ast.Call) operand {
		return operand{typ: l.typeOf(c), val: l.numExpr(c.Args[1])}
	},
	// time(format) prints the time at which user space gets the event.
	"time": func(l *lowerer, c *ast.Call) operand {
		ev := &layout.Event{Kind: layout.EventTime, Format: "%H:%M:%S\n"}
		if len(c.Args) > 0 {
			ev.Format = l.text(c.Args[0])
		}
		l.send(l.newRecord(c, ev, nil), ringWakeIdle)
		return nothing
	},
}

// global reads a word of MapGlobals.
func (l *lowerer) global(off int) *ir.Value {
	l.k.usesGlo = true
	return l.b.Load(8, l.b.MapValue(layout.MapGlobals, 0), off)
}

// text is the value of a constant string.
func (l *lowerer) text(e ast.Expr) string {
	if c, ok := l.constOf(e); ok && c.Str != nil {
		return *c.Str
	}
	if s, ok := e.(*ast.StrLit); ok {
		return s.Value
	}
	l.fail(e, "", "the string must be a constant")
	return ""
}

// machineVars tell of the machine.
var machineVars = map[string]variable{
	// cpu is the number of the CPU the program runs on.
	"cpu": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnGetSmpProcessorId), true)}
	},
	// ncpus is the number of CPUs.
	"ncpus": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Const(int64(l.k.kernel.OnlineCPUs))}
	},
	// numaid is the number of the NUMA node.
	"numaid": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Helper(int(asm.FnGetNumaNodeId), true)}
	},
	// default_str_length is a constant.
	"default_str_length": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Const(int64(l.k.checked.Config.MaxStrlen))}
	},
	// rand is a pseudo-random number of 32 bits.
	"rand": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.b.Ext(l.b.Helper(int(asm.FnGetPrandomU32), false), 32, false)}
	},
}
