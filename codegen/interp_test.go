package codegen

import (
	"fmt"

	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// interp runs a probe's body on the syntax tree, as the language defines it: what the compiled program leaves in its
// maps is compared with what this leaves. It knows integers, variables, maps of integers and control flow, and of the checker's work
// only the types; constants it computes itself.
type interp struct {
	prog  *lang.Prog
	maps  map[string]*lang.Map
	args  []int64
	vars  map[*lang.Variable]int64
	elems map[string]map[int64]int64 // by map, then key; 0 is the key of a map without
	left  bool                       // the program ends
}

// flow is how a statement ends.
type flow int

const (
	goesOn flow = iota
	breaks
	continues
)

func newInterp(c *lang.Checked) *interp {
	return &interp{prog: c.Progs[0], maps: c.Byname, elems: map[string]map[int64]int64{}}
}

// run runs the probe once with the arguments of its tracepoint.
func (in *interp) run(args []int64) {
	in.args, in.vars, in.left = args, map[*lang.Variable]int64{}, false
	in.block(in.prog.Probe.Body)
}

func (in *interp) block(b *ast.Block) flow {
	for _, s := range b.Stmts {
		if f := in.stmt(s); f != goesOn || in.left {
			return f
		}
	}
	return goesOn
}

func (in *interp) stmt(s ast.Stmt) flow {
	switch s := s.(type) {
	case *ast.ExprStmt:
		in.eval(s.X)
	case *ast.Assign:
		in.assign(s)
	case *ast.Block:
		return in.block(s)
	case *ast.If:
		switch {
		case in.eval(s.Cond) != 0:
			return in.block(s.Then)
		case s.Else != nil:
			return in.stmt(s.Else)
		}
	case *ast.While:
		for !in.left && in.eval(s.Cond) != 0 {
			if in.block(s.Body) == breaks {
				break
			}
		}
	case *ast.ForRange:
		v := in.prog.Vars[s.Var]
		end := in.eval(s.End)
		for i := in.eval(s.Start); i < end && !in.left; i++ {
			if v != nil {
				in.vars[v] = cut(i, v.Type)
			}
			if in.block(s.Body) == breaks {
				break
			}
		}
	case *ast.Unroll:
		for range in.eval(s.Count) {
			if in.block(s.Body) == breaks || in.left {
				break
			}
		}
	case *ast.Branch:
		if s.Keyword == "break" {
			return breaks
		}
		return continues
	case *ast.Return:
		in.left = true
	default:
		panic(fmt.Sprintf("the interpreter has no %T", s))
	}
	return goesOn
}

// cut converts a number to a type, extended to 64 bits again.
func cut(n int64, t types.Type) int64 {
	switch t := t.(type) {
	case types.Bool:
		return truthOf(n != 0)
	case types.Int:
		switch {
		case t.Bits == 8 && t.Signed:
			return int64(int8(n))
		case t.Bits == 8:
			return int64(uint8(n))
		case t.Bits == 16 && t.Signed:
			return int64(int16(n))
		case t.Bits == 16:
			return int64(uint16(n))
		case t.Bits == 32 && t.Signed:
			return int64(int32(n))
		case t.Bits == 32:
			return int64(uint32(n))
		}
	}
	return n
}

func truthOf(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// cell is where a variable or an element of a map lies, and its type.
func (in *interp) cell(e ast.Expr) (get func() int64, set func(int64), t types.Type) {
	if e, ok := e.(*ast.Var); ok {
		v := in.prog.Vars[e]
		return func() int64 { return in.vars[v] }, func(n int64) { in.vars[v] = cut(n, v.Type) }, v.Type
	}
	ref := e.(*ast.MapRef)
	m, key := in.maps[ref.Name], int64(0)
	if len(ref.Keys) > 0 {
		key = cut(in.eval(ref.Keys[0]), m.Key)
	}
	if in.elems[ref.Name] == nil {
		in.elems[ref.Name] = map[int64]int64{}
	}
	elems := in.elems[ref.Name]
	return func() int64 { return elems[key] }, func(n int64) { elems[key] = cut(n, m.Value) }, m.Value
}

func (in *interp) assign(s *ast.Assign) {
	n := in.eval(s.Value)
	if s.Target == nil {
		return
	}
	get, set, t := in.cell(s.Target)
	if s.Op == "=" {
		set(n)
		return
	}
	op := s.Op[:len(s.Op)-1]
	wide := types.CommonType(t, in.prog.Types[s.Value])
	if op == "<<" || op == ">>" {
		set(arithAs(op, t, get(), n))
		return
	}
	set(arithAs(op, wide, cut(get(), wide), cut(n, wide)))
}

func (in *interp) eval(e ast.Expr) int64 {
	t := in.prog.Types[e]
	switch e := e.(type) {
	case *ast.IntLit:
		return int64(e.Value)
	case *ast.BoolLit:
		return truthOf(e.Value)
	case *ast.Ident: // arg0 …
		return in.args[e.Name[len(e.Name)-1]-'0']
	case *ast.Var, *ast.MapRef:
		get, _, _ := in.cell(e)
		return get()
	case *ast.Unary:
		x := in.eval(e.X)
		switch e.Op {
		case "-":
			return cut(-cut(x, t), t)
		case "~":
			return cut(^cut(x, t), t)
		}
		return truthOf(x == 0)
	case *ast.IncDec:
		get, set, _ := in.cell(e.Target)
		old, step := get(), int64(1)
		if e.Op == "--" {
			step = -1
		}
		set(old + step)
		if e.Prefix {
			return get()
		}
		return old
	case *ast.Binary:
		return in.binary(e, t)
	case *ast.Ternary:
		if in.eval(e.Cond) != 0 {
			return cut(in.eval(e.X), t)
		}
		return cut(in.eval(e.Y), t)
	case *ast.Cast:
		return cut(in.eval(e.X), t)
	}
	panic(fmt.Sprintf("the interpreter has no %T", e))
}

func (in *interp) binary(e *ast.Binary, t types.Type) int64 {
	x := in.eval(e.X)
	switch {
	case e.Op == "&&" && x == 0:
		return 0
	case e.Op == "||" && x != 0:
		return 1
	}
	y := in.eval(e.Y)
	tx, ty := in.prog.Types[e.X], in.prog.Types[e.Y]
	if i, ok := t.(types.Int); ok && i.Range.Known {
		t = types.CommonType(tx, ty) // literals are computed without loss; the type tells the result
		if e.Op == "<<" || e.Op == ">>" {
			t = tx
		}
	}
	switch e.Op {
	case "&&", "||":
		return truthOf(y != 0)
	case "<<", ">>":
		return arithAs(e.Op, t, cut(x, t), y)
	case "==", "!=", "<", "<=", ">", ">=":
		wide := types.CommonType(tx, ty)
		return compareAs(e.Op, wide, cut(x, wide), cut(y, wide))
	}
	return arithAs(e.Op, t, cut(x, t), cut(y, t))
}

// arithAs is x op y in a type.
func arithAs(op string, t types.Type, x, y int64) int64 {
	ux, uy := uint64(x), uint64(y)
	var n int64
	switch op {
	case "+":
		n = x + y
	case "-":
		n = x - y
	case "*":
		n = x * y
	case "&":
		n = x & y
	case "|":
		n = x | y
	case "^":
		n = x ^ y
	case "<<":
		n = x << (uy & 63) // as the kernel shifts
	case ">>":
		n = x >> (uy & 63)
		if !signed(t) {
			n = int64(ux >> (uy & 63))
		}
	case "/":
		switch {
		case y == 0:
			n = 1 // as bpftrace has it
		case signed(t):
			n = x / y // Go, too, wraps the smallest number divided by -1
		default:
			n = int64(ux / uy)
		}
	case "%":
		switch {
		case y == 0:
			n = 1
		case signed(t):
			n = x % y
		default:
			n = int64(ux % uy)
		}
	default:
		panic("the interpreter has no " + op)
	}
	return cut(n, t)
}

func compareAs(op string, t types.Type, x, y int64) int64 {
	less := uint64(x) < uint64(y)
	if signed(t) {
		less = x < y
	}
	switch op {
	case "==":
		return truthOf(x == y)
	case "!=":
		return truthOf(x != y)
	case "<":
		return truthOf(less)
	case "<=":
		return truthOf(less || x == y)
	case ">":
		return truthOf(!less && x != y)
	}
	return truthOf(!less)
}
