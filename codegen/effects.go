package codegen

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

// walk visits a node and everything under it, parents first.
func walk(n source.Node, visit func(source.Node)) {
	ast.Inspect(n, func(n source.Node) bool {
		visit(n)
		return true
	})
}

// callsExit says whether some probe of the script can call exit().
func callsExit(f *ast.File) bool {
	found := false
	for _, item := range f.Items {
		p, ok := item.(*ast.Probe)
		if !ok {
			continue
		}
		walk(p, func(n source.Node) {
			if c, ok := n.(*ast.Call); ok && c.Name == "exit" {
				found = true
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
			found = found || effectCalls[n.Name]
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
			found = found || n.Name == "delete" && is(n.Args[0])
		}
	})
	return found
}

// effectCalls are the functions with a value that do more than compute it.
var effectCalls = map[string]bool{"delete": true}

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
