package codegen

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/interp"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/langtest"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// The arithmetic of the language is that of C on a machine whose int has 64 bits. Random expressions are computed four times: by the checker,
// with constants; by programs in the kernel, with values that only they know; by the model below; and by a C compiler.

// cType is an integer type.
type cType struct {
	bits   int
	signed bool
}

var cTypes = []cType{{8, true}, {8, false}, {16, true}, {16, false}, {32, true}, {32, false}, {64, true}, {64, false}}

func (t cType) String() string {
	if t.signed {
		return fmt.Sprintf("int%d", t.bits)
	}
	return fmt.Sprintf("uint%d", t.bits)
}

func (t cType) cut(n int64) int64 { return interp.Cut(n, types.Int{Bits: t.bits, Signed: t.signed}) }

// promoted is the type in which a number is computed with.
func (t cType) promoted() cType { return cType{64, t.bits < 64 || t.signed} }

// cExpr is an expression whose result is cast to a type. Its op is "" for a number.
type cExpr struct {
	t    cType
	op   string
	x, y *cExpr // y is nil for a prefix operator
	arg  int    // the number is this argument of the probe
}

var cOps = []string{"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", "<=", ">", ">=", "==", "!="}

func randomExpr(r *rand.Rand, depth int) *cExpr {
	e := &cExpr{t: cTypes[r.IntN(len(cTypes))], arg: r.IntN(6)}
	switch {
	case depth == 0 || depth < 3 && r.IntN(5) == 0:
		return e
	case r.IntN(5) == 0:
		e.op = []string{"-", "~", "+"}[r.IntN(3)]
		e.x = randomExpr(r, depth-1)
		return e
	}
	e.op = cOps[r.IntN(len(cOps))]
	e.x, e.y = randomExpr(r, depth-1), randomExpr(r, depth-1)
	return e
}

// text writes the expression; number writes a number.
func (e *cExpr) text(number func(t cType, arg int) string) string {
	switch {
	case e.op == "":
		return number(e.t, e.arg)
	case e.y == nil:
		return fmt.Sprintf("(%s)(%s%s)", e.t, e.op, e.x.text(number))
	}
	return fmt.Sprintf("(%s)(%s %s %s)", e.t, e.x.text(number), e.op, e.y.text(number))
}

// constant writes a number of a type as the script does.
func (t cType) constant(n int64) string {
	if n = t.cut(n); t.signed {
		return fmt.Sprintf("(%s)%d", t, n)
	}
	return fmt.Sprintf("(%s)%d", t, uint64(n))
}

// value is the model. A division by zero gives 1.
func (e *cExpr) value(args []int64) int64 {
	if e.op == "" {
		return e.t.cut(args[e.arg])
	}
	x := e.x.value(args)
	if e.y == nil {
		t := e.x.t.promoted()
		if e.x.t == (cType{32, false}) {
			t = e.x.t
		}
		switch e.op {
		case "-":
			x = -x
		case "~":
			x = ^x
		}
		return e.t.cut(t.cut(x))
	}
	tx, y := e.x.t.promoted(), e.y.value(args)
	t := cType{64, tx.signed && e.y.t.promoted().signed}
	switch e.op {
	case "<<", ">>":
		t = tx
	case "<", "<=", ">", ">=", "==", "!=":
		return e.t.cut(interp.Compare(e.op, types.Int{Bits: 64, Signed: t.signed}, x, y))
	}
	return e.t.cut(interp.Arith(e.op, types.Int{Bits: 64, Signed: t.signed}, x, y))
}

// c writes the expression in C.
func (e *cExpr) c(args []int64) string {
	if e.op == "" {
		return fmt.Sprintf("(%s_t)%dULL", e.t, uint64(e.t.cut(args[e.arg])))
	}
	x := e.x.c(args)
	if e.y == nil && e.x.t == (cType{32, false}) {
		return fmt.Sprintf("(%s_t)(%s(%s))", e.t, e.op, x)
	}
	x = fmt.Sprintf("(%s_t)(%s)", e.x.t.promoted(), x)
	if e.y == nil {
		return fmt.Sprintf("(%s_t)(%s(%s))", e.t, e.op, x)
	}
	y := fmt.Sprintf("(%s_t)(%s)", e.y.t.promoted(), e.y.c(args))
	switch e.op {
	case "/", "%":
		// What C does not define: by 0 it is 1, and -1 overflows.
		return fmt.Sprintf("(%s_t)(%s == 0 ? 1 : %s == -1 && %s < 0 ? (int64_t)(%s) : %s %s %s)", e.t, y, y, y, map[string]string{"/": "-(" + x + ")", "%": "0"}[e.op], x, e.op, y)
	case "<<", ">>":
		return fmt.Sprintf("(%s_t)(%s %s (%s & 63))", e.t, x, e.op, y)
	}
	return fmt.Sprintf("(%s_t)(%s %s %s)", e.t, x, e.op, y)
}

// cCase is an expression with its arguments. In a compound one the root is `x op= y` of a declared variable.
type cCase struct {
	e        *cExpr
	args     []int64
	compound bool
}

func cCases(seed uint64, n int) []cCase {
	r := rand.New(rand.NewPCG(seed, 7))
	args := randomArgs(r)
	out := make([]cCase, n)
	for i := range out {
		out[i] = cCase{e: randomExpr(r, 1+r.IntN(3)), args: args}
		if e := out[i].e; e.y != nil && r.IntN(3) == 0 && len(e.op) < 3 && !isComparison(e.op) {
			e.t = e.x.t
			out[i].compound = true
		}
	}
	return out
}

func randomArgs(r *rand.Rand) []int64 {
	args := make([]int64, 6)
	for i := range args {
		args[i] = edges[r.IntN(len(edges))]
		if r.IntN(3) == 0 {
			args[i] = int64(r.Uint64())
		}
	}
	return args
}

// statement leaves the value in @rN.
func (c cCase) statement(i int) string {
	fromArg := func(t cType, arg int) string { return fmt.Sprintf("(%s)arg%d", t, arg) }
	if c.compound {
		return fmt.Sprintf("let $v%d: %s = %s; $v%d %s= %s; @r%d = (int64)$v%d;\n", i, c.e.t, c.e.x.text(fromArg), i, c.e.op, c.e.y.text(fromArg), i, i)
	}
	return fmt.Sprintf("@r%d = (int64)(%s);\n", i, c.e.text(fromArg))
}

const (
	cScripts = 40
	cPerCase = 40
)

func TestNumbersFolded(t *testing.T) {
	for seed := range uint64(cScripts) {
		for _, c := range cCases(seed, 2*cPerCase) {
			text := c.e.text(func(t cType, arg int) string { return t.constant(c.args[arg]) })
			want := c.e.value(c.args)
			got, ok := foldedValue(t, text)
			if ok && got != want {
				t.Errorf("seed %d: %s: got %d, want %d", seed, text, got, want)
			}
		}
	}
}

// foldedValue is the value that the checker finds for an expression; ok is false if it divides by zero.
func foldedValue(t *testing.T, text string) (n int64, ok bool) {
	t.Helper()
	src := &source.Source{Name: "test", Text: []byte("begin { print(" + text + "); }")}
	file, diags := lang.Parse(src, nil)
	if diags.HasErrors() {
		t.Fatalf("%s: %v", text, diags)
	}
	c, diags := lang.Check(file, src, langtest.New(), nil)
	if diags.HasErrors() {
		if diags[0].Code != "division-by-zero" {
			t.Errorf("%s: %v", text, diags)
		}
		return 0, false
	}
	arg := c.Progs[0].Probe.Body.Stmts[0].(*ast.ExprStmt).X.(*ast.Call).Args[0]
	k, ok := c.Progs[0].Consts[arg]
	if !ok {
		t.Errorf("%s: not folded", text)
	}
	return int64(k.Int), ok
}

func TestKernelNumbers(t *testing.T) {
	needKernel(t)
	for seed := range uint64(cScripts) {
		cases := cCases(seed, cPerCase)
		var script strings.Builder
		script.WriteString("rawtracepoint:sys_enter\n{\n")
		for i, c := range cases {
			script.WriteString(c.statement(i))
		}
		script.WriteString("}\n")
		s := inKernel(t, script.String())
		r := rand.New(rand.NewPCG(seed, 8))
		for range 4 {
			args := randomArgs(r)
			s.run(0, args...)
			for i, c := range cases {
				if got, want := s.number(fmt.Sprintf("@r%d", i), 0), c.e.value(args); got != want {
					t.Errorf("seed %d, arguments %d: %s got %d, want %d", seed, args, c.statement(i), got, want)
				}
			}
		}
	}
}

func TestNumbersC(t *testing.T) {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("SKIPPED: no gcc is installed to compare with")
	}
	var text strings.Builder
	text.WriteString("#include <stdint.h>\n#include <stdio.h>\nint main(void)\n{\n")
	var want []int64
	for seed := range uint64(cScripts) {
		for _, c := range cCases(seed, 2*cPerCase) {
			fmt.Fprintf(&text, "\tprintf(\"%%lld\\n\", (long long)(%s));\n", c.e.c(c.args))
			want = append(want, c.e.value(c.args))
		}
	}
	text.WriteString("}\n")
	lines := bufio.NewScanner(bytes.NewReader(runC(t, gcc, text.String())))
	for i, n := range want {
		lines.Scan()
		if got := lines.Text(); got != fmt.Sprint(n) {
			c := cCases(uint64(i/(2*cPerCase)), 2*cPerCase)[i%(2*cPerCase)]
			t.Errorf("%s: C gives %s, the model %d", c.e.c(c.args), got, n)
		}
	}
}

// runC compiles and runs a C program and returns what it prints.
func runC(t *testing.T, gcc, text string) []byte {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.c"), filepath.Join(dir, "main")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(gcc, "-w", "-fwrapv", "-O0", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
