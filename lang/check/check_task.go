package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// taskResults are the functions about tasks, and those that read what belongs to one.
func taskResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"pid": (*checker).idCall,
		"tid": (*checker).idCall,

		"leader_comm": (*checker).taskCall,
		"leader_tid":  (*checker).taskCall,
		"pcomm":       (*checker).taskCall,
		"ppid":        (*checker).taskCall,

		"comm":          (*checker).comm,
		"cgroup_path":   (*checker).cgroupPath,
		"cgroupid":      (*checker).cgroupid,
		"kfunc_allowed": (*checker).kfunc,
		"kfunc_exist":   (*checker).kfunc,
		"percpu_kaddr":  (*checker).perCPU,
		"socket_cookie": (*checker).socketCookie,

		"reg":  (*checker).reg,
		"kptr": pointsInto(types.SpaceKernel),
		"uptr": pointsInto(types.SpaceUser),
	}
}

// ofCurrentTask is the type of a builtin about the current task, which the kernel's types describe.
func ofCurrentTask(name string) func(c *checker, p *Prog) (types.Type, string) {
	return func(c *checker, _ *Prog) (types.Type, string) {
		task := c.env.Kernel().Task()
		if task == nil {
			return nil, name + " needs the kernel's types (BTF)"
		}
		if !hasFields(task, builtin.TaskFields[name]) {
			return nil, name + " is not known: this kernel's struct task_struct has other members"
		}
		return builtin.Find(name).Type, ""
	}
}

// hasFields says whether a struct has a member that leads, by pointers to structs, to the last of the names.
func hasFields(s *types.Struct, names []string) bool {
	for i, name := range names {
		f, ok := s.Field(name)
		if !ok {
			return false
		}
		if i == len(names)-1 {
			return types.Is(f.Type, types.KindInt) || types.Is(f.Type, types.KindString) || isCharArray(f.Type)
		}
		if s = structBehind(f.Type); s == nil {
			return false
		}
	}
	return false
}

// taskCall is a builtin about a task, which its argument points to; without one it is the current task.
func (c *checker) taskCall(e *ast.Call) types.Type {
	if len(e.Args) == 0 {
		return c.callVariable(e)
	}
	t := c.value(e.Args[0])
	if t == nil {
		return nil
	}
	if s := structBehind(t); s == nil || !types.Is(t, types.KindPointer) || !hasFields(s, builtin.TaskFields[e.Name]) {
		c.report(c.withoutTypes(errArgType(e.Args[0], e.Name, "a pointer to a struct task_struct", t)))
		return nil
	}
	return builtin.Find(e.Name).Type
}

// namespaces are what pid() and tid() take.
var namespaces = []string{"curr_ns", "init"}

// idCall is pid() or tid(), of which the argument names a pid namespace.
func (c *checker) idCall(e *ast.Call) types.Type {
	if len(e.Args) == 0 {
		return c.callVariable(e)
	}
	id, ok := e.Args[0].(*ast.Ident)
	switch {
	case !ok:
		if t := c.value(e.Args[0]); t != nil {
			c.report(errArgType(e.Args[0], e.Name, "curr_ns or init", t))
		}
		return nil
	case id.Name != namespaces[0] && id.Name != namespaces[1]:
		c.report(withNear(source.Errorf(id, "unknown-name", "%s() takes curr_ns or init, not %s", e.Name, id.Name), "", source.Nearest(id.Name, namespaces)))
		return nil
	}
	return builtin.Find(e.Name).Type
}

// noteChild warns of a cpid that is 0, unless the script asks for it.
func (c *checker) noteChild(n source.Node) {
	if c.opts.ChildPID != 0 || c.asksForChild() {
		return
	}
	c.report(source.Warningf(n, "no-command", "cpid is 0: there is no command of -c").WithHint("has_cpid says whether there is one"))
}

// asksForChild says whether the script knows that there may be no command.
func (c *checker) asksForChild() bool {
	if c.hasChild == nil {
		asks := false
		for _, item := range c.file.Items {
			ast.Inspect(item, func(n source.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					asks = asks || n.Name == "has_cpid"
				case *ast.Call:
					asks = asks || n.Name == "has_cpid"
				}
				return !asks
			})
		}
		c.hasChild = &asks
	}
	return *c.hasChild
}

// reg is the content of a register, which has its name in the convention of the traced code.
func (c *checker) reg(e *ast.Call) types.Type {
	name, ok := c.constText(e, 0)
	if !ok {
		return nil
	}
	arch := c.env.Kernel().Arch
	conv := location.Of(arch, c.p.Targets[0].I386)
	if conv == nil {
		c.report(source.Errorf(e, "builtin-not-here", "the registers of %s are not known", arch))
		return nil
	}
	if _, ok := conv.Register(name); !ok {
		names := conv.Registers
		d := source.Errorf(e.Args[0], "unknown-name", "%s has no register %q", arch, source.CutText(name))
		if near := source.Nearest(name, names); len(near) > 0 {
			c.report(withNear(d, "", near))
		} else {
			c.report(d.WithHint("there are %s", strings.Join(names, ", ")))
		}
		return nil
	}
	return types.TypeUint64
}

// pointsInto is kptr() or uptr(): the pointer, in that address space. A number stays one; it is told by its value where it points.
func pointsInto(space types.AddrSpace) func(c *checker, e *ast.Call) types.Type {
	return func(c *checker, e *ast.Call) types.Type {
		switch t := types.Value(c.value(e.Args[0])).(type) {
		case nil:
			return nil
		case types.Int:
			return t
		case types.Pointer:
			t.Space = space
			return t
		default:
			c.report(errArgType(e.Args[0], e.Name, "a pointer", t))
			return nil
		}
	}
}

// isCharArray says whether a type is an array of characters.
func isCharArray(t types.Type) bool {
	_, ok := types.CharArray(t)
	return ok
}
