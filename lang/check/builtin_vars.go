package check

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// variable is how a builtin variable is checked.
type variable struct {
	// typ gives its type in a program, nil and the reason if it cannot be used there.
	typ func(c *checker, p *Prog) (types.Type, string)
	// value gives its value where it is known at compile time. nil: it is not.
	value func(c *checker, p *Prog) types.Const
}

// commLen is TASK_COMM_LEN (include/linux/sched.h).
const commLen = 16

// always is the type of a builtin that every probe has.
func always(t types.Type) func(*checker, *Prog) (types.Type, string) {
	return func(*checker, *Prog) (types.Type, string) { return t, "" }
}

func number(f func(c *checker, p *Prog) uint64) func(*checker, *Prog) types.Const {
	return func(c *checker, p *Prog) types.Const { return types.Const{Int: f(c, p)} }
}

// variables is the table of builtin variables. arg0 … argN, which are many, are in argument below.
var Variables map[string]*variable

func init() {
	Variables = map[string]*variable{
		"pid":     {typ: always(types.TypeUint32)},
		"tid":     {typ: always(types.TypeUint32)},
		"uid":     {typ: always(types.TypeUint64)},
		"gid":     {typ: always(types.TypeUint64)},
		"cpu":     {typ: always(types.TypeUint32)},
		"comm":    {typ: always(types.String{Len: commLen})},
		"nsecs":   {typ: always(types.TypeUint64)},
		"elapsed": {typ: always(types.TypeUint64)},
		"jiffies": {typ: always(types.TypeUint64)},
		"rand":    {typ: always(types.TypeUint32)},
		"cgroup":  {typ: always(types.TypeUint64)},
		"curtask": {typ: curtaskType},
		"ctx":     {typ: always(types.Pointer{Elem: types.Void{}, Space: types.SpaceCtx})},
		"probe":   {typ: probeType, value: func(_ *checker, p *Prog) types.Const { return types.Const{Str: &p.ProbeName} }},
		"func":    {typ: funcType},
		"retval":  {typ: retvalType},
		"args":    {typ: argsType},
		"usermode": {typ: func(_ *checker, p *Prog) (types.Type, string) {
			return types.TypeUint8, ""
		}},
		"ncpus": {typ: always(types.TypeUint64),
			value: number(func(c *checker, _ *Prog) uint64 { return uint64(c.env.Kernel().OnlineCPUs) })},
		"cpid": {typ: cpidType,
			value: number(func(c *checker, _ *Prog) uint64 { return uint64(c.opts.ChildPID) })},
	}
}

func cpidType(c *checker, _ *Prog) (types.Type, string) {
	if c.opts.ChildPID == 0 {
		return nil, "cpid is the process of -c COMMAND, and none was given"
	}
	return types.TypeUint32, ""
}

func curtaskType(c *checker, _ *Prog) (types.Type, string) {
	if t, ok := c.typeOf("struct", "task_struct"); ok {
		return types.Pointer{Elem: t, Space: types.SpaceKernel}, ""
	}
	return types.TypeUint64, ""
}

func probeType(_ *checker, p *Prog) (types.Type, string) {
	return types.String{Len: len(p.ProbeName) + 1}, ""
}

func funcType(_ *checker, p *Prog) (types.Type, string) {
	if !p.Kind.Func {
		return nil, "func is only available in kprobe, kretprobe, uprobe and uretprobe probes"
	}
	return types.Symbol{User: p.Kind.User}, ""
}

func retvalType(_ *checker, p *Prog) (types.Type, string) {
	if !p.Kind.Return {
		return nil, "retval is only available in return probes: kretprobe and uretprobe"
	}
	if p.Retval != nil {
		return p.Retval, ""
	}
	return types.TypeUint64, ""
}

func argsType(_ *checker, p *Prog) (types.Type, string) {
	switch {
	case p.Args != nil:
		return p.Args, ""
	case p.Kind.Args:
		return nil, "the arguments of " + p.Kind.Name + " probes are not known here: use arg0, arg1, …"
	case p.Kind.ArgN:
		return nil, "args is not available in " + p.Kind.Name + " probes: use arg0, arg1, …"
	}
	return nil, "args is not available in " + p.Kind.Name + " probes"
}

// maxRawArgs is how many arguments a raw tracepoint can have (MAX_BPF_FUNC_ARGS, include/linux/bpf.h).
const maxRawArgs = 12

// regArgs is how many arguments are passed in registers, or are known of a raw tracepoint: the kernel does not attach
// a program that reads more than the tracepoint has (bpf_probe_register, kernel/trace/bpf_trace.c).
func (c *checker) regArgs(p *Prog) int {
	switch {
	case p.Kind.Context == builtin.CtxRawArgs && p.Args != nil:
		return len(p.Args.Fields())
	case p.Kind.Context == builtin.CtxRawArgs:
		return maxRawArgs
	}
	if conv := location.Of(c.env.Kernel().Arch, false); conv != nil {
		return len(conv.Args)
	}
	return 0
}

// noArgument says why there is no argN.
func (c *checker) noArgument(p *Prog) string {
	switch n := c.regArgs(p); {
	case p.Kind.Context != builtin.CtxRawArgs:
		return fmt.Sprintf("the last argument passed in a register is arg%d", n-1)
	case n == 0:
		return p.Targets[0].Name + " has no arguments"
	default:
		return fmt.Sprintf("the last argument of %s is arg%d", p.Targets[0].Name, n-1)
	}
}

// argument is argN and sargN.
func (c *checker) argument(name string, p *Prog) (t types.Type, why string, ok bool) {
	digits, stack := strings.CutPrefix(name, "sarg")
	if !stack {
		if digits, ok = strings.CutPrefix(name, "arg"); !ok {
			return nil, "", false
		}
	}
	n, err := strconv.Atoi(digits)
	if err != nil || digits != strconv.Itoa(n) {
		return nil, "", false
	}
	switch {
	case !p.Kind.ArgN || stack && p.Kind.Context != builtin.CtxRegs:
		return nil, name + " is not available in " + p.Kind.Name + " probes", true
	case !stack && inGo(p) != "":
		return nil, name + " is read from where C has its arguments, but " + inGo(p) + " is Go code, which has them elsewhere: gotrace cannot read those yet", true
	case !stack && n >= c.regArgs(p):
		return nil, c.noArgument(p), true
	}
	return types.TypeUint64, "", true
}

// inGo names the first target in Go code, "" if there is none.
func inGo(p *Prog) string {
	for i := range p.Targets {
		if p.Targets[i].Go {
			return p.Targets[i].Name
		}
	}
	return ""
}

// builtinType finds a builtin variable. ok is false if there is none of that name.
func (c *checker) builtinType(name string, p *Prog) (t types.Type, why string, ok bool) {
	if b := Variables[name]; b != nil {
		t, why = b.typ(c, p)
		return t, why, true
	}
	return c.argument(name, p)
}
