package check

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

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
		"skb_output":    (*checker).skbOutput,
		"skboutput":     (*checker).skbOutput,
		"socket_cookie": (*checker).socketCookie,
		"unwatch":       (*checker).unwatch,

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

// effectResults are the functions that change what is traced.
func effectResults() map[string]func(c *checker, e *ast.Call) types.Type {
	return map[string]func(c *checker, e *ast.Call) types.Type{
		"override":      (*checker).override,
		"signal":        (*checker).signal,
		"signal_thread": (*checker).signal,
		"write_user":    (*checker).writeUser,
	}
}

// MaxSignal is the largest number of a signal (_NSIG, include/uapi/asm-generic/signal.h).
const MaxSignal = 64

// Signals of POSIX that have no name of their own in the kernel; the C library leaves out the first two.
const (
	firstRealtime = 34
	lastRealtime  = MaxSignal
)

// SignalNumber is the number of a signal by its name, in capitals or not, with SIG before it or not; 0 if there is none.
func SignalNumber(name string) int {
	name = strings.ToUpper(name)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	for base, first := range map[string]int{"SIGRTMIN": firstRealtime, "SIGRTMAX": lastRealtime} {
		if rest, ok := strings.CutPrefix(name, base); ok {
			n, err := strconv.Atoi(rest)
			switch at := first + n; {
			case rest == "":
				return first
			case err == nil && (rest[0] == '+' || rest[0] == '-') && at >= firstRealtime && at <= lastRealtime:
				return at
			}
			return 0
		}
	}
	return int(unix.SignalNum(name))
}

// signalNames are the names of the signals, for what is near to a mistake.
func signalNames() []string {
	var names []string
	for n := range MaxSignal {
		if name := unix.SignalName(unix.Signal(n)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// signal takes the name or the number of a signal.
func (c *checker) signal(e *ast.Call) types.Type {
	arg := e.Args[0]
	t := c.value(arg)
	k, isConst := c.p.Consts[arg]
	switch {
	case t == nil:
		return nil
	case isConst && k.Str != nil:
		n := SignalNumber(*k.Str)
		if n == 0 {
			d := source.Errorf(arg, "unknown-name", "there is no signal %s", source.CutText(*k.Str))
			c.report(withNear(d, "", source.Nearest(strings.ToUpper(*k.Str), signalNames())))
		}
	case !types.Is(types.Value(t), types.KindInt):
		c.report(errArgType(arg, e.Name, "the name of a signal known at compile time, or a number", t))
		return nil
	case isConst && (int64(k.Int) < 1 || k.Int > MaxSignal):
		c.report(source.Errorf(arg, "out-of-range", "there is no signal %d: they are numbered from 1 to %d", int64(k.Int), MaxSignal))
	}
	return types.None{}
}

// override takes what the traced functions are to return. The kernel must let errors be injected into all of them.
func (c *checker) override(e *ast.Call) types.Type {
	if c.integer(e.Args[0]) == nil {
		return nil
	}
	kernel := c.env.Kernel()
	if v, ok := kernel.Setting("BPF_KPROBE_OVERRIDE"); ok && v != "y" {
		c.report(source.Errorf(e, "builtin-not-here", "override() needs a kernel that is built with CONFIG_BPF_KPROBE_OVERRIDE, and this one is not"))
		return nil
	}
	for i := range c.p.Targets {
		if why := kernel.NotInjectable(c.p.Targets[i].Func, c.p.Targets[i].Offset); why != "" {
			c.report(source.Errorf(e, "builtin-not-here", "override() is not possible at %s: %s", c.p.Targets[i].Name, why))
			return nil
		}
	}
	return types.None{}
}

// writeUser writes what a value holds, or what a pointer points to.
func (c *checker) writeUser(e *ast.Call) types.Type {
	dst, src, length := c.value(e.Args[0]), c.value(e.Args[1]), c.integer(e.Args[2])
	if dst == nil || src == nil || length == nil {
		return nil
	}
	if !types.Is(dst, types.KindPointer) && !types.Is(types.Value(dst), types.KindInt) {
		c.report(errArgType(e.Args[0], e.Name, "the address to write to", dst))
		return nil
	}
	if !types.InMemory(src) && !types.Is(src, types.KindPointer) {
		c.report(errArgType(e.Args[1], e.Name, "text, an array, a struct or a pointer", src))
		return nil
	}
	k, isConst := c.constInt(e.Args[2])
	switch {
	case !isConst:
	case int64(k.Int) < 1 || int64(k.Int) > maxStrlenLimit:
		c.report(source.Errorf(e.Args[2], "out-of-range", "a length is a number from 1 to %d", maxStrlenLimit))
		return nil
	case types.InMemory(src) && int(k.Int) > src.Size():
		c.report(source.Errorf(e.Args[2], "out-of-range", "there are %d bytes to write, not %d", src.Size(), k.Int))
		return nil
	}
	return types.Bool{}
}
