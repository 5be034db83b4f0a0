package check

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/location"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// addressOf is &x: the address of a variable, of a map's value, or of a part of something. A variable of which the script takes an
// address lies in memory; that of an element that is not there is 0.
func (c *checker) addressOf(e *ast.Unary) types.Type {
	t := c.value(e.X)
	if t == nil {
		return nil
	}
	if v := c.rootOf(e.X); v != nil {
		if b := c.p.Vars[v]; b != nil {
			b.Addressed = true
		}
	}
	space := types.SpaceKernel
	switch x := e.X.(type) {
	case *ast.Var:
	case *ast.MapRef:
		if a, ok := c.mapUse(x).Value.(types.Agg); ok {
			c.report(source.Errorf(e, "no-address", "@%s holds %s(): it has a value for each CPU, and no address", x.Name, a.Kind))
			return nil
		}
	case *ast.FieldExpr:
		if why := c.noAddress(x); why != "" {
			c.report(source.Errorf(e, "no-address", "%s", why))
			return nil
		}
		space = c.addressSpace(x)
	case *ast.Index, *ast.TupleIndex:
		space = c.addressSpace(x)
	case *ast.Unary:
		if x.Op == "*" {
			if p, ok := c.p.Types[x.X].(types.Pointer); ok {
				return p
			}
			space = types.SpaceNone
			break
		}
		return c.valueAddress(e)
	default:
		return c.valueAddress(e)
	}
	return types.Pointer{Elem: types.Plain(t), Space: space}
}

// valueAddress reports the address of what is nowhere.
func (c *checker) valueAddress(e *ast.Unary) types.Type {
	c.report(source.Errorf(e, "no-address", "this has a value and no address").WithHint("let $x = …; &$x"))
	return nil
}

// addressSpace is the address space in which a part of something lies. What the program holds is the kernel's memory.
func (c *checker) addressSpace(e ast.Expr) types.AddrSpace {
	if f, ok := e.(*ast.FieldExpr); ok {
		if s, ok := c.p.Types[f.X].(*types.Struct); ok {
			field, _ := s.Field(f.Name)
			if m, ok := field.Loc.(location.Memory); ok && m.User {
				return types.SpaceUser
			}
		}
	}
	if c.inProgram(e) {
		return types.SpaceKernel
	}
	return c.spaceOf(e)
}

// inProgram says whether an expression names a part of what the program holds itself, rather than of what a pointer points to.
func (c *checker) inProgram(e ast.Expr) bool {
	x := outerOf(e)
	switch {
	case x == nil:
		return !types.Is(c.p.Types[e], types.KindPointer)
	case types.Is(c.p.Types[x], types.KindPointer):
		return false
	}
	return c.inProgram(x)
}

// outerOf is what an expression names a part of, nil if it names none.
func outerOf(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.FieldExpr:
		return e.X
	case *ast.Index:
		return e.X
	case *ast.TupleIndex:
		return e.X
	case *ast.Unary:
		if e.Op == "*" {
			return e.X
		}
	}
	return nil
}

// rootOf is the variable that holds what an expression names, nil if none does.
func (c *checker) rootOf(e ast.Expr) *ast.Var {
	for {
		if v, ok := e.(*ast.Var); ok {
			return v
		}
		x := outerOf(e)
		if x == nil || types.Is(c.p.Types[x], types.KindPointer) {
			return nil
		}
		e = x
	}
}

// noAddress says why a field has no address: "" if it has one.
func (c *checker) noAddress(e *ast.FieldExpr) string {
	s := structBehind(c.p.Types[e.X])
	if s == nil {
		return ""
	}
	f, ok := s.Field(e.Name)
	switch {
	case ok && f.BitSize != 0:
		return e.Name + " is a bitfield: it has no address"
	case ok && f.Loc != nil && !location.InMemory(f.Loc):
		return "the argument " + e.Name + " does not lie in memory: it has no address"
	}
	return ""
}
