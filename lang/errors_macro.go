package lang

import "strings"

func errMacroArg(arg Expr, m *Macro, i int) Diagnostic {
	what := "a variable"
	name := ""
	switch p := m.Params[i].(type) {
	case *Var:
		name = "$" + p.Name
	case *MapRef:
		what, name = "a map without a key", "@"+p.Name
	}
	return Errorf(arg, "macro-argument", "the macro %s takes %s for %s", m.Name, what, name)
}

// errMacroRecursion names the macros on the way from a call of m, by the frame that is innermost, to one of m again.
func errMacroRecursion(n Node, m *Macro, f *frame) Diagnostic {
	way := m.Name
	for ; f.macro != m; f = f.outer {
		way = f.macro.Name + " → " + way
	}
	return Errorf(n, "macro-recursion", "the macro %s calls itself: %s → %s", m.Name, m.Name, way)
}

func errMacroCount(n Node, m *Macro, have int) Diagnostic {
	want := len(m.Params)
	return Errorf(n, "argument-count", "the macro %s takes %d argument%s, not %d", m.Name, want, plural(want), have)
}

func errMacroMap(ref *MapRef, m *Macro) Diagnostic {
	return Errorf(ref, "macro-map", "the macro %s is not given @%s", m.Name, ref.Name).
		WithHint("make it a parameter: macro %s(@%s)", m.Name, ref.Name)
}

// writtenName is the name of a variable as the script has it.
func writtenName(name string) string {
	name, _, _ = strings.Cut(name, hiddenMark)
	return name
}
