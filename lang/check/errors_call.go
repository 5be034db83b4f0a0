package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

func errNotConstant(n source.Node, call, what string) source.Diagnostic {
	return source.Errorf(n, "not-constant", "%s() takes %s known at compile time here", call, what)
}

func errUnsafe(e *ast.Call) source.Diagnostic {
	return source.Errorf(e, "unsafe", "%s() changes the traced system: it is only allowed with --unsafe", e.Name)
}

func errUnknownClock(id *ast.Ident) source.Diagnostic {
	return withNear(source.Errorf(id, "unknown-name", "nsecs() has no clock %s", id.Name), "", source.Nearest(id.Name, builtin.ClockNames()))
}

func errFormatCount(e *ast.Call, want, have int) source.Diagnostic {
	return source.Errorf(e, "format-arguments", "the format has %d conversion%s, but there %s %d argument%s",
		want, source.Plural(want), areIs(have), have, source.Plural(have))
}

func areIs(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// errPrinted is about a value that cannot be printed: it has none, or is too large.
func errPrinted(n source.Node, t types.Type) source.Diagnostic {
	if t.Size() > maxPrinted {
		return source.Errorf(n, "too-large", "this has %d bytes: a program can hold values of up to %d", t.Size(), maxPrinted).
			WithHint("read what you need of it through a pointer")
	}
	return source.Errorf(n, "print-type", "a %s cannot be printed", t)
}

func errConversion(n source.Node, conversion string, t types.Type) source.Diagnostic {
	if !printable(t) {
		return errPrinted(n, t)
	}
	return source.Errorf(n, "format-type", "%s cannot print a %s", conversion, t).WithHint("%%s prints any value")
}

// warnCutText is about a text that str() cuts for the length that it is given or, if limited, for max_strlen.
func warnCutText(e *ast.Call, text string, most int, limited bool) source.Diagnostic {
	d := source.Warningf(e, "string-cut", "str() takes %d of the %d characters of %q", most, len(text), source.CutText(text))
	if limited {
		return d.WithHint("allow longer strings: config = { max_strlen = %d }", len(text)+1)
	}
	return d
}

// warnNeverEqual is about a comparison with a text that is longer than what it is compared with can be.
func warnNeverEqual(e *ast.Binary, text string, most int) source.Diagnostic {
	answer := "false"
	if e.Op == "!=" {
		answer = "true"
	}
	return source.Warningf(e, "string-length", "this is always %s: %q has %d characters, and the other string up to %d",
		answer, source.CutText(text), len(text), most)
}

func errLooseAggregation(e *ast.Call) source.Diagnostic {
	return source.Errorf(e, "aggregation-place", "%s() can only be assigned to a map", e.Name).WithHint("@name = %s(…);", e.Name)
}

func errNoNumber(m *ast.MapRef, t types.Type) source.Diagnostic {
	return source.Errorf(m, "no-number", "@%s holds %s(), which is not one number", m.Name, t.(types.Agg).Kind).
		WithHint("print(@%s) shows it", m.Name)
}

func errKeyUse(ref *ast.MapRef, m *mapState) source.Diagnostic {
	d := source.Errorf(ref, "map-key", "@%s has no key, but is used with one here", m.Name)
	if m.keyed {
		d = source.Errorf(ref, "map-key", "@%s has a key, but is used without one here", m.Name)
	}
	return d.WithHint("it is first used at line %d, column %d", m.first.Pos.Line, m.first.Pos.Column)
}

func errMapMismatch(n source.Node, m *mapState, t types.Type) source.Diagnostic {
	have, isAgg := m.Value.(types.Agg)
	if got, ok := t.(types.Agg); ok && isAgg && got.Kind == have.Kind {
		return source.Errorf(n, "type-mismatch", "@%s holds %s() with other arguments", m.Name, have.Kind).
			WithHint("it got its type at line %d, column %d", m.valuePos.Line, m.valuePos.Column)
	}
	return errTypeMismatch(n, "@"+m.Name, m.Value, t, m.valuePos)
}

func errMacroArg(arg ast.Expr, m *ast.Macro, i int) source.Diagnostic {
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

// errMacroRecursion names the macros on the way from a call of m, by the frame that is innermost, to one of m again.
func errMacroRecursion(n source.Node, m *ast.Macro, f *frame) source.Diagnostic {
	way := m.Name
	for ; f.macro != m; f = f.outer {
		way = f.macro.Name + " → " + way
	}
	return source.Errorf(n, "macro-recursion", "the macro %s calls itself: %s → %s", m.Name, m.Name, way)
}

func errMacroCount(n source.Node, m *ast.Macro, have int) source.Diagnostic {
	want := len(m.Params)
	return source.Errorf(n, "argument-count", "the macro %s takes %d argument%s, not %d", m.Name, want, source.Plural(want), have)
}

func errMacroMap(ref *ast.MapRef, m *ast.Macro) source.Diagnostic {
	return source.Errorf(ref, "macro-map", "the macro %s is not given @%s", m.Name, ref.Name).
		WithHint("make it a parameter: macro %s(@%s)", m.Name, ref.Name)
}

// writtenName is the name of a variable as the script has it.
func writtenName(name string) string {
	name, _, _ = strings.Cut(name, hiddenMark)
	return name
}
