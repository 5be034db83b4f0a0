// Package effects says what evaluating a part of a script does: whether it changes maps or variables, sends something or ends the run.
package effects

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
)

// Walk visits a node and everything under it, parents first.
func Walk(n source.Node, visit func(source.Node)) {
	ast.Inspect(n, func(n source.Node) bool {
		visit(n)
		return true
	})
}

// CanEnd says whether some probe of the script can end the run, with exit().
func CanEnd(f *ast.File) bool {
	found := false
	for _, item := range f.Items {
		switch item.(type) {
		case *ast.Probe, *ast.Func:
		default:
			continue
		}
		Walk(item, func(n source.Node) {
			if c, ok := n.(*ast.Call); ok {
				b := builtin.Find(c.Name)
				found = found || b != nil && b.Ends
			}
		})
	}
	return found
}

// Has says whether evaluating an expression can change something (a map, a variable, the ring
// buffer) or end the program.
func Has(e ast.Expr) bool {
	found := false
	Walk(e, func(n source.Node) {
		switch n := n.(type) {
		case *ast.IncDec:
			found = true
		case *ast.BlockExpr:
			found = found || len(n.Body.Stmts) > 1 // with one, that is the value
		case *ast.Call:
			b := builtin.Find(n.Name)
			found = found || b == nil || b.HasEffect() && !b.Aggregate // a function of the script may do anything; what aggregates changes its own map only, in the end
		}
	})
	return found
}

// Changes says whether evaluating an expression can change a map of the script.
func Changes(e ast.Expr, name string) bool {
	found := false
	is := func(e ast.Expr) bool {
		m, ok := e.(*ast.MapRef)
		return ok && m.Name == name
	}
	Walk(e, func(n source.Node) {
		switch n := n.(type) {
		case *ast.IncDec:
			found = found || is(n.Target)
		case *ast.Assign:
			found = found || is(n.Target)
		case *ast.Call:
			found = found || builtin.Find(n.Name) == nil || OnMap(n.Name) == builtin.MapRemoves && is(n.Args[0])
		}
	})
	return found
}

// Mentions says whether an expression reads a map of the script.
func Mentions(e ast.Expr, name string) bool {
	found := false
	Walk(e, func(n source.Node) {
		switch n := n.(type) {
		case *ast.MapRef:
			found = found || n.Name == name
		case *ast.Call:
			found = found || builtin.Find(n.Name) == nil // a function of the script
		}
	})
	return found
}

// OnMap is what a function does to the map that its first argument names.
func OnMap(name string) builtin.MapUse {
	if b := builtin.Find(name); b != nil {
		return b.Map
	}
	return builtin.MapValue
}

// MaxUnrolled is how many statements all unrolled bodies of a program may come to: more take the verifier too long.
const MaxUnrolled = 20_000
