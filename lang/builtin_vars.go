package lang

import (
	"fmt"
	"strconv"
	"strings"
)

// variable is how a builtin variable is checked.
type variable struct {
	// typ gives its type in a program, nil and the reason if it can not be used there.
	typ func(c *checker, p *Prog) (Type, string)
	// value gives its value where it is known at compile time. nil: it is not.
	value func(c *checker, p *Prog) Const
}

var (
	typeInt64  = Int{Bits: 64, Signed: true}
	typeUint64 = Int{Bits: 64}
	typeUint32 = Int{Bits: 32}
	typeUint8  = Int{Bits: 8}
)

// commLen is TASK_COMM_LEN (include/linux/sched.h).
const commLen = 16

// always is the type of a builtin that every probe has.
func always(t Type) func(*checker, *Prog) (Type, string) {
	return func(*checker, *Prog) (Type, string) { return t, "" }
}

func number(f func(c *checker, p *Prog) uint64) func(*checker, *Prog) Const {
	return func(c *checker, p *Prog) Const { return Const{Int: f(c, p)} }
}

// variables is the table of builtin variables. arg0 … argN, which are many, are in argument below.
var variables map[string]*variable

func init() {
	variables = map[string]*variable{
		"pid":     {typ: always(typeUint32)},
		"tid":     {typ: always(typeUint32)},
		"uid":     {typ: always(typeUint64)},
		"gid":     {typ: always(typeUint64)},
		"cpu":     {typ: always(typeUint32)},
		"comm":    {typ: always(String{Len: commLen})},
		"nsecs":   {typ: always(typeUint64)},
		"elapsed": {typ: always(typeUint64)},
		"jiffies": {typ: always(typeUint64)},
		"rand":    {typ: always(typeUint32)},
		"cgroup":  {typ: always(typeUint64)},
		"curtask": {typ: curtaskType},
		"ctx":     {typ: always(Pointer{Elem: Void{}, Space: SpaceCtx})},
		"probe":   {typ: probeType, value: func(_ *checker, p *Prog) Const { return Const{Str: &p.ProbeName} }},
		"func":    {typ: funcType},
		"retval":  {typ: retvalType},
		"args":    {typ: argsType},
		"usermode": {typ: func(_ *checker, p *Prog) (Type, string) {
			return typeUint8, ""
		}},
		"ncpus": {typ: always(typeUint64),
			value: number(func(c *checker, _ *Prog) uint64 { return uint64(c.env.Kernel().OnlineCPUs) })},
		"cpid": {typ: cpidType,
			value: number(func(c *checker, _ *Prog) uint64 { return uint64(c.opts.ChildPID) })},
	}
}

func cpidType(c *checker, _ *Prog) (Type, string) {
	if c.opts.ChildPID == 0 {
		return nil, "cpid is the process of -c COMMAND, and none was given"
	}
	return typeUint32, ""
}

func curtaskType(c *checker, _ *Prog) (Type, string) {
	if t, ok := c.typeOf("struct", "task_struct"); ok {
		return Pointer{Elem: t, Space: SpaceKernel}, ""
	}
	return typeUint64, ""
}

func probeType(_ *checker, p *Prog) (Type, string) {
	return String{Len: len(p.ProbeName) + 1}, ""
}

func funcType(_ *checker, p *Prog) (Type, string) {
	if !p.Kind.Func {
		return nil, "func is only available in kprobe, kretprobe, uprobe and uretprobe probes"
	}
	return Symbol{User: p.Kind.User}, ""
}

func retvalType(_ *checker, p *Prog) (Type, string) {
	if !p.Kind.Return {
		return nil, "retval is only available in return probes: kretprobe and uretprobe"
	}
	if p.Retval != nil {
		return p.Retval, ""
	}
	return typeUint64, ""
}

func argsType(_ *checker, p *Prog) (Type, string) {
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
	case p.Kind.Context == CtxRawArgs && p.Args != nil:
		return len(p.Args.Fields())
	case p.Kind.Context == CtxRawArgs:
		return maxRawArgs
	case c.env.Kernel().Arch == "arm64":
		return 8
	}
	return 6
}

// noArgument says why there is no argN.
func (c *checker) noArgument(p *Prog) string {
	switch n := c.regArgs(p); {
	case p.Kind.Context != CtxRawArgs:
		return fmt.Sprintf("the last argument passed in a register is arg%d", n-1)
	case n == 0:
		return p.Targets[0].Name + " has no arguments"
	default:
		return fmt.Sprintf("the last argument of %s is arg%d", p.Targets[0].Name, n-1)
	}
}

// argument is argN and sargN.
func (c *checker) argument(name string, p *Prog) (t Type, why string, ok bool) {
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
	case !p.Kind.ArgN || stack && p.Kind.Context != CtxRegs:
		return nil, name + " is not available in " + p.Kind.Name + " probes", true
	case !stack && inGo(p) != "":
		return nil, name + " is read from where C has its arguments, but " + inGo(p) + " is Go code, which has them elsewhere: gotrace cannot read those yet", true
	case !stack && n >= c.regArgs(p):
		return nil, c.noArgument(p), true
	}
	return typeUint64, "", true
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
func (c *checker) builtinType(name string, p *Prog) (t Type, why string, ok bool) {
	if b := variables[name]; b != nil {
		t, why = b.typ(c, p)
		return t, why, true
	}
	return c.argument(name, p)
}
