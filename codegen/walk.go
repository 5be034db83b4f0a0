package codegen

import "github.com/gotrace/gotrace/lang"

// walk visits a node and everything under it, parents first.
func walk(n lang.Node, visit func(lang.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, c := range children(n) {
		walk(c, visit)
	}
}

// children are the direct parts of a node, in source order.
func children(n lang.Node) []lang.Node {
	if s, ok := n.(lang.Stmt); ok {
		return stmtChildren(s)
	}
	switch n := n.(type) {
	case *lang.Unary:
		return nodes(n.X)
	case *lang.IncDec:
		return nodes(n.Target)
	case *lang.Binary:
		return nodes(n.X, n.Y)
	case *lang.Ternary:
		return nodes(n.Cond, n.X, n.Y)
	case *lang.Cast:
		return nodes(n.X)
	case *lang.FieldExpr:
		return nodes(n.X)
	case *lang.TupleIndex:
		return nodes(n.X)
	case *lang.Index:
		return nodes(n.X, n.I)
	case *lang.Call:
		return nodes(n.Args...)
	case *lang.MapRef:
		return nodes(n.Keys...)
	case *lang.TupleExpr:
		return nodes(n.Elems...)
	case *lang.BlockExpr:
		return []lang.Node{n.Body}
	}
	return nil // names and literals; the operand of sizeof is not evaluated
}

func stmtChildren(s lang.Stmt) []lang.Node {
	switch s := s.(type) {
	case *lang.Block:
		out := make([]lang.Node, len(s.Stmts))
		for i, x := range s.Stmts {
			out[i] = x
		}
		return out
	case *lang.ExprStmt:
		return nodes(s.X)
	case *lang.Assign:
		return nodes(s.Target, s.Value)
	case *lang.Let:
		return nodes(s.Value)
	case *lang.If:
		out := append(nodes(s.Cond), s.Then)
		if s.Else != nil {
			out = append(out, s.Else)
		}
		return out
	case *lang.While:
		return append(nodes(s.Cond), s.Body)
	case *lang.ForRange:
		return append(nodes(s.Start, s.End), s.Body)
	case *lang.ForMap:
		return append(nodes(s.Map), s.Body)
	case *lang.Unroll:
		return append(nodes(s.Count), s.Body)
	case *lang.Return:
		return nodes(s.Value)
	}
	return nil
}

// nodes are the expressions that are there.
func nodes(exprs ...lang.Expr) []lang.Node {
	var out []lang.Node
	for _, e := range exprs {
		if e != nil {
			out = append(out, e)
		}
	}
	return out
}

// callsExit says whether some probe of the script can call exit().
func callsExit(f *lang.File) bool {
	found := false
	for _, item := range f.Items {
		p, ok := item.(*lang.Probe)
		if !ok {
			continue
		}
		walk(p.Body, func(n lang.Node) {
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
		case *lang.BlockExpr, *lang.IncDec:
			found = true
		case *lang.Call:
			found = found || effectCalls[n.Name]
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
