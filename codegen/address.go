package codegen

import (
	"github.com/gotrace/gotrace/codegen/internal/ir"
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/types"
)

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
