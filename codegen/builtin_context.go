package codegen

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// registers are byte offsets in struct pt_regs as eBPF programs see it, and the calling convention.
type registers struct {
	args   []int // integer arguments in order
	size   int   // bytes of all
	ret    int   // return value
	sp, ip int
	stack  int // bytes from the stack pointer to the first argument on the stack, at the function's entry
	// user mode is where mode & modeMask == modeUser
	mode, modeMask, modeUser int
}

// archRegisters is by GOARCH. amd64: struct pt_regs of arch/x86/include/asm/ptrace.h; arm64: struct user_pt_regs of
// arch/arm64/include/uapi/asm/ptrace.h.
var archRegisters = map[string]*registers{
	"amd64": {
		args: []int{112, 104, 96, 88, 72, 64}, // di si dx cx r8 r9
		size: 168,
		ret:  80, sp: 152, ip: 128, stack: 8, // ax; the return address lies on top of the stack
		mode: 136, modeMask: 3, modeUser: 3, // cs
	},
	"arm64": {
		args: []int{0, 8, 16, 24, 32, 40, 48, 56}, // x0 … x7
		size: 272,
		ret:  0, sp: 248, ip: 256, stack: 0,
		mode: 264, modeMask: 0xf, modeUser: 0, // pstate: PSR_MODE_EL0t
	},
}

// contextVars tell of the event the program runs for.
var contextVars = map[string]variable{
	// args is the struct of the probe's arguments.
	"args": func(l *lowerer, n source.Node, t types.Type) operand { return l.argsStruct(n, t) },
	// retval is what the function returns.
	"retval": func(l *lowerer, n source.Node, t types.Type) operand {
		r := l.registers(n)
		return operand{typ: t, val: l.convert(l.ctxWord(r.ret), types.Int{Bits: 64}, t)}
	},
	// func is the address of the traced function; user space prints its name.
	"func": func(l *lowerer, n source.Node, t types.Type) operand { return operand{typ: t, val: l.funcIP(n)} },
	// probe is the full name of the probe.
	"probe": func(l *lowerer, _ source.Node, t types.Type) operand {
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
		r := l.registers(n)
		if c := l.prog.Kind.Context; c != builtin.CtxPerf && c != builtin.CtxRegs {
			l.fail(n, "", "usermode is not known in a %s", l.prog.Kind.Name)
			return operand{typ: t, val: l.b.Const(0)}
		}
		mode := l.b.OpImm(ir.OpAnd, l.ctxWord(r.mode), int64(r.modeMask))
		return operand{typ: t, val: l.b.Cmp(ir.Eq, mode, l.b.Const(int64(r.modeUser)))}
	},
}

// registers are those of the machine the program is for.
func (l *lowerer) registers(n source.Node) *registers {
	r := archRegisters[l.k.kernel.Arch]
	if r == nil {
		l.fail(n, "", "registers of %s are not known", l.k.kernel.Arch)
		return archRegisters["amd64"]
	}
	return r
}

// ctxWord is the word at an offset of the context, which does not change during a run.
func (l *lowerer) ctxWord(off int) *ir.Value {
	v := l.b.Load(8, l.ctx(), off)
	v.Pure = true
	return v
}

// argsStruct is `args`: a tracepoint's record, or the typed arguments of a raw tracepoint, both in the context.
func (l *lowerer) argsStruct(n source.Node, t types.Type) operand {
	if l.prog.Args == nil {
		l.fail(n, "", "%s has no args", l.prog.Kind.Name)
		return operand{typ: t, val: l.b.Const(0)}
	}
	p := place{base: l.ctx(), space: types.SpaceCtx}
	switch {
	case l.out.Type == ebpf.Tracing:
		// Loads from this context give pointers that the verifier knows the type of.
		p.space, p.typed = types.SpaceKernel, true
	case l.prog.Kind.Context == builtin.CtxRegs:
		l.fail(n, "use arg0 … argN", "args of a %s is not supported", l.prog.Kind.Name)
	}
	return operand{typ: l.prog.Args, mem: p}
}

// probeArg is argN: a register, a place on the stack, or a raw tracepoint's argument.
func probeArg(l *lowerer, n source.Node, t types.Type, i int) operand {
	if l.prog.Kind.Context == builtin.CtxRawArgs {
		// In a program bound to its tracepoint the verifier knows the argument's type, which arithmetic would offend.
		return operand{typ: t, val: l.b.Op(ir.OpScalar, l.ctxWord(8*i))}
	}
	r := l.registers(n)
	if i < len(r.args) && !l.prog.Targets[0].I386 {
		return operand{typ: t, val: l.convert(l.ctxWord(r.args[i]), types.Int{Bits: 64}, t)}
	}
	if l.prog.Targets[0].I386 {
		return stackArg(l, n, t, i)
	}
	return stackArg(l, n, t, i-len(r.args))
}

// stackArg is sargN: the Nth word of the arguments on the stack.
func stackArg(l *lowerer, n source.Node, t types.Type, i int) operand {
	r := l.registers(n)
	word := types.Int{Bits: 64}
	p := place{base: l.ctxWord(r.sp), off: r.stack + 8*i, space: types.SpaceKernel}
	if l.prog.Kind.User {
		p.space = types.SpaceUser
	}
	if l.prog.Targets[0].I386 {
		word, p.off = types.Int{Bits: 32}, 4+4*i // behind the return address
	}
	return operand{typ: t, val: l.convert(l.loadAt(p, word).val, word, t)}
}

// funcIP is the address of the traced function. bpf_get_func_ip knows it for kernel probes since Linux 5.15 and for user probes since
// 6.6; before that, the address the probe was hit at is the nearest thing.
func (l *lowerer) funcIP(n source.Node) *ir.Value {
	major, minor := uint32(5), uint32(15)
	if l.prog.Kind.User {
		major, minor = 6, 6
	}
	if l.k.kernel.AtLeast(major, minor) {
		return l.b.Helper(int(asm.FnGetFuncIp), true, l.ctx())
	}
	return l.ctxWord(l.registers(n).ip)
}
