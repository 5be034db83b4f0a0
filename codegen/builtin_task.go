package codegen

import (
	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
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
