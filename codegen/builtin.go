package codegen

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
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

// argsStruct is `args` as a whole: a tracepoint's record, or the typed arguments of a raw tracepoint, both in the context. Its
// fields are read where each of them lies (see argument).
func (l *lowerer) argsStruct(n source.Node, t types.Type) operand {
	switch {
	case l.prog.Args == nil:
		l.fail(n, "", "%s has no args", l.prog.Kind.Name)
		return operand{typ: t, val: l.b.Const(0)}
	case !l.prog.Args.InContext():
		l.fail(n, "name an argument: args.NAME", "the arguments of this %s are not one object in memory", l.prog.Kind.Name)
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
