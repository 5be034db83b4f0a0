package buckets

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang/types"
)

// evaluator runs the arithmetic and the branches of one function, to compare lowered code with its definition in Go.
type evaluator struct {
	t    *testing.T
	vals map[*ir.Value]uint64
}

// run executes f with x for input and returns what it returns.
func (ev *evaluator) run(f *ir.Func, input *ir.Value, x uint64) uint64 {
	ev.vals = map[*ir.Value]uint64{input: x}
	blk := f.Blocks[0]
	for range 1000 {
		for _, v := range blk.Values {
			if v != input {
				ev.vals[v] = ev.value(v)
			}
		}
		t := blk.Term
		edge := t.Then
		switch t.Kind {
		case ir.TermReturn:
			return ev.vals[t.X]
		case ir.TermBranch:
			if !compare(t.Cond, ev.vals[t.X], ev.vals[t.Y]) {
				edge = t.Else
			}
		}
		args := make([]uint64, len(edge.Args))
		for i, a := range edge.Args {
			args[i] = ev.vals[a]
		}
		blk = edge.To
		for i, p := range blk.Params {
			ev.vals[p] = args[i]
		}
	}
	ev.t.Fatal("the function does not end")
	return 0
}

func (ev *evaluator) value(v *ir.Value) uint64 {
	if v.Op == ir.OpConst {
		return uint64(v.Imm)
	}
	x := ev.vals[v.Args[0]]
	var y uint64
	if len(v.Args) > 1 {
		y = ev.vals[v.Args[1]]
	}
	switch v.Op {
	case ir.OpAdd:
		return x + y
	case ir.OpSub:
		return x - y
	case ir.OpMul:
		return x * y
	case ir.OpUDiv:
		return x / y
	case ir.OpAnd:
		return x & y
	case ir.OpXor:
		return x ^ y
	case ir.OpShl:
		return x << (y & 63)
	case ir.OpLShr:
		return x >> (y & 63)
	}
	ev.t.Fatalf("operation %d is not known", v.Op)
	return 0
}

func compare(c ir.Cond, x, y uint64) bool {
	switch c {
	case ir.SLt:
		return int64(x) < int64(y)
	case ir.SGe:
		return int64(x) >= int64(y)
	}
	panic("comparison not known")
}

// lowered makes a function of what body computes from one input.
func lowered(body func(b *ir.Builder, x *ir.Value) *ir.Value) (*ir.Func, *ir.Value) {
	f := ir.NewFunc("test", 0)
	b := ir.NewBuilder(f)
	x := b.Load(8, b.Const(0), 0) // no constant: equal ones are one value
	b.Return(body(b, x))
	return f, x
}

// samples are numbers of every length.
func samples(r *rand.Rand) []int64 {
	out := []int64{0, 1, -1, math.MaxInt64, math.MinInt64}
	for n := range 64 {
		p := int64(1) << n
		out = append(out, p, p-1, p+1, -p, p+int64(r.Uint64()>>(64-n)))
	}
	return out
}

func TestHistIndexCode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for k := 0; k <= layout.HistMaxBits; k++ {
		for _, it := range []types.Int{{Bits: 64, Signed: true}, {Bits: 64}, {Bits: 32}, {Bits: 32, Signed: true}, {Bits: 16}, {Bits: 8, Signed: true}} {
			f, in := lowered(func(b *ir.Builder, x *ir.Value) *ir.Value { return Hist(b, x, it, k) })
			ev := &evaluator{t: t}
			for _, x := range samples(r) {
				shift := 64 - it.Bits
				if x <<= shift; it.Signed {
					x >>= shift
				} else {
					x = int64(uint64(x) >> shift)
				}
				if layout.HistIndex(x, k) > layout.HistBound(k) {
					t.Fatalf("bits %d: the bucket of %d is above the bound", k, x)
				}
				if got, want := ev.run(f, in, uint64(x)), uint64(layout.HistIndex(x, k)); got != want {
					t.Fatalf("bits %d, %v: index of %d is %d, want %d", k, it, x, got, want)
				}
			}
		}
	}
}

func TestLHistIndexCode(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, a := range []types.Agg{
		{Min: 0, Max: 100, Step: 10},
		{Min: -50, Max: 1000, Step: 7},
		{Min: 0, Max: 1 << 20, Step: 4096},
		{Min: 0, Max: 1e15, Step: 999999999999},
		{Min: 5, Max: 6, Step: 1},
	} {
		f, in := lowered(func(b *ir.Builder, x *ir.Value) *ir.Value { return LHist(b, x, a) })
		ev := &evaluator{t: t}
		check := func(x int64) {
			want := 0
			switch {
			case x >= a.Max:
				want = layout.LHistBuckets(a) - 1
			case x >= a.Min:
				want = 1 + int((uint64(x)-uint64(a.Min))/uint64(a.Step))
			}
			if got := ev.run(f, in, uint64(x)); got != uint64(want) {
				t.Fatalf("%+v: index of %d is %d, want %d", a, x, got, want)
			}
		}
		for _, x := range samples(r) {
			check(x)
		}
		for range 1000 {
			check(a.Min + int64(r.Uint64N(uint64(a.Max)-uint64(a.Min))))
		}
	}
}

// TestLHistSmall tries every lhist() with a small range, with a range around 0 and with one at both ends of the numbers.
func TestLHistSmall(t *testing.T) {
	for size := int64(1); size <= 40; size++ {
		for step := int64(1); step <= size; step++ {
			for _, low := range []int64{0, 1, -1, -size, -size / 2, math.MinInt64, math.MaxInt64 - size} {
				a := types.Agg{Min: low, Max: low + size, Step: step}
				f, in := lowered(func(b *ir.Builder, x *ir.Value) *ir.Value { return LHist(b, x, a) })
				ev := &evaluator{t: t}
				check := func(x int64) {
					got := int(ev.run(f, in, uint64(x)))
					if want := lhistModel(x, a); got != want || layout.LHistIndex(x, a) != want {
						t.Fatalf("%+v: the bucket of %d is %d, LHistIndex %d, want %d", a, x, got, layout.LHistIndex(x, a), want)
					}
					if got > layout.LhistBound(a) {
						t.Fatalf("%+v: bucket %d of %d is above the bound", a, got, x)
					}
					if lo, hi := layout.LHistRange(got, a); x < lo || x >= hi && hi != math.MaxInt64 {
						t.Fatalf("%+v: %d is in bucket %d, [%d, %d)", a, x, got, lo, hi)
					}
				}
				for x := int64(-3); x <= size+3; x++ {
					check(low + x) // wraps around at both ends
				}
				check(math.MinInt64)
				check(math.MaxInt64)
			}
		}
	}
}

// lhistModel finds the bucket by going through them.
func lhistModel(x int64, a types.Agg) int {
	if x < a.Min {
		return 0
	}
	i := 1
	for from := a.Min; from <= a.Max-a.Step; from += a.Step {
		if uint64(x)-uint64(from) < uint64(a.Step) {
			return i
		}
		i++
	}
	return i // the rest of the range, and what is above it
}

func TestReciprocal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		d := r.Uint64()>>r.IntN(63) | 3
		limit := r.Uint64() >> r.IntN(64)
		mul, shift, ok := reciprocal(d, limit)
		if !ok || limit == 0 {
			continue
		}
		for _, n := range []uint64{0, limit - 1, limit / 2, (limit - 1) / d * d, max((limit-1)/d*d, 1) - 1} {
			hi, lo := bits.Mul64(n, mul)
			if hi != 0 || lo>>shift != n/d {
				t.Fatalf("%d/%d by %d>>%d (limit %d) is %d, want %d", n, d, mul, shift, limit, lo>>shift, n/d)
			}
		}
	}
}
