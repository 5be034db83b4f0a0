// Package interp runs scripts on their checked syntax tree, as the language defines them: the second oracle beside an installed
// bpftrace, which knows nothing of code generation, the kernel and the printing of values. Of the checker's work it takes the types and
// what only the checker can know, such as the sizes of structs; all else it computes itself.
//
// It knows numbers, strings, bytes, tuples and records, variables, maps and aggregations that are one number, and control flow. What else a
// script has is Unknown. It may import lang and what is below, and nothing else of gotrace.
package interp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// ErrUnknown is a script that the interpreter cannot run.
var ErrUnknown = errors.New("the interpreter does not know")

// unknown is the panic that leaves a script with something unknown.
type unknown struct{ what string }

func dontKnow(format string, args ...any) { panic(unknown{fmt.Sprintf(format, args...)}) }

// maxSteps is how many statements a run may do: a script that does more is unknown.
const maxSteps = 1_000_000

// Machine is a script that runs.
type Machine struct {
	// Args are what arg0, arg1, … read.
	Args []int64

	checked *lang.Checked
	prog    *lang.Prog
	vars    map[*lang.Variable]any
	maps    map[string]*table
	out     strings.Builder
	left    bool // the probe ends
	steps   int
}

// New returns a machine that has not run anything.
func New(c *lang.Checked) *Machine {
	m := &Machine{checked: c, maps: map[string]*table{}}
	for _, t := range c.Maps {
		m.maps[t.Name] = &table{m: t, elems: map[string]*element{}}
	}
	return m
}

// Run runs BEGIN and END and gives what the script prints, the maps at its end included.
func Run(c *lang.Checked) (out string, err error) {
	m := New(c)
	if c.Config.MaxLoopIterations != 0 {
		return "", fmt.Errorf("%w where a budget ends", ErrUnknown)
	}
	defer m.recover(&err)
	for _, kind := range []string{"begin", "end"} {
		for _, p := range c.Progs {
			switch p.Kind.Name {
			case kind:
				m.probe(p) // whether or not exit() was called before
			case "begin", "end":
			default:
				dontKnow("when %s fires", p.Kind.Name)
			}
		}
	}
	if c.Config.PrintMapsOnExit {
		m.printMaps()
	}
	return m.out.String(), nil
}

// RunProbe runs one program of the script once.
func (m *Machine) RunProbe(p *lang.Prog) (err error) {
	defer m.recover(&err)
	m.probe(p)
	return nil
}

func (m *Machine) recover(err *error) {
	switch p := recover().(type) {
	case nil:
	case unknown:
		*err = fmt.Errorf("%w %s", ErrUnknown, p.what)
	default:
		panic(p)
	}
}

func (m *Machine) probe(p *lang.Prog) {
	m.prog, m.vars, m.left = p, map[*lang.Variable]any{}, false
	if p.Probe.Filter != nil && !truth(m.eval(p.Probe.Filter)) {
		return
	}
	m.block(p.Probe.Body)
}

// Elements are the numbers in a map by key; the key of a map without one is 0.
func (m *Machine) Elements(name string) map[int64]int64 {
	out := map[int64]int64{}
	for _, e := range m.maps[name].elems {
		key, _ := e.key.(int64)
		out[key] = number(e.val)
	}
	return out
}

// flow is how a statement ends.
type flow int

const (
	goesOn flow = iota
	breaks
	continues
)

func (m *Machine) block(b *ast.Block) flow {
	for _, s := range b.Stmts {
		if f := m.stmt(s); f != goesOn || m.left {
			return f
		}
	}
	return goesOn
}

func (m *Machine) stmt(s ast.Stmt) flow {
	if m.steps++; m.steps > maxSteps {
		dontKnow("how so many steps end")
	}
	switch s := s.(type) {
	case *ast.ExprStmt:
		m.eval(s.X)
	case *ast.Assign:
		m.assign(s)
	case *ast.Let:
		m.let(s)
	case *ast.Block:
		return m.block(s)
	case *ast.If:
		switch {
		case truth(m.eval(s.Cond)):
			return m.block(s.Then)
		case s.Else != nil:
			return m.stmt(s.Else)
		}
	case *ast.While:
		for !m.left && truth(m.eval(s.Cond)) && m.round(s.Body) {
		}
	case *ast.ForRange:
		m.forRange(s)
	case *ast.Unroll:
		for range number(m.eval(s.Count)) {
			if !m.round(s.Body) {
				break
			}
		}
	case *ast.Branch:
		if s.Keyword == "break" {
			return breaks
		}
		return continues
	case *ast.Return:
		m.left = true
	default:
		dontKnow("%T", s)
	}
	return goesOn
}

// round does a loop's body once, and says whether there may be another.
func (m *Machine) round(body *ast.Block) bool {
	if m.steps++; m.steps > maxSteps {
		dontKnow("how so many rounds end")
	}
	return m.block(body) != breaks && !m.left
}

func (m *Machine) forRange(s *ast.ForRange) {
	v := m.prog.Vars[s.Var]
	start, end := number(m.eval(s.Start)), number(m.eval(s.End))
	less := func(a, b int64) bool { return a < b }
	if types.UnsignedRange(m.prog.Types[s.Start], m.prog.Types[s.End]) {
		less = func(a, b int64) bool { return uint64(a) < uint64(b) }
	}
	for i := start; less(i, end); i++ {
		if v != nil {
			m.vars[v] = convert(i, v.Type)
		}
		if !m.round(s.Body) {
			return
		}
	}
}

func (m *Machine) let(s *ast.Let) {
	v := m.prog.Vars[s.Var]
	if v == nil {
		dontKnow("what $%s is", s.Var.Name)
	}
	if s.Value == nil {
		m.vars[v] = zero(v.Type)
		return
	}
	m.vars[v] = convert(m.eval(s.Value), v.Type)
}

func (m *Machine) assign(s *ast.Assign) {
	if ref, ok := s.Target.(*ast.MapRef); ok && s.Op == "=" {
		if call, ok := s.Value.(*ast.Call); ok && m.aggregate(ref, call) {
			return
		}
	}
	if s.Op == "=" {
		x := m.eval(s.Value)
		if s.Target != nil {
			m.cell(s.Target).set(x)
		}
		return
	}
	// The target's key and value come before the right side.
	c := m.cell(s.Target)
	old := number(c.get())
	op, y := s.Op[:len(s.Op)-1], number(m.eval(s.Value))
	if op == "<<" || op == ">>" {
		c.set(Arith(op, c.typ, old, y))
		return
	}
	wide := types.CommonType(c.typ, m.prog.Types[s.Value])
	c.set(Arith(op, wide, Cut(old, wide), Cut(y, wide)))
}
