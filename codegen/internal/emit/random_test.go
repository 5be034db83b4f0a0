package emit

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

const (
	linux5_10 = 5<<16 | 10<<8
	linux6_12 = 6<<16 | 12<<8
)

// shapes are the random programs that are made.
var shapes = []struct {
	name  string
	shape irtest.Shape
}{
	{"straight", irtest.Shape{Exprs: 40, Ops: 4}},
	{"pressure", irtest.Shape{Exprs: 20, Ops: 3, Live: 16, Calls: true}},
	{"memory", irtest.Shape{Exprs: 20, Ops: 2, Live: 8, Memory: true, Calls: true}},
	{"forks", irtest.Shape{Exprs: 8, Ops: 3, Live: 6, Forks: true, Calls: true, Memory: true}},
	{"loops", irtest.Shape{Exprs: 6, Ops: 3, Live: 6, Forks: true, Calls: true, Memory: true, Loops: true}},
}

const helperResult = 0x0000_1234_8765_4321

// machine is one on which random programs run.
func machine(in []int64, results int) *irtest.Machine {
	m := &irtest.Machine{
		Maps: map[string][]byte{irtest.In: nil, irtest.Out: make([]byte, 8*results)},
		Helper: func(*irtest.Machine, int64, []int64) (int64, error) {
			return helperResult, nil
		},
	}
	for _, x := range in {
		m.Maps[irtest.In] = binary.LittleEndian.AppendUint64(m.Maps[irtest.In], uint64(x))
	}
	return m
}

// compile optimises and emits one function, with the verifier and the allocation checker between.
func compile(f *ir.Func, version uint32) (*Result, error) {
	p := &ir.Program{Funcs: []*ir.Func{f}}
	if err := ir.Verify(p); err != nil {
		return nil, fmt.Errorf("as made: %w", err)
	}
	o := &pass.Options{KernelVersion: version, Check: func(_ string, f *ir.Func) error { return ir.VerifyFunc(f) }}
	if err := pass.Optimize(p, o); err != nil {
		return nil, err
	}
	alloc, err := pass.Allocate(f)
	if err != nil {
		return nil, err
	}
	if err := alloc.Check(); err != nil {
		return nil, fmt.Errorf("checking the allocation: %w\n%s", err, f)
	}
	return Program(p, &Options{KernelVersion: version})
}

// TestRandomSim runs random programs as IR and as instructions, and compares what they write.
func TestRandomSim(t *testing.T) {
	seeds := 150
	if testing.Short() {
		seeds = 20
	}
	for _, s := range shapes {
		for _, version := range []uint32{linux5_10, linux6_12} {
			t.Run(fmt.Sprintf("%s/%d.%d", s.name, version>>16, version>>8&0xff), func(t *testing.T) {
				for seed := range seeds {
					checkSeed(t, int64(seed), s.shape, version)
				}
			})
		}
	}
}

func checkSeed(t *testing.T, seed int64, shape irtest.Shape, version uint32) {
	t.Helper()
	rng := rand.New(rand.NewSource(seed))
	in := irtest.Inputs(rng)
	f := irtest.Random(rng, shape)
	source := f.String()
	want := machine(in, shape.Results())
	if _, err := want.Run(f); err != nil {
		t.Fatalf("seed %d: interpreting: %v\n%s", seed, err, source)
	}
	res, err := compile(f, version)
	if err != nil {
		t.Fatalf("seed %d: %v\n%s", seed, err, source)
	}
	got := machine(in, shape.Results())
	if _, err := newSim(got, res.Insns).run(); err != nil {
		t.Fatalf("seed %d: %v\n%v", seed, err, res.Insns)
	}
	for i := range shape.Results() {
		w, g := word(want.Maps[irtest.Out], i), word(got.Maps[irtest.Out], i)
		if w != g {
			t.Fatalf("seed %d: result %d is %d, want %d\n%s\n%s\n%v", seed, i, g, w, source, f, res.Insns)
		}
	}
}

func word(mem []byte, i int) int64 { return int64(binary.LittleEndian.Uint64(mem[8*i:])) }
