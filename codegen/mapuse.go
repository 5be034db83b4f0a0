package codegen

import (
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// mapUse is what the programs of a script do with a map.
type mapUse struct {
	writers []*lang.Prog // assign, count or aggregate into it
	removes bool         // delete(), clear() or zero(): its elements can go away or be replaced
	printed bool         // print() reads it, in a probe that is not BEGIN or END
	emptied bool         // clear() or zero() does, likewise
	// iterated says that some probe runs a loop over it.
	iterated bool

	assigned int // statements that assign to it, copies of unrolled bodies counted

	mentions int  // all of them
	harmless int  // of these, those that neither read the value nor set it to anything
	up, down bool // ++ and -- whose result nobody uses, which count as harmless
	adds     bool // += and -=, likewise
}

// mapUses goes through all programs.
func mapUses(c *lang.Checked) map[string]*mapUse {
	uses := map[string]*mapUse{}
	for _, m := range c.Maps {
		uses[m.Name] = &mapUse{}
	}
	for _, p := range c.Progs {
		visit := func(n source.Node) { noteUse(uses, p, n) }
		if p.Probe.Filter != nil {
			walk(p.Probe.Filter, visit)
		}
		walk(p.Probe.Body, visit)
		noteAssigned(uses, p, p.Probe.Body, 1)
	}
	return uses
}

// noteAssigned counts the assignments to maps in a node of which there are several copies.
func noteAssigned(uses map[string]*mapUse, p *lang.Prog, n source.Node, copies int) {
	ast.Inspect(n, func(n source.Node) bool {
		switch n := n.(type) {
		case *ast.Assign:
			if u := useOf(uses, n.Target); u != nil {
				u.assigned += copies
			}
		case *ast.Unroll:
			times := int(min(p.Consts[n.Count].Int, maxUnrolled))
			noteAssigned(uses, p, n.Body, min(copies*times, maxUnrolled))
			return false
		}
		return true
	})
}

// noteUse records what one node does to maps.
func noteUse(uses map[string]*mapUse, p *lang.Prog, n source.Node) {
	switch n := n.(type) {
	case *ast.MapRef:
		if u := uses[n.Name]; u != nil {
			u.mentions++
		}
	case *ast.ExprStmt:
		if u, x := countOf(uses, n); u != nil {
			u.harmless++
			u.up = u.up || x.Op == "++"
			u.down = u.down || x.Op == "--"
		}
	case *ast.ForMap:
		if u := useOf(uses, n.Map); u != nil {
			u.iterated = true
		}
	case *ast.BlockExpr:
		// The last statement is the block's value.
		if stmts := n.Body.Stmts; len(stmts) > 0 {
			if u, _ := countOf(uses, stmts[len(stmts)-1]); u != nil {
				u.harmless--
			}
		}
	case *ast.Assign:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
			if (n.Op == "+=" || n.Op == "-=") && !changes(n.Value, n.Target.(*ast.MapRef).Name) {
				u.harmless++
				u.adds = true
			}
		}
	case *ast.IncDec:
		if u := useOf(uses, n.Target); u != nil {
			u.write(p)
		}
	case *ast.Call:
		noteCall(uses, p, n)
	}
}

// countOf finds the use of the map that a statement counts up or down, nil if it does not do that.
func countOf(uses map[string]*mapUse, s ast.Stmt) (*mapUse, *ast.IncDec) {
	es, ok := s.(*ast.ExprStmt)
	if !ok {
		return nil, nil
	}
	x, ok := es.X.(*ast.IncDec)
	if !ok {
		return nil, nil
	}
	return useOf(uses, x.Target), x
}

// noteCall records what the functions that take a map do to it.
func noteCall(uses map[string]*mapUse, p *lang.Prog, c *ast.Call) {
	if len(c.Args) == 0 {
		return
	}
	u := useOf(uses, c.Args[0])
	if u == nil {
		return
	}
	switch mapUseOf(c.Name) {
	case builtin.MapRemoves:
		u.removes = true
		u.harmless++
	case builtin.MapEmpties:
		u.removes = true
		u.harmless++
		u.emptied = u.emptied || !p.Kind.Once
	case builtin.MapLooks:
		u.harmless++
	case builtin.MapPrints:
		u.printed = u.printed || !p.Kind.Once
		if !c.Args[0].(*ast.MapRef).Indexed {
			u.harmless++
		}
	}
}

// mapUseOf is what a function does to the map that its first argument names.
func mapUseOf(name string) builtin.MapUse {
	if b := builtin.Find(name); b != nil {
		return b.Map
	}
	return builtin.MapValue
}

// useOf finds the use of the map that an expression is, nil if it is none.
func useOf(uses map[string]*mapUse, e ast.Expr) *mapUse {
	if ref, ok := e.(*ast.MapRef); ok {
		return uses[ref.Name]
	}
	return nil
}

func (u *mapUse) write(p *lang.Prog) {
	if len(u.writers) == 0 || u.writers[len(u.writers)-1] != p {
		u.writers = append(u.writers, p)
	}
}

// onlyCounts says that programs only add to a map's integers and never look at them, so that each CPU can have
// its own, as for count(). A map without a key must also never sum up to 0, as it would look untouched then.
func (k *compiler) onlyCounts(m *lang.Map) bool {
	u := k.uses[m.Name]
	if !types.Is(m.Value, types.KindInt) || m.Kind != "" || u.mentions != u.harmless {
		return false
	}
	if m.Key == nil {
		return u.up != u.down && !u.adds
	}
	return u.up || u.down || u.adds
}

// reentry says how a program can begin again on a CPU before it has ended there.
type reentry int

const (
	reentryNever     reentry = iota
	reentryNested            // in an interrupt: the later run ends first
	reentryPreempted         // by another thread: either may end first
)

// reentry is what the kernel allows the programs of a kind:
//
//   - kprobe, tracepoint and perf event programs exclude each other and themselves on a CPU: all of them run under
//     bpf_prog_active (trace_call_bpf in kernel/trace/bpf_trace.c, kprobe_multi_link_prog_run, bpf_overflow_handler)
//     and none can be preempted there; so do uprobe programs before Linux 6.0;
//   - since then (bpf_prog_run_array_sleepable) uprobe programs can be preempted in the middle by another thread that runs
//     the same program, and be interrupted by any other kind;
//   - gotrace runs those of intervals itself, all on one thread, with preemption off (bpf_prog_test_run_raw_tp in net/bpf/test_run.c);
//     any other kind can interrupt them, they interrupt none;
//   - raw tracepoint programs run with preemption or migration off, and exclude themselves since Linux 6.1 (prog->active in
//     bpf_trace_run), as fentry programs do (their trampoline).
func (k *compiler) reentry(kind *builtin.ProbeKind) reentry {
	switch {
	case kind.Once || kind.Timed || k.excludesAll(kind):
		return reentryNever
	case kind.User:
		return reentryPreempted
	case k.kernel.AtLeast(6, 1):
		return reentryNever
	}
	return reentryNested
}

// excludesAll says that the programs of a kind run under bpf_prog_active.
func (k *compiler) excludesAll(kind *builtin.ProbeKind) bool {
	switch kind.Context {
	case builtin.CtxRegs, builtin.CtxTracepoint, builtin.CtxPerf:
		return !kind.User || !k.kernel.AtLeast(6, 0)
	}
	return false
}

// skipsUnknown says that the kernel does not count the runs that it skips under bpf_prog_active: it does in trace_call_bpf and
// kprobe_multi_link_prog_run since Linux 6.7, and in bpf_overflow_handler never, where gotrace does, but for -p.
func (k *compiler) skipsUnknown(kind *builtin.ProbeKind) bool {
	if kind.Context == builtin.CtxPerf {
		return k.pid != 0
	}
	return k.excludesAll(kind) && !k.kernel.AtLeast(6, 7)
}

// exclusive says that an update of a map's per-CPU value by plain loads and stores in a program of a kind is exact, because no other
// writer of it can begin on the same CPU before the update ends: all writers exclude each other, or the only one
// excludes itself.
//
// BEGIN and END do not count: they run while no other program of the script is attached. Intervals interrupt nobody: only their
// own updates must be safe from others.
func (k *compiler) exclusive(m *lang.Map, kind *builtin.ProbeKind) bool {
	if k.layout(m).Shared() {
		return false
	}
	writers, guarded := 0, true
	for _, p := range k.uses[m.Name].writers {
		if p.Kind.Once || p.Kind.Timed {
			continue
		}
		if k.reentry(p.Kind) != reentryNever {
			return false
		}
		writers++
		guarded = guarded && k.excludesAll(p.Kind)
	}
	if kind.Timed {
		return writers == 0
	}
	return guarded || writers < 2
}

// manyAssigned is how many assignments to a map are too many for a look-up each.
const manyAssigned = 1000

// keepsElements says that an element, once there, stays where it is until the script ends, so that a store
// through its address cannot hit the element of another key. Of a map with very many assignments none is made so: a look-up is a
// branch, of which the verifier takes only so many, and for each it copies the whole program once (do_misc_fixups, kernel/bpf/verifier.c).
func (k *compiler) keepsElements(m *lang.Map) bool {
	u := k.uses[m.Name]
	return !u.removes && u.assigned <= manyAssigned && m.Kind != "lruhash" && m.Kind != "percpulruhash"
}
