package check

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/types"
)

// resultTypes has the types of builtin variables that are not always the same, which the table of builtins has: nil and the reason if
// it cannot be used in a program that has what the table asks for. arg0 … argN, which are many, are in argument below.
var resultTypes = map[string]func(c *checker, p *Prog) (t types.Type, why string){
	"args":      argsType,
	"ctx":       ctxType,
	"config":    configType,
	"curtask":   curtaskType,
	"dw_ustack": dwStackType,
	"func":      funcType,
	"goid":      goidType,
	"kstack":    stackType(false),
	"probe":     probeType,
	"probetype": probetypeType,
	"retval":    retvalType,
	"ustack":    stackType(true),

	"leader_comm": ofCurrentTask("leader_comm"),
	"leader_tid":  ofCurrentTask("leader_tid"),
	"pcomm":       ofCurrentTask("pcomm"),
	"ppid":        ofCurrentTask("ppid"),
}

// constants are the values of builtin variables that are known at compile time.
var constants = map[string]func(c *checker, p *Prog) types.Const{
	"cpid":     func(c *checker, _ *Prog) types.Const { return types.Const{Int: uint64(c.opts.ChildPID)} },
	"has_cpid": func(c *checker, _ *Prog) types.Const { return types.Const{Int: types.Truth(c.opts.ChildPID != 0)} },
	"ncpus":    func(c *checker, _ *Prog) types.Const { return types.Const{Int: uint64(c.env.Kernel().OnlineCPUs)} },
	"probe":    func(_ *checker, p *Prog) types.Const { return types.Const{Str: &p.ProbeName} },
	"probetype": func(_ *checker, p *Prog) types.Const {
		name := probetypeOf(p.Kind)
		return types.Const{Str: &name}
	},
	"default_str_length": func(c *checker, _ *Prog) types.Const { return types.Const{Int: uint64(c.maxStr())} },
}

// ctxType is a pointer to what the program is called with, of which only iterators have types.
func ctxType(_ *checker, p *Prog) (types.Type, string) {
	t := types.Pointer{Elem: types.Void{}, Space: types.SpaceCtx}
	if p.Kind.Nullable && p.Args != nil {
		t.Elem = p.Args
	}
	return t, ""
}

func curtaskType(c *checker, _ *Prog) (types.Type, string) {
	if t, ok := c.c.Find("struct", "task_struct"); ok {
		return types.Pointer{Elem: t, Space: types.SpaceKernel}, ""
	}
	return types.TypeUint64, ""
}

func probeType(_ *checker, p *Prog) (types.Type, string) {
	return types.String{Len: nameRoom(p)}, ""
}

// probetypeOf is what probetype says in a kind of probe.
func probetypeOf(k *builtin.ProbeKind) string {
	if k.Name == "begin" || k.Name == "end" {
		return "special"
	}
	return k.Name
}

func probetypeType(_ *checker, p *Prog) (types.Type, string) {
	return types.String{Len: len(probetypeOf(p.Kind)) + 1}, ""
}

func funcType(_ *checker, p *Prog) (types.Type, string) {
	if p.Kind.User {
		return types.UserSymbol{}, ""
	}
	return types.Symbol{}, ""
}

func goidType(_ *checker, p *Prog) (types.Type, string) {
	target := &p.Targets[0]
	switch {
	case !target.Go:
		return nil, "goid is the number of the current goroutine, and " + target.Name + " is no function of Go"
	case target.GoID == nil:
		why := target.ArgsWhy
		if why == "" {
			why = "the program has no debugging information"
		}
		return nil, "goid is not known: " + why
	case target.GoID.Why != "":
		return nil, "goid is not known: " + target.GoID.Why
	}
	return types.TypeUint64, ""
}

func retvalType(c *checker, p *Prog) (types.Type, string) {
	if p.Retval != nil && !isVoidPointer(p.Retval) { // a void * tells nothing, and scripts compute with the number
		return c.fieldValue(p.Retval), ""
	}
	if result := p.Targets[0].Result; result != nil && result.Why != "" {
		return nil, result.Text + " cannot be read: " + result.Why
	}
	return types.TypeUint64, ""
}

func argsType(_ *checker, p *Prog) (types.Type, string) {
	if p.Args == nil {
		if why := p.Targets[0].ArgsWhy; why != "" {
			return nil, "the arguments of " + p.Targets[0].Name + " are not known by name: " + why
		}
		return nil, "the arguments of " + p.Kind.Name + " probes are not known here: use arg0, arg1, …"
	}
	return p.Args, ""
}

// notInKind says why a builtin cannot be used in a kind of probe: where it can.
func notInKind(name string, b *builtin.Builtin, kind *builtin.ProbeKind) string {
	switch {
	case b.Probe == builtin.HasArgs && kind.Has(builtin.HasArgN):
		return name + " is not available in " + kind.Name + " probes: use arg0, arg1, …"
	case b.Probe == builtin.HasFunc, b.Probe == builtin.HasReturn, b.Probe == builtin.HasRegisters, b.Probe == builtin.HasEntry, b.Probe == builtin.HasTypes:
		return name + " is only available in " + kindList(builtin.KindsWith(b.Probe)) + " probes"
	}
	if b.Probe == builtin.HasArgN && kind.Has(builtin.HasArgs) {
		return name + " is not available in " + kind.Name + " probes: their arguments have names, args.NAME (gotrace -lv lists them)"
	}
	if b.Probe == builtin.HasProcess {
		return name + " is not available in " + kind.Name + " probes: they run in gotrace, not in what is traced"
	}
	return name + " is not available in " + kind.Name + " probes"
}

// kindList is the names of kinds in a sentence.
func kindList(kinds []*builtin.ProbeKind) string {
	var list strings.Builder
	for i, k := range kinds {
		switch {
		case i > 0 && i == len(kinds)-1:
			list.WriteString(" and ")
		case i > 0:
			list.WriteString(", ")
		}
		list.WriteString(k.Name)
	}
	return list.String()
}

// maxRawArgs is how many arguments a raw tracepoint can have (MAX_BPF_FUNC_ARGS, include/linux/bpf.h).
const maxRawArgs = 12

// regArgs is how many arguments are passed in registers, or are known of a raw tracepoint: the kernel does not attach
// a program that reads more than the tracepoint has (bpf_probe_register, kernel/trace/bpf_trace.c).
func (c *checker) regArgs(p *Prog) int {
	switch {
	case (p.Kind.Context == builtin.CtxRawArgs || p.Kind.Context == builtin.CtxTracing) && p.Args != nil:
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
	case p.Kind.Context == builtin.CtxRegs:
		return fmt.Sprintf("the last argument passed in a register is arg%d", n-1)
	case n == 0:
		return p.Targets[0].Name + " has no arguments"
	default:
		return fmt.Sprintf("the last argument of %s is arg%d", p.Targets[0].Name, n-1)
	}
}

// argument is argN and sargN.
func (c *checker) argument(name string, p *Prog) (t types.Type, why string) {
	if p.Dispatch != nil {
		return nil, name + " is not available in " + p.Targets[0].Kind.Name + " probes"
	}
	digits, stack := strings.CutPrefix(name, "sarg")
	if stack {
		return types.TypeUint64, ""
	}
	n, err := strconv.Atoi(strings.TrimPrefix(digits, "arg"))
	if places := p.Targets[0].ArgN; places != nil && err == nil {
		return c.placedArgument(name, p, n)
	}
	switch {
	case inGo(p) != "":
		return nil, name + " is known at the entry of a function of Go alone, and " + inGo(p) + " is none"
	case err != nil || n >= c.regArgs(p):
		return nil, c.noArgument(p)
	}
	return types.TypeUint64, ""
}

// placedArgument is an argN whose place the target itself tells. Of the targets of a wildcard some can have fewer: there it is 0.
func (c *checker) placedArgument(name string, p *Prog, n int) (t types.Type, why string) {
	target := &p.Targets[0]
	switch count := len(target.ArgN); {
	case n >= count && target.Wildcard:
		return types.TypeUint64, ""
	case count == 0:
		return nil, target.Name + " has no arguments"
	case n >= count:
		return nil, fmt.Sprintf("the last argument of %s is arg%d", target.Name, count-1)
	}
	place := &target.ArgN[n]
	if place.Loc == nil {
		return nil, fmt.Sprintf("%s of %s is %s: %s", name, target.Name, place.Text, place.Why)
	}
	return place.Type(), ""
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
	b := builtin.Find(name)
	switch {
	case !b.There() || !b.Variable:
		return nil, "", false
	case !p.Kind.Has(b.Probe) && !(b.Probe == builtin.HasArgs && p.Args != nil): // arguments that Env knows are there, whatever the kind
		return nil, notInKind(name, b, p.Kind), true
	case b.Name != name: // a number in place of the N
		t, why = c.argument(name, p)
		return t, why, true
	case b.Type != nil && resultTypes[name] == nil:
		return b.Type, "", true
	}
	t, why = resultTypes[name](c, p)
	return t, why, true
}

// setBuiltin notes the value of a builtin variable that is known at compile time.
func (c *checker) setBuiltin(e ast.Expr, name string) {
	if f := constants[name]; f != nil && !(name == "probe" && c.p.Dispatch != nil) {
		c.p.Consts[e] = f(c, c.p.Prog)
	}
	if name == "cpid" {
		c.noteChild(e)
	}
}

// results checks the arguments of the builtin functions: a call's type, nil if there is a mistake or something is not known yet.
var results map[string]func(c *checker, e *ast.Call) types.Type

// The table refers to functions that look into it: Go wants that cycle broken here.
func init() {
	results = map[string]func(c *checker, e *ast.Call) types.Type{
		"printf": (*checker).printf,
		"print":  (*checker).print,
		"exit":   (*checker).exit,
		"time":   (*checker).time,

		"count": aggregation(types.AggCount),
		"sum":   aggregation(types.AggSum),
		"avg":   aggregation(types.AggAvg),
		"min":   aggregation(types.AggMin),
		"max":   aggregation(types.AggMax),
		"stats": aggregation(types.AggStats),
		"hist":  (*checker).hist,
		"lhist": (*checker).lhist,

		"tseries":   (*checker).tseries,
		"quantiles": (*checker).quantiles,

		"delete":  (*checker).elementCall,
		"clear":   (*checker).wholeMap,
		"zero":    (*checker).wholeMap,
		"len":     (*checker).length,
		"has_key": (*checker).elementCall,

		"bswap":               (*checker).bswap,
		"buf":                 (*checker).buf,
		"container_of":        (*checker).containerOf,
		"is_array":            kindIs(func(t types.Type) bool { return types.Is(t, types.KindArray) }),
		"is_integer":          kindIs(func(t types.Type) bool { return types.Is(t, types.KindInt) }),
		"is_literal":          (*checker).isLiteral,
		"is_ptr":              kindIs(func(t types.Type) bool { return types.Is(t, types.KindPointer) }),
		"is_scalar":           (*checker).isScalar,
		"is_str":              kindIs(func(t types.Type) bool { return types.Is(t, types.KindString) }),
		"is_unsigned_integer": kindIs(isUnsigned),
		"static_assert":       (*checker).staticAssert,

		"macaddr":     (*checker).macaddr,
		"ntop":        (*checker).ntop,
		"pton":        (*checker).pton,
		"str":         (*checker).str,
		"strftime":    (*checker).strftime,
		"nsecs":       (*checker).nsecs,
		"memcmp":      (*checker).memcmp,
		"strcap":      (*checker).strcap,
		"strlen":      (*checker).strlen,
		"strncmp":     (*checker).strncmp,
		"str_concat":  (*checker).strConcat,
		"strcontains": (*checker).search,
		"strstr":      (*checker).search,
	}
	maps.Copy(results, taskResults())
	maps.Copy(results, stackResults())
	maps.Copy(results, effectResults())
	maps.Copy(results, paramResults())
	maps.Copy(results, messageResults())
	maps.Copy(results, valueResults())
}

func isVoidPointer(t types.Type) bool {
	p, ok := t.(types.Pointer)
	return ok && types.Is(p.Elem, types.KindVoid)
}
