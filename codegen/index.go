package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/effects"
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/codegen/layout"
	"github.com/gotrace/gotrace/lang"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// indexExpr is x[i] on an array, a string or a pointer. Only what a pointer points to has no end: an index outside of an array or of a string that the
// script holds is counted and gives 0. Arrays of one element or none at the other end of a pointer are C's way to say that more may follow.
func (l *lowerer) indexExpr(e *ast.Index) operand {
	t := l.typeOf(e)
	x := l.expr(e.X)
	if tuple, ok := x.typ.(types.Tuple); ok {
		c, _ := l.constOf(e.I)
		return l.element(x, tuple, int(c.Int))
	}
	if stack, ok := x.typ.(types.Stack); ok {
		return l.frameAt(e, x, stack)
	}
	p, elem := l.indexPlace(e, x)
	if types.InMemory(elem) {
		return l.object(t, p, elem)
	}
	o := l.loadAt(p, elem)
	o.typ = t
	return o
}

// indexPlace is where x[i] lies, and its type.
func (l *lowerer) indexPlace(e *ast.Index, x operand) (place, types.Type) {
	p, elem, n := l.indexed(x, e.I)
	size := elem.Size()
	if n == 0 {
		l.fail(e, "index it through the pointer to the struct", "a copy of a struct has no elements of its flexible array")
	}
	if c, ok := l.constOf(e.I); ok {
		p = p.at(int(int64(c.Int)) * size)
	} else {
		i := l.numExpr(e.I)
		l.b.Pos = e.Pos
		p = l.variableIndex(p, i, size, n)
	}
	return p, elem
}

// unlimited is the number of elements where that is not known: C's rules hold.
const unlimited = -1

// indexed is where the elements of x lie, their type, and how many of them x holds.
func (l *lowerer) indexed(x operand, i ast.Expr) (p place, elem types.Type, n int) {
	switch t := x.typ.(type) {
	case types.Array:
		if x.mem.ours() && (t.Len > 0 || x.mem.space != types.SpaceCtx) || t.Len > 1 {
			return x.mem, t.Elem, t.Len
		}
		return x.mem, t.Elem, unlimited
	case types.Pointer:
		return l.pointee(x), t.Elem, unlimited
	}
	char := types.Int{Bits: 8, Signed: true}
	if x.mem.chars {
		if n := x.typ.Size() - 1; n > 1 || x.mem.ours() {
			return x.mem, char, n
		}
		return x.mem, char, unlimited
	}
	x = l.materialize(x)
	if c, ok := l.constOf(i); !ok || c.Int > 0 { // what comes after the NUL is 0
		x.mem = l.exactOperand(x, x.typ)
	}
	return x.mem, char, x.typ.Size()
}

// ours says that a place is held by the script or lies in the context: it has an end.
func (p place) ours() bool { return p.own || p.space == types.SpaceBPF || p.space == types.SpaceCtx }

// variableIndex is p[i] of n elements. Offsets that are not constant cannot be added to typed pointers or the
// context, so that the element is then read by a helper from its plain address.
func (l *lowerer) variableIndex(p place, i *ir.Value, size, n int) place {
	if n == unlimited {
		return place{base: l.elementAddr(p, i, size), space: helperSpace(p.space)}
	}
	ours := p.ours()
	p = l.outOfCtx(p, n*size)
	f := l.fn.fn
	in, out, end := f.NewBlock("inside"), f.NewBlock("outside"), f.NewBlock("element")
	addr := end.AddParam()
	l.b.BranchUnlikely(ir.UGe, i, l.b.Const(int64(n)), out, in)
	l.b.At(out)
	l.countFailure(&layout.Site{Kind: layout.SiteIndex, Pos: l.b.Pos})
	l.b.Jump(end, l.b.Op(ir.OpScalar, l.zeros(size)))
	l.b.At(in)
	l.b.Jump(end, l.elementAddr(p, i, size))
	l.b.At(end)
	switch {
	case ours:
		return place{base: addr, space: types.SpaceKernel, own: true}
	case p.space == types.SpaceUser:
		return place{base: addr, space: types.SpaceNone} // or the kernel's: the zeros are
	}
	return place{base: addr, space: helperSpace(p.space)}
}

// elementAddr is the address of p[i] as a number.
func (l *lowerer) elementAddr(p place, i *ir.Value, size int) *ir.Value {
	return l.b.Op(ir.OpAdd, l.scalarAddr(p), l.b.OpImm(ir.OpMul, i, int64(size)))
}

// indexedVars are the variables that some index looks into: their strings are padded with zeros, so that there is nothing behind the NUL.
func indexedVars(p *lang.Prog) map[*lang.Variable]bool {
	vars := map[*lang.Variable]bool{}
	visit := func(n source.Node) {
		if e, ok := n.(*ast.Index); ok {
			if v := rootVar(e.X); v != nil {
				vars[p.Vars[v]] = true
			}
		}
	}
	for _, part := range p.Parts() {
		effects.Walk(part, visit)
	}
	return vars
}

// rootVar is the variable that an expression takes a part of, nil if it is none.
func rootVar(e ast.Expr) *ast.Var {
	for {
		switch x := e.(type) {
		case *ast.Var:
			return x
		case *ast.TupleIndex:
			e = x.X
		case *ast.FieldExpr:
			e = x.X
		case *ast.Index:
			e = x.X
		default:
			return nil
		}
	}
}

// addressOf is &x as a number, through which programs read as through any other address of the kernel's. A variable of which the script
// takes an address lies in scratch memory, which keeps it until the run's end: see newHome.
func (l *lowerer) addressOf(e ast.Expr) *ir.Value {
	switch e := e.(type) {
	case *ast.Var:
		return l.scalarAddr(l.varPlace(l.prog.Vars[e]))
	case *ast.MapRef:
		return l.elementAddress(e)
	case *ast.Unary:
		return l.numExpr(e.X) // &*p
	}
	return l.scalarAddr(l.partPlace(e))
}

// elementAddress is the address of a map's value, 0 if there is none with that key.
func (l *lowerer) elementAddress(ref *ast.MapRef) *ir.Value {
	m := l.mapOf(ref)
	if m.Key == nil {
		return l.b.Op(ir.OpScalar, l.keyless(m)())
	}
	mk := l.mark()
	defer l.release(mk)
	return l.b.Op(ir.OpScalar, l.lookup(l.mapKey(ref)))
}

// partPlace is where a part of something lies: a field, or an element of an array or a tuple.
func (l *lowerer) partPlace(e ast.Expr) place {
	if types.InMemory(l.typeOf(e)) {
		return l.expr(e).mem
	}
	switch e := e.(type) {
	case *ast.FieldExpr:
		return l.fieldPlace(e)
	case *ast.TupleIndex:
		o := l.tupleOf(l.expr(e.X))
		return o.mem.at(o.typ.(types.Tuple).Offset(e.N))
	case *ast.Index:
		x := l.expr(e.X)
		if tuple, ok := x.typ.(types.Tuple); ok {
			c, _ := l.constOf(e.I)
			return x.mem.at(tuple.Offset(int(c.Int)))
		}
		p, _ := l.indexPlace(e, x)
		return p
	}
	l.fail(e, "", "internal: the address of %T", e)
	return l.temp("nothing", 8)
}

// fieldPlace is where a field that is a number or a pointer lies.
func (l *lowerer) fieldPlace(e *ast.FieldExpr) place {
	if f, ok := l.namedArgument(e); ok {
		return l.placeOf(e, f.Loc)
	}
	o := l.expr(e.X)
	if r := types.TupleBehind(o.typ); r != nil {
		return l.tupleOf(o).mem.at(r.Offset(r.Find(e.Name)))
	}
	s, p := l.structOf(o)
	if s == nil {
		l.fail(e, "", "internal: field of %s", o.typ)
		return l.temp("nothing", 8)
	}
	f, _ := s.Field(e.Name)
	return p.at(f.Offset)
}

// typeFuncs are about types.
var typeFuncs = map[string]callee{
	"container_of": func(l *lowerer, c *ast.Call) operand {
		off, _ := l.constOf(c.Args[1])
		return operand{typ: l.typeOf(c), val: l.b.OpImm(ir.OpSub, l.numExpr(c.Args[0]), int64(off.Int))}
	},
	"static_assert": func(*lowerer, *ast.Call) operand { return nothing }, // the checker has seen to it
}
