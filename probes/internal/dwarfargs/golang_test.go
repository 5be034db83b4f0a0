package dwarfargs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/internal/dwarfinfo"
	"github.com/gotrace/gotrace/internal/symbols"
	"github.com/gotrace/gotrace/lang/types"
)

const goSource = `package main

import "os"

type pair struct { A int8; B int64 }
type nested struct { P pair; S string; F float32 }

//go:noinline
func plain(a int, b int8, s string, p pair, f float64, e error) (int, error) { return a + int(b) + len(s) + int(p.B) + int(f), e }

//go:noinline
func full(a, b, c, d, e, f, g int, s string, h int, i uint16) (string, uint16) { return s, i + uint16(a+b+c+d+e+f+g+h) }

//go:noinline
func arrays(one [1]int, two [2]int, none struct{}, n nested) [2]int { return two }

//go:noinline
func (p *pair) method(x int) (n int8) { p.A += int8(x); return p.A }

//go:noinline
func shape[T any](x T, n int) int { _ = any(x); return n }

func main() {
	a, e := plain(1, 2, "x", pair{1, 2}, 1.5, nil)
	s, i := full(1, 2, 3, 4, 5, 6, 7, "s", 8, 9)
	v := arrays([1]int{1}, [2]int{a, 2}, struct{}{}, nested{})
	p := &pair{}
	os.Exit(int(p.method(v[0])) + len(s) + int(i) + shape("a", 1) + shape(2, 2) + len(os.Args[e.(interface{ N() int }).N()]))
}
`

// goArgs are where the ABI has the parameters, and the results after "->".
var goArgs = map[string]string{
	"main.plain":          "s8 ax | s1 bx | {u8 cx, u8 di} | {u8 si, u8 r8} | ! | {u8 r9, u8 r10} -> {u8 ax, u8 bx, u8 cx}",
	"main.full":           "s8 ax | s8 bx | s8 cx | s8 di | s8 si | s8 r8 | s8 r9 | {u8 r10, u8 r11} | s8 user[u8 sp+8] | u2 user[u8 sp+16] -> {u8 ax, u8 bx, u8 cx}",
	"main.arrays":         "u8 ax | u16 user[u8 sp+8] | ! | ! -> u16 user[u8 sp+24]",
	"main.(*pair).method": "u8 ax | s8 bx -> s1 ax",
}

func TestGoArgs(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("SKIPPED: no go to build a program with")
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "x.go")
	if err := os.WriteFile(src, []byte(goSource), 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "x")
	cmd := exec.Command("go", "build", "-o", bin, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	b, err := symbols.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	info, err := dwarfinfo.Open(bin, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, version := New(info, "amd64"), b.GoVersion()
	if version < 17 || !b.IsGoProgram() {
		t.Errorf("built by Go 1.%d", version)
	}
	for name, want := range goArgs {
		s, _ := b.Symbol(name)
		f, ok := info.FuncAt(s.Address)
		if !ok || !f.Go {
			t.Errorf("no function %s", name)
			continue
		}
		var parts []string
		for _, a := range r.GoArgs(f, f.Low, version) {
			if a.Place.Loc == nil {
				parts = append(parts, "!")
				continue
			}
			parts = append(parts, a.Place.Loc.String())
		}
		_, result := r.GoResults(f, version)
		if got := strings.Join(parts, " | ") + " -> " + result.Loc.String(); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
	if p := r.GoID(version); p.Loc == nil {
		t.Errorf("goid: %s", p.Why)
	}
	if s, ok := r.Find("struct", "main.nested"); !ok || len(s.(*types.Struct).Fields()) != 3 {
		t.Errorf("main.nested is %v", s)
	}
	for _, name := range []string{"main.shape", "main.shape[...]"} {
		if found := b.GoNamed(name); len(found) != 2 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// Before Go 1.17 all is on the stack.
func TestOldGo(t *testing.T) {
	places := GoRegisters("amd64", 16)
	if len(places) == 0 || places[1].Loc.String() != "u8 user[u8 sp+16]" {
		t.Errorf("%v", places)
	}
	if got := GoRegisters("arm64", 22)[15].Loc.String(); got != "u8 x15" {
		t.Errorf("%s", got)
	}
}
