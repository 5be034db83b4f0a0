package codegen

import (
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
)

// A callback runs in the kernel to its loop's end, and no signal stops it: nested loops of eight million iterations each would hold
// a CPU for a year. So a run has a budget of iterations for all its loops together, a word of the environment. When it is
// spent all loops stop, which is counted with the place of the innermost, and the run goes on behind the outermost. Each
// iteration also looks at GlobalExiting.

// walkShare is how many elements that a map has room for cost as much as an iteration when the map is walked inside a loop: the
// kernel looks at each bucket, whether there is something in it or not.
const walkShare = 16

// opsShare is how many operations, calls left out, cost about as much as one call of the kernel.
const opsShare = 128

// cheapHelpers take a few nanoseconds, loops what their own iterations take.
var cheapHelpers = []asm.BuiltinFunc{
	asm.FnGetCurrentPidTgid, asm.FnGetCurrentTask, asm.FnGetCurrentTaskBtf, asm.FnGetCurrentUidGid,
	asm.FnGetPrandomU32, asm.FnGetSmpProcessorId, asm.FnJiffies64, asm.FnLoop, asm.FnForEachMapElem,
}

// iteration begins an iteration of a loop: it takes one from the budget, and stops the loops when there is none left or
// the session ends.
func (l *lowerer) iteration(loop ast.Stmt) {
	l.useBudget()
	f := l.fn.fn
	spent, paid, gone, on := f.NewBlock("spent"), f.NewBlock("paid"), f.NewBlock("gone"), f.NewBlock("iteration")
	left := l.b.Load(8, l.fn.env, envBudget)
	l.b.BranchUnlikely(ir.Eq, left, l.b.Const(0), spent, paid)

	l.b.At(spent)
	pos := l.b.Pos
	l.b.Pos = loop.Range().Pos
	l.countLoop()
	l.b.Store(8, l.fn.env, envStop, l.b.Const(stopLoops))
	l.b.Return(l.b.Const(loopStop))
	l.b.Pos = pos

	l.b.At(paid)
	l.b.Store(8, l.fn.env, envBudget, l.b.OpImm(ir.OpAdd, left, -1))
	runs := 0 // the most that GlobalExiting may be
	if l.prog.Kind.Once {
		runs = layout.GlobalExit
	}
	l.b.BranchUnlikely(ir.UGt, l.global(layout.GlobalExiting), l.b.Const(int64(runs)), gone, on)
	l.b.At(gone)
	l.leave()
	l.b.At(on)
}

// countLoop counts a loop that the budget stopped, at the current place.
func (l *lowerer) countLoop() {
	s := &layout.Site{Kind: layout.SiteLoop, Pos: l.b.Pos}
	l.countFailure(s)
	l.loops = append(l.loops, l.k.bp.Sites[l.k.site(s)])
}

// useBudget makes the prologue fill the budget.
func (l *lowerer) useBudget() {
	l.budgeted = true
	l.k.usesGlo = true
}

// walkCost takes from the budget what a walk over a map costs even if the map is empty. Outside loops there are only as many walks as
// the script has words.
func (l *lowerer) walkCost(m *lang.Map) {
	l.walked = append(l.walked, m)
	cost := int64(m.MaxEntries / walkShare)
	if l.fn.parent == nil || cost == 0 {
		return
	}
	l.useBudget()
	f := l.fn.fn
	end := f.NewBlock("walk")
	rest := end.AddParam()
	enough, short := f.NewBlock("enough"), l.b.Const(0)
	left := l.b.Load(8, l.fn.env, envBudget)
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.UGt, X: left, Y: l.b.Const(cost),
		Then: ir.Edge{To: enough}, Else: ir.Edge{To: end, Args: []*ir.Value{short}}})
	l.b.At(enough)
	l.b.Jump(end, l.b.OpImm(ir.OpAdd, left, -cost))
	l.b.At(end)
	l.b.Store(8, l.fn.env, envBudget, rest)
}

// startBudget fills the budget. The verifier must not know it: it would follow every iteration.
func (l *lowerer) startBudget() {
	if !l.budgeted {
		return
	}
	n := l.budget()
	l.b.Store(8, l.b.SlotAddr(l.env, 0), envBudget, l.b.OpImm(ir.OpAdd, l.hiddenZero(), int64(n)))
	for _, s := range l.loops {
		s.Limit = max(s.Limit, n)
	}
}

// budget is how many iterations a run of the program may do. By default these are as many as take a few seconds at most, and
// enough for one loop over the largest of its maps.
func (l *lowerer) budget() int {
	if n := l.k.checked.Config.MaxLoopIterations; n > 0 {
		return n
	}
	cost, largest := 0, 0
	for _, f := range l.ir.Funcs[1:] {
		cost = max(cost, iterationCost(f))
	}
	for _, m := range l.walked {
		largest = max(largest, m.MaxEntries)
	}
	return min(max(lang.MaxLoopIterations/(1+cost), largest), lang.MaxLoopIterations)
}

// iterationCost is about how many calls of the kernel a run of a callback is worth.
func iterationCost(f *ir.Func) int {
	calls, ops := 0, 0
	for _, b := range f.Blocks {
		for _, v := range b.Values {
			switch {
			case v.IsCall() && !slices.Contains(cheapHelpers, asm.BuiltinFunc(v.Imm)):
				calls++
			default:
				ops++
			}
		}
	}
	return calls + ops/opsShare
}
