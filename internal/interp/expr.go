package interp

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

// cell is where a variable or an element of a map lies.
type cell struct {
	get func() any
	set func(any)
	typ types.Type
}

func (m *Machine) cell(e ast.Expr) cell {
	switch e := e.(type) {
	case *ast.Var:
		v := m.prog.Vars[e]
		if v == nil {
			dontKnow("what $%s is", e.Name)
		}
		get := func() any {
			if x, ok := m.vars[v]; ok {
				return x
			}
			return zero(v.Type)
		}
		return cell{get, func(x any) { m.vars[v] = convert(x, v.Type) }, v.Type}
	case *ast.MapRef:
		t := m.maps[e.Name]
		key := m.key(t, e.Keys)
		return cell{func() any { return t.read(key) }, func(x any) { t.write(key, x) }, types.Value(t.m.Value)}
	}
	dontKnow("how to assign to %T", e)
	return cell{}
}

func (m *Machine) eval(e ast.Expr) any {
	t := m.prog.Types[e]
	switch e := e.(type) {
	case *ast.IntLit:
		return int64(e.Value)
	case *ast.BoolLit:
		return boolean(e.Value)
	case *ast.StrLit:
		s, _, _ := strings.Cut(e.Value, "\x00")
		return s
	case *ast.Ident:
		return m.ident(e)
	case *ast.Var, *ast.MapRef:
		return m.cell(e).get()
	case *ast.Unary:
		return m.unary(e, t)
	case *ast.IncDec:
		return m.step(e)
	case *ast.Binary:
		return m.binary(e, t)
	case *ast.Ternary:
		return m.ternary(e, t)
	case *ast.Cast:
		switch t.(type) {
		case types.Int, types.Bool, types.String:
			return convert(m.eval(e.X), t)
		}
	case *ast.TupleExpr:
		out := make([]any, len(e.Elems))
		for i, x := range e.Elems {
			out[i] = m.eval(x)
		}
		return out
	case *ast.TupleIndex:
		list, ok := m.eval(e.X).([]any)
		if ok && e.N < len(list) {
			return list[e.N]
		}
	case *ast.BlockExpr:
		return m.blockExpr(e)
	case *ast.Call:
		return m.call(e)
	case *ast.Comptime:
		return m.eval(e.X)
	case *ast.Sizeof, *ast.Offsetof:
		if c, ok := m.prog.Consts[e]; ok && c.Str == nil {
			return int64(c.Int)
		}
	}
	dontKnow("%T of type %v", e, t)
	return nil
}

// ident is a bare name: an argument, a clock that has begun to run, or a constant.
func (m *Machine) ident(e *ast.Ident) any {
	if n, ok := strings.CutPrefix(e.Name, "arg"); ok && len(n) == 1 && int(n[0]-'0') < len(m.Args) {
		return m.Args[n[0]-'0']
	}
	if c, ok := m.prog.Consts[e]; ok && e.Name != "cpid" {
		return constant(c)
	}
	if e.Name == "nsecs" {
		return int64(someTime)
	}
	dontKnow("%s", e.Name)
	return nil
}

func (m *Machine) unary(e *ast.Unary, t types.Type) any {
	x := m.eval(e.X)
	switch e.Op {
	case "-":
		return Cut(-Cut(number(x), t), t)
	case "~":
		return Cut(^Cut(number(x), t), t)
	case "+":
		return x
	case "!":
		return boolean(!truth(x))
	}
	dontKnow("the operator %s", e.Op)
	return nil
}

func (m *Machine) step(e *ast.IncDec) any {
	c := m.cell(e.Target)
	by := int64(1)
	if e.Op == "--" {
		by = -1
	}
	old := c.get()
	c.set(number(old) + by)
	if e.Prefix {
		return c.get()
	}
	return old
}

func (m *Machine) ternary(e *ast.Ternary, t types.Type) any {
	cond := m.eval(e.Cond)
	var x any
	switch {
	case !truth(cond):
		x = m.eval(e.Y)
	case e.X == e.Cond:
		x = cond
	default:
		x = m.eval(e.X)
	}
	if t == nil || types.Is(t, types.KindNone) {
		return nil
	}
	return convert(x, t)
}

// blockExpr is the value of the last statement, which has no semicolon.
func (m *Machine) blockExpr(e *ast.BlockExpr) any {
	for i, s := range e.Body.Stmts {
		if last, ok := s.(*ast.ExprStmt); ok && last.NoSemi && i == len(e.Body.Stmts)-1 {
			return m.eval(last.X)
		}
		if f := m.stmt(s); f != goesOn {
			dontKnow("break out of an expression")
		}
		if m.left {
			return nil
		}
	}
	return nil
}

func (m *Machine) binary(e *ast.Binary, t types.Type) any {
	x := m.eval(e.X)
	switch {
	case e.Op == "&&" && !truth(x), e.Op == "||" && truth(x):
		return boolean(e.Op == "||")
	}
	y := m.eval(e.Y)
	tx, ty := m.prog.Types[e.X], m.prog.Types[e.Y]
	switch e.Op {
	case "&&", "||":
		return boolean(truth(y))
	case "==":
		return boolean(equal(x, y, tx, ty))
	case "!=":
		return boolean(!equal(x, y, tx, ty))
	}
	if i, ok := t.(types.Int); ok && i.Range.Known {
		t = types.CommonType(tx, ty) // literals are computed without loss; the type tells the result
		if e.Op == "<<" || e.Op == ">>" {
			t = tx
		}
	}
	a, b := number(x), number(y)
	switch e.Op {
	case "<<", ">>":
		return Arith(e.Op, t, Cut(a, t), b)
	case "<", "<=", ">", ">=":
		wide := types.CommonType(tx, ty)
		return Compare(e.Op, wide, Cut(a, wide), Cut(b, wide))
	}
	return Arith(e.Op, t, Cut(a, t), Cut(b, t))
}

// Compare is x op y, which is 1 or 0, for numbers of a type.
func Compare(op string, t types.Type, x, y int64) int64 {
	switch op {
	case "<":
		return boolean(less(x, y, t))
	case "<=":
		return boolean(!less(y, x, t))
	case "==":
		return boolean(x == y)
	case "!=":
		return boolean(x != y)
	case ">":
		return boolean(less(y, x, t))
	}
	return boolean(!less(x, y, t))
}

// Arith is x op y in a type, wrapped around in it.
func Arith(op string, t types.Type, x, y int64) int64 {
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
	case "/", "%":
		n = divide(op, t, x, y)
	default:
		dontKnow("the operator %s", op)
	}
	return Cut(n, t)
}

// divide gives 1 where the divisor is 0, as bpftrace has it.
func divide(op string, t types.Type, x, y int64) int64 {
	switch {
	case y == 0:
		return 1
	case signed(t) && op == "/":
		return x / y // Go, too, wraps the smallest number divided by -1
	case signed(t):
		return x % y
	case op == "/":
		return int64(uint64(x) / uint64(y))
	}
	return int64(uint64(x) % uint64(y))
}
