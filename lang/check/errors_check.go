package check

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
	"github.com/gotrace/gotrace/lang/macro"
	"github.com/gotrace/gotrace/lang/source"
	"github.com/gotrace/gotrace/lang/types"
)

// withNear adds a hint with near names, if there are any.
func withNear(d source.Diagnostic, prefix string, near []string) source.Diagnostic {
	if len(near) == 0 {
		return d
	}
	for i := range near {
		near[i] = prefix + near[i]
	}
	return d.WithHint("did you mean %s?", strings.Join(near, ", "))
}

// maxNearNames is for how many mistakes near names are looked for: as many as are shown.
const maxNearNames = 10

// nearest are the candidates that are close to a name, for a message that is reported.
func (c *checker) nearest(name string, candidates func() []string) []string {
	return c.nearTo(func() []string { return source.Nearest(name, candidates()) })
}

// nearTo searches for near names, if the message is one that is shown.
func (c *checker) nearTo(search func() []string) []string {
	if c.p != nil && !c.final || c.near >= maxNearNames {
		return nil
	}
	c.near++
	return search()
}

// withoutTypes says with a mistake about a type that the kernel's types cannot be read, where that is so: it may be the cause.
func (c *checker) withoutTypes(d source.Diagnostic) source.Diagnostic {
	if why := c.env.Kernel().TypesErr; why != nil {
		if err := why(); err != nil {
			return d.WithHint("the kernel's types are not known here: %v", err)
		}
	}
	return d
}

func errUnknownSetting(s *ast.Setting, name string) source.Diagnostic {
	if slices.Contains(environmentOnly, name) {
		return source.Errorf(s, "unknown-setting", "%s can be set in the environment only: BPFTRACE_%s", s.Name, strings.ToUpper(name))
	}
	return withNear(source.Errorf(s, "unknown-setting", "there is no setting %s", s.Name), "", source.Nearest(name, settingNames()))
}

func errUnsupported(n source.Node, what string) source.Diagnostic {
	return source.Errorf(n, "unsupported", "%s is not supported yet", what)
}

func errUnknownProvider(ap *ast.AttachPoint) source.Diagnostic {
	if k := builtin.FindKind(ap.Provider); k != nil {
		return errUnsupported(ap, "the probe type "+k.Name)
	}
	return withNear(source.Errorf(ap, "unknown-probe-type", "there is no probe type %s", ap.Provider), "", source.Nearest(ap.Provider, builtin.KindNames()))
}

func errUndefinedVar(v *ast.Var, near []string) source.Diagnostic {
	return withNear(source.Errorf(v, "undefined-variable", "$%s is used before it is assigned", writtenName(v.Name)), "$", near)
}

func warnOutside(v *ast.Var, first source.Pos) source.Diagnostic {
	name := writtenName(v.Name)
	return source.Warningf(v, "outside-block", "$%s is assigned in an inner block only (line %d): newer bpftraces do not know it here", name, first.Line).
		WithHint("declare it before that block: let $%s;", name)
}

func errUndefinedMap(m *ast.MapRef, near []string) source.Diagnostic {
	return withNear(source.Errorf(m, "undefined-map", "@%s is never assigned", m.Name), "@", near)
}

func warnUndefinedMap(m *ast.MapRef, near []string) source.Diagnostic {
	return withNear(source.Warningf(m, "undefined-map", "@%s is never assigned: it is 0", m.Name), "@", near)
}

func errUnknownIdent(n source.Node, name string, near []string) source.Diagnostic {
	return withNear(source.Errorf(n, "unknown-name", "there is no builtin or constant %s", name), "", near)
}

func errUnknownFunc(n source.Node, name string, near []string) source.Diagnostic {
	return withNear(source.Errorf(n, "unknown-function", "there is no function %s()", name), "", near)
}

func errUnknownType(n *ast.TypeName, near []string) source.Diagnostic {
	d := source.Errorf(n, "unknown-type", "there is no type %s", strings.TrimSpace(n.Keyword+" "+n.Name))
	return withNear(d, strings.TrimLeft(n.Keyword+" ", " "), near)
}

func errTypeMismatch(n source.Node, what string, have, got types.Type, since source.Pos) source.Diagnostic {
	d := source.Errorf(n, "type-mismatch", "%s is a %s and cannot hold a %s", what, have, got)
	if since.Line > 0 {
		return d.WithHint("%s has held a %s since %s", what, have, since)
	}
	return d
}

func errNoValue(n source.Node) source.Diagnostic {
	return source.Errorf(n, "no-value", "this has no value")
}

func errOperands(e *ast.Binary, x, y types.Type) source.Diagnostic {
	d := source.Errorf(e, "bad-operands", "%s cannot be applied to %s and %s", e.Op, x, y)
	if types.Is(x, types.KindString) && types.Is(y, types.KindString) {
		if e.Op == "+" {
			return d.WithHint("str_concat(x, y) puts two strings together")
		}
		return d.WithHint("strings can be compared with == and !=, strncmp(x, y, n) and strcontains(x, y)")
	}
	return d
}

// errPointerOperands is about arithmetic that pointers do not have: they are moved by integers, and have distances.
func errPointerOperands(e *ast.Binary, x, y types.Type) source.Diagnostic {
	d := errOperands(e, x, y)
	if _, both := y.(types.Pointer); both && e.Op == "-" {
		if _, both = x.(types.Pointer); both {
			return d.WithHint("only pointers of the same type have a distance: cast one")
		}
	}
	return d.WithHint("to compute with the address, cast it: (uint64)…")
}

func errDivisionByZero(divisor source.Node) source.Diagnostic {
	return source.Errorf(divisor, "division-by-zero", "division by zero")
}

func errArgCount(c *ast.Call, least, most int) source.Diagnostic {
	name := writtenName(c.Name)
	switch {
	case least == most && least == 0:
		return source.Errorf(c, "argument-count", "%s() takes no arguments", name)
	case least == most:
		return source.Errorf(c, "argument-count", "%s() takes %d argument%s, not %d", name, least, source.Plural(least), len(c.Args))
	case most < 0:
		return source.Errorf(c, "argument-count", "%s() takes at least %d argument%s, not %d", name, least, source.Plural(least), len(c.Args))
	}
	return source.Errorf(c, "argument-count", "%s() takes %d to %d arguments, not %d", name, least, most, len(c.Args))
}

func errArgType(n source.Node, call, want string, got types.Type) source.Diagnostic {
	return source.Errorf(n, "argument-type", "%s() takes %s here, not a %s", call, want, got)
}

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

// WarnCutText is about a text that str() cuts for the length that it is given or, if limited, for max_strlen.
func WarnCutText(e *ast.Call, text string, most int, limited bool) source.Diagnostic {
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
