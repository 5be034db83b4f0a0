package check

import (
	"slices"
	"strings"

	"github.com/gotrace/gotrace/lang/ast"
	"github.com/gotrace/gotrace/lang/builtin"
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
	return source.Errorf(e, "bad-operands", "%s cannot be applied to %s and %s", e.Op, x, y)
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
