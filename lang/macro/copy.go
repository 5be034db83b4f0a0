package macro

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// block copies a block. Bodies of probes and of macros that are not called share nothing with their copies.
func (e *expander) block(b *ast.Block) *ast.Block {
	if b == nil {
		return nil
	}
	out := *b
	out.Stmts = make([]ast.Stmt, 0, len(b.Stmts))
	for _, s := range b.Stmts {
		if !e.grow(s) {
			break
		}
		out.Stmts = append(out.Stmts, e.stmt(s))
	}
	return &out
}

func (e *expander) stmt(s ast.Stmt) ast.Stmt {
	switch s := s.(type) {
	case *ast.ExprStmt:
		c := *s
		if !s.NoSemi {
			e.effect = s.X
		}
		c.X = e.expr(s.X)
		return &c
	case *ast.Assign:
		c := *s
		c.Target, c.Value = e.optional(s.Target), e.expr(s.Value)
		return &c
	case *ast.Let:
		c := *s
		c.Value = e.optional(s.Value)
		c.Var, c.Type = e.variable(s.Var), e.typeName(s.Type)
		return &c
	case *ast.If:
		c := *s
		c.Cond, c.Then = e.expr(s.Cond), e.block(s.Then)
		if s.Else != nil {
			c.Else = e.stmt(s.Else)
		}
		return &c
	case *ast.While:
		c := *s
		c.Cond, c.Body = e.expr(s.Cond), e.block(s.Body)
		return &c
	case *ast.ForRange:
		c := *s
		c.Var, c.Start, c.End, c.Body = e.variable(s.Var), e.expr(s.Start), e.expr(s.End), e.block(s.Body)
		return &c
	case *ast.ForMap:
		c := *s
		c.Var, c.Map, c.Body = e.variable(s.Var), e.mapRef(s.Map), e.block(s.Body)
		return &c
	case *ast.Unroll:
		c := *s
		c.Count, c.Body = e.expr(s.Count), e.block(s.Body)
		return &c
	case *ast.Return:
		if e.frame != nil {
			e.report(source.Errorf(s, "macro-return", "return cannot stand in a macro: it would end the probe").
				WithHint("the value of a macro is its last expression, without a semicolon"))
		}
		c := *s
		c.Value = e.optional(s.Value)
		return &c
	case *ast.Block:
		return e.block(s)
	}
	return s // break, continue, import: nothing in them changes
}

func (e *expander) optional(x ast.Expr) ast.Expr {
	if x == nil {
		return nil
	}
	return e.expr(x)
}

func (e *expander) list(in []ast.Expr) []ast.Expr {
	var out []ast.Expr
	for _, x := range in {
		out = append(out, e.expr(x))
	}
	return out
}

func (e *expander) expr(x ast.Expr) ast.Expr {
	if !e.grow(x) {
		return x
	}
	switch x := x.(type) {
	case *ast.Ident:
		return e.ident(x)
	case *ast.Var:
		return e.variable(x)
	case *ast.MapRef:
		return e.mapRef(x)
	case *ast.Call:
		c := *x
		c.Args = e.list(x.Args)
		for f := e.frame; f != nil; f = f.outer {
			c.From = append(c.From, f.call)
		}
		if m, ok := e.call(x, x.Name, c.Args); ok {
			return m
		}
		c.Name = e.function(x.Name)
		return &c
	case *ast.IntLit, *ast.StrLit, *ast.BoolLit, *ast.Param:
		return e.literal(x)
	case *ast.Unary:
		c := *x
		c.X = e.expr(x.X)
		return &c
	case *ast.IncDec:
		c := *x
		c.Target = e.expr(x.Target)
		return &c
	case *ast.Binary:
		c := *x
		c.X, c.Y = e.expr(x.X), e.expr(x.Y)
		return &c
	case *ast.Ternary:
		c := *x
		c.Cond = e.expr(x.Cond)
		c.X = c.Cond
		if x.X != x.Cond {
			c.X = e.expr(x.X)
		}
		c.Y = e.expr(x.Y)
		return &c
	case *ast.Cast:
		return ast.NewCast(x.Span, e.typeName(x.Type), e.expr(x.X))
	}
	return e.other(x)
}

// other copies the expressions that are left.
func (e *expander) other(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.FieldExpr:
		c := *x
		c.X = e.expr(x.X)
		return &c
	case *ast.TupleIndex:
		c := *x
		c.X = e.expr(x.X)
		return &c
	case *ast.Index:
		c := *x
		c.X, c.I = e.expr(x.X), e.expr(x.I)
		return &c
	case *ast.TupleExpr:
		c := *x
		c.Elems = e.list(x.Elems)
		return &c
	case *ast.RecordExpr:
		c := *x
		c.Elems = e.list(x.Elems)
		return &c
	case *ast.Sizeof:
		c := *x
		c.Type, c.X = e.typeOrExpr(x.Type, x.X)
		return &c
	case *ast.Offsetof:
		c := *x
		c.Type, c.X = e.typeOrExpr(x.Type, x.X)
		return &c
	case *ast.Typeinfo:
		c := *x
		c.Type, c.X = e.typeOrExpr(x.Type, x.X)
		return &c
	case *ast.TypeExpr:
		c := *x
		c.Type = e.typeName(x.Type)
		return &c
	case *ast.Comptime:
		c := *x
		c.X = e.expr(x.X)
		return &c
	case *ast.BlockExpr:
		c := *x
		c.Body = e.block(x.Body)
		return &c
	}
	return x
}

// literal copies a constant.
func (e *expander) literal(x ast.Expr) ast.Expr {
	switch x := x.(type) {
	case *ast.IntLit:
		c := *x
		return &c
	case *ast.StrLit:
		c := *x
		return &c
	case *ast.BoolLit:
		c := *x
		return &c
	case *ast.Param:
		c := *x
		return &c
	}
	return x
}

// ident is a parameter, a macro without arguments, or any other name.
func (e *expander) ident(x *ast.Ident) ast.Expr {
	if e.frame != nil {
		if arg, ok := e.frame.exprs[x.Name]; ok {
			x := e.substitute(arg)
			e.values[x] = true
			return x
		}
	}
	if b := builtin.Find(x.Name); b.There() && b.Variable { // without parentheses it stays what it is
		c := *x
		return &c
	}
	if m, ok := e.call(x, x.Name, nil); ok {
		return m
	}
	c := *x
	return &c
}

// variable copies a variable: in a macro it is a parameter or the macro's own.
func (e *expander) variable(x *ast.Var) *ast.Var {
	c := *x
	if f := e.frame; f != nil {
		if name, ok := f.vars[x.Name]; ok {
			c.Name = name
		} else {
			c.Name += f.suffix
		}
	}
	return &c
}

// mapRef copies a map. A macro can only reach those it is given.
func (e *expander) mapRef(x *ast.MapRef) *ast.MapRef {
	c := *x
	c.Keys = e.list(x.Keys)
	if f := e.frame; f != nil {
		name, ok := f.maps[x.Name]
		if !ok {
			e.report(errMap(x, f.macro))
			return &c
		}
		c.Name = name
	}
	return &c
}

// typeName copies a type; the name of a parameter that is a type is replaced.
func (e *expander) typeName(t *ast.TypeName) *ast.TypeName {
	if t == nil {
		return nil
	}
	c := *t
	c.Dims = append([]int(nil), t.Dims...)
	if t.Of != nil {
		c.Of = e.expr(t.Of)
		if arg, ok := c.Of.(*ast.TypeExpr); ok {
			return wrapType(&c, arg.Type)
		}
		return &c
	}
	if e.frame == nil || t.Keyword != "" {
		return &c
	}
	switch arg := e.frame.exprs[t.Name].(type) {
	case nil:
	case *ast.TypeExpr:
		return wrapType(&c, arg.Type)
	default:
		c.Keyword, c.Name, c.Of = "", "", e.substitute(arg)
	}
	return &c
}

// wrapType is the type arg with the pointers and sizes that are written around the parameter's name.
func wrapType(t, arg *ast.TypeName) *ast.TypeName {
	out := *arg
	out.Span = t.Span
	if len(arg.Dims) > 0 || arg.Outer > 0 {
		out.Outer += t.Stars
	} else {
		out.Stars += t.Stars
	}
	out.Dims = append(append([]int(nil), t.Dims...), arg.Dims...)
	out.Outer += t.Outer
	return &out
}

// typeOrExpr copies the operand of sizeof and the like. A parameter in the place of a type may be an expression.
func (e *expander) typeOrExpr(t *ast.TypeName, x ast.Expr) (*ast.TypeName, ast.Expr) {
	if t == nil {
		x = e.expr(x)
		if arg, ok := x.(*ast.TypeExpr); ok {
			return arg.Type, nil
		}
		return nil, x
	}
	return e.typeName(t), nil
}
