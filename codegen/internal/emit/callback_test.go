package emit

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
)

// squares is a callback of bpf_loop that adds in[i]*i to the number its environment holds, and stops when it is 7.
const squares = `
func body
b0.entry(v0, v1):
  v2 = load64 [v1+0]
  v3 = const 31
  v4 = and v0, v3
  v5 = const 8
  v6 = mul v4, v5
  v7 = map_value in+0
  v8 = add v7, v6
  v9 = load64 [v8+0]
  v10 = mul v9, v0
  v11 = helper 14()
  v12 = add v2, v10
  store64 [v1+0], v12
  v14 = const 7
  branch eq v0, v14 ? b1.stop() : b2.go()
b1.stop():
  v15 = const 1
  return v15
b2.go():
  v16 = const 0
  return v16
`

// TestCallback keeps 30 numbers alive across bpf_loop, whose callback changes a slot of the main function.
func TestCallback(t *testing.T) {
	needRoot(t)
	needLinux(t, 5, 13)
	in := make([]int64, irtest.InWords)
	var s strings.Builder
	s.WriteString("func main\n  slot s0 8 ; env\nb0.entry():\n  v0 = map_value in+0\n  v1 = slot s0+0\n  v2 = const 5\n  store64 [v1+0], v2\n")
	want, sum := int64(0), int64(5)
	for i := range in {
		in[i] = int64(i)*0x0123456789abcdef + 1
		if i < 30 {
			fmt.Fprintf(&s, "  v%d = load64 [v0+%d]\n", 10+i, 8*i)
			want ^= in[i]
		}
		if i <= 7 {
			sum += in[i] * int64(i)
		}
	}
	s.WriteString("  v50 = const 20\n  v51 = func_ptr body\n  v52 = const 0\n  v53 = helper 181(v50, v51, v1, v52)\n  v60 = const 0\n")
	for i := range 30 {
		fmt.Fprintf(&s, "  v%d = xor v%d, v%d\n", 61+i, 60+i, 10+i)
	}
	s.WriteString("  v91 = map_value out+0\n  v92 = load64 [v1+0]\n  store64 [v91+0], v90\n  store64 [v91+8], v92\n  store64 [v91+16], v53\n  return v52\n")
	s.WriteString(squares)
	for _, v := range runnable(t) {
		res, err := v.compile(s.String())
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		got, err := runKernel(res, in, 3)
		if err != nil {
			t.Fatalf("%s: %+v\n%v", v.name, err, res.Insns)
		}
		for i, w := range []int64{want, sum, 8} {
			if g := int64(binary.LittleEndian.Uint64(got[8*i:])); g != w {
				t.Errorf("%s: result %d is %#x, want %#x\n%v", v.name, i, g, w, res.Insns)
			}
		}
	}
}

// TestSwaps turns parameters in circles of two, three and four on one edge, some of them in the frame.
func TestSwaps(t *testing.T) {
	needRoot(t)
	for _, n := range []int{2, 3, 4, 9, 16} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var s strings.Builder
			list := func(first, by int) string {
				names := make([]string, n)
				for i := range names {
					names[i] = fmt.Sprintf("v%d", first+(i+by)%n)
				}
				return strings.Join(names, ", ")
			}
			s.WriteString("func main\nb0.entry():\n  v0 = map_value in+0\n  v1 = map_value out+0\n  v2 = const 0\n  v3 = const 1\n  v4 = const 5\n")
			for i := range n {
				fmt.Fprintf(&s, "  v%d = load64 [v0+%d]\n", 100+i, 8*i)
			}
			fmt.Fprintf(&s, "  jump b1.turn(v2, %s)\nb1.turn(v5, %s):\n", list(100, 0), list(200, 0))
			fmt.Fprintf(&s, "  v6 = add v5, v3\n  branch ult v6, v4 ? b1.turn(v6, %s) : b2.done()\nb2.done():\n", list(200, 1))
			for i := range n {
				fmt.Fprintf(&s, "  store64 [v1+%d], v%d\n", 8*i, 200+i)
			}
			s.WriteString("  return v2\n")
			in := make([]int64, irtest.InWords)
			for i := range in {
				in[i] = int64(1000 + i)
			}
			differ(t, s.String(), in, n)
		})
	}
}
