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

// This is about which targets of a probe share a program.
//
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

// bound is a target with the types of its arguments and of what it returns, nil where they are not known.
type bound struct {
	target *Target
	args   *types.Struct
	retval types.Type
}

// bind finds the types of a target's arguments. Where C's registers serve without them, they are only looked for if the probe names them:
// functions with different arguments share a program else.
func (c *checker) bind(ap *ast.AttachPoint, t *Target, use uses) (bound, bool) {
	if use.types && t.Kind.Typed != nil && c.env.Kernel().BTF {
		t.Kind = t.Kind.Typed
	}
	b := bound{target: t}
	args, retval := true, true
	switch { // those of programs are described in large files
	case t.Kind.User:
		args, retval = use.args || use.goid, use.retval || use.goid
	case t.Kind.Context == builtin.CtxRegs:
		args, retval = use.args, use.retval
	}
	if !args && !retval {
		return b, true
	}
	a, r, err := c.env.Args(t)
	if err != nil {
		c.diags = append(c.diags, source.Errorf(ap, "bad-probe", "%v", err))
		return b, false
	}
	if args {
		b.args = a
	}
	if retval {
		b.retval = r
	}
	return b, true
}

// oneResult makes what functions return a plain number, the register, in a probe of several whose types differ, if they need no type: a script that
// keeps all of them in one map would not do with pointers and numbers.
func oneResult(all []bound) {
	for i := range all {
		if all[i].target.Kind.Context != builtin.CtxRegs || types.SameType(all[i].retval, all[0].retval) {
			continue
		}
		for j := range all {
			if all[j].target.Kind.Context == builtin.CtxRegs {
				all[j].retval = nil
			}
		}
		return
	}
}

// addTarget adds a target to the group with the same arguments, or makes a new one. Where the groups must differ in their names, named has them by that.
func addTarget(groups []*progState, named map[string][]*progState, p *ast.Probe, b *bound, use uses) []*progState {
	t := b.target
	among := groups
	if use.name {
		among = named[t.Name]
	}
	if !t.Kind.OneTarget {
		for _, g := range among {
			if g.Kind == t.Kind && !t.Kind.Once && g.Dispatch == nil && types.SameStruct(g.Args, b.args) && types.SameType(g.Retval, b.retval) && use.same(&g.Targets[0], t) {
				g.Targets = append(g.Targets, *t)
				return groups
			}
		}
	}
	g := newProg(p, b)
	if use.name {
		g.ProbeName = t.Name
		named[t.Name] = append(named[t.Name], g)
	}
	return append(groups, g)
}

// newProg is a program for a target.
func newProg(p *ast.Probe, b *bound) *progState {
	return &progState{
		Prog: &Prog{
			Probe: p, Kind: b.target.Kind, Targets: []Target{*b.target}, Args: b.args, Retval: b.retval,
			Types: map[ast.Expr]types.Type{}, Consts: map[ast.Expr]types.Const{}, Vars: map[*ast.Var]*Variable{},
			Results: map[*ast.Func]types.Type{},
			Infos:   map[*ast.Typeinfo]*ast.RecordExpr{},
		},
		own: map[source.Node]*varState{}, wide: map[string]*varState{}, choices: map[*ast.Comptime]choice{},
	}
}

// perTarget says whether a builtin has another value at each target of a probe.
func perTarget(name string) bool {
	b := builtin.Find(name)
	return b.There() && b.PerTarget
}

// uses is what a probe's body uses of what its targets can differ in.
type uses struct {
	name      bool // `probe`, or another builtin that has its value for each target
	arguments bool // args, argN, retval, goid
	goid      bool
	function  bool // func
	args      bool
	retval    bool
	types     bool // pointers that the verifier knows the types of
}

// usesOf finds what a probe, or a function that it calls, uses.
func (c *checker) usesOf(p *ast.Probe) uses {
	var u uses
	see := func(name string) {
		u.name = u.name || perTarget(name)
		u.args, u.retval = u.args || name == "args", u.retval || name == "retval"
		b := builtin.Find(name)
		u.function = u.function || name == "func"
		u.types = u.types || b != nil && b.Probe == builtin.HasTypes
		u.goid = u.goid || name == "goid"
		u.arguments = u.arguments || u.goid || b != nil && (b.Probe == builtin.HasArgs || b.Probe == builtin.HasArgN ||
			b.Probe == builtin.HasStackArgs || b.Probe == builtin.HasReturn)
	}
	called := map[*ast.Func]bool{}
	var visit func(n source.Node) bool
	visit = func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			see(n.Name)
		case *ast.Call:
			see(n.Name)
			if f := c.funcs[n.Name]; f != nil && !called[f] {
				called[f] = true
				ast.Inspect(f.Body, visit)
			}
		}
		return true
	}
	ast.Inspect(p, visit)
	return u
}

// same says whether one program serves two targets whose typed arguments are the same.
func (u uses) same(a, b *Target) bool {
	return a.I386 == b.I386 && (!u.function || a.FuncOffset == b.FuncOffset) && (!u.name || a.Name == b.Name) && (!u.arguments || sameArgN(a.ArgN, b.ArgN) && sameResult(a.Result, b.Result) && sameResult(a.GoID, b.GoID))
}
