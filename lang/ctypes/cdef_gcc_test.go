package ctypes

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/lang/types"
)

// TestLayoutAsGCC compares random definitions with what gcc makes of them: size, alignment, and the first bit and the number of bits
// of every member.
func TestLayoutAsGCC(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: gcc is not installed, so nothing checks the layout of random C definitions")
	}
	var script, program, body strings.Builder
	program.WriteString("#include <stdio.h>\n#include <string.h>\n#include <stdbool.h>\n#include <stdint.h>\n#include <stddef.h>\n")
	program.WriteString(bitsOfC)
	names := []string{}
	for i := range 600 {
		g := &cGenerator{rand: rand.New(rand.NewSource(int64(i))), prefix: fmt.Sprintf("s%d_", i)}
		keyword := g.pick("struct", "struct", "struct", "union")
		name := fmt.Sprintf("%s s%d", keyword, i)
		names = append(names, name)
		text := g.enum() + name + " " + g.body(0) + ";\n"
		if g.one(8) {
			text = "#pragma pack(push, " + g.pick("1", "2", "4") + ")\n" + text + "#pragma pack(pop)\n"
		}
		script.WriteString(text)
		program.WriteString(text)
		fmt.Fprintf(&body, "{ typedef %s T; printf(\"%s %%zu %%zu\", sizeof(T), _Alignof(T));\n", name, name)
		for _, m := range g.members {
			if m.bits > 0 {
				fmt.Fprintf(&body, "{ T x; memset(&x, 0, sizeof x); x.%s = %s; bits(\"%s\", &x, sizeof x); }\n", m.name, m.ones, m.name)
			} else {
				fmt.Fprintf(&body, "printf(\" %s@%%zu\", offsetof(T, %s));\n", m.name, m.name)
			}
		}
		body.WriteString("puts(\"\"); }\n")
	}
	fmt.Fprintf(&program, "int main(void) {\n%s}\n", body.String())
	want := runC(t, gcc, program.String())

	c, err := readC(script.String())
	if err != nil {
		t.Fatal(err)
	}
	c.kernel.Arch = runtime.GOARCH
	for i, name := range names {
		s := c.structs[name]
		got := fmt.Sprintf("%s %d %d%s", name, s.Bytes, c.align[s], describeFields(s, 0))
		if got != want[i] {
			start := strings.Index(script.String(), name+" ")
			end := strings.Index(script.String()[start:], "\n")
			t.Errorf("%s\n got %s\nwant %s", script.String()[start:start+end], got, want[i])
		}
	}
}

// bitsOfC is a function that prints which bits of an object are set: its members begin with the lowest one.
const bitsOfC = `
static void bits(const char *name, const void *p, size_t n) {
	const unsigned char *b = p; int first = -1, count = 0;
	for (size_t i = 0; i < 8 * n; i++) if (b[i / 8] >> i % 8 & 1) { if (first < 0) first = i; count++; }
	printf(" %s@:%d+%d", name, first, count);
}
`

// runC compiles and runs a program and returns its lines.
func runC(t *testing.T, gcc, text string) []string {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "x.c"), filepath.Join(dir, "x")
	if err := os.WriteFile(source, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gcc, "-O0", "-w", "-o", program, source).CombinedOutput(); err != nil {
		for _, line := range strings.Split(string(out), "\n") {
			if strings.Contains(line, "error:") {
				t.Log(line)
			}
		}
		t.Fatalf("gcc: %v", err)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// describeFields has the members as the program prints them.
func describeFields(s *types.Struct, base int) string {
	out := ""
	for _, f := range s.Fields() {
		inner, isStruct := f.Type.(*types.Struct)
		switch {
		case isStruct && f.Name == "":
			out += describeFields(inner, base+f.Offset)
		case f.BitSize > 0:
			out += fmt.Sprintf(" %s@:%d+%d", f.Name, 8*(base+f.Offset)+f.BitOffset, f.BitSize)
		default:
			out += fmt.Sprintf(" %s@%d", f.Name, base+f.Offset)
		}
	}
	return out
}

// cGenerator makes random members.
type cGenerator struct {
	rand    *rand.Rand
	prefix  string // of the constants
	path    string // of the member around these ones
	next    int
	members []genMember
}

type genMember struct {
	name string
	bits int
	ones string // a value with all bits set
}

func (g *cGenerator) pick(of ...string) string { return of[g.rand.Intn(len(of))] }

func (g *cGenerator) one(in int) bool { return g.rand.Intn(in) == 0 }

// enum defines a few constants for sizes.
func (g *cGenerator) enum() string {
	return fmt.Sprintf("enum %se { %sA = 1 + %d %% 3, %sB = 'a' - 95, %sC = sizeof(int) > 3 ? %sA << 1 : 7, %sD = (unsigned char)259 };\n",
		g.prefix, g.prefix, g.rand.Intn(9), g.prefix, g.prefix, g.prefix, g.prefix)
}

// body is what stands in the braces of a struct, with the attributes behind them.
func (g *cGenerator) body(depth int) string {
	var b strings.Builder
	b.WriteString("{ ")
	for range 1 + g.rand.Intn(6) {
		b.WriteString(g.member(depth))
	}
	b.WriteString("}")
	if g.one(4) {
		b.WriteString(" __attribute__((packed))")
	}
	if g.one(6) {
		b.WriteString(g.pick(" __attribute__((aligned(2)))", " __attribute__((aligned(16)))", " __attribute__((aligned))"))
	}
	return b.String()
}

var genTypes = []string{
	"char", "signed char", "unsigned char", "short", "unsigned short int", "int", "unsigned", "long", "long unsigned int", "long long",
	"_Bool", "float", "double", "long double", "void *", "const char *", "uint8_t", "int64_t", "__int128", "unsigned __int128", "size_t",
}

func (g *cGenerator) member(depth int) string {
	g.next++
	name := fmt.Sprintf("m%d", g.next)
	switch {
	case depth < 3 && g.one(6):
		return g.pick("struct ", "union ") + g.body(depth+1) + "; "
	case depth < 3 && g.one(10):
		inner := &cGenerator{rand: g.rand, prefix: g.prefix, path: g.path + name}
		g.members = append(g.members, genMember{name: name})
		return g.pick("struct ", "union ") + inner.body(depth+1) + " " + name + g.dims() + "; "
	case g.one(3):
		return g.bitfield(name)
	case g.one(10):
		g.members = append(g.members, genMember{name: name})
		return fmt.Sprintf(g.pick("int (*%s)[3]; ", "int (*%s[2])(int, char *); ", "void (*%s)(void); ", "char *(*(*%s)(int))[5]; "), name)
	case g.one(12):
		g.members = append(g.members, genMember{name: name})
		return fmt.Sprintf("enum { %sx%s%d%s } %s; ", g.prefix, g.path, g.next, g.pick("", " = -1", " = 1L << 40"), name)
	}
	g.members = append(g.members, genMember{name: name})
	attr := ""
	if g.one(8) {
		attr = g.pick(" __attribute__((packed))", " __attribute__((aligned(8)))", " __attribute__((aligned(32)))", " __attribute__((aligned(1)))")
	}
	return g.pick(genTypes...) + " " + name + g.dims() + attr + "; "
}

func (g *cGenerator) dims() string {
	if !g.one(4) {
		return ""
	}
	return "[" + g.pick("3", "0", "2][2", g.prefix+"A", g.prefix+"C", "sizeof(long) / 2", "sizeof("+g.prefix+"A)", "'\\n' - 7") + "]"
}

func (g *cGenerator) bitfield(name string) string {
	type base struct {
		name string
		bits int
	}
	of := []base{
		{"char", 8}, {"unsigned char", 8}, {"short", 16}, {"unsigned short", 16}, {"int", 32}, {"unsigned", 32}, {"long", 64},
		{"unsigned long long", 64}, {"_Bool", 1},
	}
	t := of[g.rand.Intn(len(of))]
	if g.one(8) {
		return t.name + " :" + g.pick("0", "1") + "; "
	}
	n := 1 + g.rand.Intn(min(t.bits, 56)) // wider ones can lie across nine bytes
	ones := "-1"
	if t.name == "_Bool" {
		ones = "1"
	}
	g.members = append(g.members, genMember{name: name, bits: n, ones: ones})
	attr := ""
	if g.one(8) {
		attr = g.pick(" __attribute__((packed))", " __attribute__((aligned(8)))", " __attribute__((aligned(2)))")
	}
	return fmt.Sprintf("%s %s:%d%s; ", t.name, name, n, attr)
}
