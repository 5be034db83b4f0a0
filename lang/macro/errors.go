package macro

import (
	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/source"
)

func errArg(arg ast.Expr, m *ast.Macro, i int) source.Diagnostic {
	what := "a variable"
	name := ""
	switch p := m.Params[i].(type) {
	case *ast.Var:
		name = "$" + p.Name
	case *ast.MapRef:
		what, name = "a map without a key", "@"+p.Name
	}
	return source.Errorf(arg, "macro-argument", "the macro %s takes %s for %s", m.Name, what, name)
}

// errRecursion names the macros on the way from a call of m, by the frame that is innermost, to one of m again.
func errRecursion(n source.Node, m *ast.Macro, f *frame) source.Diagnostic {
	way := m.Name
	for ; f.macro != m; f = f.outer {
		way = f.macro.Name + " → " + way
	}
	return source.Errorf(n, "macro-recursion", "the macro %s calls itself: %s → %s", m.Name, m.Name, way)
}

func errCount(n source.Node, m *ast.Macro, have int) source.Diagnostic {
	want := len(m.Params)
	return source.Errorf(n, "argument-count", "the macro %s takes %d argument%s, not %d", m.Name, want, source.Plural(want), have)
}

func errMap(ref *ast.MapRef, m *ast.Macro) source.Diagnostic {
	return source.Errorf(ref, "macro-map", "the macro %s is not given @%s", m.Name, ref.Name).
		WithHint("make it a parameter: macro %s(@%s)", m.Name, ref.Name)
}
