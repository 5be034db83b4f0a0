package codegen

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// Loops are calls of bpf_loop (5.17) and bpf_for_each_map_elem (5.13) with the body as callback: the verifier then needs no
// proof that they end. A callback has a stack frame of its own; what it shares with the code around it
// lies in the environment, a stack slot of the main function whose address every callback gets.

// Layout of the environment.
const (
	envScratch = 0  // address of the scratch frame
	envStop    = 8  // one of the reasons below
	envCtx     = 16 // the program's context
	envBudget  = 24 // iterations that the run may still do
	envVars    = 32 // captured variables and loop starts
)

// Why loops stop: what envStop holds.
const (
	stopNot   = 0
	stopRun   = 1 // the run ends
	stopCall  = 3 // the function of the script that the loop is in returns
	stopLoops = 2 // all loops end and the run goes on behind the outermost: its budget is spent
)

// What a callback returns.
const (
	loopGoOn = 0
	loopStop = 1
)

// maxLoops is the most iterations that bpf_loop takes: BPF_MAX_LOOPS (include/linux/bpf_verifier.h). The budget of a run is smaller.
const maxLoops = lang.MaxLoopIterations + 1

// loop is what break and continue leave: a callback (both joins nil) or a copy of an unrolled body.
type loop struct {
	outer          *loop
	breakTo, nexts *join
}

// envAlloc takes n bytes (a multiple of 8) of the environment.
func (l *lowerer) envAlloc(n int) int {
	if l.env == nil {
		l.env = l.ir.Funcs[0].NewSlot("env", envVars)
	}
	off := l.env.Size
	l.env.Size += n
	return off
}

// startAlloc takes the place of a loop's start, which it has until the loop ends: loops behind each other share one.
func (l *lowerer) startAlloc() int {
	n := len(l.starts)
	if n == 0 {
		return l.envAlloc(8)
	}
	off := l.starts[n-1]
	l.starts = l.starts[:n-1]
	return off
}

// envAddr is the address of the environment in the current function.
func (l *lowerer) envAddr() *ir.Value {
	if l.fn.parent != nil {
		return l.fn.env
	}
	l.envAlloc(0)
	return l.b.SlotAddr(l.env, 0)
}

// ctx is the program's context in the current function.
func (l *lowerer) ctx() *ir.Value {
	if l.fn.parent == nil {
		return l.b.Ctx()
	}
	l.ctxInEnv = true
	return l.b.Load(8, l.fn.env, envCtx)
}

// callback lowers a loop body as a function. body gets its parameters; what it leaves open returns loopGoOn.
func (l *lowerer) callback(params, envParam int, body func(params []*ir.Value)) (name string) {
	l.envAlloc(0)
	name = fmt.Sprintf("%s_loop%d", l.out.Name, len(l.ir.Funcs))
	f := ir.NewFunc(name, params)
	l.addFunc(f)
	saved, builder, pos := l.fn, l.b, l.b.Pos
	l.enter(f, f.Blocks[0].Params[envParam])
	l.b.Pos = pos
	l.fn.loop, l.fn.active = &loop{}, saved.active
	body(f.Blocks[0].Params)
	if l.b.Block != nil {
		l.b.Return(l.b.Const(loopGoOn))
	}
	l.fn, l.b = saved, builder
	l.fn.reads = nil // the body may change any map
	return name
}

// setStop says why loops stop. The verifier must not know it: since Linux 6.7 it goes through the rest of a loop's iterations for each reason that
// it knows, and again for each one within each of the loops around it.
func (l *lowerer) setStop(reason int64) {
	l.b.Store(8, l.envAddr(), envStop, l.b.OpImm(ir.OpAdd, l.hiddenZero(), reason))
}

// afterLoop goes on where the loop's body said: an outer loop stops with an inner one that did not end by itself, and the main
// function leaves if the run is to end.
func (l *lowerer) afterLoop() {
	gone, on := l.fn.fn.NewBlock("stopped"), l.fn.fn.NewBlock("on")
	l.stops = true
	stop := l.b.Load(4, l.envAddr(), envStop)
	l.afterReturn(stop)
	if l.fn.parent == nil {
		l.b.BranchUnlikely(ir.Eq, stop, l.b.Const(stopRun), gone, on)
		l.b.At(gone)
		l.leave()
	} else {
		l.b.BranchUnlikely(ir.Ne, stop, l.b.Const(stopNot), gone, on)
		l.b.At(gone)
		l.b.Return(l.b.Const(loopStop))
	}
	l.b.At(on)
}

// needLoops records an error on kernels without bpf_loop.
func (l *lowerer) needLoops(n source.Node) {
	l.needs(n, 5, 17, "a loop", "bpf_loop", "use unroll")
}

// hideSet hides from the verifier's range tracking the variables that a loop's body sets. It would follow known values from
// round to round (`$i = 0; while ($i < 1000000) { $i++ }`) until its limit of a million instructions; of unknown ones it
// sees after two or three rounds that nothing new comes.
func (l *lowerer) hideSet(body source.Node) {
	var set []*lang.Variable
	add := func(target ast.Expr) {
		ref, ok := target.(*ast.Var)
		if !ok {
			return
		}
		v := l.prog.Vars[ref]
		// What has no home yet is first set in the body itself. Large values lie in map memory, which the verifier does not follow.
		if _, homed := l.homes[v]; homed && v.Captured && !types.InMemory(v.Type) && !slices.Contains(set, v) {
			set = append(set, v)
		}
	}
	effects.Walk(body, func(n source.Node) {
		switch n := n.(type) {
		case *ast.Assign:
			add(n.Target)
		case *ast.IncDec:
			add(n.Target)
		}
	})
	if len(set) == 0 {
		return
	}
	zero := l.hiddenZero()
	for _, v := range set {
		p := l.varPlace(v)
		l.b.Store(8, p.base, p.off, l.b.Op(ir.OpAdd, l.getVar(v).val, zero))
	}
}

// hiddenZero is 0, but the verifier does not know it.
func (l *lowerer) hiddenZero() *ir.Value {
	l.k.usesGlo = true
	return l.b.Load(8, l.b.MapValue(layout.MapGlobals, 0), layout.GlobalZero)
}

// hideResult does the same for a value that a loop's body computes for a variable: should a comparison give the verifier bounds
// for the variable, `$n++` moves them with every round that it follows, and each round looks new to it.
func (l *lowerer) hideResult(x *ir.Value) *ir.Value {
	switch x.Op {
	case ir.OpConst, ir.OpLoad, ir.OpHelper:
		return x // no round's value comes from that of the round before
	}
	return l.b.Op(ir.OpAdd, x, l.hiddenZero())
}

func (l *lowerer) forRange(s *ast.ForRange) {
	l.needLoops(s)
	v := l.prog.Vars[s.Var]
	start := l.convert(l.numExpr(s.Start), l.typeOf(s.Start), types.Int{Bits: 64, Signed: true})
	end := l.convert(l.numExpr(s.End), l.typeOf(s.End), types.Int{Bits: 64, Signed: true})
	startOff := l.startAlloc()
	l.b.Store(8, l.envAddr(), startOff, start)

	name := l.callback(2, 1, func(params []*ir.Value) {
		l.iteration(s)
		if v != nil {
			i := l.b.Op(ir.OpAdd, l.b.Load(8, l.fn.env, startOff), l.b.Ext(params[0], 32, false))
			l.putVar(v, l.convert(i, types.Int{Bits: 64, Signed: true}, v.Type))
		}
		l.block(s.Body)
	})

	run, done := l.newJoin("run"), l.newJoin("done")
	less := ir.SLt
	if types.UnsignedRange(l.typeOf(s.Start), l.typeOf(s.End)) {
		less = ir.ULt
	}
	l.branch(less, start, end, run, done)
	l.land(run)
	l.hideSet(s.Body)
	n := l.atMost(l.b.Op(ir.OpSub, end, start), maxLoops)
	l.b.Helper(int(asm.FnLoop), false, n, l.b.FuncPtr(name), l.envAddr(), l.b.Const(0))
	l.starts = append(l.starts, startOff)
	l.afterLoop()
	l.jump(done)
	l.land(done)
}

func (l *lowerer) while(s *ast.While) {
	l.needLoops(s)
	name := l.callback(2, 1, func([]*ir.Value) {
		on, end := l.newJoin("on"), l.newJoin("end")
		m := l.mark()
		l.cond(s.Cond, on, end)
		l.release(m)
		l.land(end)
		if l.b.Block != nil {
			l.b.Return(l.b.Const(loopStop))
		}
		l.land(on)
		l.maybe(func() {
			l.iteration(s)
			l.block(s.Body)
		})
	})
	l.hideSet(s)
	l.b.Helper(int(asm.FnLoop), false, l.b.Const(maxLoops), l.b.FuncPtr(name), l.envAddr(), l.b.Const(0))
	l.afterLoop()
}

// forMap runs the body for each element, with the variable as a tuple of key and value.
func (l *lowerer) forMap(s *ast.ForMap) {
	l.needs(s, 5, 13, "a loop over a map", "bpf_for_each_map_elem", "")
	v := l.prog.Vars[s.Var]
	m := l.k.checked.Byname[s.Map.Name]
	l.walkCost(m)
	spec := l.k.Spec(m)
	var inUse *ir.Value // of this loop from its beginning to its end
	inUseOff := 0
	if spec.Second != nil {
		inUse = l.inUse(spec)
		inUseOff = l.envAlloc(8)
		l.b.Store(8, l.envAddr(), inUseOff, inUse)
	}
	kmap := func() *ir.Value {
		if spec.Second == nil {
			return l.b.MapPtr(spec.Name)
		}
		return l.either(spec, l.b.Load(8, l.fn.env, inUseOff), func(name string) *ir.Value { return l.b.MapPtr(name) })
	}
	name := l.callback(4, 3, func(params []*ir.Value) {
		l.iteration(s)
		if v != nil {
			t := v.Type.(types.Tuple)
			p := l.varPlace(v)
			l.zero(p, t.Size())
			key := operand{typ: m.Key, mem: bpf(params[1], 0)}
			if !types.InMemory(m.Key) {
				key = l.loadAt(key.mem, m.Key)
			}
			l.storeOperand(p.at(t.Offset(0)), t.Elems[0], key, false)
			l.storeOperand(p.at(t.Offset(1)), t.Elems[1], l.mapElem(s.Map, m, params[1], params[2], kmap), false)
		}
		l.block(s.Body)
	})
	l.hideSet(s.Body)
	l.forEach(spec, inUse, name)
	l.afterLoop()
}

// unroll repeats the body; the count is a constant.
func (l *lowerer) unroll(s *ast.Unroll) {
	c, _ := l.constOf(s.Count)
	end := l.newJoin("unrolled")
	for range c.Int {
		if !l.mayCopy(s) {
			break
		}
		next := l.newJoin("next")
		l.fn.loop = &loop{outer: l.fn.loop, breakTo: end, nexts: next}
		l.block(s.Body)
		l.jump(next)
		l.fn.loop = l.fn.loop.outer
		l.land(next)
	}
	l.jump(end)
	l.land(end)
}

// maxUnrolledValues is how many operations the unrolled bodies of a function may come to, beside effects.MaxUnrolled statements: each level
// of nesting can multiply them by a hundred.
const maxUnrolledValues = 500_000

// mayCopy counts the statements of one more copy of an unrolled body, nested copies aside. It says whether there is room for it.
func (l *lowerer) mayCopy(s *ast.Unroll) bool {
	l.unrolled += max(len(s.Body.Stmts), 1)
	if l.unrolled > effects.MaxUnrolled || l.fn.fn.Values() > maxUnrolledValues {
		l.fail(s, "unroll less, or use a loop: for ($i : 0..100) { … }", "unrolled this gives more than %d statements", effects.MaxUnrolled)
	}
	return l.err == nil
}

func (l *lowerer) breakOrContinue(s *ast.Branch) {
	lp := l.fn.loop
	if lp == nil {
		return // the checker has refused it
	}
	stop := s.Keyword == "break"
	switch {
	case lp.breakTo == nil && stop:
		l.b.Return(l.b.Const(loopStop))
	case lp.breakTo == nil:
		l.b.Return(l.b.Const(loopGoOn))
	case stop:
		l.jump(lp.breakTo)
	default:
		l.jump(lp.nexts)
	}
}
