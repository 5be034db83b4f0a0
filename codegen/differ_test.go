package codegen

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/internal/interp"
)

var (
	differSeed  = flag.Uint64("differ-seed", 1, "seed of the first script of TestKernelDiffer")
	differCount = flag.Int("differ", 60, "how many scripts TestKernelDiffer makes")
)

// edges are numbers at which arithmetic goes wrong.
var edges = []int64{0, 1, -1, 2, -2, 7, 31, 63, 64, 65, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, 65535, 65536,
	1<<31 - 1, 1 << 31, -1 << 31, 1<<32 - 1, 1 << 32, -1<<31 - 1, 1<<63 - 1, -1 << 63, -1<<63 + 1}

// numbers makes a random script of integers: one probe that reads arg0 … arg5.
type numbers struct {
	r     *rand.Rand
	b     strings.Builder
	vars  []string // that may be assigned
	read  []string // that may be read beside them
	next  int
	loops int
	left  int // statements that may still be made
}

// differMaps are the maps of these scripts; those with a key have four elements.
var differMaps = []string{"@a", "@b", "@u", "@n8", "@k", "@ku", "@inc", "@kinc"}

func numberScript(seed uint64) string {
	g := &numbers{r: rand.New(rand.NewPCG(seed, 99)), left: 40}
	g.b.WriteString("rawtracepoint:sys_enter\n{\n")
	g.b.WriteString("@a = (int64)1; @b = (int64)arg1; @u = (uint64)arg2; @n8 = (int8)arg3; @k[(int64)0] = (int64)arg4; @ku[(int64)1] = (uint16)arg5;\n")
	fmt.Fprintf(&g.b, "$true = (bool)arg0; $sum = true + $true;\n") // they cannot be counted up
	g.read = append(g.read, "$true", "$sum")
	for _, t := range []string{"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"} {
		value := g.leaf() // before the variable is there
		fmt.Fprintf(&g.b, "%s = (%s)%s;\n", g.variable(), t, value)
	}
	for g.left > 0 {
		g.stmt(0)
	}
	for i, v := range g.vars {
		fmt.Fprintf(&g.b, "@r%d = (int64)%s;\n", i, v)
	}
	g.b.WriteString("}\n")
	return g.b.String()
}

func (g *numbers) variable() string {
	g.next++
	v := fmt.Sprintf("$v%d", g.next)
	g.vars = append(g.vars, v)
	return v
}

func (g *numbers) pick(list ...string) string { return list[g.r.IntN(len(list))] }

// known is a variable that can be read here.
func (g *numbers) known() string {
	return g.pick(append(g.read[:len(g.read):len(g.read)], g.vars...)...)
}

func (g *numbers) leaf() string {
	switch n := g.r.IntN(8); {
	case n < 2:
		return fmt.Sprintf("arg%d", g.r.IntN(6))
	case n < 5 && len(g.vars) > 0:
		return g.known()
	case n == 5:
		return g.element(g.pick("@a", "@b", "@u", "@n8", "@k", "@ku"))
	}
	return g.literal()
}

func (g *numbers) literal() string {
	n := edges[g.r.IntN(len(edges))]
	if n == -1<<63 {
		return "((int64)0x8000000000000000)"
	}
	if g.r.IntN(6) == 0 {
		return fmt.Sprintf("%#x", uint64(n))
	}
	if n < 0 {
		return fmt.Sprintf("(%d)", n)
	}
	return fmt.Sprint(n)
}

func (g *numbers) element(m string) string {
	if strings.HasPrefix(m, "@k") {
		return fmt.Sprintf("%s[(int64)(%s & 3)]", m, g.pick("arg0", "arg1", g.known()))
	}
	return m
}

func (g *numbers) expr(depth int) string {
	if depth == 0 {
		return g.leaf()
	}
	x, y := g.expr(depth-1), g.expr(g.r.IntN(depth))
	switch g.r.IntN(16) {
	case 0, 1, 2, 3:
		return fmt.Sprintf("(%s %s %s)", x, g.pick("+", "-", "*", "&", "|", "^"), y)
	case 4, 5:
		return fmt.Sprintf("(%s %s %s)", x, g.pick("/", "%"), g.divisor())
	case 6, 7:
		return fmt.Sprintf("(%s %s %s)", x, g.pick("<<", ">>"), g.pick(fmt.Sprint(g.r.IntN(64)), y, "(uint8)arg0"))
	case 8, 9:
		return fmt.Sprintf("(%s)(%s)", g.pick("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"), x)
	case 10:
		return fmt.Sprintf("(%s(%s))", g.pick("-", "~", "!"), x)
	case 11:
		return fmt.Sprintf("(%s ? (int64)%s : (int64)%s)", g.cond(depth-1), x, y)
	case 12:
		return g.cond(depth - 1)
	}
	return x
}

// divisor is not a constant 0, which is an error.
func (g *numbers) divisor() string {
	return g.pick("arg0", "arg1", "(int8)arg2", "(int64)arg3", "-1", "1", "2", "8", "7", "-7", "1000", "(int64)arg4", g.pick(g.vars...), "0x100000000")
}

func (g *numbers) cond(depth int) string {
	switch {
	case depth > 0 && g.r.IntN(4) == 0:
		return fmt.Sprintf("(%s %s %s)", g.cond(depth-1), g.pick("&&", "||"), g.cond(depth-1))
	case depth > 0 && g.r.IntN(6) == 0:
		return fmt.Sprintf("(!%s)", g.cond(depth-1))
	}
	return fmt.Sprintf("(%s %s %s)", g.expr(max(depth, 0)), g.pick("<", "<=", ">", ">=", "==", "!="), g.expr(max(depth, 0)))
}

func (g *numbers) line(format string, args ...any) { fmt.Fprintf(&g.b, format+"\n", args...) }

func (g *numbers) stmt(depth int) {
	g.left--
	target := g.pick(g.vars...)
	if g.r.IntN(3) == 0 {
		target = g.element(g.pick(differMaps...))
	}
	onlyInc := strings.HasPrefix(target, "@inc") || strings.HasPrefix(target, "@kinc")
	switch n := g.r.IntN(14); {
	case n < 2 || onlyInc:
		if g.r.IntN(2) == 0 {
			g.line("%s%s;", target, g.pick("++", "--"))
		} else {
			g.line("%s%s;", g.pick("++", "--"), target)
		}
	case n < 5:
		op := g.pick("+", "-", "*", "&", "|", "^", "<<", ">>", "/", "%")
		value := g.expr(2)
		if op == "/" || op == "%" {
			value = g.divisor()
		}
		g.line("%s %s= %s;", target, op, value)
	case n == 5:
		g.line("%s = (int64)%s%s;", target, g.pick(g.vars...), g.pick("++", "--"))
	case n < 10 || depth > 2:
		g.line("%s = (%s)(%s);", target, g.pick("int8", "int16", "int32", "int64"), g.expr(3))
	default:
		g.compound(depth)
	}
}

// compound writes a statement with a block, in which no variable is declared.
func (g *numbers) compound(depth int) {
	read := g.read
	switch g.r.IntN(5) {
	case 0, 1:
		g.line("if %s {", g.cond(2))
		g.body(depth)
		if g.r.IntN(2) == 0 {
			g.line("} else {")
			g.body(depth)
		}
	case 2:
		g.next++
		i := fmt.Sprintf("$i%d", g.next)
		g.line("for (%s : %s..%d) {", i, g.pick("0", "-3", "(int8)arg1"), g.r.IntN(6))
		g.read = append(g.read, i)
		g.loop(depth)
	case 3:
		g.next++
		i := fmt.Sprintf("$w%d", g.next)
		g.line("%s = (int64)0; while (%s < %d && %s) { %s++;", i, i, 1+g.r.IntN(9), g.cond(1), i)
		g.read = append(g.read, i)
		g.loop(depth)
	default:
		g.line("unroll (%d) {", 1+g.r.IntN(3))
		loops := g.loops
		g.loops = 0
		g.body(depth + 1)
		g.loops = loops
	}
	g.line("}")
	g.read = read
}

func (g *numbers) loop(depth int) {
	g.loops++
	g.body(depth)
	g.loops--
}

func (g *numbers) body(depth int) {
	for range 1 + g.r.IntN(3) {
		g.stmt(depth + 1)
	}
	if g.loops > 0 && g.r.IntN(3) == 0 {
		g.line("if %s { %s; }", g.cond(1), g.pick("break", "continue"))
	}
	if g.r.IntN(12) == 0 {
		g.line("if %s { return; }", g.cond(1))
	}
}

// TestKernelDiffer runs random scripts in the kernel and by the interpreter, and compares what they leave in their maps.
func TestKernelDiffer(t *testing.T) {
	for i := range *differCount {
		seed := *differSeed + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			needKernel(t)
			script := numberScript(seed)
			if bad := try(t, func(t testing.TB) { differ(t, script, seed) }); bad != "" {
				small := minimise(script, func(s string) bool {
					text := try(t, func(t testing.TB) { differ(t, s, seed) })
					return text != "" && strings.HasPrefix(text, differs) == strings.HasPrefix(bad, differs) && !strings.Contains(text, "ERROR")
				})
				t.Errorf("%s\n%s\n%s", bad, small, try(t, func(t testing.TB) { differ(t, small, seed) }))
			}
		})
	}
}

// differs begins the message of a wrong result.
const differs = "with arguments"

// differ runs a script with several arguments, in the kernel and by the interpreter.
func differ(t testing.TB, script string, seed uint64) {
	s := inKernel(t, script)
	in := interp.New(s.bp.Checked)
	r := rand.New(rand.NewPCG(seed, 100))
	for range 6 {
		args := make([]int64, 6)
		for i := range args {
			args[i] = edges[r.IntN(len(edges))]
			if r.IntN(3) == 0 {
				args[i] = int64(r.Uint64())
			}
		}
		s.run(0, args...)
		in.Args = args
		if err := in.RunProbe(s.bp.Checked.Progs[0]); err != nil {
			t.Fatal(err)
		}
		for _, m := range s.bp.Checked.Maps {
			if got, want := s.elements("@"+m.Name), in.Elements(m.Name); !same(got, want) {
				t.Fatalf("%s %d: @%s is %v, want %v", differs, args, m.Name, got, want)
			}
		}
	}
	f := s.failures()
	delete(f, layout.SiteDivide) // these scripts divide by zero
	if len(f) > 0 {
		t.Errorf("failures: %v", f)
	}
}

// same compares elements; those that hold 0 count as missing, as the language has it.
func same(a, b map[int64]int64) bool {
	for _, m := range []map[int64]int64{a, b} {
		maps.DeleteFunc(m, func(_, n int64) bool { return n == 0 })
	}
	return maps.Equal(a, b)
}

// elements are the numbers of a map by key.
func (s *session) elements(name string) map[int64]int64 {
	s.t.Helper()
	out := map[int64]int64{}
	switch s.spec(name).Layout.Storage {
	case layout.StorageHash, layout.StoragePerCPUHash:
	default:
		out[0] = s.number(name, 0)
		return out
	}
	var key any
	var next []byte
	for {
		err := s.maps[name].NextKey(key, &next)
		if errors.Is(err, ebpf.ErrKeyNotExist) {
			return out
		}
		if err != nil {
			s.t.Fatal(err)
		}
		n := int64(binary.LittleEndian.Uint64(next))
		out[n] = s.number(name, n)
		key = bytes.Clone(next)
	}
}
