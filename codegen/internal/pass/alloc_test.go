package pass

import (
	"errors"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/internal/ir/irtest"
)

// allocated is a function as text with the places of its values. Behind an operation are the place of its result and those of its
// operands; lines with an arrow are moves, before an operation or on an edge.
func allocated(t *testing.T, f *ir.Func) string {
	t.Helper()
	a, err := Allocate(f)
	var frame *FrameError
	if errors.As(err, &frame) {
		return err.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Check(); err != nil {
		t.Fatalf("the allocation is wrong: %v", err)
	}
	p := &allocationText{a: a, lines: strings.Split(strings.TrimSpace(f.String()), "\n")}
	p.print(f)
	return p.out.String()
}

// allocationText annotates the lines of a function.
type allocationText struct {
	a     *Allocation
	lines []string
	out   strings.Builder
}

// next writes the function's next line, with a comment behind it.
func (p *allocationText) next(comment string) {
	line := p.lines[0]
	p.lines = p.lines[1:]
	if comment = strings.TrimSpace(comment); comment != "" {
		line = fmt.Sprintf("%-36s ; %s", line, comment)
	}
	p.out.WriteString(strings.TrimRight(line, " ") + "\n")
}

func (p *allocationText) moves(name string, moves []Move) {
	for _, m := range moves {
		fmt.Fprintf(&p.out, "    %s%v %s -> %s\n", name, m.Value, locText(m.From), locText(m.To))
	}
}

func (p *allocationText) print(f *ir.Func) {
	p.next(fmt.Sprintf("frame %d", p.a.FrameSize))
	for _, s := range f.Slots {
		if p.lines[0] = strings.TrimSuffix(p.lines[0], " ; "); p.a.Slot(s) != 0 {
			p.next(fmt.Sprintf("at %d", p.a.Slot(s)))
		} else {
			p.next("unused")
		}
	}
	p.moves("entry: ", p.a.Entry())
	for _, b := range f.Blocks {
		i := p.a.Number(b)
		var params []string
		for _, v := range b.Params {
			params = append(params, p.defined(v, i))
		}
		p.next(strings.Join(params, " "))
		for _, v := range b.Values {
			i++
			p.moves("", p.a.Before(i))
			p.next(strings.TrimRight(p.defined(v, i)+" <- "+p.used(v.Args, i), "<- "))
		}
		i++
		p.moves("", p.a.Before(i))
		var used []*ir.Value
		b.Term.Operands(func(v *ir.Value) { used = append(used, v) })
		p.next(p.used(used, i))
		p.moves("then: ", p.a.Edge(b, 0))
		p.moves("else: ", p.a.Edge(b, 1))
	}
}

func (p *allocationText) defined(v *ir.Value, i int) string {
	if l, ok := p.a.Defined(v, i); ok {
		return locText(l)
	}
	return ""
}

// used are the places of operands; constants and addresses that are made where they are used have none.
func (p *allocationText) used(args []*ir.Value, i int) string {
	var list []string
	for _, v := range args {
		if l := p.a.Used(v, i); l.InReg() || l.InFrame() {
			list = append(list, v.String()+" "+locText(l))
		}
	}
	return strings.Join(list, ", ")
}

func locText(l Loc) string {
	switch {
	case l.InReg():
		return fmt.Sprintf("r%d", l.Reg)
	case l.InFrame():
		return fmt.Sprintf("[%d]", l.Frame)
	}
	return "made"
}

// TestAllocateRandom allocates random functions of every shape and follows what is where.
func TestAllocateRandom(t *testing.T) {
	for i, shape := range []irtest.Shape{
		{Exprs: 20, Ops: 6},
		{Exprs: 10, Ops: 4, Live: 20, Calls: true, Forks: true},
		{Exprs: 8, Ops: 3, Live: 30, Calls: true, Forks: true, Loops: true, Memory: true},
	} {
		for seed := range int64(40) {
			f := irtest.Random(rand.New(rand.NewSource(seed)), shape)
			if err := Optimize(&ir.Program{Name: "p", Funcs: []*ir.Func{f}}, &Options{KernelVersion: 6<<16 | 1<<8}); err != nil {
				t.Fatal(err)
			}
			a, err := Allocate(f)
			if err != nil {
				t.Fatalf("shape %d, seed %d: %v", i, seed, err)
			}
			if err := a.Check(); err != nil {
				t.Fatalf("shape %d, seed %d: %v\n%s", i, seed, err, f)
			}
			if a.FrameSize > maxFrame || a.FrameSize%8 != 0 {
				t.Errorf("shape %d, seed %d: a frame of %d bytes", i, seed, a.FrameSize)
			}
		}
	}
}

// Check must find what is wrong, whichever part of an allocation it is in.
func TestCheckFindsMistakes(t *testing.T) {
	const text = `
		func f
		b0.entry():
		v0 = ctx
		v1 = load64 [v0+0]
		v2 = load64 [v0+8]
		v3 = helper 14()
		v4 = add v1, v2
		v5 = add v4, v3
		branch eq v5, v1 ? b1.a() : b2.b()
		b1.a():
		jump b3.c(v1)
		b2.b():
		jump b3.c(v2)
		b3.c(v6):
		v7 = add v6, v5
		return v7`
	for _, tt := range []struct {
		name  string
		spoil func(a *Allocation, f *ir.Func)
	}{
		{"a value in a register that a call destroys", func(a *Allocation, f *ir.Func) {
			a.parts[1].reg = 1
		}},
		{"two values in one register", func(a *Allocation, f *ir.Func) {
			a.parts[2].reg = a.parts[1].reg
		}},
		{"a move on an edge is missing", func(a *Allocation, f *ir.Func) {
			a.parts[6].reg = 5
			clear(a.edges)
		}},
		{"a move takes what is not there", func(a *Allocation, f *ir.Func) {
			v := f.Blocks[0].Values[1]
			a.before[a.Number(f.Blocks[0])+5] = []Move{{Value: v, As: v, From: Register(4), To: Register(a.parts[1].reg)}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := parsed(t, strings.TrimSpace(text)).Funcs[0]
			a, err := Allocate(f)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Check(); err != nil {
				t.Fatalf("before: %v", err)
			}
			tt.spoil(a, f)
			if err := a.Check(); err == nil {
				t.Error("Check finds nothing wrong")
			}
		})
	}
}
