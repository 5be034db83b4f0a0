package check

import (
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/macro"
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

// errPrinted is about a value that is too large to be printed.
func errPrinted(n source.Node, t types.Type) source.Diagnostic {
	return source.Errorf(n, "too-large", "this has %d bytes: a program can hold values of up to %d", t.Size(), maxPrinted).
		WithHint("read what you need of it through a pointer")
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
	return d.WithHint("it is first used at %s", m.first.Pos)
}

func errMapMismatch(n source.Node, m *mapState, t types.Type) source.Diagnostic {
	have, isAgg := m.Value.(types.Agg)
	if got, ok := t.(types.Agg); ok && isAgg && got.Kind == have.Kind {
		return source.Errorf(n, "type-mismatch", "@%s holds %s() with other arguments", m.Name, have.Kind).
			WithHint("@%s has held %s() since %s", m.Name, have.Kind, m.valuePos)
	}
	return errTypeMismatch(n, "@"+m.Name, m.Value, t, m.valuePos)
}

// writtenName is the name of a variable as the script has it.
func writtenName(name string) string {
	name, _, _ = strings.Cut(name, macro.HiddenMark)
	return name
}
