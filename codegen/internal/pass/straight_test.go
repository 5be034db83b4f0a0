package pass

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
)

// TestStraight counts the same with and without a branch, whatever the number is: an error is negative, in 64 bits or in 32.
func TestStraight(t *testing.T) {
	for _, cond := range []string{"ne", "slt"} {
		text := fmt.Sprintf(`func f
b0.entry():
  v0 = map_value in+0
  v1 = load64 [v0+0]
  v2 = const 0
  branch %s v1, v2 ? b1.full() : b2.done()
b1.full():
  v3 = map_value out+8
  v4 = const 1
  atomic_add64 [v3+0], v4
  jump b2.done()
b2.done():
  v5 = map_value out+0
  store64 [v5+0], v1
  return v2
`, cond)
		f := parsed(t, text).Funcs[0]
		straightFrom(f, 0)
		unreachable(f, nil)
		if err := ir.VerifyFunc(f); err != nil {
			t.Fatalf("%v in\n%s", err, f)
		}
		for _, b := range f.Blocks {
			if b.Term.Kind == ir.TermBranch {
				t.Errorf("%s: there still is a branch:\n%s", cond, f)
			}
		}
		for _, x := range []int64{0, 1, -1, -12, -4096, 1 << 31, 0xfffffff4, math.MaxInt64, math.MinInt64} {
			want, got := counted(t, parsed(t, text).Funcs[0], x), counted(t, f, x)
			if want != got {
				t.Errorf("%s of %d: counts %d, want %d", cond, x, got, want)
			}
		}
	}
}

// counted is the counter behind out+8 after a run.
func counted(t *testing.T, f *ir.Func, x int64) uint64 {
	t.Helper()
	out := make([]byte, 16)
	m := &irtest.Machine{Maps: map[string][]byte{irtest.In: binary.LittleEndian.AppendUint64(nil, uint64(x)), irtest.Out: out}}
	if _, err := m.Run(f); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(out[8:])
}

// What does more than count stays behind its branch, and so does everything in functions with few branches.
func TestStraightLeaves(t *testing.T) {
	more := `func f
b0.entry():
  v0 = map_value in+0
  v1 = load64 [v0+0]
  v2 = const 0
  branch ne v1, v2 ? b1.full() : b2.done()
b1.full():
  v3 = map_value out+8
  v4 = const 1
  atomic_add64 [v3+0], v4
  store64 [v3+0], v1
  jump b2.done()
b2.done():
  return v2
`
	f := parsed(t, more).Funcs[0]
	before := f.String()
	if straightFrom(f, 0); f.String() != before {
		t.Errorf("it became\n%s", f)
	}
	if straightFrom(f, 1); f.String() != before {
		t.Errorf("one branch is not many: it became\n%s", f)
	}
}
