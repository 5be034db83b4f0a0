package check

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Many system calls with one body become one program on the raw tracepoint that all of them pass, which looks the number up in a table. To detach
// a tracepoint the kernel waits for a grace period, some tens of milliseconds, so that hundreds of them take seconds; and a raw tracepoint costs
// less at a call that is hit (72 ns to 151 ns, measured with getppid), and more at one that is not (67 to 33). So a few calls stay as they are.

// dispatchFrom is so many system calls that they share a program.
const dispatchFrom = 16

// Dispatch is a program on a raw tracepoint of system calls that stands for the tracepoints of several of them.
type Dispatch struct {
	// Number is where the number of the call lies.
	Number location.Location
	// Named says that the body uses `probe`, so that the table has the targets' names.
	Named bool
}

// dispatchKind is the event of a raw tracepoint, and how the names of the tracepoints that it stands for begin.
type dispatchKind struct{ raw, prefix string }

var dispatchKinds = []dispatchKind{{"sys_enter", "sys_enter_"}, {"sys_exit", "sys_exit_"}}

// dispatch takes the targets of a probe that can share one program away from the others and makes their programs.
func (c *checker) dispatch(p *ast.Probe, all []bound, use uses) (rest []bound, groups []*progState) {
	all, groups = dispatchRaw(p, all, use)
	k := c.env.Kernel()
	if len(all) < dispatchFrom || !k.BTF || k.Task() == nil || !onlyCommonArgs(p) {
		return all, groups
	}
	for _, kind := range dispatchKinds {
		var ours, others []bound
		seen := map[int]bool{}
		for _, b := range all {
			t := b.target
			if t.Syscall > 0 && t.Category == "syscalls" && strings.HasPrefix(t.Event, kind.prefix) && !seen[t.Syscall] && t.Kind.Context == builtin.CtxTracepoint {
				seen[t.Syscall] = true
				ours = append(ours, b)
				continue
			}
			others = append(others, b)
		}
		if len(ours) >= dispatchFrom {
			all = others
			groups = append(groups, dispatched(p, kind, ours, nil, use))
		}
	}
	return all, groups
}

// dispatchRaw takes away the targets that have no tracepoints of their own and makes their programs: one for those with equal arguments, and one for all of a
// direction if the body uses none but those that all calls have.
func dispatchRaw(p *ast.Probe, all []bound, use uses) (rest []bound, groups []*progState) {
	if !slices.ContainsFunc(all, func(b bound) bool { return b.target.Raw }) {
		return all, nil
	}
	common := onlyCommonArgs(p)
	for _, kind := range dispatchKinds {
		var sets [][]bound
		for _, b := range all {
			if !b.target.Raw || !strings.HasPrefix(b.target.Event, kind.prefix) {
				continue
			}
			i := slices.IndexFunc(sets, func(set []bound) bool { return common || types.SameStruct(set[0].args, b.args) })
			if i < 0 {
				i, sets = len(sets), append(sets, nil)
			}
			sets[i] = append(sets[i], b)
		}
		for _, set := range sets {
			args := set[0].args
			if common {
				args = nil
			}
			groups = append(groups, dispatched(p, kind, set, args, use))
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(b bound) bool { return b.target.Raw }), groups
}

// onlyCommonArgs says whether a body uses no arguments but those that all system calls have, and `probe` nowhere where it must be a constant.
func onlyCommonArgs(p *ast.Probe) bool {
	ok := true
	common := map[ast.Expr]bool{}
	ast.Inspect(p, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.FieldExpr:
			if id, isIdent := n.X.(*ast.Ident); isIdent && id.Name == "args" && (n.Name == "__syscall_nr" || n.Name == "ret") {
				common[id] = true
			}
		case *ast.Ident:
			b := builtin.Find(n.Name)
			ok = ok && (common[n] || n.Name != "args" && n.Name != "ctx" && (b == nil || b.Probe == builtin.Anything))
		case *ast.Call:
			b := builtin.Find(n.Name)
			ok = ok && n.Name != "ctx" && n.Name != "args" && (b == nil || b.Probe == builtin.Anything)
		case *ast.Comptime, *ast.Typeinfo, *ast.Sizeof:
			ok = false
		}
		return ok
	})
	return ok
}

// origAX is the place of the system call's number in struct pt_regs of amd64, where calls are dispatched.
const origAX = 120

// dispatched is the program of system calls that share one. args are their arguments, nil: those that all have.
func dispatched(p *ast.Probe, kind dispatchKind, all []bound, args *types.Struct, use uses) *progState {
	regs := location.Address{Base: location.RawArg(0), Offset: origAX}
	number := location.Location(location.Memory{At: regs, Size: location.WordSize, Signed: true}) // sys_exit(regs, ret)
	fields := []types.Field{{Name: "__syscall_nr", Type: types.Int{Bits: 32, Signed: true}, Loc: number}, {Name: "ret", Type: types.TypeInt64, Loc: location.RawArg(1)}}
	if kind.raw == "sys_enter" { // sys_enter(regs, id)
		number = location.RawArg(1)
		fields = []types.Field{{Name: "__syscall_nr", Type: types.Int{Bits: 32, Signed: true}, Loc: number}}
	}
	g := newProg(p, &all[0])
	g.Kind = builtin.FindKind("rawtracepoint")
	if args == nil {
		args = types.NewArgs("syscalls_"+kind.raw, 2*location.WordSize, fields)
	}
	g.Args, g.Retval = args, nil
	g.Dispatch = &Dispatch{Number: number, Named: use.name}
	g.Targets = nil
	for i := range all {
		t := *all[i].target
		t.Shared = kind.raw
		g.Targets = append(g.Targets, t)
	}
	return g
}

// nameRoom is the length of the longest name of a program's targets, and the NUL.
func nameRoom(p *Prog) int {
	n := len(p.ProbeName)
	if p.Dispatch != nil {
		for i := range p.Targets {
			n = max(n, len(p.Targets[i].Name))
		}
	}
	return n + 1
}
