package codegen

import "github.com/gotrace/gotrace/lang"

// walk visits a node and everything under it, parents first.
func walk(n lang.Node, visit func(lang.Node)) {
	lang.Inspect(n, func(n lang.Node) bool {
		visit(n)
		return true
	})
}

// callsExit says whether some probe of the script can call exit().
func callsExit(f *lang.File) bool {
	found := false
	for _, item := range f.Items {
		p, ok := item.(*lang.Probe)
		if !ok {
			continue
		}
		walk(p, func(n lang.Node) {
			if c, ok := n.(*lang.Call); ok && c.Name == "exit" {
				found = true
			}
		})
	}
	return found
}

// hasEffects says whether evaluating an expression can change something (a map, a variable, the ring
// buffer) or end the program.
func hasEffects(e lang.Expr) bool {
	found := false
	walk(e, func(n lang.Node) {
		switch n := n.(type) {
		case *lang.IncDec:
			found = true
		case *lang.BlockExpr:
			found = found || len(n.Body.Stmts) > 1 // with one, that is the value
		case *lang.Call:
			found = found || effectCalls[n.Name]
		}
	})
	return found
}

// changes says whether evaluating an expression can change a map of the script.
func changes(e lang.Expr, name string) bool {
	found := false
	is := func(e lang.Expr) bool {
		m, ok := e.(*lang.MapRef)
		return ok && m.Name == name
	}
	walk(e, func(n lang.Node) {
		switch n := n.(type) {
		case *lang.IncDec:
			found = found || is(n.Target)
		case *lang.Assign:
			found = found || is(n.Target)
		case *lang.Call:
			found = found || n.Name == "delete" && is(n.Args[0])
		}
	})
	return found
}

// effectCalls are the functions with a value that do more than compute it.
var effectCalls = map[string]bool{"delete": true}

// mentions says whether an expression reads a map of the script.
func mentions(e lang.Expr, name string) bool {
	found := false
	walk(e, func(n lang.Node) {
		if m, ok := n.(*lang.MapRef); ok && m.Name == name {
			found = true
		}
	})
	return found
}
