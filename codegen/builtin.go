package codegen

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/kernel"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// variable lowers a builtin variable; t is the type that the checker gave it.
type variable func(l *lowerer, n source.Node, t types.Type) operand

// callee lowers the call of a builtin function. A call without a value returns an operand of type None.
type callee func(l *lowerer, c *ast.Call) operand

// The builtins, one table for each group of them: a new one is an entry in its group's file and one in package lang.
var (
	variableGroups []map[string]variable
	callGroups     []map[string]callee
)

// The tables refer to functions that, through expressions, refer to the tables: Go wants that cycle broken here.
func init() {
	variableGroups = []map[string]variable{
		taskVars,
		relativeVars,
		timeVars,
		machineVars,
		contextVars,
		paramVars,
		stackVars,
	}
	callGroups = []map[string]callee{
		taskFuncs,
		effectFuncs,
		kernelFuncs,
		outputFuncs,
		mapFuncs,
		timeFuncs,
		textFuncs,
		byteFuncs,
		valueFuncs,
		typeFuncs,
		stackFuncs,
	}
}

// nothing is the result of a call without a value.
var nothing = operand{typ: types.None{}}

// builtinVar lowers a builtin variable.
func (l *lowerer) builtinVar(e *ast.Ident) operand {
	return l.namedVar(e.Name, e, l.typeOf(e))
}

func (l *lowerer) namedVar(name string, n source.Node, t types.Type) operand {
	for _, group := range variableGroups {
		if f, ok := group[name]; ok {
			return f(l, n, t)
		}
	}
	for _, numbered := range []struct {
		prefix string
		f      func(l *lowerer, n source.Node, t types.Type, i int) operand
	}{{"sarg", stackArg}, {"arg", probeArg}} {
		if digits, ok := strings.CutPrefix(name, numbered.prefix); ok {
			if i, err := strconv.Atoi(digits); err == nil {
				return numbered.f(l, n, t, i)
			}
		}
	}
	l.fail(n, "", "internal: no code for the builtin %s", name)
	return operand{typ: t, val: l.b.Const(0)}
}

// call lowers a function call. Builtin variables can be written as calls, too: pid().
func (l *lowerer) call(c *ast.Call) operand {
	if f := l.prog.Callee(c); f != nil {
		return l.callFunc(c, f)
	}
	for _, group := range callGroups {
		if f, ok := group[c.Name]; ok {
			return f(l, c)
		}
	}
	return l.namedVar(c.Name, c, l.typeOf(c))
}

// contextVars tell of the event the program runs for.
var contextVars = map[string]variable{
	// args is the struct of the probe's arguments.
	"args": func(l *lowerer, n source.Node, t types.Type) operand { return l.argsStruct(n, t) },
	// retval is what the function returns.
	"retval": func(l *lowerer, n source.Node, t types.Type) operand {
		if r := l.prog.Targets[0].Result; r != nil {
			if l.prog.Retval == nil {
				return l.located(n, r.Loc, t)
			}
			return l.locatedAs(n, r.Loc, l.prog.Retval, t)
		}
		if l.prog.Kind.Context == builtin.CtxTracing {
			return l.tracedResult(n, t)
		}
		return l.located(n, location.Sized(l.convention(n).Result(), t.Size(), signed(t)), t)
	},
	// goid is the number of the current goroutine.
	"goid": func(l *lowerer, n source.Node, t types.Type) operand {
		return l.located(n, l.prog.Targets[0].GoID.Loc, t)
	},
	// func is the address of the traced function; user space prints its name.
	"func": func(l *lowerer, n source.Node, t types.Type) operand {
		if types.Is(t, types.KindUserSymbol) {
			return l.userSymbol(l.funcIP(n))
		}
		return operand{typ: t, val: l.funcIP(n)}
	},
	// probe is the full name of the probe.
	"probe": func(l *lowerer, _ source.Node, t types.Type) operand {
		if l.prog.Dispatch != nil {
			return l.syscallName(t)
		}
		name := l.prog.ProbeName
		return operand{typ: t, lit: &name}
	},
	// ctx is the address of the program's context, which the verifier forbids to compute with until it is a number.
	"ctx": func(l *lowerer, _ source.Node, t types.Type) operand {
		return operand{typ: t, val: l.ctx(), typed: true}
	},
	// usermode is 1 if the CPU was in user mode.
	"usermode": func(l *lowerer, n source.Node, t types.Type) operand {
		if l.prog.Kind.Once || l.prog.Kind.Timed {
			return operand{typ: t, val: l.b.Const(1)} // gotrace itself runs them, from user mode
		}
		if l.prog.Kind.Context == builtin.CtxTracing {
			return operand{typ: t, val: l.b.Const(0)} // the functions of the kernel run in its mode
		}
		c := l.convention(n)
		mode := l.b.OpImm(ir.OpAnd, l.numberAt(n, c.UserMode()), c.ModeMask)
		return operand{typ: t, val: l.b.Cmp(ir.Eq, mode, l.b.Const(c.ModeValue))}
	},
}

// ctxWord is the word at an offset of the context, which does not change during a run.
func (l *lowerer) ctxWord(off int) *ir.Value {
	v := l.b.Load(8, l.ctx(), off)
	v.Pure = true
	return v
}

// argsStruct is `args` as a whole: a tracepoint's record, or the typed arguments of a raw tracepoint, both in the context; arguments that lie
// in registers and elsewhere are put together. Its fields are read where each of them lies (see argument).
func (l *lowerer) argsStruct(n source.Node, t types.Type) operand {
	switch {
	case l.prog.Args == nil:
		l.fail(n, "", "%s has no args", l.prog.Kind.Name)
		return operand{typ: t, val: l.b.Const(0)}
	case !l.prog.Args.InContext():
		return l.object(l.prog.Args, l.collectArgs(n), l.prog.Args)
	}
	return operand{typ: l.prog.Args, mem: l.ctxRecord(0)}
}

// probeArg is argN: a register, a word on the stack, a raw tracepoint's argument, or what the target says.
func probeArg(l *lowerer, n source.Node, t types.Type, i int) operand {
	switch l.prog.Kind.Context {
	case builtin.CtxRawArgs:
		return l.located(n, location.RawArg(i), t)
	case builtin.CtxTracing: // parameter i begins at a word of its own
		f := l.prog.Args.Fields()[i]
		at := location.Traced{Word: f.Offset / location.WordSize, Size: min(max(f.Type.Size(), 1), location.WordSize), Signed: signed(f.Type)}
		if _, ok := f.Loc.(location.Traced); ok {
			return l.located(n, at, t)
		}
		return l.located(n, location.Context{Offset: f.Offset, Size: at.Size, Signed: at.Signed}, t)
	}
	if places := l.prog.Targets[0].ArgN; places != nil {
		if i >= len(places) { // of a wildcard that others of its targets have
			return operand{typ: t, val: l.b.Const(0)}
		}
		return l.located(n, places[i].Loc, t)
	}
	return l.located(n, l.convention(n).Arg(i, l.prog.Kind.User), t)
}

// tracedResult is what a function returned: it lies in the context behind the arguments.
func (l *lowerer) tracedResult(n source.Node, t types.Type) operand {
	size := min(t.Size(), location.WordSize)
	if l.prog.Targets[0].ProgID != 0 && l.k.kernel.AtLeast(5, 17) { // the kernel may have another count of arguments than the program's types
		return l.located(n, location.Traced{Result: true, Size: size, Signed: signed(t)}, t)
	}
	if p, ok := t.(types.Pointer); ok && !types.Is(p.Elem, types.KindStruct) && l.k.kernel.AtLeast(5, 17) {
		return l.located(n, location.Traced{Result: true, Size: size}, t)
	}
	o := l.loadAt(l.ctxRecord(l.prog.Args.Size()), t)
	o.typ = t
	return o
}

// stackArg is sargN: the Nth word of the arguments on the stack.
func stackArg(l *lowerer, n source.Node, t types.Type, i int) operand {
	return l.located(n, l.convention(n).StackArg(i, l.prog.Kind.User), t)
}

// funcIP is the address of the traced function. bpf_get_func_ip knows it for kernel probes since Linux 5.15 and for user probes since
// 6.6; before that, the address the probe was hit at is the nearest thing.
func (l *lowerer) funcIP(n source.Node) *ir.Value {
	ip := l.probedIP(n)
	if off := l.prog.Targets[0].FuncOffset; off != 0 {
		return l.b.OpImm(ir.OpSub, ip, int64(off))
	}
	return ip
}

// probedIP is funcIP where the function's entry is probed, or its return by the kernel.
func (l *lowerer) probedIP(n source.Node) *ir.Value {
	major, minor := uint32(5), uint32(15)
	if l.prog.Kind.User {
		major, minor = 6, 6
	}
	if l.k.kernel.AtLeast(major, minor) {
		return l.b.Helper(int(asm.FnGetFuncIp), true, l.ctx())
	}
	if l.prog.Kind.Context == builtin.CtxTracing {
		l.needs(n, major, minor, "func", "bpf_get_func_ip", "use probe")
		return l.b.Const(0)
	}
	return l.numberAt(n, l.convention(n).PC())
}

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

// paramVars are what the command line, the script and the environment set.
var paramVars = map[string]variable{
	// config is the record of the settings.
	"config": func(l *lowerer, _ source.Node, t types.Type) operand {
		record, _ := t.(types.Tuple)
		p := l.temp("config", t.Size())
		l.zero(p, t.Size())
		for i, s := range l.k.checked.Settings {
			o := operand{typ: s.Type, lit: s.Value.Str}
			if s.Value.Str == nil {
				o.val = l.b.Const(int64(s.Value.Int))
			}
			l.storeOperand(p.at(record.Offset(i)), record.Elems[i], o, true)
		}
		p.exact = true
		return operand{typ: t, mem: p}
	},
}
