package emit

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/features"
	"golang.org/x/sys/unix"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
	"github.com/gotrace/gotrace/codegen/internal/pass"
)

var seed = flag.Int64("seed", 1, "first seed of the random programs")

// variant is a way to compile.
type variant struct {
	name     string
	version  uint32
	optimize bool
}

var variants = []variant{
	{"plain", 6<<16 | 12<<8, false},
	{"optimised", 6<<16 | 12<<8, true},
	{"optimised for 6.1", 6<<16 | 1<<8, true}, // no signed division, no sign-extending moves
}

// compile makes instructions of a program's text; the passes change what they are given.
func (v variant) compile(text string) (*Result, error) {
	p, err := ir.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("parsing IR: %w", err)
	}
	if v.optimize {
		check := func(_ string, f *ir.Func) error { return ir.VerifyFunc(f) }
		if err := pass.Optimize(p, &pass.Options{KernelVersion: v.version, Check: check}); err != nil {
			return nil, err
		}
	}
	return Program(p, &Options{KernelVersion: v.version})
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT RUN: loading programs needs root")
	}
}

// needLinux skips a test of instructions that older kernels have not: atomic ones that fetch (5.12), callbacks (5.13).
func needLinux(t *testing.T, major, minor uint32) {
	t.Helper()
	version, err := features.LinuxVersionCode()
	if err != nil {
		t.Fatal(err)
	}
	if version < major<<16|minor<<8 {
		t.Skipf("SKIPPED: needs Linux %d.%d", major, minor)
	}
}

// words is numbers as they lie in memory.
func words(in []int64) []byte {
	b := make([]byte, 8*len(in))
	for i, n := range in {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(n))
	}
	return b
}

// runKernel loads instructions as a raw tracepoint program, runs it once on this thread with the numbers in irtest.In,
// and returns what it left in irtest.Out.
func runKernel(res *Result, in []int64, outWords int) ([]byte, error) {
	array := func(size int) *ebpf.MapSpec {
		return &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: uint32(size), MaxEntries: 1}
	}
	coll, err := ebpf.NewCollection(&ebpf.CollectionSpec{
		Maps:     map[string]*ebpf.MapSpec{irtest.In: array(8 * len(in)), irtest.Out: array(8 * outWords)},
		Programs: map[string]*ebpf.ProgramSpec{"main": {Name: "main", Type: ebpf.RawTracepoint, Instructions: res.Insns, License: "GPL"}},
	})
	if err != nil {
		return nil, fmt.Errorf("loading: %w", err)
	}
	defer coll.Close()
	if err := coll.Maps[irtest.In].Put(uint32(0), words(in)); err != nil {
		return nil, err
	}
	if _, err := coll.Programs["main"].Run(&ebpf.RunOptions{}); err != nil {
		return nil, fmt.Errorf("running: %w", err)
	}
	return coll.Maps[irtest.Out].LookupBytes(uint32(0))
}

// helper answers as the kernel does on this thread.
func helper(_ *irtest.Machine, id int64, _ []int64) (int64, error) {
	if id != irtest.HelperID {
		return 0, fmt.Errorf("helper %d is not known", id)
	}
	return int64(os.Getpid())<<32 | int64(unix.Gettid()), nil
}

// differ compares what the kernel leaves in irtest.Out with what the interpreter does, for every variant.
func differ(t *testing.T, text string, in []int64, outWords int) {
	t.Helper()
	runtime.LockOSThread() // the helper tells the thread
	defer runtime.UnlockOSThread()
	p, err := ir.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if err := ir.Verify(p); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want := make([]byte, 8*outWords)
	m := &irtest.Machine{Maps: map[string][]byte{irtest.In: words(in), irtest.Out: want}, Helper: helper}
	if _, err := m.Run(p.Funcs[0]); err != nil {
		t.Fatalf("interpreting: %v in\n%s", err, text)
	}
	for _, v := range runnable(t) {
		res, err := v.compile(text)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", v.name, err, text)
		}
		got, err := runKernel(res, in, outWords)
		if err != nil {
			t.Fatalf("%s: %v in\n%s\n%v", v.name, err, text, res.Insns)
		}
		for i := range outWords {
			g, w := binary.LittleEndian.Uint64(got[8*i:]), binary.LittleEndian.Uint64(want[8*i:])
			if g != w {
				t.Fatalf("%s: result %d is %#x, the interpreter says %#x\nin: %v\n%s\n%v", v.name, i, g, w, in, text, res.Insns)
			}
		}
	}
}

// random runs rounds random programs of a shape.
func random(t *testing.T, rounds int, shape irtest.Shape) {
	t.Helper()
	needRoot(t)
	for i := range rounds {
		s := *seed + int64(i)
		rng := rand.New(rand.NewSource(s))
		p := &ir.Program{Funcs: []*ir.Func{irtest.Random(rng, shape)}}
		if t.Run(fmt.Sprintf("seed=%d", s), func(t *testing.T) { differ(t, p.String(), irtest.Inputs(rng), shape.Results()) }); t.Failed() {
			return
		}
	}
}

// TestArithmetic compares arithmetic on every edge of the number line: many expressions a program.
func TestArithmetic(t *testing.T) { random(t, 40, irtest.Shape{Exprs: 60, Ops: 5}) }

// TestPressure keeps 30 numbers alive across calls, so that most lie in the frame.
func TestPressure(t *testing.T) {
	random(t, 15, irtest.Shape{Exprs: 20, Ops: 3, Live: 30, Calls: true})
}

// TestForks has joins with several parameters, some reached by edges with moves out of branches.
func TestForks(t *testing.T) {
	random(t, 25, irtest.Shape{Exprs: 8, Ops: 3, Live: 10, Calls: true, Forks: true})
}

// TestLoops has block parameters that change places at each round.
func TestLoops(t *testing.T) {
	needLinux(t, 5, 12)
	random(t, 20, irtest.Shape{Exprs: 6, Ops: 2, Live: 14, Calls: true, Loops: true, Memory: true})
}

// TestMemory has accesses of every size to the stack, and atomic operations.
func TestMemory(t *testing.T) {
	needLinux(t, 5, 12)
	random(t, 20, irtest.Shape{Exprs: 30, Ops: 2, Live: 8, Memory: true})
}

// TestEveryOperation applies each operation to all pairs of edges: as operands in registers, and with a constant on each side.
func TestEveryOperation(t *testing.T) {
	needRoot(t)
	in := []int64{0, 1, -1, 3, -7, 63, 64, 1 << 31, -1 << 31, 1<<32 - 1, 1 << 32, 1<<63 - 1, -1 << 63}
	ops := "add sub mul udiv sdiv umod smod and or xor shl lshr ashr add32 sub32 mul32 udiv32 umod32 and32 or32 xor32 shl32 lshr32 ashr32"
	for _, op := range strings.Fields(ops) {
		t.Run(op, func(t *testing.T) {
			for i := range in {
				text, out := pairs(op, in, i)
				differ(t, text, in, out)
			}
		})
	}
}

// pairs applies an operation to in[i] and each number.
func pairs(op string, in []int64, i int) (text string, out int) {
	var s strings.Builder
	s.WriteString("func main\nb0.entry():\n  v0 = map_value in+0\n  v1 = map_value out+0\n")
	fmt.Fprintf(&s, "  v2 = load64 [v0+%d]\n  v3 = const %d\n", 8*i, in[i])
	for j, n := range in {
		id := 10 * (j + 1)
		fmt.Fprintf(&s, "  v%d = load64 [v0+%d]\n  v%d = const %d\n", id, 8*j, id+1, n)
		for k, args := range [][2]int{{2, id}, {2, id + 1}, {3, id}} {
			fmt.Fprintf(&s, "  v%d = %s v%d, v%d\n  store64 [v1+%d], v%d\n", id+2+k, op, args[0], args[1], 8*out, id+2+k)
			out++
		}
	}
	s.WriteString("  return v3\n")
	return s.String(), out
}

// runnable are the variants that the running kernel has the instructions for: an old one does not take those of a newer one, and
// only the optimiser does without them.
func runnable(t *testing.T) []variant {
	t.Helper()
	version, err := features.LinuxVersionCode()
	if err != nil {
		t.Fatal(err)
	}
	var out []variant
	for _, v := range variants {
		if version >= v.version || v.optimize {
			v.version = min(v.version, version)
			out = append(out, v)
		}
	}
	return out
}
