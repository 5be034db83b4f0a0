package emit

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/cilium/ebpf/asm"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

// TestIslands runs random programs whose jumps reach a few instructions only, and looks at how far they go.
func TestIslands(t *testing.T) {
	shape := irtest.Shape{Exprs: 8, Ops: 3, Live: 6, Forks: true, Calls: true, Memory: true}
	islands := 0
	for seed := range int64(40) {
		rng := rand.New(rand.NewSource(seed))
		in := irtest.Inputs(rng)
		f := irtest.Random(rng, shape)
		want := machine(in, shape.Results())
		if _, err := want.Run(f); err != nil {
			t.Fatalf("seed %d: interpreting: %v", seed, err)
		}
		p := &ir.Program{Funcs: []*ir.Func{f}}
		if err := pass.Optimize(p, &pass.Options{KernelVersion: linux6_12}); err != nil {
			t.Fatal(err)
		}
		plain, err := Program(p, &Options{KernelVersion: linux6_12})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		const far = 160
		res, err := Program(p, &Options{KernelVersion: linux6_12, reach: far})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(res.Pos) != len(res.Insns) {
			t.Errorf("seed %d: %d places for %d instructions", seed, len(res.Pos), len(res.Insns))
		}
		islands += len(res.Insns) - len(plain.Insns)
		if err := checkReach(res.Insns, far); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
		got := machine(in, shape.Results())
		if _, err := newSim(got, res.Insns).run(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for i := range shape.Results() {
			if w, g := word(want.Maps[irtest.Out], i), word(got.Maps[irtest.Out], i); w != g {
				t.Fatalf("seed %d: result %d is %d, want %d", seed, i, g, w)
			}
		}
	}
	if islands == 0 {
		t.Error("no program needed an island")
	}
}

// checkReach looks for jumps that are too long once the verifier has made instructions grow.
func checkReach(insns asm.Instructions, far int) error {
	at, labels := 0, map[string]int{}
	offset := make([]int, len(insns)+1)
	for i, ins := range insns {
		if s := ins.Symbol(); s != "" {
			labels[s] = at
		}
		at += grown(ins)
		offset[i+1] = at
	}
	for i, ins := range insns {
		if !ins.OpCode.Class().IsJump() || ins.Reference() == "" || ins.OpCode.JumpOp() == asm.Call {
			continue
		}
		if d := labels[ins.Reference()] - offset[i+1]; max(d, -d) > far {
			return fmt.Errorf("instruction %d jumps over %d", i, d)
		}
	}
	return nil
}
