package pass

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
)

// TestPassesKeepMeaning interprets random programs after each pass: what they write must stay the same.
func TestPassesKeepMeaning(t *testing.T) {
	shapes := []irtest.Shape{
		{Exprs: 30, Ops: 6},
		{Exprs: 10, Ops: 4, Live: 5, Calls: true, Forks: true},
		{Exprs: 8, Ops: 3, Live: 5, Calls: true, Forks: true, Loops: true, Memory: true},
	}
	for i, shape := range shapes {
		for seed := range int64(30) {
			rng := rand.New(rand.NewSource(seed))
			f := irtest.Random(rng, shape)
			in := irtest.Inputs(rng)
			before := f.String()
			want := interpret(t, f, in, shape)
			for _, version := range []uint32{6<<16 | 1<<8, 6<<16 | 12<<8} {
				text := before
				err := Optimize(parsed(t, text), &Options{KernelVersion: version, Check: func(pass string, f *ir.Func) error {
					if err := ir.VerifyFunc(f); err != nil {
						return fmt.Errorf("%w in\n%s\nwhich was\n%s", err, f, text)
					}
					if got := interpret(t, f, in, shape); !bytes.Equal(got, want) {
						return fmt.Errorf("it means something else:\n%s\nwas\n%s", f, text)
					}
					text = f.String()
					return nil
				}})
				if err != nil {
					t.Fatalf("shape %d, seed %d: %v", i, seed, err)
				}
			}
		}
	}
}

func parsed(t *testing.T, text string) *ir.Program {
	t.Helper()
	p, err := ir.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// interpret is what a program leaves in irtest.Out.
func interpret(t *testing.T, f *ir.Func, in []int64, shape irtest.Shape) []byte {
	t.Helper()
	m := &irtest.Machine{
		Maps: map[string][]byte{irtest.Out: make([]byte, 8*shape.Results())},
		// Any number will do, if it is the same at each call: some calls are pure.
		Helper: func(*irtest.Machine, int64, []int64) (int64, error) { return 0x1234_5678_9abc, nil },
	}
	for _, x := range in {
		m.Maps[irtest.In] = binary.LittleEndian.AppendUint64(m.Maps[irtest.In], uint64(x))
	}
	if _, err := m.Run(f); err != nil {
		t.Fatalf("interpreting: %v in\n%s", err, f)
	}
	return m.Maps[irtest.Out]
}
