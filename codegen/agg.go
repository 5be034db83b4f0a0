package codegen

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/buckets"
	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// aggregate is `@m[k] = f(x)` for an aggregation f, or for a block with that for its value. Where the value has effects, the key comes
// first, as in bpftrace.
func (l *lowerer) aggregate(ref *ast.MapRef, m *lang.Map, a types.Agg, value ast.Expr) {
	mk := l.mark()
	defer l.release(mk)
	var key *mapKey
	if m.Key != nil && (effects.Has(value) || effectsIn(ref.Keys)) {
		k := l.mapKey(ref)
		key = &k
	}
	l.statements(value)
	if l.b.Block == nil {
		return
	}
	c := ast.Result(value).(*ast.Call)
	var x *ir.Value
	if a.Kind != types.AggCount {
		x = l.numExpr(c.Args[0])
	}
	if (a.Kind == types.AggMin || a.Kind == types.AggMax) && !l.k.Exclusive(m, l.prog.Kind) {
		what := fmt.Sprintf("%s() of %s in probes that can interrupt each other, or themselves,", a.Kind, mapName(m))
		l.needs(ref, 5, 12, what, "atomic exchange", "use tracepoints")
	}
	t := numberType(l.typeOf(firstArg(c)))
	o := outline{what: "aggregate", m: m, arg: t}
	if l.aggregateCalls(m, a) && l.mayOutline(o) {
		if m.Key != nil {
			k := l.keyOr(key, ref)
			key = &k
		}
		l.b.Pos = c.Pos
		l.callAggregate(o, key, a, x)
		return
	}
	l.updateAggregate(m, a, x, t, c.Pos, func() mapKey { return l.keyOr(key, ref) })
}

// updateAggregate updates an aggregation with x, a number of type t. pos is that of the call; key gives the key, if the map has any.
func (l *lowerer) updateAggregate(m *lang.Map, a types.Agg, x *ir.Value, t types.Int, pos source.Pos, key func() mapKey) {
	u := aggUpdate{agg: a, x: x, atomic: !l.k.Exclusive(m, l.prog.Kind), done: l.fn.fn.NewBlock("done")}
	u.prepare(l, t)
	if m.Key == nil {
		u.base = l.ownValue(m)
	} else {
		k := key()
		l.b.Pos = pos
		u.base = l.findOrAdd(k, u.done)
	}
	l.b.Pos = pos
	aggUpdates[a.Kind](l, &u)
	l.b.Jump(u.done)
	l.b.At(u.done)
}

// aggregateCalls says whether an update of an aggregation can be a call: those of maps without keys where their code is longer than one.
func (l *lowerer) aggregateCalls(m *lang.Map, a types.Agg) bool {
	switch a.Kind {
	case types.AggCount, types.AggSum, types.AggAvg, types.AggStats:
		return m.Key != nil
	}
	return true
}

// callAggregate calls the function that updates an aggregation.
func (l *lowerer) callAggregate(o outline, key *mapKey, a types.Agg, x *ir.Value) {
	var sites []*layout.Site
	if key != nil {
		sites = append(sites, l.updateSite(o.m))
	}
	if s := l.contention(a); (a.Kind == types.AggMin || a.Kind == types.AggMax) && !l.k.Exclusive(o.m, l.prog.Kind) {
		sites = append(sites, s)
	}
	var args []*ir.Value
	if x != nil {
		args = append(args, x)
	}
	pos := l.b.Pos
	l.callOutline(o, key, sites, args, func(key mapKey, args []*ir.Value) *ir.Value {
		var x *ir.Value
		if len(args) > 0 {
			x = args[0]
		}
		l.updateAggregate(o.m, a, x, o.arg, pos, func() mapKey { return key })
		return nil
	})
}

// effectsIn says whether one of several expressions has effects.
func effectsIn(list []ast.Expr) bool { return slices.ContainsFunc(list, effects.Has) }

// statements lowers what comes before the value of a block, in as many blocks as there are.
func (l *lowerer) statements(e ast.Expr) {
	b, ok := e.(*ast.BlockExpr)
	if !ok {
		return
	}
	last := len(b.Body.Stmts) - 1
	for _, s := range b.Body.Stmts[:last] {
		if l.b.Block == nil {
			return
		}
		l.stmt(s)
	}
	l.statements(b.Body.Stmts[last].(*ast.ExprStmt).X)
}

func firstArg(c *ast.Call) ast.Expr {
	if len(c.Args) == 0 {
		return nil
	}
	return c.Args[0]
}

// ownValue is the address of this CPU's value of a map without a key.
func (l *lowerer) ownValue(m *lang.Map) *ir.Value {
	base := l.keyless(m)()
	if l.k.kernel.PossibleCPUs <= 1 {
		return base
	}
	off := l.b.OpImm(ir.OpMul, l.cpuIndex(), int64(l.k.Layout(m).Stride))
	return l.b.Op(ir.OpAdd, base, off)
}

// aggUpdate is one update of an aggregation.
type aggUpdate struct {
	agg    types.Agg
	x      *ir.Value // the argument; for hist and lhist the bucket, once prepared
	base   *ir.Value // address of the value
	atomic bool      // someone else may write the same memory in between
	done   *ir.Block // where the program goes on
}

// prepare computes what does not depend on the value in the map.
func (u *aggUpdate) prepare(l *lowerer, t types.Int) {
	switch u.agg.Kind {
	case types.AggHist:
		u.x = buckets.Hist(l.b, u.x, t, u.agg.Bits)
	case types.AggQuantiles:
		// What the verifier thinks possible of a bucket's number is too much: values of per-CPU maps have at most 32 KB.
		u.x = l.limited(buckets.Hist(l.b, u.x, t, u.agg.Bits), layout.HistBuckets(u.agg.Bits)-1)
	case types.AggLHist:
		u.x = buckets.LHist(l.b, u.x, u.agg)
	case types.AggMin, types.AggMax:
		if code := layout.ExtremeCode(u.agg); code != 0 {
			u.x = l.b.OpImm(ir.OpXor, u.x, int64(code))
		}
	}
}

// aggUpdates changes the words of a value, by kind; see ValueLayout.
var aggUpdates = map[types.AggKind]func(*lowerer, *aggUpdate){
	types.AggCount: func(l *lowerer, u *aggUpdate) { u.add(l, layout.WordNumber, l.b.Const(1)) },
	types.AggSum: func(l *lowerer, u *aggUpdate) {
		u.add(l, layout.WordNumber, u.x)
		u.set(l)
	},
	types.AggAvg:   addBoth,
	types.AggStats: addBoth,
	types.AggMin:   extreme,
	types.AggMax:   extreme,
	types.AggHist:  bucket,
	types.AggLHist: bucket,

	types.AggQuantiles: bucket,
	types.AggTSeries:   (*lowerer).seriesUpdate,
}

// addBoth adds to the sum and the number of a value.
func addBoth(l *lowerer, u *aggUpdate) {
	u.add(l, layout.WordNumber, u.x)
	u.add(l, layout.WordCount, l.b.Const(1))
}

// add adds to a word.
func (u *aggUpdate) add(l *lowerer, word int, x *ir.Value) {
	off := layout.Word(word)
	if u.atomic {
		l.b.Atomic(ir.OpAtomicAdd, 8, u.base, off, x)
		return
	}
	l.b.Store(8, u.base, off, l.b.Op(ir.OpAdd, l.b.Load(8, u.base, off), x))
}

// set notes that there was an update.
func (u *aggUpdate) set(l *lowerer) {
	l.b.Store(8, u.base, layout.Word(layout.WordSet), l.b.Const(1))
}

// bucket adds one to bucket u.x.
func bucket(l *lowerer, u *aggUpdate) {
	at := *u
	at.base = l.b.Op(ir.OpAdd, u.base, l.b.OpImm(ir.OpShl, u.x, 3))
	at.add(l, 0, l.b.Const(1))
}

// extremeRounds is how often an update of min() or max() starts again when others write the same memory at the same time.
const extremeRounds = 4

// extreme keeps the greater of the coded value in the map and u.x.
func extreme(l *lowerer, u *aggUpdate) {
	better := l.fn.fn.NewBlock("better")
	l.b.Branch(ir.ULt, u.x, l.b.Load(8, u.base, layout.Word(layout.WordNumber)), u.done, better)
	l.b.At(better)
	if !u.atomic {
		l.b.Store(8, u.base, layout.Word(layout.WordNumber), u.x)
		u.set(l)
		return
	}
	// An exchange may take out a greater value that came in meanwhile: that one is then put back likewise.
	// No value is ever out of both the memory and a register of someone who is about to put it back.
	u.set(l)
	x := u.x
	for range extremeRounds {
		old := l.b.Atomic(ir.OpXchg, 8, u.base, layout.Word(layout.WordNumber), x)
		again := l.fn.fn.NewBlock("again")
		l.b.Branch(ir.ULe, old, x, u.done, again)
		l.b.At(again)
		x = old
	}
	l.countFailure(l.contention(u.agg))
}

// contention is the site of an update of min() or max() that never came to an end, at the current place.
func (l *lowerer) contention(a types.Agg) *layout.Site {
	return &layout.Site{Kind: layout.SiteInternal, Pos: l.b.Pos, What: a.Kind.String() + "() under contention"}
}

// cpuValue finds the value of a CPU. Where there may be none, the program goes on at missing then.
type cpuValue func(cpu int) (addr *ir.Value, missing *ir.Block)

// aggRead is an aggregation as a number, over all CPUs.
func (l *lowerer) aggRead(ref *ast.MapRef, m *lang.Map, a types.Agg) operand {
	if m.Key == nil {
		if s := l.k.Spec(m); s.Swap == 0 {
			return l.aggMerge(a, l.k.kernel.PossibleCPUs, func(cpu int) (*ir.Value, *ir.Block) {
				return l.b.MapValue(s.In, s.Offset+s.Layout.CPU(cpu)), nil
			})
		}
		base := l.keyless(m)()
		return l.aggMerge(a, l.k.kernel.PossibleCPUs, func(cpu int) (*ir.Value, *ir.Block) {
			return l.b.OpImm(ir.OpAdd, base, int64(l.k.Layout(m).CPU(cpu))), nil
		})
	}
	mk := l.mark()
	defer l.release(mk)
	pos := l.b.Pos
	key := l.mapKey(ref)
	l.b.Pos = pos
	l.countMissing(ref, m, key)
	if l.k.Layout(m).Shared() {
		return l.aggMerge(a, 1, func(int) (*ir.Value, *ir.Block) {
			return l.notNull(l.lookup(key))
		})
	}
	return l.perCPURead(ref, a, key)
}

// aggElem is the same for an element that a loop over the map gives.
func (l *lowerer) aggElem(n source.Node, m *lang.Map, a types.Agg, key, value *ir.Value, kmap func() *ir.Value) operand {
	if l.k.Layout(m).Shared() {
		return l.aggMerge(a, 1, func(int) (*ir.Value, *ir.Block) { return value, nil })
	}
	return l.perCPURead(n, a, mapKey{m: m, mem: bpf(key, 0), kmap: kmap()})
}

// perCPURead merges the values that all CPUs have for a key.
func (l *lowerer) perCPURead(n source.Node, a types.Agg, key mapKey) operand {
	if !l.needs(n, 5, 19, "reading "+mapName(key.m)+" in a probe", "bpf_map_lookup_percpu_elem", "print the map instead") {
		return operand{typ: int64Type, val: l.b.Const(0)}
	}
	key = l.placed(key)
	return l.aggMerge(a, l.k.kernel.PossibleCPUs, func(cpu int) (*ir.Value, *ir.Block) {
		v := l.b.Helper(int(asm.FnMapLookupPercpuElem), false, key.kmap, l.addr(key.mem), l.b.Const(int64(cpu)))
		return l.notNull(v)
	})
}

// notNull goes on with an address if it is not 0, and at missing otherwise.
func (l *lowerer) notNull(v *ir.Value) (addr *ir.Value, missing *ir.Block) {
	some, missing := l.fn.fn.NewBlock("some"), l.fn.fn.NewBlock("none")
	l.b.Branch(ir.Eq, v, l.b.Const(0), missing, some)
	l.b.At(some)
	return v, missing
}

// aggMerge merges the words of n values. The code is repeated for each CPU: a loop would be a callback,
// which costs more than the few instructions.
func (l *lowerer) aggMerge(a types.Agg, n int, value cpuValue) operand {
	acc := make([]*ir.Value, min(layout.AggWords(a), 2))
	for i := range acc {
		acc[i] = l.b.Const(0)
	}
	for cpu := range max(n, 1) {
		addr, missing := value(cpu)
		sum := make([]*ir.Value, len(acc))
		for i := range sum {
			sum[i] = l.mergeWord(a, i, acc[i], l.b.Load(8, addr, layout.Word(i)))
		}
		if missing != nil {
			next := l.fn.fn.NewBlock("next")
			l.b.Jump(next, sum...)
			l.b.At(missing)
			l.b.Jump(next, acc...)
			l.b.At(next)
			sum = make([]*ir.Value, len(acc))
			for i := range sum {
				sum[i] = next.AddParam()
			}
		}
		acc = sum
	}
	return operand{typ: types.Int{Bits: 64, Signed: a.Signed}, val: l.aggNumber(a, acc)}
}

// mergeWord merges word i of two values.
func (l *lowerer) mergeWord(a types.Agg, i int, x, y *ir.Value) *ir.Value {
	if !layout.TakesGreatest(a, i) {
		return l.b.Op(ir.OpAdd, x, y)
	}
	f := l.fn.fn
	greater, end := f.NewBlock("greater"), f.NewBlock("merged")
	res := end.AddParam()
	l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.UGt, X: y, Y: x,
		Then: ir.Edge{To: greater}, Else: ir.Edge{To: end, Args: []*ir.Value{x}}})
	l.b.At(greater)
	l.b.Jump(end, y)
	l.b.At(end)
	return res
}

// aggNumber is what merged words stand for.
func (l *lowerer) aggNumber(a types.Agg, acc []*ir.Value) *ir.Value {
	switch a.Kind {
	case types.AggAvg, types.AggStats:
		op := ir.OpUDiv
		if a.Signed {
			op = ir.OpSDiv
		}
		return l.b.Op(op, acc[layout.WordNumber], acc[layout.WordCount]) // 0 where nothing was counted: so eBPF divides
	case types.AggMin, types.AggMax:
		f := l.fn.fn
		set, end := f.NewBlock("set"), f.NewBlock("extreme")
		res := end.AddParam()
		zero := l.b.Const(0)
		l.b.Term(ir.Term{Kind: ir.TermBranch, Cond: ir.Eq, X: acc[layout.WordSet], Y: zero,
			Then: ir.Edge{To: end, Args: []*ir.Value{zero}}, Else: ir.Edge{To: set}})
		l.b.At(set)
		l.b.Jump(end, l.b.OpImm(ir.OpXor, acc[layout.WordNumber], int64(layout.ExtremeCode(a))))
		l.b.At(end)
		return res
	}
	return acc[layout.WordNumber]
}

// seriesUpdate adds a value to the interval that it is now; see layout.SeriesEpoch.
func (l *lowerer) seriesUpdate(u *aggUpdate) {
	now := l.seriesClock()
	n := l.b.OpImm(ir.OpUDiv, now, u.agg.Every)
	at := l.b.OpImm(ir.OpUMod, n, int64(u.agg.Count))
	// The verifier does not know what a remainder is.
	in, never := l.fn.fn.NewBlock("interval"), l.fn.fn.NewBlock("nointerval")
	l.b.BranchUnlikely(ir.UGe, at, l.b.Const(int64(u.agg.Count)), never, in)
	l.b.At(never)
	l.b.Jump(u.done)
	l.b.At(in)
	s := &seriesInterval{aggUpdate: *u, now: now, epoch: l.b.OpImm(ir.OpAdd, n, 1)}
	s.base = l.b.Op(ir.OpAdd, u.base, l.b.OpImm(ir.OpMul, at, int64(layout.Word(layout.SeriesWords))))
	s.begin(l)
	s.put(l)
}

// seriesClock is the time by which intervals are counted: atomic time, which has no leap seconds and does not jump. Tests take a map of the
// script for it.
func (l *lowerer) seriesClock() *ir.Value {
	if m := l.k.checked.SeriesClock; m != nil {
		return l.num(l.valueAt(m, bpf(l.keyless(m)(), 0)))
	}
	return clocks["sw_tai"](l, nil, nil).val
}

// seriesInterval is an update of an interval.
type seriesInterval struct {
	aggUpdate
	now, epoch *ir.Value
}

func (s *seriesInterval) word(l *lowerer, i int) *ir.Value {
	return l.b.Load(8, s.base, layout.Word(i))
}

func (s *seriesInterval) setWord(l *lowerer, i int, v *ir.Value) {
	l.b.Store(8, s.base, layout.Word(i), v)
}

// begin makes the place one of the interval, if it still has an older one. Where others write the same memory meanwhile only the one that
// changes the epoch may do that, and it takes away what it saw before: what came in between belongs to the new interval. The
// epoch of who was interrupted for longer than all intervals is older: its value goes to the interval that is there.
func (s *seriesInterval) begin(l *lowerer) {
	fresh, same := l.fn.fn.NewBlock("fresh"), l.fn.fn.NewBlock("same")
	l.b.BranchUnlikely(ir.ULt, s.word(l, layout.SeriesEpoch), s.epoch, fresh, same)
	l.b.At(fresh)
	if !s.atomic || !l.k.kernel.AtLeast(5, 12) { // without an atomic exchange an update can be lost here
		s.setWord(l, layout.SeriesNumber, l.b.Const(0))
		s.setWord(l, layout.SeriesMeta, l.b.Const(0))
		s.setWord(l, layout.SeriesEpoch, s.epoch)
		l.b.Jump(same)
		l.b.At(same)
		return
	}
	number, meta := s.word(l, layout.SeriesNumber), s.word(l, layout.SeriesMeta)
	old := l.b.Atomic(ir.OpXchg, 8, s.base, layout.Word(layout.SeriesEpoch), s.epoch)
	first := l.fn.fn.NewBlock("first")
	l.b.Branch(ir.Eq, old, s.epoch, same, first)
	l.b.At(first)
	if s.sums() {
		s.add(l, layout.SeriesNumber, l.b.Op(ir.OpSub, l.b.Const(0), number))
		s.add(l, layout.SeriesMeta, l.b.Op(ir.OpSub, l.b.Const(0), meta))
	} else {
		s.setWord(l, layout.SeriesNumber, l.b.Const(0))
	}
	l.b.Jump(same)
	l.b.At(same)
}

func (s *seriesInterval) sums() bool { return s.agg.Of == types.AggSum || s.agg.Of == types.AggAvg }

// put adds the value to the interval.
func (s *seriesInterval) put(l *lowerer) {
	switch {
	case s.sums():
		s.add(l, layout.SeriesNumber, s.x)
		s.add(l, layout.SeriesMeta, l.b.Const(1))
	case s.agg.Of == types.AggMin || s.agg.Of == types.AggMax:
		code := l.b.OpImm(ir.OpXor, s.x, int64(layout.ExtremeCode(layout.SeriesExtreme(s.agg))))
		better := l.fn.fn.NewBlock("better")
		l.b.Branch(ir.ULt, code, s.word(l, layout.SeriesNumber), s.done, better)
		l.b.At(better)
		s.setWord(l, layout.SeriesNumber, code)
	default:
		s.setWord(l, layout.SeriesNumber, s.x)
		s.setWord(l, layout.SeriesMeta, s.now)
	}
}
