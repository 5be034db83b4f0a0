package codegen

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// walk visits a node and everything under it, parents first.
func walk(n source.Node, visit func(source.Node)) {
	ast.Inspect(n, func(n source.Node) bool {
		visit(n)
		return true
	})
}

// canEnd says whether some probe of the script can end the run, with exit().
func canEnd(f *ast.File) bool {
	found := false
	for _, item := range f.Items {
		p, ok := item.(*ast.Probe)
		if !ok {
			continue
		}
		walk(p, func(n source.Node) {
			if c, ok := n.(*ast.Call); ok {
				b := builtin.Find(c.Name)
				found = found || b != nil && b.Ends
			}
		})
	}
	return found
}

// hasEffects says whether evaluating an expression can change something (a map, a variable, the ring
// buffer) or end the program.
func hasEffects(e ast.Expr) bool {
	found := false
	walk(e, func(n source.Node) {
		switch n := n.(type) {
		case *ast.IncDec:
			found = true
		case *ast.BlockExpr:
			found = found || len(n.Body.Stmts) > 1 // with one, that is the value
		case *ast.Call:
			b := builtin.Find(n.Name)
			found = found || b.HasEffect() && !b.Aggregate // what aggregates changes its own map only, in the end
		}
	})
	return found
}

// changes says whether evaluating an expression can change a map of the script.
func changes(e ast.Expr, name string) bool {
	found := false
	is := func(e ast.Expr) bool {
		m, ok := e.(*ast.MapRef)
		return ok && m.Name == name
	}
	walk(e, func(n source.Node) {
		switch n := n.(type) {
		case *ast.IncDec:
			found = found || is(n.Target)
		case *ast.Assign:
			found = found || is(n.Target)
		case *ast.Call:
			found = found || mapUseOf(n.Name) == builtin.MapRemoves && is(n.Args[0])
		}
	})
	return found
}

// mentions says whether an expression reads a map of the script.
func mentions(e ast.Expr, name string) bool {
	found := false
	walk(e, func(n source.Node) {
		if m, ok := n.(*ast.MapRef); ok && m.Name == name {
			found = true
		}
	})
	return found
}
