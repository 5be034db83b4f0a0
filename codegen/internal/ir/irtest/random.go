package irtest

import (
	"math"
	"math/rand"
	"sort"

	"github.com/gotrace/gotrace/codegen/internal/ir"
)

func sortedNames[T any](m map[string]T) []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Names of the maps that random programs read numbers from and write results to, 8 bytes each.
const (
	In  = "in"
	Out = "out"
)

// InWords is how many numbers random programs read.
const InWords = 32

// HelperID is the helper that random programs call: get_current_pid_tgid, which takes nothing and
// gives the same number during a run.
const HelperID = 14

// Shape is what random programs are made of.
type Shape struct {
	Exprs  int  // results to write
	Ops    int  // operations of each
	Live   int  // values that are kept to the end, to make registers scarce
	Calls  bool // calls of the helper between
	Forks  bool // branches and joins
	Loops  bool // loops with a bound; the kernel would have to follow each round
	Memory bool // stores to and loads from the stack, atomics
	// Signed division in 32 bits is left out: the lowering makes none.
}

// Inputs are numbers for In: edges of every width, and random ones.
func Inputs(rng *rand.Rand) []int64 {
	in := make([]int64, InWords)
	for i := range in {
		in[i] = number(rng)
	}
	return in
}

// edges are numbers at which arithmetic goes wrong.
var edges = []int64{0, 1, -1, 2, -2, 7, 8, 10, 63, 64, 100, 127, 128, -128, 255, 256, 1000, 32767, 32768, -32768, 65535, 65536, 1e6,
	math.MaxInt32, math.MinInt32, math.MaxInt32 + 1, math.MaxUint32, math.MaxUint32 + 1, math.MinInt32 - 1, 1e12, 1<<63 - 1, -1 << 63, -1<<63 + 1}

func number(rng *rand.Rand) int64 {
	switch rng.Intn(4) {
	case 0, 1:
		return edges[rng.Intn(len(edges))]
	case 2:
		return int64(rng.Intn(200) - 100)
	}
	return int64(rng.Uint64())
}

// gen makes one random function.
type gen struct {
	rng   *rand.Rand
	shape Shape
	b     *ir.Builder
	vals  []*ir.Value // numbers that are defined here
	slot  *ir.Slot
	out   int // results written
}

// Random makes a function that reads In and writes shape.Exprs numbers to Out. It returns their number.
func Random(rng *rand.Rand, shape Shape) *ir.Func {
	f := ir.NewFunc("main", 0)
	g := &gen{rng: rng, shape: shape, b: ir.NewBuilder(f)}
	g.slot = f.NewSlot("mem", 64)
	base := g.b.MapValue(In, 0)
	for i := range min(InWords, max(shape.Live, 8)) {
		g.vals = append(g.vals, g.b.Load([]int{1, 2, 4, 8, 8, 8}[rng.Intn(6)], base, 8*i))
	}
	for i := 0; i < g.slot.Size; i += 8 {
		g.b.Store(8, g.b.SlotAddr(g.slot, 0), i, g.pick())
	}
	live := append([]*ir.Value(nil), g.vals[:min(shape.Live, len(g.vals))]...)
	for g.out < shape.Exprs {
		g.step()
	}
	sum := g.b.Const(0)
	for _, v := range live {
		sum = g.b.Op(ir.OpXor, sum, v)
	}
	g.result(sum)
	g.b.Return(g.b.Const(0))
	return f
}

// Results is how many numbers Random's function writes to Out.
func (s Shape) Results() int { return s.Exprs + 1 }

func (g *gen) result(v *ir.Value) {
	g.b.Store(8, g.b.MapValue(Out, 0), 8*g.out, v)
	g.out++
}

// pick is a number that is there already.
func (g *gen) pick() *ir.Value { return g.vals[g.rng.Intn(len(g.vals))] }

// step writes one result, perhaps after a fork or loop.
func (g *gen) step() {
	if g.shape.Calls && g.rng.Intn(3) == 0 {
		g.vals = append(g.vals, g.b.Helper(HelperID, g.rng.Intn(2) == 0))
	}
	switch n := g.rng.Intn(6); {
	case n == 0 && g.shape.Forks:
		g.fork()
	case n == 1 && g.shape.Loops:
		g.loop()
	case n == 2 && g.shape.Memory:
		g.memory()
	}
	v := g.expr(g.shape.Ops)
	g.result(v)
	g.vals = append(g.vals, v)
	if n := 12 + g.shape.Live; len(g.vals) > n {
		g.vals = g.vals[len(g.vals)-n:]
	}
}

// fork makes a diamond: both sides compute and meet in a block with parameters.
func (g *gen) fork() {
	f := g.b.Func
	join := f.NewBlock("join")
	n := 1 + g.rng.Intn(3)
	for range n {
		join.AddParam()
	}
	t := ir.Term{Kind: ir.TermBranch, Cond: g.cond(), X: g.pick(), Y: g.operand(), Unlikely: g.rng.Intn(3) == 0}
	var sides []*ir.Block
	for _, e := range []*ir.Edge{&t.Then, &t.Else} {
		if g.rng.Intn(4) == 0 { // an edge with arguments out of a branch: a critical one
			e.To = join
			for range n {
				e.Args = append(e.Args, g.operand())
			}
			continue
		}
		e.To = f.NewBlock("side")
		sides = append(sides, e.To)
	}
	g.b.Term(t)
	saved := g.vals
	side := func(b *ir.Block) {
		g.b.At(b)
		g.vals = append([]*ir.Value(nil), saved...)
		if g.shape.Calls && g.rng.Intn(3) == 0 {
			g.vals = append(g.vals, g.b.Helper(HelperID, false))
		}
		if g.shape.Forks && g.rng.Intn(4) == 0 {
			g.fork()
		}
		var args []*ir.Value
		for range n {
			args = append(args, g.expr(1+g.rng.Intn(3)))
		}
		g.b.Jump(join, args...)
	}
	for _, b := range sides {
		side(b)
	}
	g.b.At(join)
	g.vals = append(append([]*ir.Value(nil), saved...), join.Params...)
}

// loop makes a loop of a few rounds that carries values, some of which change places.
func (g *gen) loop() {
	f := g.b.Func
	body, done := f.NewBlock("body"), f.NewBlock("done")
	i, x, y := body.AddParam(), body.AddParam(), body.AddParam()
	rounds := g.b.Const(int64(1 + g.rng.Intn(4)))
	g.b.Jump(body, g.b.Const(0), g.pick(), g.operand())
	g.b.At(body)
	saved := g.vals
	g.vals = append(append([]*ir.Value(nil), saved...), i, x, y)
	if g.shape.Calls && g.rng.Intn(2) == 0 {
		g.vals = append(g.vals, g.b.Helper(HelperID, false))
	}
	nx, ny := g.expr(2), x
	if g.rng.Intn(2) == 0 {
		nx = y
	}
	next := g.b.OpImm(ir.OpAdd, i, 1)
	t := ir.Term{Kind: ir.TermBranch, Cond: ir.ULt, X: next, Y: rounds}
	t.Then, t.Else = ir.Edge{To: body, Args: []*ir.Value{next, nx, ny}}, ir.Edge{To: done}
	g.b.Term(t)
	g.b.At(done)
	g.vals = append(append([]*ir.Value(nil), saved...), i, x, y, nx)
}

// memory writes to the slot and reads it again.
func (g *gen) memory() {
	addr := g.b.SlotAddr(g.slot, 8*g.rng.Intn(4))
	off := 8 * g.rng.Intn(4)
	size := []int{1, 2, 4, 8}[g.rng.Intn(4)]
	switch g.rng.Intn(5) {
	case 0:
		g.b.Atomic(ir.OpAtomicAdd, 4+4*g.rng.Intn(2), addr, off, g.operand())
	case 1:
		g.vals = append(g.vals, g.b.Atomic(ir.OpAtomicFetch, 4+4*g.rng.Intn(2), addr, off, g.operand()))
	case 2:
		g.vals = append(g.vals, g.b.Atomic(ir.OpXchg, 4+4*g.rng.Intn(2), addr, off, g.operand()))
	default:
		g.b.Store(size, addr, off+size*g.rng.Intn(8/size), g.operand())
	}
	g.vals = append(g.vals, g.b.Load(size, addr, off+size*g.rng.Intn(8/size)))
}

func (g *gen) cond() ir.Cond { return ir.Cond(1 + g.rng.Intn(int(ir.Set))) }

// operand is a number that is there, or a constant.
func (g *gen) operand() *ir.Value {
	if g.rng.Intn(3) == 0 {
		return g.b.Const(number(g.rng))
	}
	return g.pick()
}

var arithOps = []ir.Op{ir.OpAdd, ir.OpSub, ir.OpMul, ir.OpUDiv, ir.OpSDiv, ir.OpUMod, ir.OpSMod, ir.OpAnd, ir.OpOr, ir.OpXor,
	ir.OpShl, ir.OpLShr, ir.OpAShr, ir.OpNeg, ir.OpZext, ir.OpSext, ir.OpBswap, ir.OpCmp, ir.OpScalar}

// expr is a number computed by n operations.
func (g *gen) expr(n int) *ir.Value {
	x := g.pick()
	for range n {
		y := g.operand()
		if g.rng.Intn(4) == 0 {
			x, y = y, x
		}
		switch op := arithOps[g.rng.Intn(len(arithOps))]; op {
		case ir.OpNeg, ir.OpScalar:
			x = g.b.Op(op, x)
		case ir.OpZext, ir.OpSext:
			x = g.b.Ext(x, 8<<g.rng.Intn(3), op == ir.OpSext)
		case ir.OpBswap:
			x = g.b.Op(op, x)
			x.Imm = 16 << g.rng.Intn(3)
		case ir.OpCmp:
			x = g.b.Cmp(g.cond(), x, y)
		default:
			x = g.b.Op(op, x, y)
			x.W32 = op != ir.OpSDiv && op != ir.OpSMod && g.rng.Intn(4) == 0
		}
	}
	return x
}
