package codegen

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

const (
	// maxObject is the largest value that a program holds or copies, in bytes: as long as the longest string. Larger ones would
	// take that memory on every CPU, and megabytes the kernel refuses (KMALLOC_MAX_SIZE, kernel/bpf/arraymap.c and hashtab.c).
	maxObject = 1 << 16
	// maxPerCPU is the largest value of a per-CPU map: PCPU_MIN_UNIT_SIZE (include/linux/percpu.h).
	maxPerCPU = 32 << 10
)

// maxArrayValue is the largest value of an array map, in bytes. Before Linux 6.0 it is KMALLOC_MAX_SIZE (array_map_alloc_check,
// kernel/bpf/arraymap.c), since then what the verifier lets offsets of pointers be: BPF_MAX_VAR_OFF (include/linux/bpf_verifier.h).
func (k *compiler) maxArrayValue() int {
	if k.kernel.AtLeast(6, 0) {
		return 1<<29 - 1
	}
	return 4 << 20
}

// fits says whether a program can hold a value of so many bytes, and reports it if not.
func (l *lowerer) fits(size int) bool {
	if size <= maxObject {
		return true
	}
	l.failHere("read what you need of it through a pointer", "this has %d bytes: a program can hold values of up to %d", size, maxObject)
	return false
}

// checkMaps reports keys and values that are too large.
func (k *compiler) checkMaps() error {
	for _, m := range k.checked.Maps {
		s := k.Spec(m)
		message := ""
		switch {
		case m.Key != nil && s.KeySize > maxObject:
			message = fmt.Sprintf("a key of @%s has %d bytes: a program can hold values of up to %d", m.Name, s.KeySize, maxObject)
		case m.Value.Size() > maxObject:
			message = fmt.Sprintf("a value of @%s has %d bytes: a program can hold values of up to %d", m.Name, m.Value.Size(), maxObject)
		case s.Layout.Storage == layout.StoragePerCPUHash && s.ValueSize > maxPerCPU:
			message = fmt.Sprintf("a value of @%s has %d bytes: maps with a value for each CPU take values of up to %d", m.Name, s.ValueSize, maxPerCPU)
		default:
			continue
		}
		return &Error{Span: source.Span{Pos: m.Pos, EndPos: m.Pos}, Message: message, Hint: "keep less: the fields that are needed, or a shorter string"}
	}
	return nil
}

// maxMaps is how many kernel maps a program may use: MAX_USED_MAPS (include/linux/bpf_verifier.h).
const maxMaps = 64

// mapUsed is a kernel map that a program uses, and where it does first.
type mapUsed struct {
	spec *layout.MapSpec
	pos  source.Pos
}

// limitMaps refuses a program that uses more maps than the kernel takes, at the first that is too many. Maps without keys share one.
func (k *compiler) limitMaps(p *Program) error {
	script, own := k.mapsOf(p)
	room := maxMaps - own
	if len(script) <= room {
		return nil
	}
	at := script[room]
	return &Error{
		Span: source.Span{Pos: at.pos, EndPos: at.pos},
		Message: fmt.Sprintf("@%s is one map too many: the kernel takes %d for each probe, this one needs %d for maps with keys and %d others",
			at.spec.Script.Name, maxMaps, len(script), own),
		Hint: "split the probe: several with the same attach point run in the order of the script",
	}
}

// Position is the place in the script of an instruction, the zero Pos if it has none.
func (p *Program) Position(i int) source.Pos {
	if i >= len(p.Positions) || p.Positions[i] == nil {
		return source.Pos{}
	}
	return *p.Positions[i]
}

// mapsOf lists the kernel maps with keys that a program uses, as they stand in the script, and counts the others. A map whose short
// keys are apart is two.
func (k *compiler) mapsOf(p *Program) (script []mapUsed, own int) {
	at := map[string]int{} // index in script
	for i, ins := range p.Insns {
		if !ins.IsLoadFromMap() {
			continue
		}
		name, pos := ins.Reference(), p.Position(i)
		j, seen := at[name]
		switch {
		case seen && j >= 0 && pos.Offset < script[j].pos.Offset:
			script[j].pos = pos
		case seen:
		case k.ByName[name] == nil || k.ByName[name].Script == nil: // those nil are made last: see ownMaps
			at[name] = -1
			own++
		default:
			at[name] = len(script)
			script = append(script, mapUsed{k.ByName[name], pos})
		}
	}
	slices.SortStableFunc(script, func(a, b mapUsed) int { return cmp.Compare(a.pos.Offset, b.pos.Offset) })
	return script, own
}

// maxPending is how many paths the verifier keeps for later while it follows another: BPF_COMPLEXITY_LIMIT_JMP_SEQ
// (kernel/bpf/verifier.c). It follows the way behind a branch first, to the end of the program, and keeps the one that the branch jumps to.
const maxPending = 8192

// TooManyBranches is the place in the script from which on the program has more branches than the verifier follows. It is told
// before the load: the verifier takes seconds to find out, and says neither where nor what.
//
// The walk is that of a verifier that needs no place twice; the real one keeps as many paths or more.
func (p *Program) TooManyBranches() (source.Pos, bool) {
	targets := map[string]int{}
	for i := range p.Insns {
		if s := p.Insns[i].Symbol(); s != "" {
			targets[s] = i
		}
	}
	seen := make([]bool, len(p.Insns))
	for start := range p.Insns {
		// Programs with callbacks have their functions described (see package emit).
		if start == 0 || btf.FuncMetadata(&p.Insns[start]) != nil {
			if at, ok := p.follow(start, targets, seen); ok {
				return p.Position(at), true
			}
		}
	}
	return source.Pos{}, false
}

// follow is the index of the branch that is one too many behind start.
func (p *Program) follow(start int, targets map[string]int, seen []bool) (int, bool) {
	pending := []int{start}
	for len(pending) > 0 {
		i := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		for i >= 0 && i < len(seen) && !seen[i] {
			seen[i] = true
			next, branch := p.successors(i, targets)
			if branch >= 0 {
				if pending = append(pending, branch); len(pending) > maxPending {
					return i, true
				}
			}
			i = next
		}
	}
	return 0, false
}

// successors are the instruction that follows on instruction i and the one that it branches to, -1 if there is none.
func (p *Program) successors(i int, targets map[string]int) (next, branch int) {
	ins := &p.Insns[i]
	op := ins.OpCode
	switch to, ok := targets[ins.Reference()]; {
	case !op.Class().IsJump() || op.JumpOp() == asm.Call:
		return i + 1, -1
	case op.JumpOp() == asm.Exit || !ok:
		return -1, -1
	case op.JumpOp() == asm.Ja:
		return to, -1
	default:
		return i + 1, to
	}
}

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
	l.setStop(stopLoops)
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
	l.loops = append(l.loops, l.k.site(s))
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
	l.payFor(m.MaxEntries / walkShare)
}

// payFor takes from the budget what something costs that is done inside a loop, in iterations.
func (l *lowerer) payFor(iterations int) {
	cost := int64(iterations)
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
	l.setStop(stopNot)
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
	c := costs{funcs: map[string]*ir.Func{}, known: map[string]int{}}
	for _, f := range l.ir.Funcs {
		c.funcs[f.Name] = f
	}
	for _, f := range l.ir.Funcs[1:] {
		if f.Global == nil {
			cost = max(cost, c.of(f.Name))
		}
	}
	for _, m := range l.walked {
		largest = max(largest, m.MaxEntries)
	}
	return min(max(lang.MaxLoopIterations/(1+cost), largest), lang.MaxLoopIterations)
}

// costs finds how many calls of the kernel runs of functions are worth.
type costs struct {
	funcs map[string]*ir.Func
	known map[string]int
}

// of is about how many calls of the kernel a run of a callback is worth, with all that the functions do which it calls.
func (c *costs) of(name string) int {
	if n, ok := c.known[name]; ok {
		return n
	}
	calls, ops := 0, 0
	for _, b := range c.funcs[name].Blocks {
		for _, v := range b.Values {
			switch {
			case v.Op == ir.OpCall || v.Op == ir.OpGlobal:
				calls += c.of(v.Sym)
			case v.IsCall() && !slices.Contains(cheapHelpers, asm.BuiltinFunc(v.Imm)):
				calls++
			default:
				ops++
			}
		}
	}
	n := min(calls+ops/opsShare, lang.MaxLoopIterations-1) // an iteration at least
	c.known[name] = n
	return n
}
